//! Decompositions by faer.

use faer::MatRef;
use faer::linalg::solvers::{SelfAdjointEigen, Svd as FaerSvd};
use faer::traits::RealField;
use ndarray::{Array1, Array2, ArrayView2};

use super::{Svd, SymmetricEigen};
use crate::{Error, Result};

fn failure(operation: &'static str) -> impl Fn(String) -> Error {
    move |message| Error::Provider {
        provider: "faer",
        operation,
        message,
    }
}

/// The same matrix as faer sees it.
fn view<'a, T>(a: &'a ArrayView2<'_, T>) -> MatRef<'a, T> {
    let (rows, columns) = a.dim();
    let strides = a.strides();
    // SAFETY: pointer, shape and strides are those of a live view, which outlives the result.
    unsafe { MatRef::from_raw_parts(a.as_ptr(), rows, columns, strides[0], strides[1]) }
}

fn array<T: Copy>(a: MatRef<'_, T>) -> Array2<T> {
    Array2::from_shape_fn((a.nrows(), a.ncols()), |(i, j)| a[(i, j)])
}

pub(super) fn symmetric_eigen<T: RealField + Copy>(
    a: ArrayView2<'_, T>,
) -> Result<SymmetricEigen<T>> {
    let found = SelfAdjointEigen::new(view(&a), faer::Side::Lower)
        .map_err(|error| failure("symmetric_eigen")(format!("{error:?}")))?;
    let values = found.S().column_vector();
    Ok(SymmetricEigen {
        values: Array1::from_shape_fn(values.nrows(), |i| values[i]),
        vectors: array(found.U()),
    })
}

pub(super) fn svd<T: RealField + Copy>(a: ArrayView2<'_, T>) -> Result<Svd<T>> {
    let found =
        FaerSvd::new_thin(view(&a)).map_err(|error| failure("svd")(format!("{error:?}")))?;
    let values = found.S().column_vector();
    Ok(Svd {
        u: array(found.U()),
        values: Array1::from_shape_fn(values.nrows(), |i| values[i]),
        vt: array(found.V().transpose()),
    })
}

pub(super) fn singular_values<T: RealField + Copy>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    let found = view(&a)
        .singular_values()
        .map_err(|error| failure("singular_values")(format!("{error:?}")))?;
    Ok(Array1::from_vec(found))
}
