//! Coding rates.

use srr_coding_rate::{Coding, Precision};

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Error, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let precisions = [Precision::from_epsilon(0.5)?, Precision::unit_gamma()];
    // More tokens than dimensions, and fewer.
    for ([batch, tokens, dim], heads) in [([2, 7, 4], 2), ([1, 3, 6], 3), ([3, 1, 2], 1)] {
        for precision in precisions {
            let head_dim = dim / heads;
            let (x, x_host) = suite.random(&[batch, tokens, dim])?;
            let (bases, bases_host) = suite.random(&[dim, dim])?;
            let alpha = precision.alpha(dim, tokens, head_dim);
            let gamma = precision.gamma(head_dim, tokens);
            let tolerance = if suite.single_precision() {
                2e-5
            } else {
                1e-11
            };

            let rate = backend.coding_rate(&x, precision, head_dim, true)?;
            let expected: Vec<f64> = (0..batch).map(|b| coding_rate(&x_host, b, alpha)).collect();
            suite.numbers("R", &rate.values, &expected, tolerance);
            suite.that("R has no bases", rate.bases.is_none());
            let sum = |inputs: &[&Host]| (0..batch).map(|b| coding_rate(inputs[0], b, alpha)).sum();
            gradient(
                suite,
                "gradient of R",
                rate.tokens,
                &central_differences(&[&x_host], 0, sum),
            )?;

            let rate = backend.compressed_rate(&x, &bases, heads, precision, true)?;
            let inputs = [&x_host, &bases_host];
            let expected: Vec<f64> = (0..batch)
                .map(|b| compressed_rate(&inputs, b, heads, gamma))
                .collect();
            suite.numbers("R^c", &rate.values, &expected, tolerance);
            let sum = |inputs: &[&Host]| {
                (0..batch)
                    .map(|b| compressed_rate(inputs, b, heads, gamma))
                    .sum()
            };
            gradient(
                suite,
                "gradient of R^c by tokens",
                rate.tokens,
                &central_differences(&inputs, 0, sum),
            )?;
            gradient(
                suite,
                "gradient of R^c by bases",
                rate.bases,
                &central_differences(&inputs, 1, sum),
            )?;

            let value =
                backend.compressed_rate(&x, &bases, heads, Coding::from(precision), false)?;
            suite.numbers("R^c alone", &value.values, &expected, tolerance);
            suite.that(
                "no gradients unasked",
                value.tokens.is_none() && value.bases.is_none(),
            );
        }
    }
    refusals(suite)
}

fn gradient<B: Backend>(
    suite: &mut Suite<'_, B>,
    what: &str,
    got: Option<B::Tensor>,
    want: &Host,
) -> Result<()> {
    match got {
        Some(got) => suite.gradient(what, &got, want),
        None => {
            suite.fail(what, "is missing");
            Ok(())
        }
    }
}

fn refusals<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let values = [1.0, f64::NAN].map(<B::Element as srr_linalg::Scalar>::from_f64);
    let tokens = backend.upload_unchecked(&values, &[1, 1, 2])?;
    let bases = backend.upload_f64(&[1.0, 0.0, 0.0, 1.0], &[2, 2])?;
    let precision = Precision::from_epsilon(0.5)?;
    let bad_rate = |e: &Error| matches!(e, Error::Rate(_));
    suite.refused(
        "tokens that are not finite in R",
        backend.coding_rate(&tokens, precision, 1, false),
        bad_rate,
    );
    suite.refused(
        "and in R^c",
        backend.compressed_rate(&tokens, &bases, 2, precision, true),
        bad_rate,
    );
    let good = backend.zeros(&[1, 1, 2])?;
    suite.refused(
        "three heads of two rows",
        backend.compressed_rate(&good, &bases, 3, precision, false),
        bad_rate,
    );
    let flat = backend.reshape(&good, &[1, 2])?;
    suite.refused(
        "tokens of rank 2",
        backend.coding_rate(&flat, precision, 1, false),
        |e| matches!(e, Error::Rank { .. }),
    );
    let wide = backend.zeros(&[2, 3])?;
    let result = backend.compressed_rate(&good, &wide, 1, precision, false);
    suite.refused("bases of another dimension", result, |e| {
        matches!(e, Error::ShapeMismatch { .. })
    });
    suite.that(
        "zero tokens have rate zero",
        backend.coding_rate(&good, precision, 1, false)?.values == [0.0],
    );
    Ok(())
}

/// ½ logdet(I + α X Xᵀ) of the tokens X [N, d] of one example.
fn coding_rate(x: &Host, example: usize, alpha: f64) -> f64 {
    let (tokens, dim) = (x.shape[1], x.shape[2]);
    let entry = |i: usize, j: usize| -> f64 {
        (0..dim)
            .map(|c| x.at(example, i, c) * x.at(example, j, c))
            .sum()
    };
    half_log_determinant(tokens, |i, j| {
        f64::from(u8::from(i == j)) + alpha * entry(i, j)
    })
}

/// Σ_k ½ logdet(I + γ V_k V_kᵀ) with V_k = X U_k, of tokens and stacked bases.
fn compressed_rate(inputs: &[&Host], example: usize, heads: usize, gamma: f64) -> f64 {
    let v = inputs[0].times_transposed(inputs[1]); // [B, N, K·p]
    let dim = v.width() / heads;
    let of_head = |h: usize| {
        let entry = |i: usize, j: usize| -> f64 {
            (h * dim..(h + 1) * dim)
                .map(|c| v.at(example, i, c) * v.at(example, j, c))
                .sum()
        };
        half_log_determinant(v.shape[1], |i, j| {
            f64::from(u8::from(i == j)) + gamma * entry(i, j)
        })
    };
    (0..heads).map(of_head).sum()
}

/// By elimination without pivots, which a positive definite matrix does not need.
fn half_log_determinant(n: usize, entry: impl Fn(usize, usize) -> f64) -> f64 {
    let mut m: Vec<f64> = (0..n * n).map(|i| entry(i / n, i % n)).collect();
    let mut sum = 0.0;
    for i in 0..n {
        sum += m[i * n + i].ln();
        for r in i + 1..n {
            let factor = m[r * n + i] / m[i * n + i];
            for c in i..n {
                m[r * n + c] -= factor * m[i * n + c];
            }
        }
    }
    0.5 * sum
}
