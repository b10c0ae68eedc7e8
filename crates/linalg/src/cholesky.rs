//! Cholesky factorization of symmetric positive definite matrices, with what it is good for.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use crate::check::ensure_square;
use crate::multiversion::multiversioned;
use crate::product::mismatch;
use crate::{Error, GemmShape, Result, Scalar, Strided, gemm_slices};

/// Order of the diagonal blocks; beyond it the work is in matrix products.
const BLOCK: usize = 48;
/// Rows of a block that are subtracted from the others together.
const RANK: usize = 4;

/// The factor U of A = UᵀU, U upper triangular, A symmetric positive definite of order n.
///
/// ```
/// use ndarray::array;
/// use srr_linalg::Cholesky;
///
/// let a = array![[4.0_f64, 2.0], [2.0, 3.0]];
/// let cholesky = Cholesky::new(a.view())?;
/// assert!((cholesky.log_determinant() - 8.0_f64.ln()).abs() < 1e-14);
/// let x = cholesky.solve(array![[2.0], [1.0]].view())?;
/// assert!((x[[0, 0]] - 0.5).abs() < 1e-14 && x[[1, 0]].abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cholesky<T> {
    order: usize,
    /// Row-major [n, n]; the strict lower triangle is not used.
    factor: Vec<T>,
}

impl<T: Scalar> Cholesky<T> {
    /// Factors `a`, of which only the upper triangle is read.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; [`Error::NotFinite`] for a NaN or infinity in the upper triangle;
    /// [`Error::NotPositiveDefinite`] naming the pivot.
    pub fn new(a: ArrayView2<'_, T>) -> Result<Self> {
        ensure_square("Cholesky", &a)?;
        Self::from_array(a.as_standard_layout().into_owned())
    }

    /// As [`Cholesky::new`], but factors in the place of `a`, which it takes over.
    ///
    /// # Errors
    /// As [`Cholesky::new`].
    pub fn from_array(a: Array2<T>) -> Result<Self> {
        let order = ensure_square("Cholesky", &a.view())?;
        let a = if a.is_standard_layout() {
            a
        } else {
            a.as_standard_layout().into_owned()
        };
        let (mut factor, offset) = a.into_raw_vec_and_offset();
        factor.drain(..offset.unwrap_or(0));
        factor_upper(&mut factor, order)?;
        Ok(Self { order, factor })
    }

    /// Order n of the matrix.
    #[must_use]
    pub fn order(&self) -> usize {
        self.order
    }

    /// Natural logarithm of det A, summed in `f64`.
    #[must_use]
    pub fn log_determinant(&self) -> T {
        T::from_f64(2.0 * log_of_product(self.diagonal().map(Scalar::to_f64)))
    }

