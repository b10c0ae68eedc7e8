//! Decompositions by LAPACK (`syev` and `gesdd` of the system's OpenBLAS) through ndarray-linalg.

use ndarray::{Array1, ArrayView2};
use ndarray_linalg::{Eigh, JobSvd, Lapack, SVDDC, UPLO};

use super::{Svd, SymmetricEigen};
use crate::{Error, Result};

fn failure(operation: &'static str) -> impl Fn(ndarray_linalg::error::LinalgError) -> Error {
    move |error| Error::Provider {
        provider: "lapack",
        operation,
        message: error.to_string(),
    }
}

pub(super) fn symmetric_eigen<T: Lapack<Real = T>>(
    a: ArrayView2<'_, T>,
) -> Result<SymmetricEigen<T>> {
    let (values, vectors) = a
        .to_owned()
        .eigh(UPLO::Upper)
        .map_err(failure("symmetric_eigen"))?;
    Ok(SymmetricEigen { values, vectors })
}

pub(super) fn svd<T: Lapack<Real = T>>(a: ArrayView2<'_, T>) -> Result<Svd<T>> {
    let a = a.as_standard_layout();
    match a.svddc(JobSvd::Some).map_err(failure("svd"))? {
        (Some(u), values, Some(vt)) => Ok(Svd { u, values, vt }),
        _ => Err(Error::Provider {
            provider: "lapack",
            operation: "svd",
            message: "no vectors".into(),
        }),
    }
}

pub(super) fn singular_values<T: Lapack<Real = T>>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    let (_, values, _) = a
        .as_standard_layout()
        .svddc(JobSvd::None)
        .map_err(failure("singular_values"))?;
    Ok(values)
}
