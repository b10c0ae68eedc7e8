//! Layer normalization.

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Result};

const EPSILON: f64 = 1e-5;

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for shape in [[1, 1, 2], [2, 3, 5], [1, 4, 21], [2, 1, 32]] {
        let width = shape[2];
        let (x, x_host) = suite.random(&shape)?;
        let (gain, gain_host) = suite.random(&[width])?;
        let (bias, bias_host) = suite.random(&[width])?;
        let (dy, dy_host) = suite.random(&shape)?;
        let inputs = [&x_host, &gain_host, &bias_host];
        let forward = backend.layer_norm(&x, &gain, &bias, EPSILON)?;
        suite.close("output", &forward.output, &reference(&inputs))?;
        let moments: Vec<_> = x_host.rows().map(moments).collect();
        suite.close(
            "mean",
            &forward.mean,
            &Host::new(&[moments.len()], |i| moments[i].0),
        )?;
        suite.close(
            "inverse_deviation",
            &forward.inverse_deviation,
            &Host::new(&[moments.len()], |i| moments[i].1),
        )?;

        let (mut d_gain, mut d_bias) = (gain.clone(), bias.clone());
        let dx = backend.layer_norm_backward(
            &x,
            &gain,
            &forward,
            &dy,
            Some(&mut d_gain),
            Some(&mut d_bias),
        )?;
        let numeric =
            |index| central_differences(&inputs, index, |inputs| reference(inputs).dot(&dy_host));
        suite.gradient("dx", &dx, &numeric(0))?;
        suite.gradient("d_gain", &d_gain, &numeric(1).zip(&gain_host, |g, w| g + w))?;
        suite.gradient("d_bias", &d_bias, &numeric(2).zip(&bias_host, |g, b| g + b))?;
        let alone = backend.layer_norm_backward(&x, &gain, &forward, &dy, None, None)?;
        suite.gradient("dx without the parameters' gradients", &alone, &numeric(0))?;
    }
    many_rows(suite)
}

/// Enough rows for several pieces of work, and a row of equal elements, whose variance is 0.
fn many_rows<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (rows, width) = (3001, 9);
    let (_, mut x_host) = suite.random(&[rows, width])?;
    x_host.data[..width].fill(0.75);
    let (x, x_host) = suite.of(&x_host)?;
    let (gain, gain_host) = suite.random(&[width])?;
    let (bias, bias_host) = suite.random(&[width])?;
    let (dy, dy_host) = suite.random(&[rows, width])?;
    let forward = backend.layer_norm(&x, &gain, &bias, EPSILON)?;
    suite.close(
        "output of many rows",
        &forward.output,
        &reference(&[&x_host, &gain_host, &bias_host]),
    )?;
    let (mut d_gain, mut d_bias) = (backend.zeros(&[width])?, backend.zeros(&[width])?);
    backend.layer_norm_backward(
        &x,
        &gain,
        &forward,
        &dy,
        Some(&mut d_gain),
        Some(&mut d_bias),
    )?;
    let ones = Host::new(&[width], |_| 1.0);
    let normalized = reference(&[&x_host, &ones, &Host::zeros(&[width])]);
    let sum = |j: usize| {
        normalized
            .rows()
            .zip(dy_host.rows())
            .map(|(x, dy)| x[j] * dy[j])
            .sum()
    };
    suite.close("d_gain of many rows", &d_gain, &Host::new(&[width], sum))?;
    suite.close(
        "d_bias of many rows",
        &d_bias,
        &Host::new(&[width], |j| dy_host.rows().map(|dy| dy[j]).sum()),
    )
}

/// The mean of a row, and 1/√(biased variance + ε).
fn moments(row: &[f64]) -> (f64, f64) {
    let n = row.len() as f64;
    let mean = row.iter().sum::<f64>() / n;
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

fn reference(inputs: &[&Host]) -> Host {
    inputs[0].map_rows(|row| {
        let (mean, inverse) = moments(row);
        let affine = row.iter().zip(inputs[1].data.iter().zip(&inputs[2].data));
        affine
            .map(|(x, (gain, bias))| (x - mean) * inverse * gain + bias)
            .collect()
    })
}
