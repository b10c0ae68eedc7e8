//! Numbers that the host needs, computed there.

use srr_linalg::Scalar;

use crate::{Backend, Result, Tensor, check};

pub(crate) fn sum_of_squares<B: Backend>(backend: &B, x: &B::Tensor) -> Result<f64> {
    Ok(backend.download_f64(x)?.iter().map(|v| v * v).sum())
}

pub(crate) fn count_nonzero<B: Backend>(backend: &B, x: &B::Tensor) -> Result<Vec<u64>> {
    let (&examples, inner) = x
        .shape()
        .split_first()
        .ok_or_else(|| check::rank("count_nonzero", "at least 1", x.shape()))?;
    let width: usize = inner.iter().product();
    let values = backend.download(x)?;
    let count = |i: usize| {
        values[i * width..(i + 1) * width]
            .iter()
            .filter(|&&v| v.to_f64() != 0.0)
            .count() as u64
    };
    Ok((0..examples).map(count).collect())
}

pub(crate) fn all_finite<B: Backend>(backend: &B, x: &B::Tensor) -> Result<bool> {
    Ok(backend.download_f64(x)?.iter().all(|v| v.is_finite()))
}
