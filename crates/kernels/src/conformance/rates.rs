//! Coding rates.

use srr_coding_rate::{Coding, Precision};

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Error, Result};

/// Sizes of one case: tokens [batch, tokens, dim] and bases [heads·head_dim, dim].
struct Sizes {
    batch: usize,
    tokens: usize,
    dim: usize,
    heads: usize,
    head_dim: usize,
}

/// More tokens than dimensions and fewer; heads wider than tokens are many; K·p = d, below it and above; enough images to
/// be done side by side.
const SIZES: [[usize; 5]; 8] = [
    [2, 7, 4, 2, 2],
    [1, 3, 6, 3, 2],
    [3, 1, 2, 1, 2],
    [2, 3, 7, 2, 5],
    [1, 5, 8, 2, 3],
    [2, 4, 3, 4, 1],
    [9, 2, 3, 2, 1],
    [8, 3, 2, 1, 2],
];

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let precisions = [Precision::from_epsilon(0.5)?, Precision::unit_gamma()];
    for [batch, tokens, dim, heads, head_dim] in SIZES {
        let sizes = Sizes {
            batch,
            tokens,
            dim,
            heads,
            head_dim,
        };
        for (precision, unit_tokens) in precisions.iter().flat_map(|&p| [(p, false), (p, true)]) {
            let coding = Coding {
                precision,
                unit_tokens,
            };
            coding_rates(suite, &sizes, coding)?;
            compressed_rates(suite, &sizes, coding)?;
        }
    }
    refusals(suite)
}

fn coding_rates<B: Backend>(suite: &mut Suite<'_, B>, sizes: &Sizes, coding: Coding) -> Result<()> {
    let &Sizes {
        batch,
        tokens,
        dim,
        head_dim,
        ..
    } = sizes;
    let (x, x_host) = suite.random(&[batch, tokens, dim])?;
    let of = |x: &Host, example| coding_rate(x, example, coding, head_dim);
    let expected: Vec<f64> = (0..batch).map(|b| of(&x_host, b)).collect();
    let numeric = central_differences(&[&x_host], 0, |inputs| {
        (0..batch).map(|b| of(inputs[0], b)).sum()
    });

    let rate = suite.backend.coding_rate(&x, coding, head_dim, true)?;
    let tolerance = tolerance(suite);
    suite.numbers("R", &rate.values, &expected, tolerance);
    suite.that("R has no bases", rate.bases.is_none());
    gradient(suite, "gradient of R", rate.tokens, &numeric)?;

    let value = suite.backend.coding_rate(&x, coding, head_dim, false)?;
    suite.numbers("R alone", &value.values, &expected, tolerance);
    suite.that("no gradient of R unasked", value.tokens.is_none());
    Ok(())
}

fn compressed_rates<B: Backend>(
    suite: &mut Suite<'_, B>,
    sizes: &Sizes,
    coding: Coding,
) -> Result<()> {
    let &Sizes {
        batch,
        tokens,
        dim,
        heads,
        head_dim,
    } = sizes;
    let (x, x_host) = suite.random(&[batch, tokens, dim])?;
    let (bases, bases_host) = suite.random(&[heads * head_dim, dim])?;
    let inputs = [&x_host, &bases_host];
    let of = |inputs: &[&Host], example| compressed_rate(inputs, example, heads, coding);
    let expected: Vec<f64> = (0..batch).map(|b| of(&inputs, b)).collect();
    let numeric = |index| {
        central_differences(&inputs, index, |inputs| {
            (0..batch).map(|b| of(inputs, b)).sum()
        })
    };

    let rate = suite
        .backend
        .compressed_rate(&x, &bases, heads, coding, true)?;
    let tolerance = tolerance(suite);
    suite.numbers("R^c", &rate.values, &expected, tolerance);
    gradient(suite, "gradient of R^c by tokens", rate.tokens, &numeric(0))?;
    gradient(suite, "gradient of R^c by bases", rate.bases, &numeric(1))?;

    let value = suite
        .backend
        .compressed_rate(&x, &bases, heads, coding, false)?;
    suite.numbers("R^c alone", &value.values, &expected, tolerance);
    suite.that(
        "no gradients of R^c unasked",
        value.tokens.is_none() && value.bases.is_none(),
    );
    Ok(())
}

fn tolerance<B: Backend>(suite: &Suite<'_, B>) -> f64 {
    if suite.single_precision() {
        2e-5
    } else {
        1e-11
    }
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
        |e| matches!(e, Error::Rate(srr_coding_rate::Error::Heads { .. })),
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
fn coding_rate(x: &Host, example: usize, coding: Coding, head_dim: usize) -> f64 {
    let (tokens, dim) = (x.shape[1], x.shape[2]);
    let alpha = coding.precision.alpha(dim, tokens, head_dim);
    half_log_determinant(tokens, |i, j| {
        identity(i, j) + alpha * inner(x, example, i, j, 0..dim, coding)
    })
}

/// Σ_k ½ logdet(I + γ V_k V_kᵀ) with V_k = X U_k, of tokens and stacked bases.
fn compressed_rate(inputs: &[&Host], example: usize, heads: usize, coding: Coding) -> f64 {
    let v = inputs[0].times_transposed(inputs[1]); // [B, N, K·p]
    let (tokens, dim) = (v.shape[1], v.width() / heads);
    let gamma = coding.precision.gamma(dim, tokens);
    let of_head = |h: usize| {
        let columns = h * dim..(h + 1) * dim;
        half_log_determinant(tokens, |i, j| {
            identity(i, j) + gamma * inner(&v, example, i, j, columns.clone(), coding)
        })
    };
    (0..heads).map(of_head).sum()
}

fn identity(i: usize, j: usize) -> f64 {
    f64::from(u8::from(i == j))
}

/// ⟨xᵢ, xⱼ⟩ of two rows of one example within some columns, or the cosine of their angle if tokens are scaled to unit length.
fn inner(
    x: &Host,
    example: usize,
    i: usize,
    j: usize,
    columns: std::ops::Range<usize>,
    coding: Coding,
) -> f64 {
    let product = |i, j| -> f64 {
        let term = |c| x.at(example, i, c) * x.at(example, j, c);
        columns.clone().map(term).sum()
    };
    if coding.unit_tokens {
        product(i, j) / (product(i, i) * product(j, j)).sqrt()
    } else {
        product(i, j)
    }
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
