//! A tile of a product: a few rows, two vectors of columns, all sums in registers.

use std::ops::Range;

use pulp::Simd;

use super::{Finish, ROW_STRIDE};
use crate::{Element, lanes::Lanes};

/// Vectors of columns of a tile.
pub(super) const COLUMNS: usize = 2;

/// Rows of a tile: as many as leave registers for a term of each operand.
#[inline(always)]
pub(super) const fn height<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 12 } else { 6 }
}

/// The copied rows of one tile: one after another [`ROW_STRIDE`] apart (`BY_ROWS`), or term by term.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, T, const BY_ROWS: bool>(pub(super) &'a [T]);

pub(super) struct Tile<'a, T, S, const BY_ROWS: bool> {
    pub(super) simd: S,
    /// Number of terms.
    pub(super) depth: usize,
    pub(super) source: Source<'a, T, BY_ROWS>,
    /// The terms of b, two vectors each, or one.
    pub(super) panel: &'a [T],
    pub(super) finish: Finish<'a, T>,
    /// Where the tile's columns stand in a row of the result.
    pub(super) columns: Range<usize>,
    /// Elements between rows of the result.
    pub(super) stride: usize,
}

type Sums<T, S, const R: usize, const C: usize> = [[Lanes<T, S>; C]; R];

impl<T: Element, S: Simd, const BY_ROWS: bool> Tile<'_, T, S, BY_ROWS> {
    /// Computes the tile and writes the first `rows` of it.
    #[inline(always)]
    pub(super) fn run(&self, out: &mut [T], rows: usize) {
        let one_vector = self.columns.len() <= T::width::<S>();
        match (height::<S>(), one_vector) {
            (12, true) => self.finish(&self.sums::<12, 1>(), out, rows),
            (12, false) => self.finish(&self.sums::<12, COLUMNS>(), out, rows),
            (_, true) => self.finish(&self.sums::<6, 1>(), out, rows),
            (_, false) => self.finish(&self.sums::<6, COLUMNS>(), out, rows),
        }
    }

    #[inline(always)]
    fn sums<const R: usize, const C: usize>(&self) -> Sums<T, S, R, C> {
        let (simd, width) = (self.simd, T::width::<S>());
        assert!(self.panel.len() >= self.depth * C * width);
        assert!(self.source.0.len() >= R * ROW_STRIDE && self.depth <= ROW_STRIDE);
        let (row, term) = if BY_ROWS { (ROW_STRIDE, 1) } else { (1, R) };
        let mut sums = [[Lanes::splat(simd, T::zero()); C]; R];
        let (mut a, mut b) = (self.source.0.as_ptr(), self.panel.as_ptr());
        for _ in 0..self.depth {
            // SAFETY: by the assertions `depth` terms of R rows, and of C vectors, lie within the two slices.
            unsafe {
                let columns: [Lanes<T, S>; C] =
                    std::array::from_fn(|c| Lanes::new(simd, T::read(b.add(c * width))));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = Lanes::splat(simd, *a.add(r * row));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = factor.mul_add(column, *sum);
                    }
                }
                a = a.add(term);
                b = b.add(C * width);
            }
        }
        sums
    }

    #[inline(always)]
    fn finish<const R: usize, const C: usize>(
        &self,
        sums: &Sums<T, S, R, C>,
        out: &mut [T],
        rows: usize,
    ) {
        let (width, columns) = (T::width::<S>(), self.columns.len());
        for (r, sums) in sums.iter().enumerate() {
            if r == rows {
                return;
            }
            for (c, sum) in sums.iter().enumerate() {
                let (from, to) = ((c * width).min(columns), ((c + 1) * width).min(columns));
                let bias = self
                    .finish
                    .bias
                    .map(|bias| &bias[self.columns.start + from..][..to - from]);
                let out = &mut out[r * self.stride + self.columns.start + from..][..to - from];
                self.value(*sum, bias, out).write(out);
            }
        }
    }

    #[inline(always)]
    fn value(&self, sum: Lanes<T, S>, bias: Option<&[T]>, old: &[T]) -> Lanes<T, S> {
        let (simd, finish) = (self.simd, &self.finish);
        let mut value = Lanes::splat(simd, finish.alpha) * sum;
        if finish.accumulate {
            value += Lanes::read(simd, old);
        }
        if let Some(bias) = bias {
            value += Lanes::read(simd, bias);
        }
        match finish.relu_shift {
            Some(shift) => (value - Lanes::splat(simd, shift)).relu(),
            None => value,
        }
    }
}