    /// The diagonal of U; the squares of its entries are the pivots.
    pub fn diagonal(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.order).map(|i| self.factor[i * (self.order + 1)])
    }

    /// The factor U, [n, n], with zeros below the diagonal.
    #[must_use]
    pub fn factor(&self) -> Array2<T> {
        let n = self.order;
        Array2::from_shape_fn((n, n), |(i, j)| {
            if j >= i {
                self.factor[i * n + j]
            } else {
                T::zero()
            }
        })
    }

    /// Solves A X = B for X, [n, m], given B [n, m].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`].
    pub fn solve(&self, b: ArrayView2<'_, T>) -> Result<Array2<T>> {
        if b.nrows() != self.order {
            return Err(mismatch(
                "Cholesky::solve",
                &[self.order, self.order],
                b.shape(),
            ));
        }
        let mut x = Array2::from_shape_vec(b.dim(), b.iter().copied().collect())
            .expect("as many elements as the shape says");
        self.solve_in_place(x.as_slice_mut().expect("fresh and row-major"))?;
        Ok(x)
    }

    /// Solves A X = B in the place of B: row-major [n, m] with m = length / n.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the length is no multiple of n.
    pub fn solve_in_place(&self, b: &mut [T]) -> Result<()> {
        let n = self.order;
        if n == 0 || b.is_empty() {
            return if b.is_empty() {
                Ok(())
            } else {
                Err(mismatch("Cholesky::solve", &[0, 0], &[b.len()]))
            };
        }
        if !b.len().is_multiple_of(n) {
            return Err(mismatch("Cholesky::solve", &[n, n], &[b.len()]));
        }
        let m = b.len() / n;
        self.forward(b, m)?;
        self.backward(b, m)
    }

    /// A⁻¹, [n, n], exactly symmetric.
    #[must_use]
    pub fn inverse(&self) -> Array2<T> {
        let n = self.order;
        let mut x = Array2::eye(n);
        if let Some(values) = x.as_slice_mut() {
            self.solve_in_place(values).expect("n×n fits");
            for i in 1..n {
                for j in 0..i {
                    values[i * n + j] = values[j * n + i];
                }
            }
        }
        x
    }

    /// Solves Uᵀ Y = B in place, block of rows by block of rows.
    fn forward(&self, b: &mut [T], m: usize) -> Result<()> {
        let (n, u) = (self.order, &self.factor);
        for start in (0..n).step_by(BLOCK) {
            let end = (start + BLOCK).min(n);
            forward_block(u, n, start..end, b, m);
            if end < n {
                let (done, rest) = b.split_at_mut(end * m);
                let shape = GemmShape {
                    m: n - end,
                    n: m,
                    k: end - start,
                };
                let panel = Strided::transposed(&u[start * n + end..], n);
                gemm_slices(
                    shape,
                    -T::one(),
                    panel,
                    Strided::rows(&done[start * m..], m),
                    T::one(),
                    Strided::rows(rest, m),
                )?;
            }
        }
        Ok(())
    }

    /// Solves U X = Y in place, block of rows by block of rows from the last.
    fn backward(&self, b: &mut [T], m: usize) -> Result<()> {
        let (n, u) = (self.order, &self.factor);
        for start in (0..n).step_by(BLOCK).rev() {
            let end = (start + BLOCK).min(n);
            if end < n {
                let (target, done) = b.split_at_mut(end * m);
                let shape = GemmShape {
                    m: end - start,
                    n: m,
                    k: n - end,
                };
                let panel = Strided::rows(&u[start * n + end..], n);
                gemm_slices(
                    shape,
                    -T::one(),
                    panel,
                    Strided::rows(&*done, m),
                    T::one(),
                    Strided::rows(&mut target[start * m..], m),
                )?;
            }
            backward_block(u, n, start..end, b, m);
        }
        Ok(())
    }
}

/// Natural logarithm of the product of some positive numbers, such as the pivots or the eigenvalues of a matrix, with a logarithm for many of
/// them at once. The product may be too large or too small for an `f64`; it is NaN if a number is NaN or negative.
///
/// ```
/// let huge = srr_linalg::log_of_product([1e300, 1e200, 1e-10]);
/// assert!((huge - 490.0 * 10.0_f64.ln()).abs() < 1e-12);
/// ```
#[must_use]
pub fn log_of_product(numbers: impl IntoIterator<Item = f64>) -> f64 {
    /// Beyond it, or below its inverse, a product could leave the range with its next factor.
    const LARGE: f64 = 1e100;
    let (mut sum, mut product) = (0.0, 1.0);
    for x in numbers {
        if !(LARGE.recip()..LARGE).contains(&x) {
            sum += x.ln();
            continue;
        }
        product *= x;
        if !(LARGE.recip()..LARGE).contains(&product) {
            sum += f64::ln(product);
            product = 1.0;
        }
    }
    sum + product.ln()
}

/// y ← y − Σ factors · rows of x, which start `stride` apart.
#[inline(always)]
fn subtract<T: Scalar>(factors: &[T], x: &[T], stride: usize, y: &mut [T]) {
    let length = y.len();
    if let &[f0, f1, f2, f3] = factors {
        let row = |i: usize| &x[i * stride..][..length];
        let (x0, x1, x2, x3) = (row(0), row(1), row(2), row(3));
        for c in 0..length {
            y[c] -= (f0 * x0[c] + f1 * x1[c]) + (f2 * x2[c] + f3 * x3[c]);
        }
        return;
    }
    for (i, &factor) in factors.iter().enumerate() {
        for (y, &x) in y.iter_mut().zip(&x[i * stride..]) {
            *y -= factor * x;
        }
    }
}

/// Overwrites the upper triangle of a row-major [n, n] matrix with its factor.
fn factor_upper<T: Scalar>(a: &mut [T], n: usize) -> Result<()> {
    for i in 0..n {
        if let Some(j) = a[i * n + i..(i + 1) * n]
            .iter()
            .position(|x| !x.is_finite())
        {
            return Err(Error::NotFinite {
                operation: "Cholesky",
                row: i,
                column: i + j,
            });
        }
    }
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        factor_panel(a, n, start..end)?;
        subtract_panel(a, n, start, end)?;
    }
    Ok(())
}

