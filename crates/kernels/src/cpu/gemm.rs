//! Products of matrices, arranged for registers and caches.
//!
//! b is packed once, into panels of a few vectors of columns; all blocks of rows of a share it. The terms of a panel stay in the
//! first-level cache while the rows of a block pass by in tiles whose sums never leave the registers. The order of the terms depends
//! on the sizes alone. A word of an operand holds one term, or two that are rounded to bf16 ([`Words`]); sums are of the element type.

mod operands;
mod tile;

use pulp::Simd;

pub(super) use self::operands::pack;
use self::{
    operands::{columns, rows},
    tile::{Left, Tile},
};
use super::{
    operand::Operand,
    vector::{vectorized, width},
    words::{Words, over_words},
};
use crate::{
    Element,
    terms::{Terms, Whole},
};

/// Words that a tile multiplies at once.
const DEPTH: usize = 256;
/// Rows of a that pass all panels together.
const ROWS: usize = 192;
/// Rows of the tallest tile.
const TALLEST: usize = 16;
/// Columns of the widest panel.
const WIDEST: usize = 48;

/// What becomes of the sums: relu(α a b + out + addend + bias − shift), each part if it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a, T> {
    pub(super) alpha: T,
    /// Whether the sums are added to what `out` holds.
    pub(super) accumulate: bool,
    /// Added as it is, row by row like `out`.
    pub(super) addend: Option<&'a [T]>,
    /// Added to each row.
    pub(super) bias: Option<&'a [T]>,
    /// Subtracted before what is negative becomes 0.
    pub(super) relu_shift: Option<T>,
}

impl<T: Element> Finish<'_, T> {
    /// α a b.
    pub(super) fn scaled(alpha: T) -> Self {
        Self {
            alpha,
            accumulate: false,
            addend: None,
            bias: None,
            relu_shift: None,
        }
    }
}

/// Terms that are summed before the next are looked at.
pub(super) fn depth(words: Words) -> usize {
    words.terms(DEPTH)
}

/// The words of all blocks of so many terms.
fn words_of_blocks(words: Words, k: usize) -> usize {
    let depth = depth(words);
    k / depth * words.count(depth) + words.count(k % depth)
}

/// The length of [k, n] packed.
pub(super) fn packed_len<T: Element>(words: Words, k: usize, n: usize) -> usize {
    words_of_blocks(words, k) * n.next_multiple_of(width::<T>())
}

/// The length of the workspace that [`multiply`] needs for a product of m rows and k terms.
pub(super) fn workspace_len<T: Copy>(words: Words, a: Operand<'_, T>, m: usize, k: usize) -> usize {
    if a.column == 1 && matches!(words, Words::Whole) {
        0 // rows are read where they lie
    } else {
        (m.min(ROWS) + TALLEST) * words.count(k).min(DEPTH)
    }
}

/// out [m, n] ← `finish` of a b, with a [m, k], b [k, n] as [`pack`] leaves it, and k > 0.
pub(super) fn multiply<T: Element>(
    words: Words,
    (m, k, n): (usize, usize, usize),
    a: Operand<'_, T>,
    packed: &[T],
    finish: Finish<'_, T>,
    out: &mut [T],
    workspace: &mut [T],
) {
    assert!(out.len() >= m * n && packed.len() >= packed_len::<T>(words, k, n));
    assert!(workspace.len() >= workspace_len(words, a, m, k));
    assert!(finish.bias.is_none_or(|bias| bias.len() == n));
    let depth = depth(words);
    for (index, out) in out[..m * n].chunks_mut((ROWS * n).max(1)).enumerate() {
        for first in (0..k).step_by(depth) {
            let terms = depth.min(k - first);
            let packed = &packed[packed_len::<T>(words, first, n)..];
            let last = first + terms == k;
            let finish = Finish {
                alpha: finish.alpha,
                accumulate: finish.accumulate || first > 0,
                addend: finish
                    .addend
                    .filter(|_| last)
                    .map(|x| &x[index * ROWS * n..]),
                bias: finish.bias.filter(|_| last),
                relu_shift: finish.relu_shift.filter(|_| last),
            };
            let a = a.from(index * ROWS, first);
            block(words, terms, n, a, packed, finish, out, workspace);
        }
    }
}

