//! Cholesky factorizations of matrices whose elements are vectors, every lane of which belongs to a matrix of its own.
//!
//! Four rows at a time, whose sums over the rows above stay in registers.

use pulp::Simd;

use super::layout::FOUR;
use crate::{Element, cpu::vector::vectorized, lanes::Lanes};

vectorized! {
    /// Overwrites the upper triangle of A [n, n], n a multiple of [`FOUR`], by U with UᵀU = I + scale A, but for the diagonal, where 1/u
    /// stands; and `largest` by the largest elements of I + scale A. Lanes where that is not positive definite hold NaN or infinities
    /// afterwards.
    pub(super) fn factor<T, S>(simd: S, n: usize, scale: T, a: &mut [T], largest: &mut [T]) {
        let width = T::width::<S>();
        assert!(n.is_multiple_of(FOUR) && n * n * width <= a.len());
        let (scale, one) = (Lanes::<T, S>::splat(simd, scale), Lanes::splat(simd, T::one()));
        let mut most = one;
        let matrix = Matrix { simd, data: a.as_mut_ptr(), row: n * width, column: width };
        for i in (0..n).step_by(FOUR) {
            for j in (i..n).step_by(FOUR) {
                // SAFETY: all rows and columns are below n, and the slice holds n n vectors.
                unsafe {
                    let sums = matrix.sums::<FOUR, true>(0..i, i, matrix, j);
                    let mut tile = matrix.tile::<FOUR>(i, j);
                    less(&mut tile, scale, &sums);
                    if i == j {
                        let diagonal = matrix.tile::<FOUR>(i, i);
                        for r in 0..FOUR {
                            most = most.max(scale.mul_add(diagonal[r][r], one));
                            tile[r][r] += one;
                        }
                        factor_tile(one, &mut tile);
                    } else {
                        forward_tile(&matrix.tile::<FOUR>(i, i), &mut tile);
                    }
                    matrix.write(i, j, &tile);
                }
            }
        }
        most.write(largest);
    }
}

vectorized! {
    /// X ← scale A⁻¹ X in each lane, with A = UᵀU as [`factor`] leaves it, and X [n, columns] wherever its elements stand in `x`.
    pub(super) fn solve<T, S>(simd: S, n: usize, scale: T, u: &mut [T], x: &mut [T], place: (usize, usize), columns: usize) {
        let width = T::width::<S>();
        assert!(n.is_multiple_of(FOUR) && n * n * width <= u.len());
        if n == 0 || columns == 0 {
            return;
        }
        assert!((n - 1) * place.0 + (columns - 1) * place.1 + width <= x.len());
        let scale = Lanes::<T, S>::splat(simd, scale);
        let u = Matrix { simd, data: u.as_mut_ptr(), row: n * width, column: width };
        let x = Matrix { simd, data: x.as_mut_ptr(), row: place.0, column: place.1 };
        for j in (0..columns).step_by(FOUR) {
            // SAFETY: the assertions hold for all rows and columns.
            unsafe {
                match columns - j {
                    1 => solve_columns::<T, S, 1>(scale, n, u, x, j),
                    2 => solve_columns::<T, S, 2>(scale, n, u, x, j),
                    3 => solve_columns::<T, S, 3>(scale, n, u, x, j),
                    _ => solve_columns::<T, S, FOUR>(scale, n, u, x, j),
                }
            }
        }
    }
}

/// Some columns of [`solve`].
///
/// # Safety
/// `u` [n, n] and `x` [n, j + C] must lie in memory.
#[inline(always)]
unsafe fn solve_columns<T: Element, S: Simd, const C: usize>(
    scale: Lanes<T, S>,
    n: usize,
    u: Matrix<T, S>,
    x: Matrix<T, S>,
    j: usize,
) {
    let one = Lanes::splat(u.simd, T::one());
    // SAFETY: the caller's promise.
    unsafe {
        for i in (0..n).step_by(FOUR) {
            let sums = u.sums::<C, true>(0..i, i, x, j);
            let mut tile = x.tile::<C>(i, j);
            less(&mut tile, scale, &sums);
            forward_tile(&u.tile::<FOUR>(i, i), &mut tile);
            x.write(i, j, &tile);
        }
        for i in (0..n).step_by(FOUR).rev() {
            let sums = u.sums::<C, false>(i + FOUR..n, i, x, j);
            let mut tile = x.tile::<C>(i, j);
            less(&mut tile, one, &sums);
            backward_tile(&u.tile::<FOUR>(i, i), &mut tile);
            x.write(i, j, &tile);
        }
    }
}

/// Four rows of vectors.
type Tile<T, S, const C: usize> = [[Lanes<T, S>; C]; FOUR];

