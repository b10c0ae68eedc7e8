//! Norms and ranks.

use ndarray::{ArrayView1, ArrayView2};

use crate::{
    Result, Scalar, ensure_finite,
    spectral::{Leading, largest, leading},
};

/// The Frobenius norm, (Σ aᵢⱼ²)^½, summed in `f64` and scaled so that it neither overflows nor underflows on the way.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// ```
/// use ndarray::array;
/// let a = array![[3e200_f64, 0.0], [0.0, 4e200]];
/// assert!((srr_linalg::frobenius_norm(a.view())? / 5e200 - 1.0).abs() < 1e-15);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn frobenius_norm<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    ensure_finite("frobenius_norm", a)?;
    let largest = largest(a).to_f64();
    if largest == 0.0 {
        return Ok(T::zero());
    }
    Ok(T::from_f64(largest * squares(a, largest).sqrt()))
}

/// Σ (aᵢⱼ/scale)², in `f64`.
fn squares<T: Scalar>(a: ArrayView2<'_, T>, scale: f64) -> f64 {
    a.iter().map(|&x| (x.to_f64() / scale).powi(2)).sum()
}

/// The nuclear norm, the sum of the singular values, by the default [`Factorization`](crate::Factorization).
///
/// # Errors
/// As [`Factorization::singular_values`](crate::Factorization::singular_values).
///
/// ```
/// use ndarray::array;
/// let a = array![[0.0_f64, 2.0, 0.0], [-3.0, 0.0, 0.0]];
/// assert!((srr_linalg::nuclear_norm(a.view())? - 5.0).abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
pub fn nuclear_norm<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    let values = crate::Factorization::default().singular_values(a)?;
    Ok(T::from_f64(values.iter().map(|&x| x.to_f64()).sum()))
}

/// The stable rank ‖A‖_F² / ‖A‖₂², between 1 and the rank; 0 for a zero matrix. Like the rank, it does not change with the scale of A,
/// up to the largest finite elements.
///
/// # Errors
/// As [`spectral_norm`](crate::spectral_norm).
///
/// ```
/// use ndarray::array;
/// let a = array![[2.0_f64, 0.0], [0.0, 1.0]]; // of rank 2, but nearly of rank 1
/// assert!((srr_linalg::stable_rank(a.view())? - 1.25).abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn stable_rank<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    Ok(match leading("stable_rank", a)? {
        Some(Leading { largest, square }) => T::from_f64(squares(a, largest.to_f64()) / square),
        None => T::zero(),
    })
}

/// The effective rank exp(−Σ pᵢ ln pᵢ) with pᵢ = σᵢ/Σσ (Roy and Vetterli 2007), between 1 and the rank; 0 for a zero matrix. It does
/// not change with the scale of A, up to the largest finite elements.
///
/// By the default [`Factorization`](crate::Factorization).
///
/// # Errors
/// As [`Factorization::singular_values`](crate::Factorization::singular_values).
///
/// ```
/// use ndarray::Array2;
/// let a = Array2::<f64>::eye(3) * 7.0; // three equal singular values
/// assert!((srr_linalg::effective_rank(a.view())? - 3.0).abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
pub fn effective_rank<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    ensure_finite("effective_rank", a)?;
    let largest = largest(a);
    if largest == T::zero() {
        return Ok(T::zero());
    }
    let scaled = a.mapv(|x| x / largest);
    let values = crate::Factorization::default().singular_values(scaled.view())?;
    Ok(effective_rank_of(values.view()))
}

/// The effective rank of a matrix with these singular values, which may come in any order and must not be negative; 0 where all are.
///
/// ```
/// use ndarray::array;
/// assert!((srr_linalg::effective_rank_of(array![2.0_f64, 2.0, 0.0].view()) - 2.0).abs() < 1e-14);
/// ```
pub fn effective_rank_of<T: Scalar>(singular_values: ArrayView1<'_, T>) -> T {
    let largest = singular_values.fold(0.0, |largest: f64, &x| largest.max(x.to_f64()));
    if largest == 0.0 {
        return T::zero();
    }
    let scaled = || singular_values.iter().map(|&x| x.to_f64() / largest);
    let total: f64 = scaled().sum();
    let shares = scaled().map(|x| x / total).filter(|&share| share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    T::from_f64(entropy.exp())
}
