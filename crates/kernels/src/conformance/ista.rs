//! One step of ISTA.

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for ([batch, tokens, dim], beta, lambda) in [
        ([1, 1, 1], 0.1, 0.1),
        ([2, 3, 5], 0.4, 0.3),
        ([1, 2, 5], 0.4, 0.1), // fewer tokens than dimensions
        ([1, 4, 3], 1.0, 0.0),
    ] {
        let (x, x_host) = suite.random(&[batch, tokens, dim])?;
        let (dictionary, dictionary_host) = suite.random(&[dim, dim])?;
        let (dy, dy_host) = suite.random(&[batch, tokens, dim])?;
        let inputs = [&x_host, &dictionary_host];
        let forward = backend.ista(&x, &dictionary, beta, lambda)?;
        suite.close("output", &forward.output, &reference(&inputs, beta, lambda))?;

        let mut d_dictionary = dictionary.clone();
        let dx = backend.ista_backward(
            &x,
            &dictionary,
            beta,
            &forward,
            &dy,
            Some(&mut d_dictionary),
        )?;
        let numeric = |index| {
            central_differences(&inputs, index, |inputs| {
                reference(inputs, beta, lambda).dot(&dy_host)
            })
        };
        suite.gradient("dx", &dx, &numeric(0))?;
        suite.gradient(
            "d_dictionary",
            &d_dictionary,
            &numeric(1).zip(&dictionary_host, |g, d| g + d),
        )?;
        let alone = backend.ista_backward(&x, &dictionary, beta, &forward, &dy, None)?;
        suite.gradient("dx without the dictionary's gradient", &alone, &numeric(0))?;
    }
    many_rows(suite)
}

/// Enough rows for several pieces of work.
fn many_rows<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (rows, dim, beta, lambda) = (2405, 4, 0.2, 0.5);
    let (x, x_host) = suite.random(&[rows, dim])?;
    let (dictionary, dictionary_host) = suite.random(&[dim, dim])?;
    let (_, dy_host) = suite.random(&[rows, dim])?;
    // Central differences must not cross the corner of the relu.
    let inside = inside(&[&x_host, &dictionary_host], beta, lambda);
    let away = dy_host.zip(&inside, |g, h| if h.abs() < 0.01 { 0.0 } else { g });
    let (dy, dy_host) = suite.of(&away)?;
    let forward = backend.ista(&x, &dictionary, beta, lambda)?;
    let output = reference(&[&x_host, &dictionary_host], beta, lambda);
    suite.close("output of many rows", &forward.output, &output)?;
    let mut d_dictionary = backend.zeros(&[dim, dim])?;
    backend.ista_backward(
        &x,
        &dictionary,
        beta,
        &forward,
        &dy,
        Some(&mut d_dictionary),
    )?;
    let along = |inputs: &[&Host]| reference(&[&x_host, inputs[0]], beta, lambda).dot(&dy_host);
    suite.gradient(
        "d_dictionary of many rows",
        &d_dictionary,
        &central_differences(&[&dictionary_host], 0, along),
    )
}

/// relu(x + β (x − x Dᵀ) D − β λ).
fn reference(inputs: &[&Host], beta: f64, lambda: f64) -> Host {
    inside(inputs, beta, lambda).map(|h| h.max(0.0))
}

/// x + β (x − x Dᵀ) D − β λ.
fn inside(inputs: &[&Host], beta: f64, lambda: f64) -> Host {
    let residual = inputs[0].zip(&inputs[0].times_transposed(inputs[1]), |x, r| x - r);
    let step = residual.times_transposed(&inputs[1].transposed());
    inputs[0].zip(&step, |x, s| x + beta * s - beta * lambda)
}
