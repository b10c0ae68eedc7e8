//! Products of matrices, arranged for registers and caches.
//!
//! b is packed once, into panels of a few vectors of columns; all blocks of rows of a share it. The terms of a panel stay in the
//! first-level cache while the rows of a block pass by in tiles whose sums never leave the registers. The order of the terms depends
//! on the sizes alone. A word of an operand holds one term, or two that are rounded to bf16 ([`Words`]); sums are of the element type.

mod tile;

use pulp::Simd;

use self::tile::{Left, Tile};
use super::{
    operand::Operand,
    vector::{vector_of, vectorized, width},
    words::{Words, over_words},
};
use crate::{
    Element,
    lanes::Lanes,
    terms::{Side, Terms, Whole},
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

over_words! {
    /// Packs b [k, n]: blocks of [`DEPTH`] words, in each the panels one after another, in each the words; the last panel has as many
    /// vectors as it needs, and columns beyond n are 0.
    pub(super) fn pack<T, S, W>(
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

/// The left operand with contiguous rows: terms where they lie, or words of two.
///
/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
unsafe fn rows<'a, T: Element, S: Simd, W: Terms<T>>(
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
unsafe fn columns<'a, T: Element, S: Simd, W: Terms<T>>(
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
mod tests {
    use super::*;
    use crate::MatmulPrecision;
    use srr_linalg::Scalar;

    fn wide<T: Element>(x: T) -> f64 {
        Scalar::to_f64(x)
    }

    /// Small whole numbers, whose products are exact.
    fn numbers<T: Element>(len: usize, salt: usize) -> Vec<T> {
        let number = |i: usize| ((i * 7 + salt * 5 + i / 3) % 13) as f64 - 6.0;
        (0..len).map(|i| T::from_f64(number(i))).collect()
    }

    /// Against the triple loop; whole numbers so small are exact in bf16, and so are the sums of their products. `factors` make the operands
    /// larger.
    fn check_times<T: Element>(
        factors: [f64; 2],
        words: Words,
        (m, k, n): (usize, usize, usize),
        a_by_rows: bool,
        b_by_rows: bool,
    ) {
        let times = |numbers: Vec<T>, factor: f64| -> Vec<T> {
            let factor = T::from_f64(factor);
            numbers.into_iter().map(|x| factor * x).collect()
        };
        let (a, b, bias) = (
            times(numbers(m * k, 1), factors[0]),
            times(numbers(k * n, 2), factors[1]),
            numbers::<T>(n, 3),
        );
        let by = |rows: bool, data, height, width| {
            let (row, column) = if rows { (width, 1) } else { (1, height) };
            Operand { data, row, column }
        };
        let (left, right) = (by(a_by_rows, &a, m, k), by(b_by_rows, &b, k, n));
        let at = |x: &Operand<'_, T>, i, j| wide(x.data[i * x.row + j * x.column]);
        let mut packed = vec![T::from_f64(f64::NAN); packed_len::<T>(words, k, n)];
        pack(words, right, k, n, &mut packed);
        let mut workspace = vec![T::zero(); workspace_len(words, left, m, k)];
        let addend = numbers::<T>(m * n, 5);
        for (accumulate, addend, bias, relu_shift) in [
            (false, None, None, None),
            (true, None, None, None),
            (false, Some(addend.as_slice()), None, None),
            (
                true,
                Some(addend.as_slice()),
                Some(bias.as_slice()),
                Some(T::from_f64(2.0)),
            ),
        ] {
            let finish = Finish {
                alpha: T::from_f64(-2.0),
                accumulate,
                addend,
                bias,
                relu_shift,
            };
            let mut out = numbers::<T>(m * n, 4);
            let old = out.clone();
            multiply(
                words,
                (m, k, n),
                left,
                &packed,
                finish,
                &mut out,
                &mut workspace,
            );
            for (index, (out, old)) in out.iter().zip(&old).enumerate() {
                let (i, j) = (index / n, index % n);
                let sum: f64 = (0..k).map(|l| at(&left, i, l) * at(&right, l, j)).sum();
                let mut expected = -2.0 * sum;
                expected += if accumulate { wide(*old) } else { 0.0 };
                expected += addend.map_or(0.0, |addend| wide(addend[index]));
                expected += bias.map_or(0.0, |bias| wide(bias[j]));
                if let Some(shift) = relu_shift {
                    expected = (expected - wide(shift)).max(0.0);
                }
                let case = format!("{} ({m}, {k}, {n}) at ({i}, {j})", T::NAME);
                assert_eq!(wide(*out), expected, "{case}");
            }
        }
    }

    fn check<T: Element>(
        words: Words,
        sizes: (usize, usize, usize),
        a_by_rows: bool,
        b_by_rows: bool,
    ) {
        check_times::<T>([1.0; 2], words, sizes, a_by_rows, b_by_rows);
    }

    /// The largest error of the elements of a product of numbers of size 1, over the root of the number of terms.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    fn error(words: Words) -> f64 {
        let (m, k, n) = (21, 300, 19);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32).sin()).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (1.7 * i as f32).cos()).collect();
        let (left, right) = (Operand::rows(&a, k), Operand::rows(&b, n));
        let mut packed = vec![0.0; packed_len::<f32>(words, k, n)];
        pack(words, right, k, n, &mut packed);
        let mut workspace = vec![0.0; workspace_len(words, left, m, k)];
        let (mut out, finish) = (vec![0.0; m * n], Finish::scaled(1.0));
        multiply(
            words,
            (m, k, n),
            left,
            &packed,
            finish,
            &mut out,
            &mut workspace,
        );
        let exact = |i: usize, j: usize| -> f64 {
            (0..k)
                .map(|l| wide(a[i * k + l]) * wide(b[l * n + j]))
                .sum()
        };
        let errors = out
            .iter()
            .enumerate()
            .map(|(index, &x)| (wide(x) - exact(index / n, index % n)).abs());
        errors.fold(0.0, f64::max) / (k as f64).sqrt()
    }

    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn so_do_tiles_where_need_be_emulated() {
        use crate::terms::{
            Bf16,
            amx::{Amx, emulator},
        };
        let Some(bf16) = Bf16::detect() else {
            return; // nothing rounds to bf16 here
        };
        let amx = Amx::detect().unwrap_or_else(|| Amx::emulated(bf16));
        for sizes in [
            (1, 1, 1),
            (2, 3, 5),
            (17, 33, 48),
            (33, 127, 17),
            (7, 129, 65),
            (20, 530, 97),
            (193, 31, 9),
            (3, 192, 48),
            (5, 384, 7),
            (2, 2721, 3),
        ] {
            for (a_by_rows, b_by_rows) in [(true, true), (false, false)] {
                check::<f32>(Words::Tiles(amx), sizes, a_by_rows, b_by_rows);
                // Ten bits are more than bf16 has: the second part of either side makes up for it.
                for factors in [[131.0, 1.0], [1.0, 131.0]] {
                    let words = Words::Split(amx);
                    check_times::<f32>(factors, words, sizes, a_by_rows, b_by_rows);
                }
            }
        }
        let [rounded, split] = [Words::Tiles(amx), Words::Split(amx)].map(error);
        assert!(
            split < 2e-5 && rounded > 100.0 * split && rounded < 4e-3,
            "{rounded} {split}"
        );
        // A thread that has no tiles yet.
        std::thread::spawn(move || check::<f32>(Words::Tiles(amx), (17, 33, 48), true, true))
            .join()
            .unwrap();
        assert!(Amx::detect().is_some() || emulator::interpreted() > 0);
    }

    #[test]
    fn equals_the_triple_loop_at_every_awkward_size() {
        for sizes in [
            (1, 1, 1),
            (2, 3, 5),
            (11, 4, 31),
            (12, 5, 32),
            (13, 7, 33),
            (25, 127, 3),
            (24, 128, 17),
            (7, 129, 65),
            (191, 2, 16),
            (193, 257, 9),
            (400, 3, 70),
        ] {
            for (a_by_rows, b_by_rows) in
                [(true, true), (true, false), (false, true), (false, false)]
            {
                for precision in MatmulPrecision::ALL {
                    let (single, double) =
                        (Words::of::<f32>(precision), Words::of::<f64>(precision));
                    check::<f32>(single, sizes, a_by_rows, b_by_rows);
                    check::<f64>(double, sizes, a_by_rows, b_by_rows);
                }
            }
        }
    }

    fn transposed<T: Element>(k: usize, (m, n): (usize, usize)) {
        assert!(reads_in_place::<T>(m, n) && !reads_in_place::<T>(m + 1, n));
        let (stride, x) = (m + 3, numbers::<T>(k * (m + 3), 1));
        let y = numbers::<T>(k * n, 2);
        let mut out = vec![T::from_f64(f64::NAN); m * n];
        multiply_transposed((m, k, n), &x[2..], stride, &y, &mut out);
        for (index, &out) in out.iter().enumerate() {
            let (i, j) = (index / n, index % n);
            let term = |l: usize| wide(x[2 + l * stride + i]) * wide(y[l * n + j]);
            let sum: f64 = (0..k).map(term).sum();
            assert_eq!(wide(out), sum, "({m}, {k}, {n}) at ({i}, {j})");
        }
    }

    #[test]
    fn reductions_in_place_equal_the_triple_loop() {
        let (width, height) = (width::<f32>(), 24); // a multiple of every tile's height
        for k in [1, 5, 256, 300] {
            for vectors in [1, 2, 3, 4] {
                transposed::<f32>(k, (height, vectors * width));
                transposed::<f64>(k, (2 * height, vectors * width / 2));
            }
        }
    }

    #[test]
    fn nothing_is_read_of_what_it_overwrites() {
        let (one, mut out) = ([1.0], [f64::NAN]);
        let one = Operand {
            data: &one,
            row: 1,
            column: 1,
        };
        let words = Words::Whole;
        let mut packed = vec![0.0; packed_len::<f64>(words, 1, 1)];
        pack(words, one, 1, 1, &mut packed);
        let mut workspace = vec![0.0; workspace_len(words, one, 1, 1)];
        multiply(
            words,
            (1, 1, 1),
            one,
            &packed,
            Finish::scaled(3.0),
            &mut out,
            &mut workspace,
        );
        assert_eq!(out, [3.0]);
    }
}
