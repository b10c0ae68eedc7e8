//! Norms and ranks.

use ndarray::ArrayView2;

use crate::{Result, Scalar, ensure_finite, spectral_norm};

/// The Frobenius norm, (Σ aᵢⱼ²)^½, summed in `f64` and scaled so that it neither overflows nor underflows on the way.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
pub fn frobenius_norm<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    ensure_finite("frobenius_norm", a)?;
    let largest = a
        .iter()
        .fold(0.0_f64, |largest, &x| largest.max(x.to_f64().abs()));
    if largest == 0.0 {
        return Ok(T::zero());
    }
    let squares: f64 = a.iter().map(|&x| (x.to_f64() / largest).powi(2)).sum();
    Ok(T::from_f64(largest * squares.sqrt()))
}

/// The nuclear norm, the sum of the singular values, by the default [`Factorization`](crate::Factorization).
///
/// # Errors
/// As [`Factorization::singular_values`](crate::Factorization::singular_values).
#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
pub fn nuclear_norm<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    let values = crate::Factorization::default().singular_values(a)?;
    Ok(T::from_f64(values.iter().map(|&x| x.to_f64()).sum()))
}

/// The stable rank ‖A‖_F² / ‖A‖₂², between 1 and the rank; 0 for a zero matrix.
///
/// # Errors
/// As [`spectral_norm`].
pub fn stable_rank<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    let (frobenius, spectral) = (frobenius_norm(a)?, spectral_norm(a)?);
    if spectral == T::zero() {
        return Ok(T::zero());
    }
    let ratio = frobenius / spectral;
    Ok(ratio * ratio)
}

/// The effective rank exp(−Σ pᵢ ln pᵢ) with pᵢ = σᵢ/Σσ (Roy and Vetterli 2007), between 1 and the rank; 0 for a zero matrix.
///
/// By the default [`Factorization`](crate::Factorization).
///
/// # Errors
/// As [`Factorization::singular_values`](crate::Factorization::singular_values).
#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
pub fn effective_rank<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    let values = crate::Factorization::default().singular_values(a)?;
    let total: f64 = values.iter().map(|&x| x.to_f64()).sum();
    if total == 0.0 {
        return Ok(T::zero());
    }
    let shares = values
        .iter()
        .map(|&x| x.to_f64() / total)
        .filter(|&share| share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    Ok(T::from_f64(entropy.exp()))
}
