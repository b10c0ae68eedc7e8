//! The product of two matrices as a new tensor.

use crate::{Backend, Result, Tensor, Transpose, check::Product};

pub(crate) fn matmul<B: Backend>(
    backend: &B,
    a: &B::Tensor,
    transpose_a: Transpose,
    b: &B::Tensor,
    transpose_b: Transpose,
) -> Result<B::Tensor> {
    let product = Product::new(a.shape(), transpose_a, b.shape(), transpose_b)?;
    let mut out = backend.zeros(&product.shape())?;
    backend.matmul_into(1.0, a, transpose_a, b, transpose_b, 0.0, &mut out)?;
    Ok(out)
}