/// X ← scale X − sums.
#[inline(always)]
fn less<T: Element, S: Simd, const C: usize>(
    x: &mut Tile<T, S, C>,
    scale: Lanes<T, S>,
    sums: &Tile<T, S, C>,
) {
    for (x, sums) in x.iter_mut().zip(sums) {
        for (x, &sum) in x.iter_mut().zip(sums) {
            *x = scale * *x - sum;
        }
    }
}

/// U with UᵀU = A, but for 1/u on the diagonal; below it nothing changes.
#[inline(always)]
fn factor_tile<T: Element, S: Simd>(one: Lanes<T, S>, a: &mut Tile<T, S, FOUR>) {
    for i in 0..FOUR {
        let inverse = one / a[i][i].sqrt();
        a[i][i] = inverse;
        for x in &mut a[i][i + 1..] {
            *x = *x * inverse;
        }
        for r in i + 1..FOUR {
            for c in r..FOUR {
                a[r][c] = a[r][c] - a[i][r] * a[i][c];
            }
        }
    }
}

/// X ← U⁻ᵀ X.
#[inline(always)]
fn forward_tile<T: Element, S: Simd, const C: usize>(u: &Tile<T, S, FOUR>, x: &mut Tile<T, S, C>) {
    for i in 0..FOUR {
        let row = x[i].map(
            #[inline(always)]
            |x| x * u[i][i],
        );
        x[i] = row;
        for r in i + 1..FOUR {
            for (x, &done) in x[r].iter_mut().zip(&row) {
                *x = *x - u[i][r] * done;
            }
        }
    }
}

/// X ← U⁻¹ X.
#[inline(always)]
fn backward_tile<T: Element, S: Simd, const C: usize>(u: &Tile<T, S, FOUR>, x: &mut Tile<T, S, C>) {
    for i in (0..FOUR).rev() {
        let row = x[i].map(
            #[inline(always)]
            |x| x * u[i][i],
        );
        x[i] = row;
        for r in 0..i {
            for (x, &done) in x[r].iter_mut().zip(&row) {
                *x = *x - u[r][i] * done;
            }
        }
    }
}

/// A matrix of vectors in memory, its distances in scalars.
struct Matrix<T, S> {
    simd: S,
    data: *mut T,
    row: usize,
    column: usize,
}

impl<T, S: Copy> Clone for Matrix<T, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, S: Copy> Copy for Matrix<T, S> {}

/// # Safety
/// Of all: what is named must lie in memory.
impl<T: Element, S: Simd> Matrix<T, S> {
    #[inline(always)]
    unsafe fn at(self, i: usize, j: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.data.add(i * self.row + j * self.column) }
    }

    #[inline(always)]
    unsafe fn get(self, i: usize, j: usize) -> Lanes<T, S> {
        // SAFETY: the caller's promise.
        Lanes::new(self.simd, unsafe { T::read(self.at(i, j)) })
    }

    /// Four rows from i on, C columns from j on.
    #[inline(always)]
    unsafe fn tile<const C: usize>(self, i: usize, j: usize) -> Tile<T, S, C> {
        std::array::from_fn(
            #[inline(always)]
            |r| {
                std::array::from_fn(
                    #[inline(always)]
                    // SAFETY: the caller's promise.
                    |c| unsafe { self.get(i + r, j + c) },
                )
            },
        )
    }

    #[inline(always)]
    unsafe fn write<const C: usize>(self, i: usize, j: usize, tile: &Tile<T, S, C>) {
        for (r, row) in tile.iter().enumerate() {
            for (c, x) in row.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { T::write(self.at(i + r, j + c), x.vector) };
            }
        }
    }

    /// Σ_k u_ki x_kj, or Σ_k u_ik x_kj unless `TRANSPOSED`, for four rows from i on and C columns from j on; u is this matrix.
    #[inline(always)]
    unsafe fn sums<const C: usize, const TRANSPOSED: bool>(
        self,
        terms: std::ops::Range<usize>,
        i: usize,
        x: Self,
        j: usize,
    ) -> Tile<T, S, C> {
        let mut sums = [[Lanes::splat(self.simd, T::zero()); C]; FOUR];
        for k in terms {
            // SAFETY: the caller's promise.
            unsafe {
                let mut row = [Lanes::splat(self.simd, T::zero()); C];
                for (c, x_kj) in row.iter_mut().enumerate() {
                    *x_kj = x.get(k, j + c);
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let u = if TRANSPOSED {
                        self.get(k, i + r)
                    } else {
                        self.get(i + r, k)
                    };
                    for (sum, &x) in sums.iter_mut().zip(&row) {
                        *sum = u.mul_add(x, *sum);
                    }
                }
            }
        }
        sums
    }
}
