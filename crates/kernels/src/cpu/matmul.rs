//! Matrix products of tensors.

use srr_linalg::{GemmShape, Strided, gemm_slices};

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, for_blocks},
    product::product_block,
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
        let Product { batch, m, n, k, .. } = product;
        let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
        let (a, b) = (a.as_slice(), b.as_slice());
        // One row of `out` is a row of one of the products; a block never straddles two of them.
        let one = |index: usize, first: usize, rows: usize, out: &mut [T]| {
            let a = &a[index * m * k..(index + 1) * m * k];
            let b = &b[index * k * n..(index + 1) * k * n];
            let a = match transpose_a {
                Transpose::No => Strided::rows(&a[first * k..], k),
                Transpose::Yes => Strided::transposed(&a[first..], m),
            };
            let b = match transpose_b {
                Transpose::No => Strided::rows(b, n),
                Transpose::Yes => Strided::transposed(b, k),
            };
            gemm_slices(
                GemmShape { m: rows, n, k },
                alpha,
                a,
                b,
                beta,
                Strided::rows(out, n),
            )?;
            Ok(())
        };
        if out.is_empty() {
            return Ok(());
        }
        if k == 0 {
            return super::elementwise::scale(out.as_mut_slice(), beta);
        }
        if batch == 1 {
            return for_blocks(
                m,
                product_block(n, k),
                RowsMut::new(out.as_mut_slice(), n),
                |rows, out| one(0, rows.start, rows.len(), out.data),
            );
        }
        let block = product_block(n, k).div_ceil(m);
        for_blocks(
            batch,
            block,
            RowsMut::new(out.as_mut_slice(), m * n),
            |products, out| {
                products
                    .zip(out.data.chunks_exact_mut(m * n))
                    .try_for_each(|(index, out)| one(index, 0, m, out))
            },
        )
    }
}
