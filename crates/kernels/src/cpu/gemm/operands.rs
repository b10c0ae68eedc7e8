//! Operands as tiles read them: panels of b, rows or columns of a, in words.

use pulp::Simd;

use super::{
    DEPTH, WIDEST,
    tile::{self, Left},
};
use crate::{
    Element,
    cpu::{operand::Operand, vector::vector_of, words::over_words},
    lanes::Lanes,
    terms::{Side, Terms},
};

over_words! {
    /// Packs b [k, n]: blocks of [`DEPTH`] words, in each the panels one after another, in each the words; the last panel has as many
    /// vectors as it needs, and columns beyond n are 0.
    pub(in crate::cpu) fn pack<T, S, W>(
        simd: S,
        b: Operand<'_, T>,
        k: usize,
        n: usize,
        packed: &mut [T],
    ) {
        let (width, depth) = (T::width::<S>(), W::terms(DEPTH));
        let mut buffer = [[T::zero(); WIDEST]; 2];
        let mut rest = packed;
        for first in (0..k).step_by(depth) {
            let terms = depth.min(k - first);
            for start in (0..n).step_by(tile::vectors::<S>() * width) {
                let used = (tile::vectors::<S>() * width).min(n - start);
                let stored = used.next_multiple_of(width);
                let (panel, after) = rest.split_at_mut(W::count(terms) * stored);
                for (word, out) in panel.chunks_exact_mut(stored).enumerate() {
                    let b = b.from(first, start);
                    let rows = rows_of_word::<T, W>(b, word, terms, used, &mut buffer);
                    for (c, out) in out.chunks_exact_mut(width).enumerate() {
                        // SAFETY: the processor has the instructions of `W`.
                        unsafe { self::word::<T, S, W>(simd, Side::Right, rows, c).write(out) };
                    }
                }
                rest = after;
            }
        }
    }
}

/// The part of the product that a word belongs to, and the first elements of the rows of `terms` that it is made of; none beyond the last.
#[inline(always)]
fn rows_of_word<'a, T: Element, W: Terms<T>>(
    operand: Operand<'a, T>,
    word: usize,
    terms: usize,
    used: usize,
    [row, next]: &'a mut [[T; WIDEST]; 2],
) -> (usize, [&'a [T]; 2]) {
    let words = terms.div_ceil(W::TERMS);
    let (part, l) = if W::PARTS == 1 {
        (0, word * W::TERMS)
    } else {
        (word / words, word % words * W::TERMS)
    };
    let row = if part < W::PARTS && l < terms {
        contiguous(operand.from(l, 0), used, row)
    } else {
        &[]
    };
    let next = if W::TERMS == 2 && part < W::PARTS && l + 1 < terms {
        contiguous(operand.from(l + 1, 0), used, next)
    } else {
        &[]
    };
    (part, [row, next])
}

/// A vector of words that [`rows_of_word`] finds the rows of.
///
/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
unsafe fn word<T: Element, S: Simd, W: Terms<T>>(
    simd: S,
    side: Side,
    (part, rows): (usize, [&[T]; 2]),
    index: usize,
) -> Lanes<T, S> {
    // SAFETY: the caller's promise.
    let [row, next] = rows.map(
        #[inline(always)]
        |row| unsafe { W::part(simd, side, part, vector_of(simd, row, index).vector) },
    );
    // SAFETY: the same.
    Lanes::new(simd, unsafe { W::word(simd, row, next) })
}

/// The first elements of a row of an operand, copied to `buffer` if they do not follow one another.
#[inline(always)]
fn contiguous<'a, T: Copy>(
    operand: Operand<'a, T>,
    used: usize,
    buffer: &'a mut [T; WIDEST],
) -> &'a [T] {
    if operand.column == 1 {
        return &operand.data[..used];
    }
    operand.read_row(&mut buffer[..used]);
    &buffer[..used]
}

/// The left operand with contiguous rows: terms where they lie, or words of two.
///
/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
pub(super) unsafe fn rows<'a, T: Element, S: Simd, W: Terms<T>>(
    simd: S,
    m: usize,
    terms: usize,
    a: Operand<'a, T>,
    workspace: &'a mut [T],
) -> Left<'a, T> {
    if W::TERMS == 1 {
        return Left::Rows(a.data, a.row);
    }
    let depth = W::count(terms);
    for (i, words) in workspace.chunks_exact_mut(depth).take(m).enumerate() {
        let row = &a.data[i * a.row..][..terms];
        let (parts, beyond) = words.split_at_mut(terms.div_ceil(W::TERMS) * W::PARTS);
        beyond.fill(T::zero());
        for (part, words) in parts.chunks_exact_mut(terms.div_ceil(W::TERMS)).enumerate() {
            for (c, words) in words.chunks_mut(T::width::<S>()).enumerate() {
                // SAFETY: the caller's promise.
                let [first, second] = [2 * c, 2 * c + 1].map(
                    #[inline(always)]
                    |c| unsafe { W::part(simd, Side::Left, part, vector_of(simd, row, c).vector) },
                );
                // SAFETY: the same.
                let vector = unsafe { W::words(simd, first, second) };
                Lanes::<T, S>::new(simd, vector).write(words);
            }
        }
    }
    Left::Rows(workspace, depth)
}

/// The left operand with contiguous columns, or neither: the columns of a tile copied one after another, or rows for the processor's tiles.
///
/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
pub(super) unsafe fn columns<'a, T: Element, S: Simd, W: Terms<T>>(
    simd: S,
    m: usize,
    terms: usize,
    a: Operand<'a, T>,
    workspace: &'a mut [T],
) -> Left<'a, T> {
    let (depth, height, width) = (W::count(terms), tile::height::<T, S, W>(), T::width::<S>());
    let together = (width / height).max(1) * height;
    let (mut buffer, mut words) = ([[T::zero(); WIDEST]; 2], [T::zero(); WIDEST]);
    for first in (0..m).step_by(together) {
        let used = together.min(m - first);
        let workspace = &mut workspace[first * depth..];
        for word in 0..depth {
            let a = a.transposed().from(0, first);
            let rows = rows_of_word::<T, W>(a, word, terms, used, &mut buffer);
            let words = if W::TERMS == 1 && used == together {
                rows.1[0]
            } else {
                for (c, out) in words
                    .chunks_exact_mut(width)
                    .enumerate()
                    .take(used.div_ceil(width))
                {
                    // SAFETY: the caller's promise.
                    unsafe { self::word::<T, S, W>(simd, Side::Left, rows, c).write(out) };
                }
                &words[..]
            };
            if W::TILE_ROWS > 0 {
                for (row, &value) in workspace.chunks_exact_mut(depth).zip(&words[..used]) {
                    row[word] = value;
                }
                continue;
            }
            for tile in (0..used).step_by(height) {
                let column = &mut workspace[tile * depth + word * height..][..height];
                column.copy_from_slice(&words[tile..][..height]);
            }
        }
    }
    if W::TILE_ROWS > 0 {
        Left::Rows(workspace, depth)
    } else {
        Left::Columns(workspace, height, depth)
    }
}
