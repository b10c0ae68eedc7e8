//! The loop on an objective of its own: half the squared norm of all parameters, whose steps are known.

mod common;

use common::classifier;
use serde_json::Value;
use srr_kernels::{Backend, Cpu, Unary};
use srr_layers::{Gradients, Parameters, Variant};
use srr_random::Seed;
use srr_trainer::{
    BatchLoss, Finite, FitOptions, Objective, Observer, Optimizer, Outcome, Quantity,
    RandomSubspace, Reason, Recipe, Result, Schedule, Scores, Status, StepReport, StopAt,
    SubspaceConfig, TrainingConfig, train,
};

type C = Cpu<f64>;

/// ½‖w‖² with gradient w. At step `poisoned`, every gradient is NaN.
struct Bowl {
    backend: C,
    poisoned: Option<usize>,
}

impl Bowl {
    fn loss(&self, parameters: &Parameters<C>) -> f64 {
        let squares = parameters
            .iter()
            .map(|p| self.backend.sum_of_squares(&p.value).unwrap());
        squares.sum::<f64>() / 2.0
    }

    fn scores(&self, parameters: &Parameters<C>) -> Scores {
        Scores {
            loss: self.loss(parameters),
            accuracy: None,
            examples: 1,
        }
    }
}

impl Objective<C> for Bowl {
    type Batch = usize;

    fn backend(&self) -> &C {
        &self.backend
    }

    fn batches_per_epoch(&self) -> usize {
        4
    }

    fn batches(&self, epoch: u64, first: usize) -> impl Iterator<Item = usize> {
        (first..4).map(move |batch| epoch as usize * 4 + batch)
    }

    fn loss_and_gradient(
        &self,
        parameters: &Parameters<C>,
        batch: &usize,
        _step: Seed,
        gradients: &mut Gradients<C>,
    ) -> Result<Finite<BatchLoss>> {
        for (parameter, gradient) in parameters.iter().zip(gradients.iter_mut()) {
            self.backend.add_scaled(gradient, 1.0, &parameter.value)?;
            if self.poisoned == Some(*batch) {
                self.backend.scale(gradient, f64::INFINITY)?;
                *gradient = self.backend.unary(Unary::Log, gradient)?;
            }
        }
        let loss = self.loss(parameters);
        Ok(Ok(BatchLoss {
            examples: 1,
            loss,
            penalty: 0.0,
            correct: None,
        }))
    }

    fn training_scores(&self, parameters: &Parameters<C>) -> Result<Finite<Scores>> {
        Ok(Ok(self.scores(parameters)))
    }

    fn validation_scores(&self, _parameters: &Parameters<C>) -> Result<Option<Finite<Scores>>> {
        Ok(None)
    }
}

#[derive(Default)]
struct Watch {
    steps: Vec<StepReport>,
}

impl Observer<C> for Watch {
    fn stepped(&mut self, report: &StepReport) -> Result<()> {
        self.steps.push(*report);
        Ok(())
    }
}

fn recipe() -> Recipe {
    Recipe {
        epochs: 2,
        learning_rate: 0.1,
        optimizer: Optimizer::sgd(0.0, false),
        ..TrainingConfig::default().recipe()
    }
}

fn run(recipe: &Recipe, poisoned: Option<usize>) -> (Outcome<C>, Vec<StepReport>) {
    let bowl = Bowl {
        backend: C::new(),
        poisoned,
    };
    let initial = classifier(Variant::Crate).initialize(Seed::new(1)).unwrap();
    let mut watch = Watch::default();
    let options = FitOptions::default();
    let seed = Seed::new(0);
    let outcome = train(
        &bowl,
        initial,
        recipe,
        seed,
        &Value::Null,
        &options,
        &mut [&mut watch],
    );
    (outcome.unwrap(), watch.steps)
}

fn norm(parameters: &Parameters<C>) -> f64 {
    let squares = parameters
        .iter()
        .map(|p| C::new().sum_of_squares(&p.value).unwrap());
    squares.sum::<f64>().sqrt()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12 * b.abs()
}

