//! Products of row-major blocks, on the calling thread.

use srr_linalg::{GemmShape, Strided, gemm_slices};

use super::{Cpu, CpuTensor};
use crate::{Element, Result};

/// Operations that a block of a parallel product should take: enough to forget what a piece of work costs to hand out.
pub(super) const WORK: usize = 1 << 20;
/// Rows that a block of a product has at least, since every block packs the other operand again.
const FEWEST_ROWS: usize = 128;
/// Rows that are transposed together, so that each cache line that is written is filled.
const TRANSPOSED_ROWS: usize = 16;
/// Into how many partial sums a reduction over rows is cut at most.
const MOST_PARTIALS: usize = 16;

/// The rows of a block of a product whose rows cost m·n each.
pub(super) fn product_block(n: usize, k: usize) -> usize {
    super::parallel::block_rows(WORK, 2 * n * k).max(FEWEST_ROWS)
}

/// The rows that go into one partial sum of a reduction over `rows` to an [m, n] matrix: so many that adding the sum is little work
/// beside taking it.
pub(super) fn reduction_block(rows: usize, m: usize, n: usize) -> usize {
    rows.div_ceil(MOST_PARTIALS).max(m.min(n)).max(128)
}

impl<T: Element> Cpu<T> {
    /// Wᵀ [k, n] of W [n, k]: products by it run faster than products by a transposed operand, which every block would pack anew.
    pub(super) fn transposed(&self, w: &[T], n: usize, k: usize) -> CpuTensor<T> {
        let mut out = self.empty(&[k, n]);
        let columns = out.as_mut_slice();
        for (i, rows) in w.chunks((TRANSPOSED_ROWS * k).max(1)).enumerate() {
            let first = i * TRANSPOSED_ROWS;
            for j in 0..k {
                let column = &mut columns[j * n + first..][..rows.len() / k];
                for (slot, row) in column.iter_mut().zip(rows.chunks_exact(k)) {
                    *slot = row[j];
                }
            }
        }
        out
    }
}

/// out ← α x W + β out, with x [rows, k], W [k, n] and out [rows, n].
pub(super) fn times<T: Element>(
    alpha: T,
    x: &[T],
    w: &[T],
    beta: T,
    out: &mut [T],
    n: usize,
    k: usize,
) -> Result<()> {
    let shape = GemmShape {
        m: out.len() / n.max(1),
        n,
        k,
    };
    gemm_slices(
        shape,
        alpha,
        Strided::rows(x, k),
        Strided::rows(w, n),
        beta,
        Strided::rows(out, n),
    )?;
    Ok(())
}

/// out ← α xᵀ y + β out, with x [rows, m], y [rows, n] and out [m, n].
pub(super) fn transposed_times<T: Element>(
    alpha: T,
    x: &[T],
    y: &[T],
    beta: T,
    out: &mut [T],
    m: usize,
    n: usize,
) -> Result<()> {
    let shape = GemmShape {
        m,
        n,
        k: x.len() / m.max(1),
    };
    gemm_slices(
        shape,
        alpha,
        Strided::transposed(x, m),
        Strided::rows(y, n),
        beta,
        Strided::rows(out, n),
    )?;
    Ok(())
}

/// out += Σ partials, in their order; each has the length of `out`.
pub(super) fn add_partials<T: Element>(partials: &[T], out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    for partial in partials.chunks_exact(out.len()) {
        for (sum, &part) in out.iter_mut().zip(partial) {
            *sum += part;
        }
    }
}
