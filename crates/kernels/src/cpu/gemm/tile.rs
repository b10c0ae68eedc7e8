//! A tile of a product: a few rows, a few vectors of columns, all sums in registers.

use std::ops::Range;

use pulp::Simd;

use super::{super::vector::vector_of, Finish};
use crate::{Element, lanes::Lanes, terms::Terms};

/// Vectors of columns of a tile, or of the panel that it reads.
#[inline(always)]
pub(super) const fn vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 3 } else { 2 }
}

/// Rows of a tile: those of the processor's, or as many as leave registers for a term of each operand.
#[inline(always)]
pub(super) const fn height<T: Element, S: Simd, W: Terms<T>>() -> usize {
    if W::TILE_ROWS > 0 {
        W::TILE_ROWS
    } else if S::REGISTER_COUNT >= 32 {
        8
    } else {
        6
    }
}

/// The words of the left operand from some row on.
#[derive(Clone, Copy)]
pub(super) enum Left<'a, T> {
    /// Rows so many elements apart.
    Rows(&'a [T], usize),
    /// Words a distance apart, each with an element for every row of a tile; and the elements from a tile to the next, by its rows.
    Columns(&'a [T], usize, usize),
}

impl<T> Left<'_, T> {
    /// The same from the first row of another tile on.
    #[inline(always)]
    pub(super) fn from(self, first: usize) -> Self {
        match self {
            Self::Rows(words, stride) => Self::Rows(&words[first * stride..], stride),
            Self::Columns(words, word, row) => Self::Columns(&words[first * row..], word, row),
        }
    }
}

pub(super) struct Tile<'a, T, S> {
    pub(super) simd: S,
    /// Number of words.
    pub(super) depth: usize,
    /// Rows that the result has.
    pub(super) rows: usize,
    /// The words of b, as many vectors each as the columns take, and their distance.
    pub(super) panel: &'a [T],
    pub(super) word: usize,
    pub(super) finish: Finish<'a, T>,
    /// The tile's first row in the block, and where its columns stand in a row of the result.
    pub(super) first: usize,
    pub(super) columns: Range<usize>,
    /// Elements between rows of the result.
    pub(super) stride: usize,
}

type Sums<T, S, const R: usize, const C: usize> = [[Lanes<T, S>; C]; R];

