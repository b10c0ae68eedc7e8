//! What the words of a product's operands hold: a term each, or two of half the width.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) mod amx;
mod bf16;

use pulp::Simd;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use self::amx::{Split, Tiles};
#[cfg(target_arch = "x86_64")]
pub(crate) use self::bf16::Bf16;
pub(crate) use self::bf16::Pairs;
/// There are no tiles.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) use self::bf16::{Pairs as Split, Pairs as Tiles};
use crate::lanes::Vectors;

/// How the terms of a sum of products stand in words of the element type.
#[doc(hidden)]
pub trait Terms<T: Vectors> {
    /// Terms of a word.
    const TERMS: usize;
    /// How often each pair of terms is multiplied, with other parts of them.
    const PARTS: usize = 1;
    /// Words that are multiplied together; where there are fewer, words of 0 make up for them.
    const GROUP: usize = 1;
    /// Rows that [`tile`](Self::tile) multiplies, if not 0.
    const TILE_ROWS: usize = 0;

    /// The words of so many terms: those of one part after those of another.
    #[inline(always)]
    fn count(terms: usize) -> usize {
        (terms.div_ceil(Self::TERMS) * Self::PARTS).next_multiple_of(Self::GROUP)
    }

    /// The terms that fit into so many words.
    #[inline(always)]
    fn terms(words: usize) -> usize {
        words / Self::PARTS * Self::TERMS
    }

    /// What a part of the product takes of terms of one of its sides.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    #[inline(always)]
    unsafe fn part<S: Simd>(simd: S, side: Side, part: usize, x: T::Vector<S>) -> T::Vector<S> {
        let _ = (simd, side, part);
        x
    }

    /// In each lane a word of the terms of one column, in this row and the next; the next counts only where a word holds two.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn word<S: Simd>(simd: S, row: T::Vector<S>, next: T::Vector<S>) -> T::Vector<S>;
    /// The words of consecutive terms, [`TERMS`](Self::TERMS) vectors of them.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    unsafe fn words<S: Simd>(simd: S, first: T::Vector<S>, second: T::Vector<S>) -> T::Vector<S>;
    /// sum + the products of the terms of two words.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    unsafe fn multiply_add<S: Simd>(
        simd: S,
        a: T::Vector<S>,
        b: T::Vector<S>,
        sum: T::Vector<S>,
    ) -> T::Vector<S>;
    /// Prepares this thread for [`tile`](Self::tile).
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    #[inline(always)]
    unsafe fn enter() {}
    /// Undoes [`enter`](Self::enter).
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    #[inline(always)]
    unsafe fn leave() {}
    /// sums [rows, C vectors] ← a b, with rows of a `stride` words apart and a panel of C vectors a word; nothing without tiles.
    ///
    /// # Safety
    /// As for [`word`](Self::word), between [`enter`](Self::enter) and [`leave`](Self::leave). `depth` words, a multiple of
    /// [`GROUP`](Self::GROUP) and not 0, must be readable in each row and in the panel, and the sums writable.
    unsafe fn tile<const C: usize>(
        a: *const T,
        stride: usize,
        panel: *const T,
        depth: usize,
        sums: *mut T,
    ) {
        let _ = (a, stride, panel, depth, sums);
    }
}

/// A side of a product of matrices.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Left,
    Right,
}

/// A term in each word, as it is.
#[derive(Debug)]
pub enum Whole {}

impl<T: Vectors> Terms<T> for Whole {
    const TERMS: usize = 1;

    #[inline(always)]
    unsafe fn word<S: Simd>(_: S, row: T::Vector<S>, _: T::Vector<S>) -> T::Vector<S> {
        row
    }
    #[inline(always)]
    unsafe fn words<S: Simd>(_: S, first: T::Vector<S>, _: T::Vector<S>) -> T::Vector<S> {
        first
    }
    #[inline(always)]
    unsafe fn multiply_add<S: Simd>(
        simd: S,
        a: T::Vector<S>,
        b: T::Vector<S>,
        sum: T::Vector<S>,
    ) -> T::Vector<S> {
        T::fused(simd, a, b, sum)
    }
}
