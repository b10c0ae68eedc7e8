//! What is checked before any work is done.

use ndarray::ArrayView2;
use srr_linalg::Scalar;

use crate::{Error, Result};

/// Fails at the first NaN or infinity.
pub(crate) fn finite<T: Scalar>(what: &'static str, values: ArrayView2<'_, T>) -> Result<()> {
    match srr_linalg::ensure_finite(what, values) {
        Err(srr_linalg::Error::NotFinite { row, column, .. }) => Err(Error::NotFinite {
            what,
            index: vec![row, column],
        }),
        other => Ok(other?),
    }
}

/// Fails unless there is at least one token of at least one dimension and all are finite.
pub(crate) fn tokens<T: Scalar>(tokens: ArrayView2<'_, T>) -> Result<()> {
    if tokens.is_empty() {
        return Err(Error::Empty {
            shape: tokens.shape().to_vec(),
        });
    }
    finite("tokens", tokens)
}

/// As [`tokens`], for the projections of `heads` heads side by side.
pub(crate) fn projections<T: Scalar>(projected: ArrayView2<'_, T>, heads: usize) -> Result<()> {
    tokens(projected)?;
    if heads == 0 || !projected.ncols().is_multiple_of(heads) {
        return Err(Error::Heads {
            shape: projected.shape().to_vec(),
            heads,
        });
    }
    Ok(())
}
