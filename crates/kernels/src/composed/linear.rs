//! The linear map.

use super::as_matrix;
use crate::{Backend, Result, Tensor, Transpose, check};

pub(crate) fn linear<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    weight: &B::Tensor,
    bias: Option<&B::Tensor>,
) -> Result<B::Tensor> {
    let sizes = check::linear("linear", x.shape(), weight.shape())?;
    check::same_optional("linear bias", &[sizes.output], bias)?;
    let rows = as_matrix(backend, x, sizes.input)?; // [rows, in]
    let mut y = backend.matmul(&rows, Transpose::No, weight, Transpose::Yes)?; // y = x Wᵀ
    if let Some(bias) = bias {
        backend.add_row(&mut y, bias)?;
    }
    backend.reshape(&y, &check::with_width(x.shape(), sizes.output))
}

pub(crate) fn linear_backward<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    weight: &B::Tensor,
    dy: &B::Tensor,
    d_weight: Option<&mut B::Tensor>,
    d_bias: Option<&mut B::Tensor>,
    need_input: bool,
) -> Result<Option<B::Tensor>> {
    let sizes = check::linear("linear_backward", x.shape(), weight.shape())?;
    check::same(
        "linear_backward",
        &check::with_width(x.shape(), sizes.output),
        dy.shape(),
    )?;
    let dy = as_matrix(backend, dy, sizes.output)?; // [rows, out]
    if let Some(d_weight) = d_weight {
        let x = as_matrix(backend, x, sizes.input)?; // [rows, in]
        backend.matmul_into(1.0, &dy, Transpose::Yes, &x, Transpose::No, 1.0, d_weight)?; // dW += dyᵀ x
    }
    if let Some(d_bias) = d_bias {
        backend.sum_rows(&dy, d_bias)?; // db += Σ dy
    }
    if !need_input {
        return Ok(None);
    }
    let dx = backend.matmul(&dy, Transpose::No, weight, Transpose::No)?; // dx = dy W
    backend.reshape(&dx, x.shape()).map(Some)
}
