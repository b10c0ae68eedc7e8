//! Sums over rows, rows added to rows, and the softmax of rows.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, block_rows, for_blocks},
    product::reduction_block,
    vector::{each, each2, sum, sum2, vectorized},
};
use crate::{Element, Result, Tensor, check, lanes::Lanes};

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
                add_to_rows(row, x.data);
                Ok(())
            },
        )
    }

    pub(super) fn sum_rows(&self, x: &CpuTensor<T>, out: &mut CpuTensor<T>) -> Result<()> {
        let (rows, width) = check::rows("sum_rows", x.shape())?;
        check::same("sum_rows", &[width], out.shape())?;
        let block = reduction_block(rows, 1, width);
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
                softmax_rows(y.data, width);
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
                softmax_backward_rows(&y[range], dx.data, width);
                Ok(())
            },
        )?;
        Ok(dx)
    }

    pub(super) fn count_nonzero(&self, x: &CpuTensor<T>) -> Result<Vec<u64>> {
        let Some((&examples, inner)) = x.shape().split_first() else {
            return Err(check::rank("count_nonzero", "at least 1", x.shape()));
        };
        let width = inner.iter().product();
        let mut counts = vec![0; examples];
        let x = x.as_slice();
        let block = block_rows(ELEMENTS, width);
        for_blocks(
            examples,
            block,
            RowsMut::new(&mut counts, 1),
            |range, counts| {
                for (example, count) in range.zip(counts.data) {
                    *count = nonzeros(&x[example * width..(example + 1) * width]);
                }
                Ok(())
            },
        )?;
        Ok(counts)
    }
}

vectorized! {
    fn nonzeros<T, S>(simd: S, x: &[T]) -> u64 {
        let _ = simd; // the loop vectorizes by itself
        let mut count = 0;
        for piece in x.chunks(ELEMENTS) {
            let mut some = 0_u32;
            for &x in piece {
                some += u32::from(x != T::zero());
            }
            count += u64::from(some);
        }
        count
    }
}

vectorized! {
    /// Adds `row` to every row of x.
    pub(super) fn add_to_rows<T, S>(simd: S, row: &[T], x: &mut [T]) {
        if row.is_empty() {
            return;
        }
        for x in x.chunks_exact_mut(row.len()) {
            each2(simd, x, row, #[inline(always)] |x, row| x + row);
        }
    }
}

vectorized! {
    /// out += Σ rows of x, which have the length of `out`.
    pub(super) fn add_rows_to<T, S>(simd: S, x: &[T], out: &mut [T]) {
        if out.is_empty() {
            return;
        }
        for row in x.chunks_exact(out.len()) {
            each2(simd, out, row, #[inline(always)] |sum, x| sum + x);
        }
    }
}

vectorized! {
    /// The softmax of each row of `width` elements.
    fn softmax_rows<T, S>(simd: S, x: &mut [T], width: usize) {
        for row in x.chunks_exact_mut(width) {
            let maximum = row.iter().copied().fold(T::neg_infinity(), |a, b| if a > b { a } else { b });
            let maximum = Lanes::splat(simd, maximum);
            each(simd, row, #[inline(always)] |x| (x - maximum).exp_nonpositive());
            let inverse = Lanes::splat(simd, T::one() / sum(simd, row, #[inline(always)] |x| x));
            each(simd, row, #[inline(always)] |x| x * inverse);
        }
    }
}

vectorized! {
    /// dy ← y ⊙ (dy − ⟨y, dy⟩) for each row of `width` elements.
    fn softmax_backward_rows<T, S>(simd: S, y: &[T], dy: &mut [T], width: usize) {
        for (y, dy) in y.chunks_exact(width).zip(dy.chunks_exact_mut(width)) {
            let along = Lanes::splat(simd, sum2(simd, y, dy, #[inline(always)] |y, dy| y * dy));
            each2(simd, dy, y, #[inline(always)] |dy, y| y * (dy - along));
        }
    }
}

/// Σ x² in f64, in pieces of a fixed length whose sums are added in their order.
pub(super) fn sum_of_squares<T: Element>(x: &[T]) -> f64 {
    x.chunks(ELEMENTS).map(squares).sum()
}

fn squares<T: Element>(x: &[T]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    for chunk in x.chunks(lanes.len()) {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x.to_f64() * x.to_f64();
        }
    }
    lanes.iter().sum()
}
