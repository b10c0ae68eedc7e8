//! A tile of a product: a few rows, a few vectors of columns, all sums in registers.

use std::ops::Range;

use pulp::Simd;

use super::Finish;
use crate::{Element, lanes::Lanes};

/// Rows and vectors of columns of a tile: as many as leave registers for a term of each operand.
#[inline(always)]
const fn shape<S: Simd>() -> (usize, usize) {
    if S::REGISTER_COUNT >= 32 {
        (8, 3)
    } else {
        (6, 2)
    }
}

/// Rows of a tile.
#[inline(always)]
pub(super) const fn height<S: Simd>() -> usize {
    shape::<S>().0
}

/// Vectors of columns of a tile, or of the panel that it reads.
#[inline(always)]
pub(super) const fn vectors<S: Simd>() -> usize {
    shape::<S>().1
}

/// The rows of the left operand from a tile's first on.
#[derive(Clone, Copy)]
pub(super) enum Left<'a, T> {
    /// Rows so many elements apart.
    Rows(&'a [T], usize),
    /// Term by term, each with an element for every row of the tile.
    Columns(&'a [T]),
}

pub(super) struct Tile<'a, T, S> {
    pub(super) simd: S,
    /// Number of terms.
    pub(super) depth: usize,
    /// Rows that the result has.
    pub(super) rows: usize,
    /// The terms of b, as many vectors each as the columns take.
    pub(super) panel: &'a [T],
    pub(super) finish: Finish<'a, T>,
    /// Where the tile's columns stand in a row of the result.
    pub(super) columns: Range<usize>,
    /// Elements between rows of the result.
    pub(super) stride: usize,
}

type Sums<T, S, const R: usize, const C: usize> = [[Lanes<T, S>; C]; R];

impl<T: Element, S: Simd> Tile<'_, T, S> {
    /// Computes the tile and writes its rows.
    #[inline(always)]
    pub(super) fn run(&self, left: Left<'_, T>, out: &mut [T]) {
        match (shape::<S>(), self.columns.len().div_ceil(T::width::<S>())) {
            ((8, 3), 1) => self.finish(&self.sums::<8, 1>(left), out),
            ((8, 3), 2) => self.finish(&self.sums::<8, 2>(left), out),
            ((8, 3), _) => self.finish(&self.sums::<8, 3>(left), out),
            (_, 1) => self.finish(&self.sums::<6, 1>(left), out),
            (_, _) => self.finish(&self.sums::<6, 2>(left), out),
        }
    }

    #[inline(always)]
    fn sums<const R: usize, const C: usize>(&self, left: Left<'_, T>) -> Sums<T, S, R, C> {
        match left {
            Left::Rows(a, stride) => {
                let last = (self.rows - 1) * stride;
                assert!(a.len() >= last + self.depth);
                // A row that the tile lacks is the last one again; its sums are not written.
                let rows = std::array::from_fn(
                    #[inline(always)]
                    |r| a[(r * stride).min(last)..].as_ptr(),
                );
                // SAFETY: each row holds `depth` terms.
                unsafe { self.add_up::<R, C>(rows, 1) }
            }
            Left::Columns(a) => {
                assert!(a.len() >= self.depth * R);
                // SAFETY: each term has R elements.
                unsafe {
                    self.add_up::<R, C>(
                        std::array::from_fn(
                            #[inline(always)]
                            |r| a[r..].as_ptr(),
                        ),
                        R,
                    )
                }
            }
        }
    }

    /// The sums over all terms of the elements of R rows, whose terms are `term` elements apart.
    ///
    /// # Safety
    /// `depth` terms must be readable in each row.
    #[inline(always)]
    unsafe fn add_up<const R: usize, const C: usize>(
        &self,
        rows: [*const T; R],
        term: usize,
    ) -> Sums<T, S, R, C> {
        let (simd, width) = (self.simd, T::width::<S>());
        assert!(self.panel.len() >= self.depth * C * width);
        let mut sums = [[Lanes::splat(simd, T::zero()); C]; R];
        let mut b = self.panel.as_ptr();
        for l in 0..self.depth {
            // SAFETY: the caller's promise, and `depth` times C vectors lie within the panel.
            unsafe {
                let columns: [Lanes<T, S>; C] = std::array::from_fn(
                    #[inline(always)]
                    |c| Lanes::new(simd, T::read(b.add(c * width))),
                );
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let factor = Lanes::splat(simd, *row.add(l * term));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = factor.mul_add(column, *sum);
                    }
                }
                b = b.add(C * width);
            }
        }
        sums
    }

    #[inline(always)]
    fn finish<const R: usize, const C: usize>(&self, sums: &Sums<T, S, R, C>, out: &mut [T]) {
        let (width, columns) = (T::width::<S>(), self.columns.len());
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(self.stride)) {
            for (c, sum) in sums.iter().enumerate() {
                let (from, to) = ((c * width).min(columns), ((c + 1) * width).min(columns));
                let bias = self
                    .finish
                    .bias
                    .map(|bias| &bias[self.columns.start + from..][..to - from]);
                let out = &mut out[self.columns.start + from..][..to - from];
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
