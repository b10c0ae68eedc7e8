//! R(Z), the coding rate of all tokens together, and its gradient.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use srr_linalg::Scalar;

use crate::inner::{Spectrum, UnitRows, sum};
use crate::{Coding, Result, door};

/// The coding rate R(Z) = ½ logdet(I + α ZᵀZ), α = d/(N ε²), in nats (Yu et al. 2020, MCR², eq. 1).
///
/// `tokens` is [N, d], one token a row (the papers' Zᵀ). `head_dim` is p; only [`Precision::unit_gamma`](crate::Precision::unit_gamma)
/// depends on it.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty), [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Overflow`](crate::Error::Overflow).
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, coding_rate};
/// let tokens = array![[3.0_f64, 0.0], [0.0, 4.0]];
/// let rate = coding_rate(tokens.view(), Precision::from_epsilon(1.0)?, 2)?;
/// assert!((rate - 0.5 * (10.0_f64 * 17.0).ln()).abs() < 1e-14);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn coding_rate<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    coding: impl Into<Coding>,
    head_dim: usize,
) -> Result<T> {
    evaluate(tokens, coding.into(), head_dim, None)
}

/// R(Z) as [`coding_rate`], with its gradient α Z (I + α ZᵀZ)⁻¹ with respect to the tokens, [N, d].
///
/// # Errors
/// As [`coding_rate`].
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, coding_rate_with_gradient};
/// let (rate, gradient) = coding_rate_with_gradient(array![[3.0_f64]].view(), Precision::from_epsilon(1.0)?, 1)?;
/// assert!((rate - 0.5 * 10.0_f64.ln()).abs() < 1e-15); // ½ ln(1 + z²), whose derivative is z/(1 + z²)
/// assert!((gradient[[0, 0]] - 0.3).abs() < 1e-15);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn coding_rate_with_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    coding: impl Into<Coding>,
    head_dim: usize,
) -> Result<(T, Array2<T>)> {
    let mut gradient = Array2::zeros(tokens.dim());
    let value = evaluate(tokens, coding.into(), head_dim, Some(gradient.view_mut()))?;
    Ok((value, gradient))
}

/// The value, and into `gradient` the gradient with respect to the tokens.
pub(crate) fn evaluate<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    coding: Coding,
    head_dim: usize,
    gradient: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    door::tokens(tokens)?;
    let (n, d) = tokens.dim();
    let alpha = T::from_f64(coding.precision.alpha(d, n, head_dim));
    let unit = coding
        .unit_tokens
        .then(|| UnitRows::new(tokens.to_owned(), d));
    let coded = unit.as_ref().map_or(tokens, |unit| unit.values.view());
    let half = T::from_f64(0.5);
    let Some(mut gradient) = gradient else {
        return Ok(half * sum("tokens", Spectrum::Exact, coded, alpha, None)?);
    };
    let value = half
        * sum(
            "tokens",
            Spectrum::Exact,
            coded,
            alpha,
            Some(gradient.view_mut()),
        )?;
    gradient.map_inplace(|x| *x *= alpha);
    if let Some(unit) = unit {
        unit.backward(gradient);
    }
    Ok(value)
}
