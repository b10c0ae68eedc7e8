//! Checks at the door, shared by all operations.

use ndarray::ArrayView2;

use crate::{Error, Result, Scalar};

/// Fails with the first NaN or infinity of `a`, naming its row and column.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn ensure_finite<T: Scalar>(operation: &'static str, a: ArrayView2<'_, T>) -> Result<()> {
    // One fast pass settles every matrix that is good and without gaps in memory; the slow one finds where a bad one is bad.
    if let Some(values) = a.as_slice_memory_order()
        && all_finite(values)
    {
        return Ok(());
    }
    match a.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), _)) => Err(Error::NotFinite {
            operation,
            row,
            column,
        }),
        None => Ok(()),
    }
}

/// Whether every value is finite.
#[must_use]
pub fn all_finite<T: Scalar>(values: &[T]) -> bool {
    // 0·x is 0 for finite x and NaN otherwise; eight independent sums let the loop vectorize.
    let mut sums = [T::zero(); 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += value * T::zero();
        }
    }
    let sum: T = sums.into_iter().sum::<T>() + rest.iter().map(|&v| v * T::zero()).sum();
    sum == T::zero()
}

/// Fails unless `a` is square; returns its order.
pub(crate) fn ensure_square<T>(operation: &'static str, a: &ArrayView2<'_, T>) -> Result<usize> {
    let (rows, columns) = a.dim();
    if rows == columns {
        Ok(rows)
    } else {
        Err(Error::NotSquare {
            operation,
            rows,
            columns,
        })
    }
}
