//! Decompositions by nalgebra, in `f64` for both element types.
//!
//! In `f32` nalgebra's iterations turn the rounding noise of rank-deficient matrices into subnormal numbers and then into NaN.

use nalgebra::{DMatrix, DVector, Dyn, SVD};
use ndarray::{Array1, Array2, ArrayView2};

use super::{Svd, SymmetricEigen};
use crate::{Error, Result, Scalar};

/// Iterations allowed for a matrix of this order: far more than convergence takes, and an end where there would be none.
fn iterations(order: usize) -> usize {
    1000 + 100 * order
}

fn no_convergence(operation: &'static str, order: usize) -> Error {
    let message = format!("no convergence within {} iterations", iterations(order));
    Error::Provider {
        provider: "nalgebra",
        operation,
        message,
    }
}

fn matrix<T: Scalar>(a: ArrayView2<'_, T>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a[[i, j]].to_f64())
}

fn array<T: Scalar>(a: &DMatrix<f64>) -> Array2<T> {
    Array2::from_shape_fn((a.nrows(), a.ncols()), |(i, j)| T::from_f64(a[(i, j)]))
}

fn vector<T: Scalar>(values: impl IntoIterator<Item = f64>) -> Array1<T> {
    values.into_iter().map(T::from_f64).collect()
}

fn eigen(operation: &'static str, a: DMatrix<f64>) -> Result<nalgebra::SymmetricEigen<f64, Dyn>> {
    let order = a.nrows();
    match nalgebra::SymmetricEigen::try_new(a, f64::EPSILON, iterations(order)) {
        Some(found)
            if found
                .eigenvalues
                .iter()
                .chain(found.eigenvectors.iter())
                .all(|x| x.is_finite()) =>
        {
            Ok(found)
        }
        _ => Err(no_convergence(operation, order)),
    }
}

pub(super) fn symmetric_eigen<T: Scalar>(a: ArrayView2<'_, T>) -> Result<SymmetricEigen<T>> {
    let found = eigen("symmetric_eigen", matrix(a))?;
    Ok(SymmetricEigen {
        values: vector(found.eigenvalues.iter().copied()),
        vectors: array(&found.eigenvectors),
    })
}

/// nalgebra's own decomposition where it is right, and else one by way of eigenvectors.
///
/// With rank-deficient matrices nalgebra 0.35 returns factors whose product is not the matrix, without saying so; hence the check.
pub(super) fn svd<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Svd<T>> {
    let a = matrix(a);
    let order = a.nrows().min(a.ncols());
    let found = SVD::try_new(a.clone(), true, true, f64::EPSILON, iterations(order));
    if let Some(SVD {
        u: Some(u),
        v_t: Some(vt),
        singular_values,
    }) = found
        && decomposes(&a, &u, &singular_values, &vt)
    {
        return Ok(Svd {
            u: array(&u),
            values: vector(singular_values.iter().copied()),
            vt: array(&vt),
        });
    }
    svd_by_eigenvectors(&a)
}

pub(super) fn singular_values<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    svd(a).map(|found| found.values)
}

/// Whether U diag(σ) Vᵀ is A and both factors are orthonormal, to rounding.
fn decomposes(
    a: &DMatrix<f64>,
    u: &DMatrix<f64>,
    values: &DVector<f64>,
    vt: &DMatrix<f64>,
) -> bool {
    let order = values.len();
    let tolerance = f64::EPSILON * (10 * (a.nrows() + a.ncols())) as f64;
    let identity = DMatrix::identity(order, order);
    let within = |difference: DMatrix<f64>, bound: f64| difference.iter().all(|x| x.abs() <= bound);
    within(
        u * DMatrix::from_diagonal(values) * vt - a,
        tolerance * a.amax(),
    ) && within(u.tr_mul(u) - &identity, tolerance)
        && within(vt * vt.transpose() - identity, tolerance)
}

/// From the eigenvectors (u, v)/√2 of [[0, A], [Aᵀ, 0]] with the r largest eigenvalues, which are the singular values.
///
/// Where a singular value is small, u and v come out mixed with those of its negative; an orthogonalization in descending order
/// leaves the well-determined ones as they are and repairs the others, at a cost to the product at rounding level.
fn svd_by_eigenvectors<T: Scalar>(a: &DMatrix<f64>) -> Result<Svd<T>> {
    let (m, n) = a.shape();
    let order = m.min(n);
    let mut jordan = DMatrix::zeros(m + n, m + n);
    jordan.view_mut((0, m), (m, n)).copy_from(a);
    jordan.view_mut((m, 0), (n, m)).copy_from(&a.transpose());
    let found = eigen("svd", jordan)?;
    let mut leading: Vec<usize> = (0..m + n).collect();
    leading.sort_by(|&i, &j| found.eigenvalues[j].total_cmp(&found.eigenvalues[i]));
    leading.truncate(order);
    let vectors = found.eigenvectors.select_columns(&leading);
    let u = orthonormal(vectors.rows(0, m).into_owned());
    let v = orthonormal(vectors.rows(m, n).into_owned());
    let values = leading.iter().map(|&i| found.eigenvalues[i].max(0.0));
    Ok(Svd {
        values: vector(values),
        u: array(&u),
        vt: array(&v.transpose()),
    })
}

/// The columns orthogonalized in order, each keeping its direction.
fn orthonormal(columns: DMatrix<f64>) -> DMatrix<f64> {
    let (mut q, r) = columns.qr().unpack();
    for j in 0..q.ncols() {
        if r[(j, j)] < 0.0 {
            q.column_mut(j).neg_mut();
        }
    }
    q
}
