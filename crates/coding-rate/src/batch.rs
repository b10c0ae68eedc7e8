//! The same rates over a batch [B, N, d], one value an image, in parallel on rayon's current pool.
//!
//! Work is divided by image and, within an image, by head; every sum has one order, so that the result has the same bits for any
//! number of threads.

mod reduction;

pub use reduction::{
    SparseRateReductionGradients, sparse_rate_reduction, sparse_rate_reduction_with_gradient,
};

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, ArrayViewMut2, Axis, s};
use rayon::prelude::*;
use srr_linalg::{Scalar, gemm};

use crate::bases::per_head;
use crate::inner::Spectrum;
use crate::{Bases, Coding, Error, Result};

/// The compressed rates of a batch with their gradients.
#[derive(Debug, Clone, PartialEq)]
pub struct CompressedRateGradients<T> {
    /// One rate an image.
    pub values: Vec<T>,
    /// Gradient of each image's rate with respect to its tokens, [B, N, d].
    pub tokens: Array3<T>,
    /// Gradient of the sum of all rates with respect to the stacked bases, [K·p, d].
    pub stacked_bases: Array2<T>,
    heads: usize,
}

impl<T> CompressedRateGradients<T> {
    /// Gradient of the sum with respect to each basis, [K, d, p]: another view of `stacked_bases`.
    #[must_use]
    pub fn bases(&self) -> ArrayView3<'_, T> {
        per_head(&self.stacked_bases, self.heads)
    }
}

/// R(Z) of every image, one value each; see [`coding_rate`](crate::coding_rate).
///
/// # Errors
/// As [`coding_rate`](crate::coding_rate); of several bad images the first is reported, with its number before row and column.
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Precision, batch, coding_rate};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let rates = batch::coding_rate(tokens.view(), Precision::unit_gamma(), 2)?;
/// assert_eq!(rates[1], coding_rate(tokens.index_axis(ndarray::Axis(0), 1), Precision::unit_gamma(), 2)?);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn coding_rate<T: Scalar>(
    tokens: ArrayView3<'_, T>,
    coding: impl Into<Coding>,
    head_dim: usize,
) -> Result<Vec<T>> {
    let coding = coding.into();
    for_each_image(tokens, |image| crate::coding_rate(image, coding, head_dim))
}

/// R(Z) of every image with its gradient, \[B\] and [B, N, d].
///
/// # Errors
/// As [`coding_rate`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Precision, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let (rates, gradient) = batch::coding_rate_with_gradient(tokens.view(), Precision::unit_gamma(), 2)?;
/// assert_eq!((rates.len(), gradient.dim()), (2, tokens.dim()));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn coding_rate_with_gradient<T: Scalar>(
    tokens: ArrayView3<'_, T>,
    coding: impl Into<Coding>,
    head_dim: usize,
) -> Result<(Vec<T>, Array3<T>)> {
    let coding = coding.into();
    let mut gradient = Array3::zeros(tokens.dim());
    let values = for_each_image_mut(tokens, gradient.view_mut(), |image, out| {
        crate::rate::evaluate(image, coding, head_dim, Some(out))
    })?;
    Ok((values, gradient))
}

/// R^c(Z; U) of every image, one value each; see [`compressed_rate`](crate::compressed_rate).
///
/// # Errors
/// As [`compressed_rate`](crate::compressed_rate), the first bad image being reported as in [`coding_rate`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Bases, Precision, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let whole = ndarray::Array2::eye(4); // one complete orthonormal head: R^c = R
/// let bases = Bases::from_stacked(whole.view(), 1)?;
/// let compressed = batch::compressed_rate(tokens.view(), &bases, Precision::unit_gamma())?;
/// let rates = batch::coding_rate(tokens.view(), Precision::unit_gamma(), 4)?;
/// assert!(compressed.iter().zip(&rates).all(|(c, r)| (c - r).abs() < 1e-12));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate<T: Scalar>(
    tokens: ArrayView3<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<Vec<T>> {
    let coding = coding.into();
    for_each_image(tokens, |image| crate::compressed_rate(image, bases, coding))
}

/// R^c of every image of tokens that are projected already, [B, N, K·p]; see
/// [`compressed_rate_of_projections`](crate::compressed_rate_of_projections).
///
/// # Errors
/// As there, the first bad image being reported as in [`coding_rate`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Bases, Precision, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let whole = ndarray::Array2::eye(4); // its projections are the tokens
/// let bases = Bases::from_stacked(whole.view(), 2)?;
/// let rates = batch::compressed_rate_of_projections(tokens.view(), 2, Precision::unit_gamma())?;
/// assert_eq!(rates, batch::compressed_rate(tokens.view(), &bases, Precision::unit_gamma())?);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_of_projections<T: Scalar>(
    projected: ArrayView3<'_, T>,
    heads: usize,
    coding: impl Into<Coding>,
) -> Result<Vec<T>> {
    let coding = coding.into();
    for_each_image(projected, |image| {
        crate::compressed_rate_of_projections(image, heads, coding)
    })
}

