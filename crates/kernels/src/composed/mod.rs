//! Default bodies of the coarse operations, composed of primitives of the same backend.

pub(crate) mod attention;
pub(crate) mod host;
pub(crate) mod ista;
pub(crate) mod layer_norm;
pub(crate) mod layout;
pub(crate) mod linear;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod optimizer;
pub(crate) mod rates;

use crate::{Backend, Result, Tensor, Transpose};

/// The tensor of rank 2 whose rows are those of x.
fn as_matrix<B: Backend>(backend: &B, x: &B::Tensor, width: usize) -> Result<B::Tensor> {
    let rows = x.len().checked_div(width).unwrap_or(0);
    backend.reshape(x, &[rows, width])
}

/// A tensor in which every element is `value`.
fn constant<B: Backend>(backend: &B, value: f64, shape: &[usize]) -> Result<B::Tensor> {
    let length = shape.iter().product();
    backend.upload_f64(&vec![value; length], shape)
}

/// α column · rowᵀ, of a column `[m]` and a row `[n]`: `[m, n]`.
fn outer<B: Backend>(
    backend: &B,
    alpha: f64,
    column: &B::Tensor,
    row: &B::Tensor,
) -> Result<B::Tensor> {
    let (m, n) = (column.len(), row.len());
    let mut out = backend.zeros(&[m, n])?;
    let column = backend.reshape(column, &[m, 1])?;
    let row = backend.reshape(row, &[1, n])?;
    backend.matmul_into(
        alpha,
        &column,
        Transpose::No,
        &row,
        Transpose::No,
        0.0,
        &mut out,
    )?;
    Ok(out)
}