impl<T: Element, S: Simd> Tile<'_, T, S> {
    /// Computes the tile and writes its rows.
    ///
    /// # Safety
    /// The processor must have the instructions of `W`.
    #[inline(always)]
    pub(super) unsafe fn run<W: Terms<T>>(&self, left: Left<'_, T>, out: &mut [T]) {
        for row in out.chunks_exact(self.stride) {
            prefetch(&row[self.columns.clone()]);
        }
        // SAFETY: the caller's promise.
        unsafe {
            let vectors = self.columns.len().div_ceil(T::width::<S>());
            match (height::<T, S, W>(), vectors) {
                (16, 1) => self.finish(&self.sums::<W, 16, 1>(left), out),
                (16, 2) => self.finish(&self.sums::<W, 16, 2>(left), out),
                (16, _) => self.finish(&self.sums::<W, 16, 3>(left), out),
                (8, 1) => self.finish(&self.sums::<W, 8, 1>(left), out),
                (8, 2) => self.finish(&self.sums::<W, 8, 2>(left), out),
                (8, _) => self.finish(&self.sums::<W, 8, 3>(left), out),
                (_, 1) => self.finish(&self.sums::<W, 6, 1>(left), out),
                (_, _) => self.finish(&self.sums::<W, 6, 2>(left), out),
            }
        }
    }

    /// # Safety
    /// The processor must have the instructions of `W`.
    #[inline(always)]
    unsafe fn sums<W: Terms<T>, const R: usize, const C: usize>(
        &self,
        left: Left<'_, T>,
    ) -> Sums<T, S, R, C> {
        match left {
            Left::Rows(a, stride) if W::TILE_ROWS == R => {
                assert!(self.depth > 0 && a.len() >= (R - 1) * stride + self.depth);
                assert!(self.panel.len() >= self.depth * C * T::width::<S>());
                let mut sums = [[T::splat(self.simd, T::zero()); C]; R];
                // SAFETY: the caller's promise, and rows, panel and sums are as long as they must be.
                unsafe {
                    let (panel, out) = (self.panel.as_ptr(), sums.as_mut_ptr().cast());
                    W::tile::<C>(a.as_ptr(), stride, panel, self.depth, out);
                }
                sums.map(|row| row.map(|sum| Lanes::new(self.simd, sum)))
            }
            Left::Rows(a, stride) => {
                let last = (self.rows - 1) * stride;
                assert!(a.len() >= last + self.depth);
                // A row that the tile lacks is the last one again; its sums are not written.
                let rows = std::array::from_fn(
                    #[inline(always)]
                    |r| a[(r * stride).min(last)..].as_ptr(),
                );
                // SAFETY: the caller's promise, and each row holds `depth` words.
                unsafe { self.add_up::<W, R, C>(rows, 1) }
            }
            Left::Columns(a, word, _) => {
                assert!(a.len() >= (self.depth - 1) * word + R);
                // SAFETY: the caller's promise, and each word has R elements.
                unsafe {
                    self.add_up::<W, R, C>(
                        std::array::from_fn(
                            #[inline(always)]
                            |r| a[r..].as_ptr(),
                        ),
                        word,
                    )
                }
            }
        }
    }

    /// The sums over all words of R rows, which stand `word` elements apart.
    ///
    /// # Safety
    /// `depth` words must be readable in each row, and the processor must have the instructions of `W`.
    #[inline(always)]
    unsafe fn add_up<W: Terms<T>, const R: usize, const C: usize>(
        &self,
        rows: [*const T; R],
        word: usize,
    ) -> Sums<T, S, R, C> {
        let (simd, width) = (self.simd, T::width::<S>());
        assert!(self.panel.len() >= (self.depth - 1) * self.word + C * width);
        let mut sums = [[Lanes::splat(simd, T::zero()); C]; R];
        let mut b = self.panel.as_ptr();
        for l in 0..self.depth {
            // SAFETY: the caller's promise, and the panel holds C vectors of each word.
            unsafe {
                let columns: [Lanes<T, S>; C] = std::array::from_fn(
                    #[inline(always)]
                    |c| Lanes::new(simd, T::read(b.add(c * width))),
                );
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let factor = Lanes::splat(simd, *row.add(l * word));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        let vector =
                            W::multiply_add(simd, factor.vector, column.vector, sum.vector);
                        *sum = Lanes::new(simd, vector);
                    }
                }
                b = b.wrapping_add(self.word);
            }
        }
        sums
    }

    #[inline(always)]
    fn finish<const R: usize, const C: usize>(&self, sums: &Sums<T, S, R, C>, out: &mut [T]) {
        let (simd, finish) = (self.simd, &self.finish);
        let alpha = Lanes::splat(simd, finish.alpha);
        let bias = finish.bias.map(|bias| &bias[self.columns.clone()]);
        for (r, out) in out.chunks_exact_mut(self.stride).enumerate().take(R) {
            let out = &mut out[self.columns.clone()];
            let mut row = sums[r];
            for sum in &mut row {
                *sum = alpha * *sum;
            }
            if finish.accumulate {
                add(simd, &mut row, out);
            }
            if let Some(addend) = finish.addend {
                let addend = &addend[(self.first + r) * self.stride..][self.columns.clone()];
                add(simd, &mut row, addend);
            }
            if let Some(bias) = bias {
                add(simd, &mut row, bias);
            }
            if let Some(shift) = finish.relu_shift {
                let shift = Lanes::splat(simd, shift);
                for sum in &mut row {
                    *sum = (*sum - shift).relu();
                }
            }
            write(row, out);
        }
    }
}

/// Asks for the cache lines of a slice ahead of their use, since a tile computes for long before it writes.
#[inline(always)]
fn prefetch<T>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for x in x.iter().step_by((64 / size_of::<T>()).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, which reads nothing into the program.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(x).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// row += x, of which the last vector may be short.
#[inline(always)]
fn add<T: Element, S: Simd, const C: usize>(simd: S, row: &mut [Lanes<T, S>; C], x: &[T]) {
    let width = T::width::<S>();
    let whole = x.len() == C * width;
    for (c, sum) in row.iter_mut().enumerate() {
        *sum += if whole {
            // SAFETY: the slice holds C vectors.
            Lanes::new(simd, unsafe { T::read(x.as_ptr().add(c * width)) })
        } else {
            vector_of(simd, x, c)
        };
    }
}

/// Writes as much of a row as the slice takes.
#[inline(always)]
fn write<T: Element, S: Simd, const C: usize>(row: [Lanes<T, S>; C], out: &mut [T]) {
    let width = T::width::<S>();
    if out.len() == C * width {
        for (c, sum) in row.iter().enumerate() {
            // SAFETY: the slice takes C vectors.
            unsafe { T::write(out.as_mut_ptr().add(c * width), sum.vector) };
        }
        return;
    }
    for (sum, out) in row.iter().zip(out.chunks_mut(width)) {
        sum.write(out);
    }
}