multiversioned! {
    /// Solves with the diagonal block of Uᵀ.
    fn forward_block(u: &[T], n: usize, rows: Range<usize>, b: &mut [T], m: usize) {
        for first in rows.clone().step_by(RANK) {
            let last = rows.end.min(first + RANK);
            for i in first..last {
                let (done, rest) = b.split_at_mut((i + 1) * m);
                let row = &mut done[i * m..];
                let inverse = T::one() / u[i * n + i];
                row.iter_mut().for_each(|x| *x *= inverse);
                for (j, later) in (i + 1..last).zip(rest.chunks_exact_mut(m)) {
                    subtract(&[u[i * n + j]], row, m, later);
                }
            }
            let (done, rest) = b.split_at_mut(last * m);
            for (j, later) in (last..rows.end).zip(rest.chunks_exact_mut(m)) {
                let mut factors = [T::zero(); RANK];
                for (factor, i) in factors.iter_mut().zip(first..last) {
                    *factor = u[i * n + j];
                }
                subtract(&factors[..last - first], &done[first * m..], m, later);
            }
        }
    }

    /// Solves with the diagonal block of U.
    fn backward_block(u: &[T], n: usize, rows: Range<usize>, b: &mut [T], m: usize) {
        let mut last = rows.end;
        while last > rows.start {
            let first = rows.start.max(last.saturating_sub(RANK));
            for i in (first..last).rev() {
                let (before, row) = b[..(i + 1) * m].split_at_mut(i * m);
                let inverse = T::one() / u[i * n + i];
                row.iter_mut().for_each(|x| *x *= inverse);
                for (j, earlier) in (first..i).zip(before[first * m..].chunks_exact_mut(m)) {
                    subtract(&[u[j * n + i]], row, m, earlier);
                }
            }
            let (before, done) = b.split_at_mut(first * m);
            for (j, earlier) in (rows.start..first).zip(before[rows.start * m..].chunks_exact_mut(m)) {
                subtract(&u[j * n + first..j * n + last], done, m, earlier);
            }
            last = first;
        }
    }

    /// Factors some rows over all their columns, given that all earlier panels have been subtracted.
    fn factor_panel(a: &mut [T], n: usize, rows: Range<usize>) -> Result<()> {
        for first in rows.clone().step_by(RANK) {
            let last = rows.end.min(first + RANK);
            for i in first..last {
                let (done, rest) = a.split_at_mut((i + 1) * n);
                let row = &mut done[i * n..];
                let pivot = row[i];
                if !(pivot > T::zero() && pivot.is_finite()) {
                    return Err(Error::NotPositiveDefinite {
                        index: i,
                        pivot: pivot.to_f64(),
                    });
                }
                let root = pivot.sqrt();
                row[i] = root;
                let inverse = T::one() / root;
                row[i + 1..].iter_mut().for_each(|x| *x *= inverse);
                for (j, later) in (i + 1..last).zip(rest.chunks_exact_mut(n)) {
                    subtract(&[row[j]], &row[j..], n, &mut later[j..]);
                }
            }
            let (done, rest) = a.split_at_mut(last * n);
            for (j, later) in (last..rows.end).zip(rest.chunks_exact_mut(n)) {
                let mut factors = [T::zero(); RANK];
                for (factor, i) in factors.iter_mut().zip(first..last) {
                    *factor = done[i * n + j];
                }
                subtract(&factors[..last - first], &done[first * n + j..], n, &mut later[j..]);
            }
        }
        Ok(())
    }
}

/// Subtracts PᵀP from the trailing upper triangle, P being rows `start..end` right of the diagonal block.
fn subtract_panel<T: Scalar>(a: &mut [T], n: usize, start: usize, end: usize) -> Result<()> {
    const STRIPE: usize = 2 * BLOCK;
    let (done, trailing) = a.split_at_mut(end * n);
    let panel = &done[start * n..];
    for first in (end..n).step_by(STRIPE) {
        let last = (first + STRIPE).min(n);
        let shape = GemmShape {
            m: last - first,
            n: n - first,
            k: end - start,
        };
        let left = Strided::transposed(&panel[first..], n);
        let right = Strided::rows(&panel[first..], n);
        gemm_slices(
            shape,
            -T::one(),
            left,
            right,
            T::one(),
            Strided::rows(&mut trailing[(first - end) * n + first..], n),
        )?;
    }
    Ok(())
}
