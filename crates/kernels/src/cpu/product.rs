//! Products of whole matrices, cut into pieces for the pool.

use super::{
    Cpu, CpuTensor,
    gemm::{self, Finish},
    operand::Operand,
    parallel::{RowsMut, block_rows, for_blocks},
    pool::Buffer,
    rows::add_to_rows,
    words::Words,
};
use crate::{Element, Result, Tensor};

/// Operations that a block of a parallel product should take: enough to forget what a piece of work costs to hand out.
pub(super) const WORK: usize = 1 << 21;
/// Rows that a block of a product has at least, and what its number of rows is a multiple of: whole tiles.
const FEWEST_ROWS: usize = 48;
/// Into how many partial sums a reduction over rows is cut at most, and the rows that each has at least.
const MOST_PARTIALS: usize = 16;
const FEWEST_TERMS: usize = 256;
/// Rows of the result of a reduction that are worth packing the other operand again.
const RESULT_ROWS: usize = 192;

/// The rows of a block of a product whose rows cost n·k each.
fn product_block(n: usize, k: usize) -> usize {
    block_rows(WORK, 2 * n * k).next_multiple_of(FEWEST_ROWS)
}

/// The rows that go into one partial sum of a reduction over `rows` to an [m, n] matrix: so many that adding the sum is little work
/// beside taking it.
pub(super) fn reduction_block(rows: usize, m: usize, n: usize) -> usize {
    rows.div_ceil(MOST_PARTIALS).max(m.min(n)).max(128)
}

/// A matrix [k, n] that is ready to be the right operand of products.
pub(super) struct Packed<T: Element> {
    buffer: Buffer<T>,
    words: Words,
    k: usize,
    n: usize,
}

impl<T: Element> Cpu<T> {
    /// Packs b [k, n].
    pub(super) fn packed(&self, b: Operand<'_, T>, k: usize, n: usize) -> Packed<T> {
        let words = Words::of::<T>(self.precision);
        let mut buffer = self.pool.take(gemm::packed_len::<T>(words, k, n));
        gemm::pack(words, b, k, n, buffer.as_mut_slice());
        Packed {
            buffer,
            words,
            k,
            n,
        }
    }

    /// out [m, n] ← `finish` of a b, with a [m, k]; m is found from `out`.
    pub(super) fn product(
        &self,
        a: Operand<'_, T>,
        b: &Packed<T>,
        finish: Finish<'_, T>,
        out: &mut [T],
    ) -> Result<()> {
        let &Packed { words, k, n, .. } = b;
        if k == 0 {
            finish_nothing(finish, out);
            return Ok(());
        }
        let block = product_block(n, k);
        for_blocks(
            out.len().checked_div(n).unwrap_or(0),
            block,
            RowsMut::new(out, n),
            |range, out| {
                let rows = range.len();
                let mut workspace = self.pool.take(gemm::workspace_len(words, a, rows, k));
                gemm::multiply(
                    words,
                    (rows, k, n),
                    a.from(range.start, 0),
                    b.buffer.as_slice(),
                    Finish {
                        addend: finish.addend.map(|x| &x[range.start * n..]),
                        ..finish
                    },
                    out.data,
                    workspace.as_mut_slice(),
                );
                Ok(())
            },
        )
    }

    /// out [m, n] += xᵀ y, with x [rows, m] and y [rows, n].
    pub(super) fn add_transposed_product(
        &self,
        x: &[T],
        y: &[T],
        m: usize,
        out: &mut CpuTensor<T>,
    ) -> Result<()> {
        let (rows, n) = (
            x.len().checked_div(m).unwrap_or(0),
            out.len().checked_div(m).unwrap_or(0),
        );
        if rows == 0 || n == 0 {
            return Ok(());
        }
        // The result is cut into bands of rows, and the sum into partial ones.
        let bands = (1..=m.div_ceil(RESULT_ROWS))
            .rev()
            .find(|bands| m.is_multiple_of(*bands));
        let bands = bands.unwrap_or(1);
        let parts = (MOST_PARTIALS / bands).min(rows / FEWEST_TERMS).max(1);
        let (band, terms) = (m / bands, rows.div_ceil(parts));
        let parts = rows.div_ceil(terms);
        let one = |index: usize, out: &mut [T]| {
            let (first, start) = (index / bands * terms, index % bands * band);
            let last = rows.min(first + terms);
            let x = Operand::rows(&x[first * m + start..last * m], m).transposed();
            self.reduce((band, last - first, n), x, &y[first * n..last * n], out);
        };
        let mut partials = self.empty(&[parts, m * n]);
        for_blocks(
            parts * bands,
            1,
            RowsMut::new(partials.as_mut_slice(), band * n),
            |range, out| {
                one(range.start, out.data);
                Ok(())
            },
        )?;
        self.accumulate(Some(partials), Some(out))
    }

    /// out [m, n] ← a y, with a [m, k] and y [k, n] row-major, on the calling thread, a few terms at a time.
    fn reduce(&self, (m, k, n): (usize, usize, usize), a: Operand<'_, T>, y: &[T], out: &mut [T]) {
        let words = Words::of::<T>(self.precision);
        if matches!(words, Words::Whole) && a.row == 1 && gemm::reads_in_place::<T>(m, n) {
            return gemm::multiply_transposed((m, k, n), a.data, a.column, y, out);
        }
        let most = gemm::depth(words).min(k);
        let mut packed = self.pool.take(gemm::packed_len::<T>(words, most, n));
        let mut workspace = self.pool.take(gemm::workspace_len(words, a, m, k));
        for first in (0..k).step_by(most) {
            let terms = most.min(k - first);
            let y = Operand::rows(&y[first * n..], n);
            gemm::pack(words, y, terms, n, packed.as_mut_slice());
            gemm::multiply(
                words,
                (m, terms, n),
                a.from(0, first),
                packed.as_slice(),
                Finish {
                    accumulate: first > 0,
                    ..Finish::scaled(T::one())
                },
                out,
                workspace.as_mut_slice(),
            );
        }
    }
}

/// What [`Finish`] makes of sums of no terms.
fn finish_nothing<T: Element>(finish: Finish<'_, T>, out: &mut [T]) {
    if !finish.accumulate {
        out.fill(T::zero());
    }
    if let Some(addend) = finish.addend {
        out.iter_mut().zip(addend).for_each(|(out, &x)| *out += x);
    }
    if let Some(bias) = finish.bias {
        add_to_rows(bias, out);
    }
    if let Some(shift) = finish.relu_shift {
        out.iter_mut()
            .for_each(|x| *x = if *x <= shift { T::zero() } else { *x - shift }); // a NaN stays
    }
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
