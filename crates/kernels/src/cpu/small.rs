//! Products of the small matrices of one attention head, where a call of the general product would cost more than the work.

use super::vector::LANES;
use crate::{Element, element::multiply_add};

/// A matrix whose element (i, j) stands at `i * row + j * column`.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a, T> {
    pub(super) data: &'a [T],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// `n` rounded up to whole vectors: the width of the padded rows of the right operand and of the result.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(LANES)
}

/// c ← a b, or c += a b, with a [m, k], b [k, width] and c [m, width], the rows of b and c being whole vectors.
#[inline(always)]
pub(super) fn small_product<T: Element, const FUSED: bool>(
    (m, k, width): (usize, usize, usize),
    a: Operand<'_, T>,
    b: &[T],
    c: &mut [T],
    accumulate: bool,
) {
    let b = &b[..k * width];
    for start in (0..width).step_by(LANES) {
        let mut i = 0;
        while i + 8 <= m {
            tile::<T, FUSED, 8>(i, k, width, start, a, b, c, accumulate);
            i += 8;
        }
        if i + 4 <= m {
            tile::<T, FUSED, 4>(i, k, width, start, a, b, c, accumulate);
            i += 4;
        }
        if i + 2 <= m {
            tile::<T, FUSED, 2>(i, k, width, start, a, b, c, accumulate);
            i += 2;
        }
        if i < m {
            tile::<T, FUSED, 1>(i, k, width, start, a, b, c, accumulate);
        }
    }
}

/// Rows i..i + R and columns start..start + LANES of the result, whose sums stay in registers.
#[inline(always)]
fn tile<T: Element, const FUSED: bool, const R: usize>(
    i: usize,
    k: usize,
    width: usize,
    start: usize,
    a: Operand<'_, T>,
    b: &[T],
    c: &mut [T],
    accumulate: bool,
) {
    let mut sums = [[T::zero(); LANES]; R];
    // One check of the last element that is read, for all of them.
    let a_data = &a.data[i * a.row..];
    assert!((R - 1) * a.row + (k - 1) * a.column < a_data.len());
    for (l, b) in b.chunks_exact(width).enumerate() {
        let b: &[T; LANES] = b[start..].first_chunk().expect("rows of whole vectors");
        for (r, sum) in sums.iter_mut().enumerate() {
            let factor = a_data[r * a.row + l * a.column];
            for (sum, &b) in sum.iter_mut().zip(b) {
                *sum = multiply_add::<T, FUSED>(factor, b, *sum);
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        let c: &mut [T; LANES] = c[(i + r) * width + start..]
            .first_chunk_mut()
            .expect("rows of whole vectors");
        for (c, &sum) in c.iter_mut().zip(sum) {
            *c = if accumulate { *c + sum } else { sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Operand, padded, small_product};
    use crate::cpu::vector::vectorized;

    vectorized! {
        fn product<T, const FUSED>(sizes: (usize, usize, usize), a: &[T], row: usize, column: usize, b: &[T], c: &mut [T], accumulate: bool) {
            small_product::<T, FUSED>(sizes, Operand { data: a, row, column }, b, c, accumulate);
        }
    }

    #[test]
    fn equals_the_triple_loop_for_all_remainders() {
        for (m, k, n) in [
            (1, 1, 1),
            (2, 3, 16),
            (3, 5, 17),
            (7, 2, 4),
            (8, 1, 33),
            (15, 4, 5),
            (17, 12, 17),
            (21, 1, 3),
        ] {
            let width = padded(n);
            let a: Vec<f64> = (0..m * k).map(|i| ((i * 7) % 11) as f64 - 5.0).collect();
            let b: Vec<f64> = (0..k * width)
                .map(|i| {
                    if i % width < n {
                        ((i * 5) % 13) as f64 - 6.0
                    } else {
                        0.0
                    }
                })
                .collect();
            for (row, column) in [(k, 1), (1, m)] {
                for accumulate in [false, true] {
                    let mut c = vec![2.0; m * width];
                    product((m, k, width), &a, row, column, &b, &mut c, accumulate);
                    for i in 0..m {
                        for j in 0..width {
                            let sum: f64 = (0..k)
                                .map(|l| a[i * row + l * column] * b[l * width + j])
                                .sum();
                            let old = if accumulate { 2.0 } else { 0.0 };
                            assert_eq!(
                                c[i * width + j],
                                old + sum,
                                "({m}, {k}, {n}) at ({i}, {j})"
                            );
                        }
                    }
                }
            }
        }
    }
}
