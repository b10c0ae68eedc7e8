//! Ten steps of each optimizer against torch's, in `f64` to 1e-9 and in `f32` to 1e-4.

use srr_kernels::{AdamStep, Backend, Cpu, LionStep, SgdStep};
use srr_linalg::Scalar as _;
use srr_tests::golden::{Golden, assert_close};

const FILE: &str = "optimisers";
const NAMES: [&str; 5] = ["adamw", "adam_l2", "sgd", "sgd_nesterov", "lion"];

/// The weights, their two states, and one step of the optimizer that is called `name`.
struct Run<B: Backend> {
    cpu: B,
    value: B::Tensor,
    states: [B::Tensor; 2],
}

impl<B: Backend> Run<B> {
    fn new(cpu: B, start: &[f64]) -> Self {
        let value = cpu.upload_f64(start, &[start.len()]).unwrap();
        let state = cpu.zeros(&[start.len()]).unwrap();
        Self {
            states: [state.clone(), state],
            cpu,
            value,
        }
    }

    /// The `step`-th step, from 1, with the settings of the golden file.
    fn step(&mut self, name: &str, step: u64, gradient: &[f64]) {
        let gradient = self.cpu.upload_f64(gradient, &[gradient.len()]).unwrap();
        let [first, second] = &mut self.states;
        let adam = |beta2, decoupled| AdamStep {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2,
            epsilon: 1e-8,
            weight_decay: 0.05,
            decoupled,
            step,
        };
        let sgd = |nesterov| SgdStep {
            learning_rate: 1e-2,
            momentum: 0.9,
            weight_decay: 5e-4,
            nesterov,
            first: step == 1,
        };
        let lion = LionStep {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.05,
        };
        let (cpu, value) = (&self.cpu, &mut self.value);
        match name {
            "adamw" => Backend::adam_step(cpu, value, &gradient, first, second, &adam(0.95, true)),
            "adam_l2" => {
                Backend::adam_step(cpu, value, &gradient, first, second, &adam(0.999, false))
            }
            "sgd" => Backend::sgd_step(cpu, value, &gradient, first, &sgd(false)),
            "sgd_nesterov" => Backend::sgd_step(cpu, value, &gradient, first, &sgd(true)),
            "lion" => Backend::lion_step(cpu, value, &gradient, first, &lion),
            other => panic!("no optimizer {other}"),
        }
        .unwrap();
    }

    fn value(&self) -> Vec<f64> {
        self.cpu.download_f64(&self.value).unwrap()
    }
}

/// f(x) = Σ a x⁴ + b x³ + c x² + d x, and its gradient.
fn objective(golden: &Golden, x: &[f64]) -> (f64, Vec<f64>) {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| golden.values(name));
    let value = |i: usize, x: f64| a[i] * x.powi(4) + b[i] * x.powi(3) + c[i] * x * x + d[i] * x;
    let slope =
        |i: usize, x: f64| 4.0 * a[i] * x.powi(3) + 3.0 * b[i] * x * x + 2.0 * c[i] * x + d[i];
    (
        x.iter().enumerate().map(|(i, &x)| value(i, x)).sum(),
        x.iter().enumerate().map(|(i, &x)| slope(i, x)).collect(),
    )
}

/// The gradients are our own, taken at our own weights, so that errors would add up.
fn trajectories<B: Backend + Clone>(cpu: &B, tolerance: f64) {
    let golden = Golden::open(FILE);
    for name in NAMES {
        let (xs, gradients) = (
            golden.values(&format!("{name}.x")),
            golden.values(&format!("{name}.grad")),
        );
        let losses = golden.values(&format!("{name}.loss"));
        let n = golden.values("x0").len();
        let mut run = Run::new(cpu.clone(), golden.values("x0"));
        for step in 0..gradients.len() / n {
            let (loss, gradient) = objective(&golden, &run.value());
            let label = |what: &str| format!("{name} {what} {} step {step}", B::Element::NAME);
            assert_close(&label("loss"), &[loss], &losses[step..=step], tolerance);
            assert_close(
                &label("gradient"),
                &gradient,
                &gradients[step * n..(step + 1) * n],
                tolerance,
            );
            run.step(name, step as u64 + 1, &gradient);
            assert_close(
                &label("x"),
                &run.value(),
                &xs[(step + 1) * n..(step + 2) * n],
                tolerance,
            );
        }
    }
}

#[test]
fn in_f64() {
    trajectories(&Cpu::<f64>::new(), 1e-9);
}

#[test]
fn in_f32() {
    trajectories(&Cpu::<f32>::new(), 1e-4);
}
