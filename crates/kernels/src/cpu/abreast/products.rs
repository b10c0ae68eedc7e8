//! Products of matrices whose elements are vectors, every lane of which belongs to a product of its own.

use std::ops::Range;

use pulp::Simd;

use crate::{
    Element,
    cpu::{operand::Operand, vector::vectorized, words::over_words},
    lanes::Lanes,
    terms::{Terms, Whole},
};

over_words! {
    /// c ← a b, or c += a b, in each lane, with a [m, k], b [k, n] and c [m, n], k counting words. Distances are in scalars; columns of
    /// c follow one another, its rows start `stride` apart.
    pub(super) fn products<T, S, W>(
        simd: S,
        sizes: (usize, usize, usize),
        a: Operand<'_, T>,
        b: Operand<'_, T>,
        c: &mut [T],
        stride: usize,
        accumulate: bool,
    ) {
        let ((m, k, n), width) = (sizes, T::width::<S>());
        if m == 0 || n == 0 {
            return;
        }
        assert!(k > 0, "a product has terms");
        // Every vector that the tiles below touch.
        assert!((m - 1) * a.row + (k - 1) * a.column + width <= a.data.len());
        assert!((k - 1) * b.row + (n - 1) * b.column + width <= b.data.len());
        assert!((m - 1) * stride + n * width <= c.len());
        let mut tiles = Tiles {
            simd,
            k,
            a,
            b,
            c,
            stride,
            accumulate,
        };
        let (row_parts, column_parts) = (m.div_ceil(largest::<S>()), n.div_ceil(largest::<S>()));
        for column in 0..column_parts {
            for row in 0..row_parts {
                // SAFETY: the assertions hold for all rows and columns, and the processor has the instructions of `W`.
                unsafe { tiles.tile::<W>(part(m, row, row_parts), part(n, column, column_parts)) };
            }
        }
    }
}

vectorized! {
    /// The upper triangle of c ← a aᵀ in each lane, with a [m, k] and c [m, m]; of what lies below, tiles on the diagonal write some.
    pub(super) fn upper_gram<T, S>(simd: S, sizes: (usize, usize), a: Operand<'_, T>, c: &mut [T]) {
        let ((m, k), width) = (sizes, T::width::<S>());
        if m == 0 || k == 0 {
            return;
        }
        // Every vector that the tiles below touch.
        assert!((m - 1) * a.row + (k - 1) * a.column + width <= a.data.len());
        assert!(m * m * width <= c.len());
        let parts = m.div_ceil(largest::<S>());
        let (b, stride) = (a.transposed(), m * width);
        let mut tiles = Tiles { simd, k, a, b, c, stride, accumulate: false };
        for column in 0..parts {
            for row in 0..=column {
                // SAFETY: the assertions hold for all rows and columns.
                unsafe { tiles.tile::<Whole>(part(m, row, parts), part(m, column, parts)) };
            }
        }
    }
}

/// Rows and columns of a tile at most.
#[inline(always)]
fn largest<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 3 }
}

/// One of so many parts of `total` that are as equal as can be.
#[inline(always)]
fn part(total: usize, index: usize, parts: usize) -> Range<usize> {
    index * total / parts..(index + 1) * total / parts
}

struct Tiles<'a, T, S> {
    simd: S,
    k: usize,
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    c: &'a mut [T],
    stride: usize,
    accumulate: bool,
}

impl<T: Element, S: Simd> Tiles<'_, T, S> {
    /// # Safety
    /// The operands and c must hold the rows, the columns and k words, and the processor must have the instructions of `W`.
    #[inline(always)]
    unsafe fn tile<W: Terms<T>>(&mut self, rows: Range<usize>, columns: Range<usize>) {
        let (i, j) = (rows.start, columns.start);
        // SAFETY: the caller's promise.
        unsafe {
            match (rows.len(), columns.len()) {
                (1, 1) => self.sums::<W, 1, 1>(i, j),
                (1, 2) => self.sums::<W, 1, 2>(i, j),
                (1, 3) => self.sums::<W, 1, 3>(i, j),
                (1, _) => self.sums::<W, 1, 4>(i, j),
                (2, 1) => self.sums::<W, 2, 1>(i, j),
                (2, 2) => self.sums::<W, 2, 2>(i, j),
                (2, 3) => self.sums::<W, 2, 3>(i, j),
                (2, _) => self.sums::<W, 2, 4>(i, j),
                (3, 1) => self.sums::<W, 3, 1>(i, j),
                (3, 2) => self.sums::<W, 3, 2>(i, j),
                (3, 3) => self.sums::<W, 3, 3>(i, j),
                (3, _) => self.sums::<W, 3, 4>(i, j),
                (_, 1) => self.sums::<W, 4, 1>(i, j),
                (_, 2) => self.sums::<W, 4, 2>(i, j),
                (_, 3) => self.sums::<W, 4, 3>(i, j),
                (_, _) => self.sums::<W, 4, 4>(i, j),
            }
        }
    }

    /// R rows from i on, C columns from j on, all sums in registers.
    ///
    /// # Safety
    /// As for [`tile`](Self::tile).
    #[inline(always)]
    unsafe fn sums<W: Terms<T>, const R: usize, const C: usize>(&mut self, i: usize, j: usize) {
        let (simd, width) = (self.simd, T::width::<S>());
        let mut sums = [[Lanes::splat(simd, T::zero()); C]; R];
        let (a, b) = (self.a, self.b);
        // SAFETY: the caller's promise.
        unsafe {
            let (mut row, mut column) = (
                a.data.as_ptr().add(i * a.row),
                b.data.as_ptr().add(j * b.column),
            );
            for _ in 0..self.k {
                let mut terms = [Lanes::splat(simd, T::zero()); C];
                for (c, term) in terms.iter_mut().enumerate() {
                    *term = Lanes::new(simd, T::read(column.add(c * b.column)));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = Lanes::<T, S>::new(simd, T::read(row.add(r * a.row)));
                    for (sum, term) in sums.iter_mut().zip(&terms) {
                        let vector = W::multiply_add(simd, factor.vector, term.vector, sum.vector);
                        *sum = Lanes::new(simd, vector);
                    }
                }
                row = row.wrapping_add(a.column);
                column = column.wrapping_add(b.row);
            }
            for (r, sums) in sums.iter().enumerate() {
                for (c, &sum) in sums.iter().enumerate() {
                    let out = self
                        .c
                        .as_mut_ptr()
                        .add((i + r) * self.stride + (j + c) * width);
                    let old = if self.accumulate {
                        Lanes::new(simd, T::read(out))
                    } else {
                        Lanes::splat(simd, T::zero())
                    };
                    T::write(out, (old + sum).vector);
                }
            }
        }
    }
}
