//! Rates and gradients against the golden tensors, in `f64` to 1e-9 and in `f32` to 1e-4.

use ndarray::{Array2, Array3, Array4, Axis};
use srr_coding_rate::{
    Bases, Coding, Precision, batch, coding_rate, coding_rate_with_gradient, compressed_rate,
    compressed_rate_of_projections, compressed_rate_with_gradient,
};
use srr_linalg::Scalar;
use srr_tests::golden::{Golden, assert_close};

const FILES: [&str; 3] = [
    "coding_rate_d8_N32",
    "coding_rate_d24_N17",
    "coding_rate_d32_N8",
];
const EPSILONS: [&str; 2] = ["0.5", "0.1"];

fn matrix<T: Scalar>(golden: &Golden, name: &str) -> Array2<T> {
    let [rows, columns] = golden.shape(name) else {
        panic!("{name} is no matrix")
    };
    let values = golden
        .values(name)
        .iter()
        .map(|&x| T::from_f64(x))
        .collect();
    Array2::from_shape_vec((*rows, *columns), values).unwrap()
}

fn bases<T: Scalar>(golden: &Golden, name: &str) -> Array3<T> {
    let [heads, dim, head_dim] = golden.shape(name) else {
        panic!("{name} is no stack of matrices")
    };
    let values = golden
        .values(name)
        .iter()
        .map(|&x| T::from_f64(x))
        .collect();
    Array3::from_shape_vec((*heads, *dim, *head_dim), values).unwrap()
}

fn wide<'a, T: Scalar>(values: impl IntoIterator<Item = &'a T>) -> Vec<f64> {
    values.into_iter().map(|&x| Scalar::to_f64(x)).collect()
}

fn coding_rates<T: Scalar>(tolerance: f64) {
    for file in FILES {
        let golden = Golden::open(file);
        let z = matrix::<T>(&golden, "Z");
        for epsilon in EPSILONS {
            let name = format!("R.eps{epsilon}");
            let precision = Precision::from_epsilon(epsilon.parse().unwrap()).unwrap();
            let (value, gradient) = coding_rate_with_gradient(z.t(), precision, 1).unwrap();
            assert_eq!(value, coding_rate(z.t(), precision, 1).unwrap());
            let label = format!("{file} {name} {}", T::NAME);
            assert_close(
                &label,
                &[Scalar::to_f64(value)],
                golden.values(&name),
                tolerance,
            );
            let expected = golden.values(&format!("{name}.grad_Z"));
            assert_close(
                &format!("{label}.grad_Z"),
                &wide(gradient.t()),
                expected,
                tolerance,
            );
        }
    }
}

fn compressed_rates<T: Scalar>(tolerance: f64) {
    for file in FILES {
        let golden = Golden::open(file);
        let z = matrix::<T>(&golden, "Z");
        let names: Vec<&str> = golden
            .names()
            .filter(|name| name.starts_with("U."))
            .collect();
        assert_eq!(names.len(), 6);
        for (name, epsilon) in names
            .into_iter()
            .flat_map(|name| EPSILONS.map(|epsilon| (name, epsilon)))
        {
            let u = bases::<T>(&golden, name);
            let bases = Bases::new(u.view()).unwrap();
            let precision = Precision::from_epsilon(epsilon.parse().unwrap()).unwrap();
            let rate = compressed_rate_with_gradient(z.t(), &bases, precision).unwrap();
            assert_eq!(
                rate.value,
                compressed_rate(z.t(), &bases, precision).unwrap()
            );
            let name = format!("Rc{}.eps{epsilon}", &name[1..]);
            let label = format!("{file} {name} {}", T::NAME);
            assert_close(
                &label,
                &[Scalar::to_f64(rate.value)],
                golden.values(&name),
                tolerance,
            );
            let expected = golden.values(&format!("{name}.grad_Z"));
            assert_close(
                &format!("{label}.grad_Z"),
                &wide(rate.tokens.t()),
                expected,
                tolerance,
            );
            let expected = golden.values(&format!("{name}.grad_U"));
            assert_close(
                &format!("{label}.grad_U"),
                &wide(rate.bases()),
                expected,
                tolerance,
            );
        }
    }
}

