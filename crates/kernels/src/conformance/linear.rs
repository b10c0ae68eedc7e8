//! The linear map.

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for ([batch, tokens, input], output) in [([1, 1, 1], 1), ([2, 3, 5], 4), ([3, 1, 2], 7)] {
        let (x, x_host) = suite.random(&[batch, tokens, input])?;
        let (weight, weight_host) = suite.random(&[output, input])?;
        let (bias, bias_host) = suite.random(&[output])?;
        let (dy, dy_host) = suite.random(&[batch, tokens, output])?;
        let inputs = [&x_host, &weight_host, &bias_host];
        suite.close(
            "with bias",
            &backend.linear(&x, &weight, Some(&bias))?,
            &reference(&inputs),
        )?;
        let zero = Host::zeros(&[output]);
        suite.close(
            "without bias",
            &backend.linear(&x, &weight, None)?,
            &reference(&[&x_host, &weight_host, &zero]),
        )?;

        // Gradients of parameters are added to what is there.
        let (mut d_weight, mut d_bias) = (weight.clone(), bias.clone());
        let dx = backend.linear_backward(
            &x,
            &weight,
            &dy,
            Some(&mut d_weight),
            Some(&mut d_bias),
            true,
        )?;
        let numeric =
            |index| central_differences(&inputs, index, |inputs| reference(inputs).dot(&dy_host));
        match dx {
            Some(dx) => suite.gradient("dx", &dx, &numeric(0))?,
            None => suite.fail("dx", "is missing"),
        }
        suite.gradient(
            "d_weight",
            &d_weight,
            &numeric(1).zip(&weight_host, |g, w| g + w),
        )?;
        suite.gradient("d_bias", &d_bias, &numeric(2).zip(&bias_host, |g, b| g + b))?;
        let none = backend.linear_backward(&x, &weight, &dy, None, None, false)?;
        suite.that("without need, no gradient of the input", none.is_none());
    }
    // Rows for several pieces of work, and weights so high that their gradient is cut too, in whole tiles and not.
    [(2311, 6, 5), (530, 3, 386), (600, 16, 384)]
        .into_iter()
        .try_for_each(|sizes| many_rows(suite, sizes))
}

fn many_rows<B: Backend>(
    suite: &mut Suite<'_, B>,
    (rows, input, output): (usize, usize, usize),
) -> Result<()> {
    let backend = suite.backend;
    let (x, x_host) = suite.random(&[rows, input])?;
    let (weight, weight_host) = suite.random(&[output, input])?;
    let (dy, dy_host) = suite.random(&[rows, output])?;
    let y = backend.linear(&x, &weight, None)?;
    suite.close("many rows", &y, &x_host.times_transposed(&weight_host))?;
    let (mut d_weight, mut d_bias) = (backend.zeros(&[output, input])?, backend.zeros(&[output])?);
    backend.linear_backward(
        &x,
        &weight,
        &dy,
        Some(&mut d_weight),
        Some(&mut d_bias),
        false,
    )?;
    let total = |i: usize| {
        dy_host
            .rows()
            .zip(x_host.rows())
            .map(|(dy, x)| dy[i / input] * x[i % input])
            .sum()
    };
    suite.close(
        "d_weight of many rows",
        &d_weight,
        &Host::new(&[output, input], total),
    )?;
    let total = |i: usize| dy_host.rows().map(|dy| dy[i]).sum();
    suite.close("d_bias of many rows", &d_bias, &Host::new(&[output], total))
}

/// x Wᵀ + b.
fn reference(inputs: &[&Host]) -> Host {
    let product = inputs[0].times_transposed(inputs[1]);
    let width = product.width();
    Host::new(&product.shape, |i| {
        product.data[i] + inputs[2].data[i % width]
    })
}
