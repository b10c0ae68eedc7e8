//! The sparse rate reduction of every image of a batch.

use ndarray::{Array2, Array3, ArrayView3, ArrayViewMut2, Axis, s};
use rayon::prelude::*;
use srr_linalg::Scalar;

use super::{bases_gradient, collect};
use crate::reduction::{partial_gradient, same_shape};
use crate::{
    Bases, ClassToken, Conventions, Error, LayerTokens, Location, Result, SparseRateReduction,
};

/// The sparse rate reductions of a batch with their gradients, weighted as the conventions say.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRateReductionGradients<T> {
    /// The three terms of each image.
    pub terms: Vec<SparseRateReduction>,
    /// Gradient of each image's μ with respect to its output, [B, N, d].
    pub output: Array3<T>,
    /// Gradient of each image's μ with respect to its attention's input, [B, N, d], under [`Location::AttentionInput`].
    pub attention_input: Option<Array3<T>>,
    /// Gradient of the sum of all μ with respect to the stacked bases, [K·p, d].
    pub stacked_bases: Array2<T>,
}

/// The three terms of the sparse rate reduction of every image, one value each; see
/// [`sparse_rate_reduction`](crate::sparse_rate_reduction).
///
/// `output` is [B, N, d]; so is `attention_input`, which [`Location::AttentionInput`] needs.
///
/// # Errors
/// As [`sparse_rate_reduction`](crate::sparse_rate_reduction), the first bad image being reported as in
/// [`coding_rate`](super::coding_rate).
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Bases, Conventions, SparseRateReduction, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let weight = ndarray::Array2::eye(4);
/// let bases = Bases::from_stacked(weight.view(), 2)?;
/// let terms = batch::sparse_rate_reduction(tokens.view(), None, &bases, &Conventions::default())?;
/// assert_eq!((terms[0].nonzeros, terms[1].nonzeros), (19.0, 20.0)); // sin 0 is the one zero
/// assert_eq!(SparseRateReduction::mean(&terms).map(|mean| mean.nonzeros), Some(19.5));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn sparse_rate_reduction<T: Scalar>(
    output: ArrayView3<'_, T>,
    attention_input: Option<ArrayView3<'_, T>>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
) -> Result<Vec<SparseRateReduction>> {
    if let Some(input) = attention_input {
        same_shape(output, input)?;
    }
    let measure = |image| {
        crate::sparse_rate_reduction(layer(output, attention_input, image), bases, conventions)
    };
    collect(
        (0..output.len_of(Axis(0)))
            .into_par_iter()
            .map(measure)
            .collect(),
    )
}

/// The sparse rate reduction of every image with the gradients of μ; the bases' is that of the sum over all images. See
/// [`sparse_rate_reduction_with_gradient`](crate::sparse_rate_reduction_with_gradient).
///
/// # Errors
/// As [`sparse_rate_reduction`].
///
/// ```
/// use ndarray::Array3;
/// use srr_coding_rate::{Bases, Conventions, batch};
/// let tokens = Array3::from_shape_fn((2, 5, 4), |(b, i, j)| ((b * 20 + i * 4 + j) as f64).sin());
/// let weight = ndarray::Array2::eye(4);
/// let bases = Bases::from_stacked(weight.view(), 2)?;
/// let found = batch::sparse_rate_reduction_with_gradient(tokens.view(), None, &bases, &Conventions::default())?;
/// assert_eq!((found.terms.len(), found.output.dim(), found.stacked_bases.dim()), (2, (2, 5, 4), (4, 4)));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn sparse_rate_reduction_with_gradient<T: Scalar>(
    output: ArrayView3<'_, T>,
    attention_input: Option<ArrayView3<'_, T>>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
) -> Result<SparseRateReductionGradients<T>> {
    if let Some(input) = attention_input {
        same_shape(output, input)?;
    }
    let coded = match conventions.location {
        Location::LayerOutput => output,
        Location::AttentionInput => attention_input.ok_or(Error::MissingAttentionInput)?,
    };
    let left_out = usize::from(conventions.class_token == ClassToken::LeftOut);
    let coded = coded.slice_move(s![.., left_out.min(output.len_of(Axis(1))).., ..]);
    let (images, measured, _) = coded.dim();
    let mut output_gradient = Array3::zeros(output.dim());
    let mut input_gradient =
        (conventions.location == Location::AttentionInput).then(|| Array3::zeros(output.dim()));
    let mut dv = Array3::zeros((images, measured, bases.stacked().nrows()));
    let inputs: Vec<Option<ArrayViewMut2<'_, T>>> = match &mut input_gradient {
        Some(gradient) => gradient.outer_iter_mut().map(Some).collect(),
        None => (0..images).map(|_| None).collect(),
    };
    let terms = collect(
        output_gradient
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(inputs)
            .zip(dv.axis_iter_mut(Axis(0)))
            .enumerate()
            .map(|(image, ((output_gradient, input_gradient), dv))| {
                let tokens = layer(output, attention_input, image);
                partial_gradient(
                    tokens,
                    bases,
                    conventions,
                    output_gradient,
                    input_gradient,
                    dv,
                )
            })
            .collect(),
    )?;
    Ok(SparseRateReductionGradients {
        terms,
        output: output_gradient,
        attention_input: input_gradient,
        stacked_bases: bases_gradient(dv, coded, bases)?,
    })
}

/// The tokens of one image.
fn layer<'a, T>(
    output: ArrayView3<'a, T>,
    attention_input: Option<ArrayView3<'a, T>>,
    image: usize,
) -> LayerTokens<'a, T> {
    LayerTokens {
        output: output.index_axis_move(Axis(0), image),
        attention_input: attention_input.map(|input| input.index_axis_move(Axis(0), image)),
    }
}
