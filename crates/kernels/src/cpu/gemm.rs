//! Products of matrices, arranged for registers and caches.
//!
//! b is packed once, into panels of a few vectors of columns; all blocks of rows of a share it. The terms of a panel stay in the
//! first-level cache while the rows of a block pass by in tiles whose sums never leave the registers. The order of the terms depends
//! on the sizes alone.

mod tile;

use pulp::Simd;

use self::tile::{Left, Tile};
use super::{
    operand::Operand,
    vector::{vectorized, width},
};
use crate::{Element, lanes::Lanes};

/// Terms that a tile sums at once.
pub(super) const DEPTH: usize = 128;
/// Rows of a that pass all panels together.
const ROWS: usize = 192;
/// Rows of the tallest tile.
const TALLEST: usize = 8;

/// What becomes of the sums: relu(α a b + out + bias − shift), each part if it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a, T> {
    pub(super) alpha: T,
    /// Whether the sums are added to what `out` holds.
    pub(super) accumulate: bool,
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
            bias: None,
            relu_shift: None,
        }
    }
}

/// The length of [k, n] packed.
pub(super) fn packed_len<T: Element>(k: usize, n: usize) -> usize {
    k * n.next_multiple_of(width::<T>())
}

/// The length of the workspace that [`multiply`] needs for a product of m rows and k terms of an `a` without contiguous rows.
pub(super) fn workspace_len<T: Element>(a: Operand<'_, T>, m: usize, k: usize) -> usize {
    if a.column == 1 {
        0
    } else {
        m.min(ROWS).next_multiple_of(TALLEST) * k.min(DEPTH)
    }
}

vectorized! {
    /// Packs b [k, n]: blocks of [`DEPTH`] terms, in each the panels one after another, in each the terms; the
    /// last panel has one vector where one is enough, and columns beyond n are 0.
    pub(super) fn pack<T, S>(simd: S, b: Operand<'_, T>, k: usize, n: usize, packed: &mut [T]) {
        let width = T::width::<S>();
        let columns = tile::vectors::<S>() * width;
        let mut rest = &mut packed[..k * n.next_multiple_of(width)];
        for first in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - first);
            for start in (0..n).step_by(columns) {
                let used = columns.min(n - start);
                let stored = used.next_multiple_of(width);
                let (panel, after) = rest.split_at_mut(depth * stored);
                for (l, row) in panel.chunks_exact_mut(stored).enumerate() {
                    let b = b.from(first + l, start);
                    if b.column == 1 {
                        copy(simd, &b.data[..used], row);
                    } else {
                        b.read_row(&mut row[..used]);
                        row[used..].fill(T::zero());
                    }
                }
                rest = after;
            }
        }
    }
}

/// A row of a panel: the elements, then zeros.
#[inline(always)]
fn copy<T: Element, S: Simd>(simd: S, from: &[T], to: &mut [T]) {
    let width = T::width::<S>();
    for (c, to) in to.chunks_exact_mut(width).enumerate() {
        let (start, end) = (
            (c * width).min(from.len()),
            ((c + 1) * width).min(from.len()),
        );
        Lanes::read(simd, &from[start..end]).write(to);
    }
}

/// out [m, n] ← `finish` of a b, with a [m, k], b [k, n] as [`pack`] leaves it, and k > 0.
pub(super) fn multiply<T: Element>(
    (m, k, n): (usize, usize, usize),
    a: Operand<'_, T>,
    packed: &[T],
    finish: Finish<'_, T>,
    out: &mut [T],
    workspace: &mut [T],
) {
    assert!(out.len() >= m * n && packed.len() >= packed_len::<T>(k, n));
    assert!(
        workspace.len() >= workspace_len(a, m, k) && finish.bias.is_none_or(|bias| bias.len() == n)
    );
    for (block, out) in out[..m * n].chunks_mut((ROWS * n).max(1)).enumerate() {
        for first in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - first);
            let packed = &packed[packed_len::<T>(first, n)..][..packed_len::<T>(depth, n)];
            let finish = Finish {
                alpha: finish.alpha,
                accumulate: finish.accumulate || first > 0,
                bias: finish.bias.filter(|_| first + depth == k),
                relu_shift: finish.relu_shift.filter(|_| first + depth == k),
            };
            let a = a.from(block * ROWS, first);
            if a.column == 1 {
                rows(depth, n, a, packed, finish, out);
            } else {
                columns(depth, n, a, packed, finish, out, workspace);
            }
        }
    }
}

vectorized! {
    /// One block of rows and terms of a product, a having rows.
    fn rows<T, S>(simd: S, depth: usize, n: usize, a: Operand<'_, T>, packed: &[T], finish: Finish<'_, T>, out: &mut [T]) {
        let left = |first: usize| Left::Rows(&a.data[first * a.row..], a.row);
        tiles(simd, depth, n, left, packed, finish, out);
    }
}

