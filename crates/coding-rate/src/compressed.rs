//! R^c(Z; U), the rate of the tokens coded head by head, with its gradients and its expansions.

use ndarray::{Array2, ArrayView2, ArrayView3, ArrayViewMut2, Axis};
use rayon::prelude::*;
use srr_linalg::{Scalar, gemm, matmul};

use crate::bases::per_head;
use crate::inner::{Spectrum, UnitRows, sum};
use crate::{Bases, Coding, Result, door};

/// A rate of tokens under bases (R^c, an expansion of it, or ΔR) with its gradients.
#[derive(Debug, Clone, PartialEq)]
pub struct RateGradient<T> {
    /// The rate, in nats.
    pub value: T,
    /// Gradient with respect to the tokens, [N, d].
    pub tokens: Array2<T>,
    /// Gradient with respect to the stacked bases, [K·p, d].
    pub stacked_bases: Array2<T>,
    heads: usize,
}

impl<T> RateGradient<T> {
    /// Gradient with respect to each basis, [K, d, p]: another view of `stacked_bases`.
    #[must_use]
    pub fn bases(&self) -> ArrayView3<'_, T> {
        per_head(&self.stacked_bases, self.heads)
    }
}

/// Where log(1 + x) is cut off in R^c = ½ Σ log(1 + x), the sum being over the eigenvalues of γ V_kᵀV_k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expansion {
    /// x: ∇_Z R^c ≈ γ Σ_k U_k V_k.
    FirstOrder,
    /// x − x²/2: ∇_Z R^c ≈ γ Σ_k U_k (V_k − γ V_k V_kᵀV_k). CRATE's attention keeps the second term alone, behind a softmax.
    SecondOrder,
}

/// The compressed rate R^c(Z; U) = Σ_k ½ logdet(I + γ (U_kᵀZ)ᵀ(U_kᵀZ)), γ = p/(N ε²), in nats (Yu et al. 2023, CRATE, eq. 9).
///
/// `tokens` is [N, d], one token a row. Heads are evaluated in parallel on rayon's current pool, with the same bits for any number of
/// threads.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty), [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch), [`Error::Overflow`](crate::Error::Overflow).
///
/// ```
/// use ndarray::Array2;
/// use srr_coding_rate::{Bases, Precision, coding_rate, compressed_rate};
/// let tokens = Array2::from_shape_fn((5, 4), |(i, j)| (i * 4 + j) as f64 - 9.5);
/// let whole = Array2::eye(4); // one head whose basis is orthonormal and complete: nothing is compressed
/// let precision = Precision::from_epsilon(0.5)?;
/// let compressed = compressed_rate(tokens.view(), &Bases::from_stacked(whole.view(), 1)?, precision)?;
/// assert!((compressed - coding_rate(tokens.view(), precision, 4)?).abs() < 1e-12);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<T> {
    door::tokens(tokens)?;
    let v = bases.project(tokens)?;
    of_projections(
        v.view(),
        bases.heads(),
        coding.into(),
        Spectrum::Exact,
        None,
    )
}

/// R^c as [`compressed_rate`], with the gradients (V_k = U_kᵀZ)
///
/// - γ Σ_k U_k V_k (I + γ V_kᵀV_k)⁻¹ with respect to the tokens,
/// - γ Z (I + γ V_kᵀV_k)⁻¹ V_kᵀ with respect to each basis.
///
/// # Errors
/// As [`compressed_rate`].
///
/// ```
/// use ndarray::{Array2, array};
/// use srr_coding_rate::{Bases, Precision, compressed_rate_with_gradient};
/// let whole = Array2::eye(2);
/// let found = compressed_rate_with_gradient(
///     array![[3.0_f64, 4.0]].view(), &Bases::from_stacked(whole.view(), 1)?, Precision::unit_gamma())?;
/// assert!((found.value - 0.5 * 26.0_f64.ln()).abs() < 1e-14); // γ = 1 and |z|² = 25
/// assert!((found.tokens[[0, 1]] - 4.0 / 26.0).abs() < 1e-14);
/// assert_eq!(found.bases().dim(), (1, 2, 2));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_with_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<RateGradient<T>> {
    gradient(tokens, bases, coding.into(), Spectrum::Exact)
}

/// The first- or second-order expansion of R^c with its gradients, which are the expansions of the gradients of R^c.
///
/// # Errors
/// As [`compressed_rate`].
///
/// ```
/// use ndarray::{Array2, array};
/// use srr_coding_rate::{Bases, Expansion, Precision, compressed_rate_expansion};
/// let (tokens, whole) = (array![[3.0_f64, 4.0]], Array2::eye(2));
/// let bases = Bases::from_stacked(whole.view(), 1)?;
/// let expanded = |expansion| compressed_rate_expansion(tokens.view(), &bases, Precision::unit_gamma(), expansion);
/// assert_eq!(expanded(Expansion::FirstOrder)?.value, 0.5 * 25.0); // ½ x at x = |z|² = 25
/// assert_eq!(expanded(Expansion::SecondOrder)?.value, 0.5 * (25.0 - 25.0 * 25.0 / 2.0));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_expansion<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
    expansion: Expansion,
) -> Result<RateGradient<T>> {
    let spectrum = match expansion {
        Expansion::FirstOrder => Spectrum::FirstOrder,
        Expansion::SecondOrder => Spectrum::SecondOrder,
    };
    gradient(tokens, bases, coding.into(), spectrum)
}