/// As [`compressed_rate_of_projections`], with the gradient of each image's rate with respect to its projections, [B, N, K·p]:
/// γ V_k (I + γ V_kᵀV_k)⁻¹ side by side.
///
/// # Errors
/// As [`compressed_rate_of_projections`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Precision, batch};
/// let projected = Array3::from_elem((1, 1, 1), 3.0_f64); // ½ log(1 + v²)
/// let (rates, gradient) =
///     batch::compressed_rate_of_projections_with_gradient(projected.view(), 1, Precision::unit_gamma())?;
/// assert!((rates[0] - 0.5 * 10.0_f64.ln()).abs() < 1e-15 && (gradient[[0, 0, 0]] - 0.3).abs() < 1e-15);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_of_projections_with_gradient<T: Scalar>(
    projected: ArrayView3<'_, T>,
    heads: usize,
    coding: impl Into<Coding>,
) -> Result<(Vec<T>, Array3<T>)> {
    let coding = coding.into();
    let mut gradient = Array3::zeros(projected.dim());
    let values = for_each_image_mut(projected, gradient.view_mut(), |image, out| {
        crate::door::projections(image, heads)?;
        crate::compressed::of_projections(image, heads, coding, Spectrum::Exact, Some(out))
    })?;
    Ok((values, gradient))
}

/// R^c(Z; U) of every image with its gradients; the bases' is that of the sum over all images.
///
/// # Errors
/// As [`compressed_rate`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Bases, Precision, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let weight = ndarray::Array2::eye(4);
/// let bases = Bases::from_stacked(weight.view(), 2)?;
/// let found = batch::compressed_rate_with_gradient(tokens.view(), &bases, Precision::unit_gamma())?;
/// assert_eq!((found.values.len(), found.tokens.dim(), found.bases().dim()), (2, (2, 5, 4), (2, 4, 2)));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn compressed_rate_with_gradient<T: Scalar>(
    tokens: ArrayView3<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<CompressedRateGradients<T>> {
    let coding = coding.into();
    let (images, n, dim) = tokens.dim();
    let inner = bases.stacked().nrows();
    let mut tokens_gradient = Array3::zeros((images, n, dim));
    let mut projections = Array3::zeros((images, n, inner));
    let values = collect(
        tokens
            .axis_iter(Axis(0))
            .into_par_iter()
            .zip(tokens_gradient.axis_iter_mut(Axis(0)))
            .zip(projections.axis_iter_mut(Axis(0)))
            .map(|((image, out), dv)| {
                crate::compressed::partial_gradient(image, bases, coding, Spectrum::Exact, out, dv)
            })
            .collect(),
    )?;
    let stacked_bases = bases_gradient(projections, tokens, bases)?;
    Ok(CompressedRateGradients {
        values,
        tokens: tokens_gradient,
        stacked_bases,
        heads: bases.heads(),
    })
}

/// dVᵀ X over all tokens of all images, [K·p, d]; each head's rows are one product.
fn bases_gradient<T: Scalar>(
    projections: Array3<T>,
    tokens: ArrayView3<'_, T>,
    bases: &Bases<'_, T>,
) -> Result<Array2<T>> {
    let (images, n, inner) = projections.dim();
    let rows = images * n;
    let dv = projections
        .into_shape_with_order((rows, inner))
        .expect("fresh and row-major");
    let tokens = tokens.as_standard_layout();
    let x = tokens
        .view()
        .into_shape_with_order((rows, bases.dim()))
        .expect("row-major");
    let mut gradient = Array2::zeros((inner, bases.dim()));
    gradient
        .axis_chunks_iter_mut(Axis(0), bases.head_dim())
        .into_par_iter()
        .enumerate()
        .try_for_each(|(head, out)| {
            let columns = head * bases.head_dim()..(head + 1) * bases.head_dim();
            gemm(T::one(), dv.slice(s![.., columns]).t(), x, T::zero(), out)
        })?;
    Ok(gradient)
}

/// One value an image.
fn for_each_image<T: Scalar, V: Send>(
    tokens: ArrayView3<'_, T>,
    evaluate: impl Fn(ArrayView2<'_, T>) -> Result<V> + Send + Sync,
) -> Result<Vec<V>> {
    collect(
        tokens
            .axis_iter(Axis(0))
            .into_par_iter()
            .map(evaluate)
            .collect(),
    )
}

/// One value an image, and its part of `out`.
fn for_each_image_mut<T: Scalar>(
    tokens: ArrayView3<'_, T>,
    mut out: ndarray::ArrayViewMut3<'_, T>,
    evaluate: impl Fn(ArrayView2<'_, T>, ArrayViewMut2<'_, T>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let pairs = tokens
        .axis_iter(Axis(0))
        .into_par_iter()
        .zip(out.axis_iter_mut(Axis(0)));
    collect(pairs.map(|(image, out)| evaluate(image, out)).collect())
}

/// All values, or the first image's error whatever thread met one first.
fn collect<V>(results: Vec<Result<V>>) -> Result<Vec<V>> {
    let number = |image: usize| {
        move |error| match error {
            Error::NotFinite {
                what: what @ "tokens",
                mut index,
            } => {
                index.insert(0, image);
                Error::NotFinite { what, index }
            }
            other => other,
        }
    };
    results
        .into_iter()
        .enumerate()
        .map(|(image, result)| result.map_err(number(image)))
        .collect()
}
