//! Matrix products of tensors.

use srr_linalg::{GemmShape, Strided, gemm_slices};

use super::{
    Cpu, CpuTensor, elementwise,
    gemm::Finish,
    operand::Operand,
    parallel::{RowsMut, block_rows, for_blocks},
    product::WORK,
};
use crate::{Element, Result, Tensor, Transpose, check, check::Product};

impl<T: Element> Cpu<T> {
    pub(super) fn matmul_into(
        &self,
        alpha: f64,
        a: &CpuTensor<T>,
        transpose_a: Transpose,
        b: &CpuTensor<T>,
        transpose_b: Transpose,
        beta: f64,
        out: &mut CpuTensor<T>,
    ) -> Result<()> {
        let product = Product::new(a.shape(), transpose_a, b.shape(), transpose_b)?;
        check::same("matmul_into", &product.shape(), out.shape())?;
        check::finite("matmul_into", "alpha", alpha)?;
        check::finite("matmul_into", "beta", beta)?;
        let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
        let Product { batch, m, n, k, .. } = product;
        if out.is_empty() {
            return Ok(());
        }
        if k == 0 {
            return elementwise::scale(out.as_mut_slice(), beta);
        }
        let (a, b) = (a.as_slice(), b.as_slice());
        if batch > 1 {
            let shape = GemmShape { m, n, k };
            return batch_of_products(shape, alpha, (a, transpose_a), (b, transpose_b), beta, out);
        }
        if beta != T::zero() && beta != T::one() {
            elementwise::scale(out.as_mut_slice(), beta)?;
        }
        let finish = Finish {
            accumulate: beta != T::zero(),
            ..Finish::scaled(alpha)
        };
        let packed = self.packed(operand(b, transpose_b, k, n), k, n);
        let a = operand(a, transpose_a, m, k);
        self.product(a, &packed, finish, out.as_mut_slice())
    }
}

/// op(x) [rows, columns], as it lies in memory.
fn operand<T: Element>(
    x: &[T],
    transpose: Transpose,
    rows: usize,
    columns: usize,
) -> Operand<'_, T> {
    match transpose {
        Transpose::No => Operand::rows(x, columns),
        Transpose::Yes => Operand::rows(x, rows).transposed(),
    }
}

/// Pairs of matrices, each pair on one thread.
fn batch_of_products<T: Element>(
    shape: GemmShape,
    alpha: T,
    (a, transpose_a): (&[T], Transpose),
    (b, transpose_b): (&[T], Transpose),
    beta: T,
    out: &mut CpuTensor<T>,
) -> Result<()> {
    let GemmShape { m, n, k } = shape;
    let strided = |x, transpose, rows, columns| match transpose {
        Transpose::No => Strided::rows(x, columns),
        Transpose::Yes => Strided::transposed(x, rows),
    };
    let one = |index: usize, out: &mut [T]| {
        let a = strided(&a[index * m * k..][..m * k], transpose_a, m, k);
        let b = strided(&b[index * k * n..][..k * n], transpose_b, k, n);
        gemm_slices(shape, alpha, a, b, beta, Strided::rows(out, n))
    };
    for_blocks(
        out.len() / (m * n),
        block_rows(WORK, 2 * m * n * k),
        RowsMut::new(out.as_mut_slice(), m * n),
        |products, out| {
            let all = products.zip(out.data.chunks_exact_mut(m * n));
            Ok(all
                .into_iter()
                .try_for_each(|(index, out)| one(index, out))?)
        },
    )
}