/// R^c of tokens that are projected already: `projected` is [N, K·p], the K heads side by side.
///
/// # Errors
/// As [`compressed_rate`], and [`Error::Heads`](crate::Error::Heads) unless `heads` divides the columns.
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Coding, compressed_rate_of_projections};
/// let projected = array![[3.0_f64, 4.0, 0.0, 2.0]]; // one token, two heads of dimension 2
/// let hook = Coding::official_hook(1.0)?; // each head's part at unit length: γ |v|² = 2
/// let rate = compressed_rate_of_projections(projected.view(), 2, hook)?;
/// assert!((rate - 3.0_f64.ln()).abs() < 1e-14);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_of_projections<T: Scalar>(
    projected: ArrayView2<'_, T>,
    heads: usize,
    coding: impl Into<Coding>,
) -> Result<T> {
    door::projections(projected, heads)?;
    of_projections(projected, heads, coding.into(), Spectrum::Exact, None)
}

/// The value from the projections V [N, K·p]; into `dv` the gradient with respect to them.
pub(crate) fn of_projections<T: Scalar>(
    v: ArrayView2<'_, T>,
    heads: usize,
    coding: Coding,
    spectrum: Spectrum,
    dv: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let head_dim = v.ncols() / heads;
    let unit = coding
        .unit_tokens
        .then(|| UnitRows::new(v.to_owned(), head_dim));
    let coded = unit.as_ref().map_or(v, |unit| unit.values.view());
    let Some(mut dv) = dv else {
        return sum_heads(coded, heads, coding, spectrum, None);
    };
    let value = sum_heads(coded, heads, coding, spectrum, Some(dv.view_mut()))?;
    if let Some(unit) = unit {
        unit.backward(dv.view_mut());
    }
    let gamma = T::from_f64(coding.precision.gamma(head_dim, v.nrows()));
    dv.map_inplace(|x| *x *= gamma);
    Ok(value)
}

fn gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: Coding,
    spectrum: Spectrum,
) -> Result<RateGradient<T>> {
    let mut tokens_gradient = Array2::zeros(tokens.dim());
    let mut dv = Array2::zeros((tokens.nrows(), bases.stacked().nrows()));
    let value = partial_gradient(
        tokens,
        bases,
        coding,
        spectrum,
        tokens_gradient.view_mut(),
        dv.view_mut(),
    )?;
    let stacked_bases = matmul(dv.t(), tokens)?;
    Ok(RateGradient {
        value,
        tokens: tokens_gradient,
        stacked_bases,
        heads: bases.heads(),
    })
}

/// The value; writes the gradient with respect to the tokens, [N, d], and into `dv` the one with respect to the projections V,
/// [N, K·p], from which the bases' follows as dVᵀ X.
pub(crate) fn partial_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: Coding,
    spectrum: Spectrum,
    tokens_gradient: ArrayViewMut2<'_, T>,
    mut dv: ArrayViewMut2<'_, T>,
) -> Result<T> {
    door::tokens(tokens)?;
    let v = bases.project(tokens)?;
    let (heads, out) = (bases.heads(), Some(dv.view_mut()));
    let value = of_projections(v.view(), heads, coding, spectrum, out)?;
    gemm(
        T::one(),
        dv.view(),
        bases.stacked(),
        T::zero(),
        tokens_gradient,
    )?;
    Ok(value)
}

/// ½ Σ_k over the heads of V [N, K·p], and into `solution` each head's V_k (I + γ V_kᵀV_k)⁻¹ or its expansion.
///
/// Heads are evaluated in parallel and added in their order, whatever the number of threads.
fn sum_heads<T: Scalar>(
    v: ArrayView2<'_, T>,
    heads: usize,
    coding: Coding,
    spectrum: Spectrum,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let p = v.ncols() / heads;
    let gamma = T::from_f64(coding.precision.gamma(p, v.nrows()));
    let head = |v, out| sum("projected tokens", spectrum, v, gamma, out);
    let projections = v.axis_chunks_iter(Axis(1), p).into_par_iter();
    let rates: Vec<Result<T>> = match solution {
        Some(mut solution) => projections
            .zip(solution.axis_chunks_iter_mut(Axis(1), p))
            .map(|(v, out)| head(v, Some(out)))
            .collect(),
        None => projections.map(|v| head(v, None)).collect(),
    };
    let mut total = T::zero();
    for rate in rates {
        total += rate?;
    }
    Ok(total * T::from_f64(0.5))
}
