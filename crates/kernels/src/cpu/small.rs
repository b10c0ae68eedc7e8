//! Products of the small matrices of one attention head, where a call of the general product would cost more than the work.

use pulp::Simd;

use super::vector::vectorized;
use crate::{Element, lanes::Lanes};

/// A matrix whose element (i, j) stands at `i * row + j * column`.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a, T> {
    pub(super) data: &'a [T],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'a, T: Copy> Operand<'a, T> {
    /// A row-major matrix with rows of `width` elements.
    pub(super) fn rows(data: &'a [T], width: usize) -> Self {
        Self {
            data,
            row: width,
            column: 1,
        }
    }

    /// The matrix from element (i, j) on.
    pub(super) fn from(self, i: usize, j: usize) -> Self {
        let first = i * self.row + j * self.column;
        Self {
            data: &self.data[first.min(self.data.len())..],
            ..self
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// The first elements of the first row.
    #[inline(always)]
    pub(super) fn read_row(self, out: &mut [T]) {
        if self.column == 1 {
            out.copy_from_slice(&self.data[..out.len()]);
            return;
        }
        for (out, &x) in out
            .iter_mut()
            .zip(self.data.iter().step_by(self.column.max(1)))
        {
            *out = x;
        }
    }
}

/// A row-major matrix whose rows start `stride` elements apart.
#[derive(Clone, Copy)]
pub(super) struct RowMajor<'a, T> {
    pub(super) data: &'a [T],
    pub(super) stride: usize,
}

vectorized! {
    /// c ← a b, or c += a b, with a [m, k], b [k, n] and c [m, n], whose rows start `stride` elements apart.
    pub(super) fn small_product<T, S>(
        simd: S,
        sizes: (usize, usize, usize),
        a: Operand<'_, T>,
        b: RowMajor<'_, T>,
        c: &mut [T],
        stride: usize,
        accumulate: bool,
    ) {
        let (m, k, n) = sizes;
        if m == 0 || k == 0 || n == 0 {
            return;
        }
        // Every element that the tiles below touch.
        assert!((m - 1) * a.row + (k - 1) * a.column < a.data.len());
        assert!((k - 1) * b.stride + n <= b.data.len() && (m - 1) * stride + n <= c.len());
        let width = T::width::<S>();
        for start in (0..n).step_by(width) {
            let mut task = Tile { simd, k, a, b: &b.data[start..], b_stride: b.stride, c: &mut c[start..], stride, accumulate };
            let columns = width.min(n - start);
            // SAFETY: the assertions above hold for all rows and columns.
            unsafe {
                if columns == width {
                    task.rows(m, #[inline(always)] |p| T::read(p), #[inline(always)] |p, v| T::write(p, v));
                } else {
                    task.rows(
                        m,
                        #[inline(always)] |p| T::load(simd, std::slice::from_raw_parts(p, columns)),
                        #[inline(always)] |p, v| T::store(simd, v, std::slice::from_raw_parts_mut(p, columns)),
                    );
                }
            }
        }
    }
}

/// At most a vector of columns of a product.
struct Tile<'a, T, S> {
    simd: S,
    k: usize,
    a: Operand<'a, T>,
    b: &'a [T],
    b_stride: usize,
    c: &'a mut [T],
    stride: usize,
    accumulate: bool,
}

impl<T: Element, S: Simd> Tile<'_, T, S> {
    /// All rows, eight at a time while there are as many.
    ///
    /// # Safety
    /// `read` and `write` must stay within the columns of the tile, and a, b and c must hold m rows and k terms.
    #[inline(always)]
    unsafe fn rows(
        &mut self,
        m: usize,
        read: impl Fn(*const T) -> T::Vector<S> + Copy,
        write: impl Fn(*mut T, T::Vector<S>) + Copy,
    ) {
        let mut i = 0;
        // SAFETY: i + R never exceeds m.
        unsafe {
            while i + 8 <= m {
                self.some_rows::<8>(i, read, write);
                i += 8;
            }
            if i + 4 <= m {
                self.some_rows::<4>(i, read, write);
                i += 4;
            }
            if i + 2 <= m {
                self.some_rows::<2>(i, read, write);
                i += 2;
            }
            if i < m {
                self.some_rows::<1>(i, read, write);
            }
        }
    }

    /// R rows from i on, whose sums stay in registers.
    ///
    /// # Safety
    /// As for [`rows`](Self::rows), and i + R ≤ m.
    #[inline(always)]
    unsafe fn some_rows<const R: usize>(
        &mut self,
        i: usize,
        read: impl Fn(*const T) -> T::Vector<S>,
        write: impl Fn(*mut T, T::Vector<S>),
    ) {
        let simd = self.simd;
        let mut sums = [Lanes::splat(simd, T::zero()); R];
        // SAFETY: rows i..i + R and terms 0..k are within the operands.
        unsafe {
            let rows: [*const T; R] =
                std::array::from_fn(|r| self.a.data.as_ptr().add((i + r) * self.a.row));
            let mut b = self.b.as_ptr();
            for l in 0..self.k {
                let term = Lanes::new(simd, read(b));
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = Lanes::splat(simd, *row.add(l * self.a.column)).mul_add(term, *sum);
                }
                b = b.wrapping_add(self.b_stride);
            }
            for (r, sum) in sums.into_iter().enumerate() {
                let c = self.c.as_mut_ptr().add((i + r) * self.stride);
                let sum = if self.accumulate {
                    Lanes::new(simd, read(c)) + sum
                } else {
                    sum
                };
                write(c, sum.vector);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Operand, RowMajor, small_product};

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
            let (b_stride, stride) = (n + 3, n + 1);
            let a: Vec<f64> = (0..m * k).map(|i| ((i * 7) % 11) as f64 - 5.0).collect();
            let b: Vec<f64> = (0..k * b_stride)
                .map(|i| ((i * 5) % 13) as f64 - 6.0)
                .collect();
            for (row, column) in [(k, 1), (1, m)] {
                for accumulate in [false, true] {
                    let mut c = vec![2.0; m * stride];
                    let (left, right) = (
                        Operand {
                            data: &a,
                            row,
                            column,
                        },
                        RowMajor {
                            data: &b,
                            stride: b_stride,
                        },
                    );
                    small_product((m, k, n), left, right, &mut c, stride, accumulate);
                    for i in 0..m {
                        for j in 0..stride {
                            let sum: f64 = (0..k)
                                .map(|l| a[i * row + l * column] * b[l * b_stride + j])
                                .sum();
                            let old = if accumulate || j == n { 2.0 } else { 0.0 };
                            let expected = if j == n { old } else { old + sum };
                            assert_eq!(
                                c[i * stride + j],
                                expected,
                                "({m}, {k}, {n}) at ({i}, {j})"
                            );
                        }
                    }
                }
            }
        }
    }
}