over_words! {
    /// One block of rows and terms of a product.
    fn block<T, S, W>(
        simd: S,
        terms: usize,
        n: usize,
        a: Operand<'_, T>,
        packed: &[T],
        finish: Finish<'_, T>,
        out: &mut [T],
        workspace: &mut [T],
    ) {
        let m = out.len() / n;
        // SAFETY: the processor has the instructions of `W`.
        unsafe {
            let left = if a.column == 1 {
                rows::<T, S, W>(simd, m, terms, a, workspace)
            } else {
                columns::<T, S, W>(simd, m, terms, a, workspace)
            };
            W::enter();
            tiles::<T, S, W>(simd, W::count(terms), n, left, packed, finish, out);
            W::leave();
        }
    }
}

/// All tiles of a block: each panel of b with all rows.
///
/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
unsafe fn tiles<T: Element, S: Simd, W: Terms<T>>(
    simd: S,
    depth: usize,
    n: usize,
    left: Left<'_, T>,
    packed: &[T],
    finish: Finish<'_, T>,
    out: &mut [T],
) {
    let (m, height, width) = (out.len() / n, tile::height::<T, S, W>(), T::width::<S>());
    let widest = tile::vectors::<S>() * width;
    let mut rest = packed;
    for start in (0..n).step_by(widest) {
        let columns = start..n.min(start + widest);
        let (panel, after) = rest.split_at(depth * columns.len().next_multiple_of(width));
        rest = after;
        for first in (0..m).step_by(height) {
            let rows = height.min(m - first);
            let tile = Tile {
                simd,
                depth,
                rows,
                panel,
                word: columns.len().next_multiple_of(width),
                finish,
                first,
                columns: columns.clone(),
                stride: n,
            };
            // SAFETY: the caller's promise.
            unsafe { tile.run::<W>(left.from(first), &mut out[first * n..][..rows * n]) };
        }
    }
}

vectorized! {
    /// Whether [`multiply_transposed`] takes results of this shape.
    pub(super) fn reads_in_place<T, S>(simd: S, m: usize, n: usize) -> bool {
        let _ = simd;
        m.is_multiple_of(tile::height::<T, S, Whole>()) && n.is_multiple_of(T::width::<S>())
    }
}

vectorized! {
    /// out [m, n] ← xᵀ y, with rows of x `stride` apart and y [k, n], k > 0, both read where they lie.
    pub(super) fn multiply_transposed<T, S>(simd: S, sizes: (usize, usize, usize), x: &[T], stride: usize, y: &[T], out: &mut [T]) {
        let (m, k, n) = sizes;
        let (height, widest) = (tile::height::<T, S, Whole>(), tile::vectors::<S>() * T::width::<S>());
        assert!(m.is_multiple_of(height) && n.is_multiple_of(T::width::<S>()));
        for term in (0..k).step_by(DEPTH) {
            let finish = Finish { accumulate: term > 0, ..Finish::scaled(T::one()) };
            for start in (0..n).step_by(widest) {
                for first in (0..m).step_by(height) {
                    let tile = Tile {
                        simd,
                        depth: DEPTH.min(k - term),
                        rows: height,
                        panel: &y[term * n + start..],
                        word: n,
                        finish,
                        first,
                        columns: start..n.min(start + widest),
                        stride: n,
                    };
                    let left = Left::Columns(&x[term * stride + first..], stride, 1);
                    // SAFETY: every processor has what whole words take.
                    unsafe { tile.run::<Whole>(left, &mut out[first * n..][..height * n]) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