#[test]
fn coding_rates_match_in_f64() {
    coding_rates::<f64>(1e-9);
}

#[test]
fn coding_rates_match_in_f32() {
    coding_rates::<f32>(1e-4);
}

#[test]
fn compressed_rates_match_in_f64() {
    compressed_rates::<f64>(1e-9);
}

#[test]
fn compressed_rates_match_in_f32() {
    compressed_rates::<f32>(1e-4);
}

#[test]
fn one_orthonormal_head_gives_the_coding_rate() {
    for file in FILES {
        let golden = Golden::open(file);
        let u = bases::<f64>(&golden, "U.K1.orth");
        let z = matrix::<f64>(&golden, "Z");
        for epsilon in EPSILONS {
            let precision = Precision::from_epsilon(epsilon.parse().unwrap()).unwrap();
            let rate = compressed_rate(z.t(), &Bases::new(u.view()).unwrap(), precision).unwrap();
            assert_close(
                file,
                &[rate],
                golden.values(&format!("R.eps{epsilon}")),
                1e-12,
            );
        }
    }
}

/// The official hook's tokens [b, h, m, d] are projected already; per image they become [m, h·d].
fn official<T: Scalar>(tolerance: f64, batched_tolerance: f64) {
    let golden = Golden::open("official_codingrate");
    let inputs: Vec<&str> = golden
        .names()
        .filter(|name| name.starts_with("X."))
        .collect();
    assert_eq!(inputs.len(), 2);
    for (input, eps) in inputs
        .into_iter()
        .flat_map(|input| ["0.01", "0.1"].map(|eps| (input, eps)))
    {
        let shape: [usize; 4] = golden.shape(input).try_into().unwrap();
        let values = golden
            .values(input)
            .iter()
            .map(|&x| T::from_f64(x))
            .collect();
        let [b, h, m, d] = shape;
        let x = Array4::from_shape_vec(shape, values)
            .unwrap()
            .permuted_axes([0, 2, 1, 3]);
        let x = Array3::from_shape_vec((b, m, h * d), x.iter().copied().collect()).unwrap();
        let coding = Coding::official_hook(eps.parse().unwrap()).unwrap();
        let rate =
            |image| Scalar::to_f64(compressed_rate_of_projections(image, h, coding).unwrap());
        let rates: Vec<f64> = x.axis_iter(Axis(0)).map(rate).collect();
        // The same through bases that are the coordinate blocks.
        let identity = Array2::eye(h * d);
        let bases = Bases::from_stacked(identity.view(), h).unwrap();
        let batched = batch::compressed_rate(x.view(), &bases, coding).unwrap();
        assert_close(input, &wide(&batched), &rates, batched_tolerance);

        let mean = rates.iter().sum::<f64>() / b as f64;
        let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / (b - 1) as f64;
        let suffix = format!("{}.eps{eps}", &input[2..]);
        assert_close(
            &suffix,
            &[mean],
            golden.values(&format!("mean.{suffix}")),
            tolerance,
        );
        let name = format!("std.{suffix}");
        if T::NAME == "f64" {
            assert_close(&name, &[variance.sqrt()], golden.values(&name), tolerance);
        } else {
            // A small difference of rates, whose rounding in single precision is relative to the rates and not to it.
            let difference = (variance.sqrt() - golden.scalar(&name)).abs();
            assert!(
                difference <= tolerance * mean,
                "{name}: off by {difference:e}"
            );
        }
    }
}

#[test]
fn the_official_hook_is_reproduced_by_named_options() {
    official::<f64>(1e-9, 1e-12);
    official::<f32>(1e-4, 1e-6);
}
