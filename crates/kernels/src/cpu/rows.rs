//! Sums over rows, rows added to rows, and the softmax of rows.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, block_rows, for_blocks},
    product::reduction_block,
    vector::{LANES, each, each2, larger, reduce, sum, sum2, vectorized},
};
use crate::{Element, Result, Tensor, check};

/// Elements of a block of a loop that only reads and writes.
const ELEMENTS: usize = 1 << 14;

impl<T: Element> Cpu<T> {
    pub(super) fn add_row(&self, x: &mut CpuTensor<T>, row: &CpuTensor<T>) -> Result<()> {
        let (rows, width) = check::rows("add_row", x.shape())?;
        check::same("add_row", &[width], row.shape())?;
        let row = row.as_slice();
        for_blocks(
            rows,
            block_rows(ELEMENTS, width),
            RowsMut::new(x.as_mut_slice(), width),
            |_, x| {
                for x in x.data.chunks_exact_mut(width.max(1)) {
                    add_rows_to(row, x);
                }
                Ok(())
            },
        )
    }

    pub(super) fn sum_rows(&self, x: &CpuTensor<T>, out: &mut CpuTensor<T>) -> Result<()> {
        let (rows, width) = check::rows("sum_rows", x.shape())?;
        check::same("sum_rows", &[width], out.shape())?;
        let block = reduction_block(rows);
        let mut partials = self.empty(&[rows.div_ceil(block), width]);
        let x = x.as_slice();
        for_blocks(
            rows,
            block,
            Partials::new(partials.as_mut_slice(), width, block),
            |range, partial| {
                partial.data.fill(T::zero());
                add_rows_to(&x[range.start * width..range.end * width], partial.data);
                Ok(())
            },
        )?;
        self.accumulate(Some(partials), Some(out))
    }

    pub(super) fn softmax(&self, x: &CpuTensor<T>) -> Result<CpuTensor<T>> {
        let (rows, width) = check::rows("softmax", x.shape())?;
        let mut y = self.empty(x.shape());
        let x = x.as_slice();
        for_blocks(
            rows,
            block_rows(ELEMENTS / 4, width),
            RowsMut::new(y.as_mut_slice(), width),
            |range, y| {
                y.data
                    .copy_from_slice(&x[range.start * width..range.end * width]);
                softmax_rows(y.data, width, width, false);
                Ok(())
            },
        )?;
        Ok(y)
    }

    pub(super) fn softmax_backward(
        &self,
        y: &CpuTensor<T>,
        dy: &CpuTensor<T>,
    ) -> Result<CpuTensor<T>> {
        let (rows, width) = check::rows("softmax_backward", y.shape())?;
        check::same("softmax_backward", y.shape(), dy.shape())?;
        let mut dx = self.empty(y.shape());
        let (y, dy) = (y.as_slice(), dy.as_slice());
        for_blocks(
            rows,
            block_rows(ELEMENTS, width),
            RowsMut::new(dx.as_mut_slice(), width),
            |range, dx| {
                let range = range.start * width..range.end * width;
                dx.data.copy_from_slice(&dy[range.clone()]);
                softmax_backward_rows(&y[range], dx.data, width, T::one());
                Ok(())
            },
        )?;
        Ok(dx)
    }
}

vectorized! {
    /// out += Σ rows of x, which have the length of `out`.
    pub(super) fn add_rows_to<T, const FUSED>(x: &[T], out: &mut [T]) {
        if out.is_empty() {
            return;
        }
        for row in x.chunks_exact(out.len()) {
            each2(out, row, |sum, x| *sum += x);
        }
    }
}

vectorized! {
    /// The softmax of each row of `width` elements, of which the first `visible` count and the others become 0; with `causal`, row i
    /// has i + 1 visible elements.
    pub(super) fn softmax_rows<T, const FUSED>(x: &mut [T], width: usize, visible: usize, causal: bool) {
        if width == 0 {
            return;
        }
        for (i, row) in x.chunks_exact_mut(width).enumerate() {
            let visible = if causal { i + 1 } else { visible };
            row[visible..].fill(T::neg_infinity());
            let maximum = maximum(row);
            each(row, |x| *x = (*x - maximum).exp_nonpositive::<FUSED>());
            row[visible..].fill(T::zero());
            let inverse = T::one() / sum(row, |x| x);
            each(row, |x| *x *= inverse);
        }
    }
}

#[inline(always)]
fn maximum<T: Element>(row: &[T]) -> T {
    let mut lanes = [T::neg_infinity(); LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, x);
    }
    lanes.into_iter().fold(T::neg_infinity(), larger)
}

vectorized! {
    /// dy ← scale · y ⊙ (dy − ⟨y, dy⟩) for each row of `width` elements.
    pub(super) fn softmax_backward_rows<T, const FUSED>(y: &[T], dy: &mut [T], width: usize, scale: T) {
        if width == 0 {
            return;
        }
        for (y, dy) in y.chunks_exact(width).zip(dy.chunks_exact_mut(width)) {
            let along = sum2(y, dy, |y, dy| y * dy);
            each2(dy, y, |dy, y| *dy = scale * y * (*dy - along));
        }
    }
}

/// Σ x² in f64, in pieces of a fixed length whose sums are added in their order.
pub(super) fn sum_of_squares<T: Element>(x: &[T]) -> f64 {
    x.chunks(ELEMENTS).map(squares).sum()
}

vectorized! {
    fn squares<T, const FUSED>(x: &[T]) -> f64 {
        let mut lanes = [0.0_f64; LANES];
        for chunk in x.chunks(LANES) {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += x.to_f64() * x.to_f64();
            }
        }
        reduce(lanes)
    }
}
