//! Layer normalization.

use super::{as_matrix, constant, outer};
use crate::{Backend, LayerNormOutput, Result, Tensor, Transpose, Unary, check};

pub(crate) fn layer_norm<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    gain: &B::Tensor,
    bias: &B::Tensor,
    epsilon: f64,
) -> Result<LayerNormOutput<B::Tensor>> {
    let (rows, width) = check::rows("layer_norm", x.shape())?;
    check::same("layer_norm gain", &[width], gain.shape())?;
    check::same("layer_norm bias", &[width], bias.shape())?;
    check::at_least_zero("layer_norm", "epsilon", epsilon)?;
    let matrix = as_matrix(backend, x, width)?; // [rows, n]
    let mean = row_means(backend, &matrix)?; // [rows]
    let centered = minus_column(backend, &matrix, &mean)?;
    let squares = backend.unary(Unary::Square, &centered)?;
    let mut variance = backend.reshape(&row_means(backend, &squares)?, &[rows, 1])?;
    backend.add_row(&mut variance, &constant(backend, epsilon, &[1])?)?;
    let deviation = backend.unary(Unary::Sqrt, &variance)?;
    let inverse = backend.unary(Unary::Reciprocal, &backend.reshape(&deviation, &[rows])?)?; // [rows]
    let scale = outer(backend, 1.0, &inverse, gain)?; // [rows, n]
    let mut output = backend.multiply(&centered, &scale)?;
    backend.add_row(&mut output, bias)?;
    Ok(LayerNormOutput {
        output: backend.reshape(&output, x.shape())?,
        mean,
        inverse_deviation: inverse,
    })
}

pub(crate) fn layer_norm_backward<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    gain: &B::Tensor,
    forward: &LayerNormOutput<B::Tensor>,
    dy: &B::Tensor,
    d_gain: Option<&mut B::Tensor>,
    d_bias: Option<&mut B::Tensor>,
) -> Result<B::Tensor> {
    let (rows, width) = check::layer_norm_backward(x, gain, forward, dy)?;
    let ones = constant(backend, 1.0, &[width])?;
    let every_row = constant(backend, 1.0, &[rows])?;
    let inverse = outer(backend, 1.0, &forward.inverse_deviation, &ones)?; // [rows, n]
    let centered = minus_column(backend, &as_matrix(backend, x, width)?, &forward.mean)?;
    let normalized = backend.multiply(&centered, &inverse)?; // x̂
    let dy = as_matrix(backend, dy, width)?;
    if let Some(d_gain) = d_gain {
        backend.sum_rows(&backend.multiply(&dy, &normalized)?, d_gain)?; // dg += Σ dy ⊙ x̂
    }
    if let Some(d_bias) = d_bias {
        backend.sum_rows(&dy, d_bias)?; // db += Σ dy
    }
    // dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ⊙ x̂)) / deviation, with dx̂ = dy ⊙ g
    let d_normalized = backend.multiply(&dy, &outer(backend, 1.0, &every_row, gain)?)?;
    let along = row_means(backend, &backend.multiply(&d_normalized, &normalized)?)?;
    let mut inside = minus_column(backend, &d_normalized, &row_means(backend, &d_normalized)?)?;
    let correction = backend.multiply(&normalized, &outer(backend, 1.0, &along, &ones)?)?;
    backend.add_scaled(&mut inside, -1.0, &correction)?;
    backend.reshape(&backend.multiply(&inside, &inverse)?, x.shape())
}

/// The mean of each row of a matrix: `[rows]`.
fn row_means<B: Backend>(backend: &B, x: &B::Tensor) -> Result<B::Tensor> {
    let (rows, width) = check::rows("layer_norm", x.shape())?;
    let ones = constant(backend, 1.0 / width as f64, &[width, 1])?;
    let mean = backend.matmul(x, Transpose::No, &ones, Transpose::No)?;
    backend.reshape(&mean, &[rows])
}

/// x minus a number for each of its rows.
fn minus_column<B: Backend>(backend: &B, x: &B::Tensor, column: &B::Tensor) -> Result<B::Tensor> {
    let (_, width) = check::rows("layer_norm", x.shape())?;
    let ones = constant(backend, 1.0, &[width])?;
    let mut out = outer(backend, -1.0, column, &ones)?;
    backend.add_scaled(&mut out, 1.0, x)?;
    Ok(out)
}