#[test]
fn gradient_descent_shrinks_by_one_minus_the_rate() {
    let (outcome, steps) = run(&recipe(), None);
    assert_eq!(
        outcome.status,
        Status::Finished {
            reason: Reason::Epochs
        }
    );
    assert_eq!(
        (outcome.steps, outcome.epochs, outcome.history.len()),
        (8, 2, 3)
    );
    assert!(close(
        norm(&outcome.parameters),
        norm(&outcome.initial) * 0.9_f64.powi(8)
    ));
    assert!(close(steps[0].gradient_norm, norm(&outcome.initial)));
    let scores = outcome.training_scores().unwrap();
    assert!(close(scores.loss, norm(&outcome.parameters).powi(2) / 2.0));
    // The running mean is over the losses before each step.
    let first: f64 = steps[..4].iter().map(|s| s.loss.loss).sum::<f64>() / 4.0;
    assert!(close(outcome.history[1].running.unwrap().loss, first));
}

#[test]
fn the_schedule_multiplies_the_rate_of_each_step() {
    let schedule = Schedule::Step {
        every: 1,
        factor: 0.5,
    };
    let (outcome, steps) = run(
        &Recipe {
            schedule,
            ..recipe()
        },
        None,
    );
    let rates: Vec<f64> = steps.iter().map(|s| s.learning_rate).collect();
    assert_eq!(rates, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]);
    let shrunk = 0.9_f64.powi(4) * 0.95_f64.powi(4);
    assert!(close(
        norm(&outcome.parameters),
        norm(&outcome.initial) * shrunk
    ));
    assert_eq!(outcome.history[2].learning_rate, Some(0.05));
}

#[test]
fn clipping_limits_the_length_of_a_step() {
    let (plain, _) = run(&recipe(), None);
    let start = norm(&plain.initial);
    let limit = start / 2.0;
    let (clipped, steps) = run(
        &Recipe {
            clip_norm: Some(limit),
            epochs: 1,
            ..recipe()
        },
        None,
    );
    // Each gradient is longer than the limit, so that each step is 0.1 · limit long (up to torch's 10⁻⁶), straight to the origin.
    assert!((norm(&clipped.parameters) - (start - 0.4 * limit)).abs() < 1e-5);
    assert!(
        close(steps[0].gradient_norm, start),
        "the norm reported is that before clipping"
    );
    let (same, _) = run(
        &Recipe {
            clip_norm: Some(2.0 * start),
            ..recipe()
        },
        None,
    );
    assert_eq!(norm(&same.parameters), norm(&plain.parameters));
}

#[test]
fn the_target_is_looked_at_only_below_the_running_mean() {
    let start = norm(&run(&recipe(), None).0.initial).powi(2) / 2.0;
    // After n epochs the loss is start · 0.81^(4 n); the mean over an epoch is that over its four losses.
    let after = |epochs: i32| start * 0.81_f64.powi(4 * epochs);
    let mean = |epoch: i32| after(epoch - 1) * (1.0 + 0.81 + 0.81 * 0.81 + 0.81_f64.powi(3)) / 4.0;
    let stop = |cross_entropy, running_mean_below| {
        let stop = Some(StopAt {
            cross_entropy,
            running_mean_below,
        });
        run(
            &Recipe {
                epochs: 6,
                stop,
                ..recipe()
            },
            None,
        )
        .0
    };
    let reached = stop(after(2) * 1.01, mean(1) * 2.0);
    assert_eq!(
        reached.status,
        Status::Finished {
            reason: Reason::Target
        }
    );
    assert_eq!(reached.epochs, 2);
    assert!(
        reached.history[1].train.is_some(),
        "the first epoch was looked at as well"
    );
    let later = stop(after(2) * 1.01, mean(4) * 1.01);
    assert_eq!(
        (later.epochs, later.status),
        (
            4,
            Status::Finished {
                reason: Reason::Target
            }
        )
    );
    assert!(
        later.history[3].train.is_none(),
        "not looked at above the running mean"
    );
    let never = stop(after(7), mean(1));
    assert_eq!(
        (never.epochs, never.status),
        (
            6,
            Status::Finished {
                reason: Reason::Epochs
            }
        )
    );
}

