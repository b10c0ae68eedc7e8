//! Functions of each element, and dropout.

use srr_random::Seed;

use super::{
    Host, Suite,
    host::{central_differences, dropout_factor},
};
use crate::{Backend, Dropout, Error, Result, Tensor, Unary};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for shape in [[1, 1], [3, 7], [5, 6553]] {
        let (a, a_host) = suite.random(&shape)?;
        let (b, b_host) = suite.random(&shape)?;
        let mut y = a.clone();
        backend.add_scaled(&mut y, -0.5, &b)?;
        let sum = a_host.zip(&b_host, |a, b| a - 0.5 * b);
        suite.close("add_scaled", &y, &sum)?;
        suite.close("combine", &backend.combine(&a, -0.5, &b)?, &sum)?;
        backend.scale(&mut y, -3.0)?;
        suite.close("scale", &y, &sum.map(|v| -3.0 * v))?;
        let bad = [f64::NAN, f64::INFINITY, 1.0];
        let bad: Vec<_> = (0..y.len())
            .map(|i| <B::Element as srr_linalg::Scalar>::from_f64(bad[i % 3]))
            .collect();
        let mut bad = backend.upload_unchecked(&bad, &shape)?;
        backend.scale(&mut bad, 0.0)?;
        suite.equal("scale by 0 clears", &bad, &Host::zeros(&shape))?;
        suite.close(
            "multiply",
            &backend.multiply(&a, &b)?,
            &a_host.zip(&b_host, |a, b| a * b),
        )?;
    }
    for function in Unary::ALL {
        let (x, x_host) = suite.random(&[7, 9])?;
        let (x, x_host) = match function {
            // Where the function is not defined, or steep enough for rounding to be seen.
            Unary::Sqrt | Unary::Log | Unary::Reciprocal => {
                suite.of(&x_host.map(|v| v.abs() + 0.5))?
            }
            _ => (x, x_host),
        };
        let (dy, dy_host) = suite.random(&[7, 9])?;
        suite.close(
            &format!("{function:?}"),
            &backend.unary(function, &x)?,
            &x_host.map(|v| reference(function, v)),
        )?;
        let numeric = central_differences(&[&x_host], 0, |x| {
            x[0].map(|v| reference(function, v)).dot(&dy_host)
        });
        suite.gradient(
            &format!("{function:?} backward"),
            &backend.unary_backward(function, &x, &dy)?,
            &numeric,
        )?;
    }
    at_zero(suite)
}

/// The conventions at 0 and NaN.
fn at_zero<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (zero, _) = suite.of(&Host::zeros(&[1]))?;
    let (one, _) = suite.of(&Host::new(&[1], |_| 1.0))?;
    for function in [Unary::Relu, Unary::Abs, Unary::Sign, Unary::Gelu] {
        let slope = if function == Unary::Gelu { 0.5 } else { 0.0 };
        suite.equal(
            "a function that is 0 at 0",
            &backend.unary(function, &zero)?,
            &Host::zeros(&[1]),
        )?;
        let derivative = backend.unary_backward(function, &zero, &one)?;
        suite.close(
            &format!("the derivative of {function:?} at 0"),
            &derivative,
            &Host::new(&[1], |_| slope),
        )?;
    }
    let nan = backend.upload_unchecked(
        &[<B::Element as srr_linalg::Scalar>::from_f64(f64::NAN)],
        &[1],
    )?;
    suite.that(
        "relu passes a NaN on",
        !backend.all_finite(&backend.unary(Unary::Relu, &nan)?)?,
    );
    Ok(())
}

fn reference(function: Unary, x: f64) -> f64 {
    match function {
        Unary::Relu => x.max(0.0),
        Unary::Gelu => x * normal_distribution(x),
        Unary::Abs => x.abs(),
        Unary::Sign => x.signum(),
        Unary::Square => x * x,
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Reciprocal => 1.0 / x,
    }
}

/// Φ(x) = ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …).
fn normal_distribution(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, 0.0, 1.0);
    while sum + term != sum {
        sum += term;
        odd += 2.0;
        term *= x * x / odd;
    }
    0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

pub(super) fn check_dropout<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let seed = Seed::new(3).purpose("mask");
    for (shape, probability) in [
        ([3, 7], 0.5),
        ([1, 1], 0.1),
        ([4, 5003], 0.25),
        ([2, 33], 0.999),
        ([5, 5], 0.0),
        ([3, 400], 1e-3),
        ([23, 400], 0.2),
        ([2, 9], 0.999_999),
    ] {
        let (x, x_host) = suite.random(&shape)?;
        let mut y = x.clone();
        let dropout = Dropout { probability, seed };
        backend.dropout(&mut y, &dropout)?;
        let width = shape[1];
        let expected = Host::new(&shape, |i| {
            x_host.data[i] * dropout_factor(&dropout, i / width, i % width, width)
        });
        suite.close(
            &format!("dropout of {shape:?} with {probability}"),
            &y,
            &expected,
        )?;
    }
    for probability in [1.0, -0.1, f64::NAN] {
        let mut x = backend.zeros(&[2])?;
        let result = backend.dropout(&mut x, &Dropout { probability, seed });
        suite.refused("a dropout probability outside [0, 1)", result, |e| {
            matches!(e, Error::InvalidOption { .. })
        });
    }
    Ok(())
}