vectorized! {
    /// One block of rows and terms of a product, a having columns, or neither: it is copied, the columns of a tile one after another.
    fn columns<T, S>(simd: S, depth: usize, n: usize, a: Operand<'_, T>, packed: &[T], finish: Finish<'_, T>, out: &mut [T], workspace: &mut [T]) {
        let (m, height) = (out.len() / n, tile::height::<S>());
        let length = height * depth;
        for (i, tile) in workspace.chunks_exact_mut(length).take(m.div_ceil(height)).enumerate() {
            let used = height.min(m - i * height);
            for (l, column) in tile.chunks_exact_mut(height).enumerate() {
                let source = a.transposed().from(l, i * height);
                if used == height && source.column == 1 {
                    column.copy_from_slice(&source.data[..height]); // of a length that the compiler knows
                } else {
                    source.read_row(&mut column[..used]);
                }
            }
        }
        let left = |first: usize| Left::Columns(&workspace[first * depth..][..length]);
        tiles(simd, depth, n, left, packed, finish, out);
    }
}

/// All tiles of a block: each panel of b with all rows, of which `left` gives those of a tile.
#[inline(always)]
fn tiles<'a, T: Element, S: Simd>(
    simd: S,
    depth: usize,
    n: usize,
    left: impl Fn(usize) -> Left<'a, T>,
    packed: &[T],
    finish: Finish<'_, T>,
    out: &mut [T],
) {
    let (m, height, width) = (out.len() / n, tile::height::<S>(), T::width::<S>());
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
                finish,
                columns: columns.clone(),
                stride: n,
            };
            tile.run(left(first), &mut out[first * n..][..rows * n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_linalg::Scalar;

    fn wide<T: Element>(x: T) -> f64 {
        Scalar::to_f64(x)
    }

    /// Small whole numbers, whose products are exact.
    fn numbers<T: Element>(len: usize, salt: usize) -> Vec<T> {
        let number = |i: usize| ((i * 7 + salt * 5 + i / 3) % 13) as f64 - 6.0;
        (0..len).map(|i| T::from_f64(number(i))).collect()
    }

    fn check<T: Element>((m, k, n): (usize, usize, usize), a_by_rows: bool, b_by_rows: bool) {
        let (a, b, bias) = (
            numbers::<T>(m * k, 1),
            numbers::<T>(k * n, 2),
            numbers::<T>(n, 3),
        );
        let by = |rows: bool, data, height, width| {
            let (row, column) = if rows { (width, 1) } else { (1, height) };
            Operand { data, row, column }
        };
        let (left, right) = (by(a_by_rows, &a, m, k), by(b_by_rows, &b, k, n));
        let at = |x: &Operand<'_, T>, i, j| wide(x.data[i * x.row + j * x.column]);
        let mut packed = vec![T::from_f64(f64::NAN); packed_len::<T>(k, n)];
        pack(right, k, n, &mut packed);
        let mut workspace = vec![T::zero(); workspace_len(left, m, k)];
        for (accumulate, bias, relu_shift) in [
            (false, None, None),
            (true, None, None),
            (true, Some(bias.as_slice()), Some(T::from_f64(2.0))),
        ] {
            let finish = Finish {
                alpha: T::from_f64(-2.0),
                accumulate,
                bias,
                relu_shift,
            };
            let mut out = numbers::<T>(m * n, 4);
            let old = out.clone();
            multiply((m, k, n), left, &packed, finish, &mut out, &mut workspace);
            for (index, (out, old)) in out.iter().zip(&old).enumerate() {
                let (i, j) = (index / n, index % n);
                let sum: f64 = (0..k).map(|l| at(&left, i, l) * at(&right, l, j)).sum();
                let mut expected = -2.0 * sum;
                expected += if accumulate { wide(*old) } else { 0.0 };
                expected += bias.map_or(0.0, |bias| wide(bias[j]));
                if let Some(shift) = relu_shift {
                    expected = (expected - wide(shift)).max(0.0);
                }
                let case = format!("{} ({m}, {k}, {n}) at ({i}, {j})", T::NAME);
                assert_eq!(wide(*out), expected, "{case}");
            }
        }
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
                check::<f32>(sizes, a_by_rows, b_by_rows);
                check::<f64>(sizes, a_by_rows, b_by_rows);
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
        let mut packed = vec![0.0; packed_len::<f64>(1, 1)];
        pack(one, 1, 1, &mut packed);
        let mut workspace = vec![0.0; workspace_len(one, 1, 1)];
        multiply(
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