#[test]
fn every_optimizer_descends() {
    for optimizer in [
        Optimizer::adam(),
        Optimizer::adamw(),
        Optimizer::sgd(0.5, false),
        Optimizer::sgd(0.5, true),
        Optimizer::lion(),
    ] {
        let (outcome, steps) = run(
            &Recipe {
                optimizer,
                learning_rate: 1e-3,
                ..recipe()
            },
            None,
        );
        let losses: Vec<f64> = steps.iter().map(|s| s.loss.loss).collect();
        assert!(
            losses.is_sorted_by(|a, b| a > b),
            "{optimizer:?}: {losses:?}"
        );
        assert_eq!(outcome.steps, 8);
    }
}

#[test]
fn the_first_gradient_that_is_not_finite_is_named_with_its_step() {
    let (outcome, _) = run(&recipe(), Some(6));
    let name = outcome
        .initial
        .iter()
        .find(|p| p.trainable)
        .unwrap()
        .name
        .clone();
    let quantity = Quantity::Gradient { name };
    assert_eq!(outcome.status, Status::Diverged { step: 6, quantity });
    assert_eq!((outcome.steps, outcome.epochs), (6, 1));
    assert_eq!(outcome.training_scores(), None);
    assert_eq!(norm(&outcome.parameters), norm(&outcome.initial));
}

/// All trainable weights, one tensor after another.
fn flat(parameters: &Parameters<C>) -> Vec<f64> {
    let trainable = parameters.iter().filter(|parameter| parameter.trainable);
    trainable
        .flat_map(|parameter| C::new().download_f64(&parameter.value).unwrap())
        .collect()
}

#[test]
fn in_a_subspace_the_weights_move_as_descent_on_the_coordinates_says() {
    let (learning_rate, momentum) = (0.3, 0.9);
    let config = SubspaceConfig { dimension: 11 };
    let (outcome, steps) = run(
        &Recipe {
            learning_rate,
            optimizer: Optimizer::sgd(momentum, false),
            subspace: Some(config),
            ..recipe()
        },
        None,
    );
    // Descent on the coordinates: the gradient of ½‖w₀ + P c‖² is Pᵀ(w₀ + P c).
    let start = flat(&outcome.initial);
    let subspace = RandomSubspace::of(config, &outcome.initial, Seed::new(0)).unwrap();
    assert_eq!(subspace.dimension(), 11);
    let at = |coordinates: &[f64]| -> Vec<f64> {
        let moved = subspace.embed(coordinates);
        start.iter().zip(moved).map(|(w, m)| w + m).collect()
    };
    let (mut coordinates, mut velocity) = (vec![0.0; 11], vec![0.0; 11]);
    for _ in &steps {
        let gradient = subspace.coordinates(&at(&coordinates));
        for ((c, v), g) in coordinates.iter_mut().zip(&mut velocity).zip(gradient) {
            *v = momentum * *v + g;
            *c -= learning_rate * *v;
        }
    }
    assert!(coordinates.iter().all(|c| c.abs() > 1e-3));
    for (found, expected) in flat(&outcome.parameters).iter().zip(at(&coordinates)) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    // What is reported is the norm of P Pᵀ of the gradient.
    let projected = subspace.embed(&subspace.coordinates(&start));
    let norm = projected.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((steps[0].gradient_norm - norm).abs() < 1e-12);
}

#[test]
fn more_directions_than_weights_are_refused() {
    let bowl = Bowl {
        backend: C::new(),
        poisoned: None,
    };
    let initial = classifier(Variant::Fix).initialize(Seed::new(1)).unwrap();
    let weights = flat(&initial).len();
    let try_with = |dimension| {
        let recipe = Recipe {
            subspace: Some(SubspaceConfig { dimension }),
            ..recipe()
        };
        let options = FitOptions::default();
        let seed = Seed::new(0);
        let initial = initial.clone();
        train(
            &bowl,
            initial,
            &recipe,
            seed,
            &Value::Null,
            &options,
            &mut [],
        )
    };
    let error = try_with(weights + 1).unwrap_err().to_string();
    assert!(
        error.contains(&format!("{weights} trainable weights")),
        "{error}"
    );
    assert!(try_with(weights).is_ok());
}
