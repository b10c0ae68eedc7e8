//! The sparse rate reduction λ‖Z‖₀ + R^c − R of a layer, its three terms apart.

use ndarray::{Array2, ArrayView, ArrayView2, ArrayViewMut2, Dimension, s};
use srr_linalg::{Scalar, matmul};

use crate::inner::Spectrum;
use crate::{
    Bases, ClassToken, Coding, Conventions, Error, Location, RateGradient, Result, Sparsity,
    SparsityGradient, coding_rate, coding_rate_with_gradient, compressed_rate,
    compressed_rate_with_gradient,
};

/// The rate reduction ΔR(Z; U) = R(Z) − R^c(Z; U) (Yu et al. 2023, CRATE, eq. 1); it can have either sign.
///
/// # Errors
/// As [`compressed_rate`](fn@crate::compressed_rate).
///
/// ```
/// use ndarray::{Array2, array};
/// use srr_coding_rate::{Bases, Precision, rate_reduction};
/// let whole = Array2::eye(2);
/// let halves = Bases::from_stacked(whole.view(), 2)?; // two heads of dimension 1, so that α = 2γ
/// let reduction = rate_reduction(array![[2.0_f64, 0.0]].view(), &halves, Precision::unit_gamma())?;
/// assert!((reduction - 0.5 * (9.0_f64 / 5.0).ln()).abs() < 1e-14);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn rate_reduction<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<T> {
    let coding = coding.into();
    Ok(coding_rate(tokens, coding, bases.head_dim())? - compressed_rate(tokens, bases, coding)?)
}

/// ΔR(Z; U) as [`rate_reduction`], with its gradients with respect to the tokens and to the bases.
///
/// # Errors
/// As [`rate_reduction`].
///
/// ```
/// use ndarray::{Array2, array};
/// use srr_coding_rate::{Bases, Precision, rate_reduction_with_gradient};
/// let whole = Array2::eye(2);
/// let halves = Bases::from_stacked(whole.view(), 2)?;
/// let found = rate_reduction_with_gradient(array![[2.0_f64, 0.0]].view(), &halves, Precision::unit_gamma())?;
/// assert!((found.tokens[[0, 0]] - (4.0 / 9.0 - 2.0 / 5.0)).abs() < 1e-14); // of ½ ln((1 + 2z²)/(1 + z²)) at z = 2
/// assert_eq!(found.bases().dim(), (2, 2, 1));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn rate_reduction_with_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<RateGradient<T>> {
    let coding = coding.into();
    let (rate, gradient) = coding_rate_with_gradient(tokens, coding, bases.head_dim())?;
    let mut found = compressed_rate_with_gradient(tokens, bases, coding)?;
    found.value = rate - found.value;
    found.tokens = gradient - found.tokens;
    found.stacked_bases.map_inplace(|x| *x = -*x);
    Ok(found)
}

/// The tokens of one layer of which a sparse rate reduction is taken; the class token, if any, stands in the first row.
#[derive(Debug, Clone, Copy)]
pub struct LayerTokens<'a, T> {
    /// The layer's output Z^l, [N, d].
    pub output: ArrayView2<'a, T>,
    /// The input of the layer's attention, after its normalization, [N, d]; needed for [`Location::AttentionInput`].
    pub attention_input: Option<ArrayView2<'a, T>>,
}

impl<'a, T> From<ArrayView2<'a, T>> for LayerTokens<'a, T> {
    fn from(output: ArrayView2<'a, T>) -> Self {
        Self {
            output,
            attention_input: None,
        }
    }
}

impl<'a, T: Scalar> LayerTokens<'a, T> {
    /// The same tokens without the class token, if the conventions leave it out.
    fn measured(self, conventions: &Conventions) -> Result<Self> {
        if let Some(input) = self.attention_input {
            same_shape(self.output, input)?;
        }
        if conventions.class_token == ClassToken::Counted {
            return Ok(self);
        }
        if self.output.nrows() < 2 {
            return Err(Error::OnlyClassToken);
        }
        let rest = |tokens: ArrayView2<'a, T>| tokens.slice_move(s![1.., ..]);
        Ok(Self {
            output: rest(self.output),
            attention_input: self.attention_input.map(rest),
        })
    }

    /// The tokens that R^c is a function of.
    fn compressed(&self, conventions: &Conventions) -> Result<ArrayView2<'a, T>> {
        match conventions.location {
            Location::LayerOutput => Ok(self.output),
            Location::AttentionInput => self.attention_input.ok_or(Error::MissingAttentionInput),
        }
    }
}

/// Whether the attention's input has the shape of the output: of one image, or of a batch.
pub(crate) fn same_shape<T, D: Dimension>(
    output: ArrayView<'_, T, D>,
    attention_input: ArrayView<'_, T, D>,
) -> Result<()> {
    if output.shape() == attention_input.shape() {
        return Ok(());
    }
    Err(Error::ShapeMismatch {
        operation: "sparse_rate_reduction",
        tokens: output.shape().to_vec(),
        other: attention_input.shape().to_vec(),
    })
}

/// The sparse rate reduction of a layer, its three terms apart (Hu, Zou, Xu 2024, eq. 11). Lower is less complex.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SparseRateReduction {
    /// R^c(Z; U), in nats.
    pub compressed_rate: f64,
    /// R(Z), in nats.
    pub coding_rate: f64,
    /// ‖Z‖₀, the number of non-zero entries (a mean over images need not be whole).
    pub nonzeros: f64,
    /// The share of non-zero entries.
    pub density: f64,
}

impl SparseRateReduction {
    /// μ = λ‖Z‖₀ + R^c − R with the raw count of non-zero entries.
    #[must_use]
    pub fn value(&self, lambda: f64) -> f64 {
        lambda * self.nonzeros + self.compressed_rate - self.coding_rate
    }

    /// μ with λ and the meaning of ‖Z‖₀ of the conventions.
    #[must_use]
    pub fn value_under(&self, conventions: &Conventions) -> f64 {
        let sparsity = match conventions.sparsity {
            Sparsity::Count => self.nonzeros,
            Sparsity::Density => self.density,
        };
        conventions.lambda * sparsity + self.compressed_rate - self.coding_rate
    }

    /// ΔR = R − R^c.
    #[must_use]
    pub fn rate_reduction(&self) -> f64 {
        self.coding_rate - self.compressed_rate
    }

    /// Term by term mean, in the order given; `None` of nothing.
    #[must_use]
    pub fn mean(items: &[Self]) -> Option<Self> {
        let mean =
            |term: fn(&Self) -> f64| items.iter().map(term).sum::<f64>() / items.len() as f64;
        (!items.is_empty()).then(|| Self {
            compressed_rate: mean(|item| item.compressed_rate),
            coding_rate: mean(|item| item.coding_rate),
            nonzeros: mean(|item| item.nonzeros),
            density: mean(|item| item.density),
        })
    }
}

/// The gradient of a layer's sparse rate reduction, weighted as the conventions say.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRateReductionGradient<T> {
    /// The three terms.
    pub terms: SparseRateReduction,
    /// Gradient of μ with respect to the layer's output, [N, d].
    pub output: Array2<T>,
    /// Gradient of μ with respect to the attention's input, [N, d], under [`Location::AttentionInput`].
    pub attention_input: Option<Array2<T>>,
    /// Gradient of μ with respect to the stacked bases, [K·p, d].
    pub stacked_bases: Array2<T>,
}

/// The three terms of the sparse rate reduction of one layer's tokens under its own bases.
///
/// # Errors
/// As [`compressed_rate`](fn@crate::compressed_rate); [`Error::MissingAttentionInput`]; [`Error::OnlyClassToken`];
/// [`Error::ShapeMismatch`] too if the attention's input does not have the shape of the output.
///
/// ```
/// use ndarray::Array2;
/// use srr_coding_rate::{Bases, Conventions, sparse_rate_reduction};
/// let tokens = Array2::from_shape_fn((6, 4), |(i, j)| if (i + j) % 2 == 0 { 1.0_f64 } else { 0.0 });
/// let weight = Array2::eye(4);
/// let bases = Bases::from_stacked(weight.view(), 2)?;
/// let terms = sparse_rate_reduction(tokens.view(), &bases, &Conventions::default())?;
/// assert_eq!((terms.nonzeros, terms.density), (12.0, 0.5));
/// assert!((terms.value(0.1) - (1.2 + terms.compressed_rate - terms.coding_rate)).abs() < 1e-12);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn sparse_rate_reduction<'a, T: Scalar>(
    tokens: impl Into<LayerTokens<'a, T>>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
) -> Result<SparseRateReduction> {
    let tokens = tokens.into().measured(conventions)?;
    let coding = conventions.coding();
    let compressed = compressed_rate(tokens.compressed(conventions)?, bases, coding)?;
    let rate = coding_rate(tokens.output, coding, bases.head_dim())?;
    Ok(terms(tokens.output, compressed, rate))
}

/// The sparse rate reduction with the gradient of μ = λ‖Z‖₀ + R^c − R, λ and the gradient of ‖Z‖₀ being the conventions'.
///
/// A class token that is left out gets a gradient of zero.
///
/// # Errors
/// As [`sparse_rate_reduction`].
///
/// ```
/// use ndarray::Array2;
/// use srr_coding_rate::{Bases, Conventions, sparse_rate_reduction_with_gradient};
/// let tokens = Array2::from_shape_fn((6, 4), |(i, j)| ((i * 4 + j) as f64).sin());
/// let weight = Array2::eye(4);
/// let bases = Bases::from_stacked(weight.view(), 2)?;
/// let found = sparse_rate_reduction_with_gradient(tokens.view(), &bases, &Conventions::default())?;
/// assert_eq!((found.output.dim(), found.stacked_bases.dim()), ((6, 4), (4, 4)));
/// assert!(found.attention_input.is_none() && found.terms.nonzeros == 23.0); // sin 0 is the one zero
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn sparse_rate_reduction_with_gradient<'a, T: Scalar>(
    tokens: impl Into<LayerTokens<'a, T>>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
) -> Result<SparseRateReductionGradient<T>> {
    let tokens = tokens.into();
    let measured = tokens.measured(conventions)?;
    let mut output = Array2::zeros(tokens.output.dim());
    let mut attention_input = (conventions.location == Location::AttentionInput)
        .then(|| Array2::zeros(tokens.output.dim()));
    let mut dv = Array2::zeros((measured.output.nrows(), bases.stacked().nrows()));
    let terms = partial_gradient(
        tokens,
        bases,
        conventions,
        output.view_mut(),
        attention_input.as_mut().map(|input| input.view_mut()),
        dv.view_mut(),
    )?;
    Ok(SparseRateReductionGradient {
        terms,
        output,
        attention_input,
        stacked_bases: matmul(dv.t(), measured.compressed(conventions)?)?,
    })
}

/// The terms; writes the gradients of μ with respect to the output and, where R^c is read there, the attention's input, [N, d], of
/// which the row of a class token left out is not touched; and into `dv` the one with respect to the projections of the measured
/// tokens, [N or N − 1, K·p].
pub(crate) fn partial_gradient<T: Scalar>(
    tokens: LayerTokens<'_, T>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
    mut output: ArrayViewMut2<'_, T>,
    attention_input: Option<ArrayViewMut2<'_, T>>,
    dv: ArrayViewMut2<'_, T>,
) -> Result<SparseRateReduction> {
    let measured = tokens.measured(conventions)?;
    let rows = s![tokens.output.nrows() - measured.output.nrows().., ..];
    let (coded, coding) = (measured.compressed(conventions)?, conventions.coding());
    let mut output = output.slice_mut(rows);
    let (rate, rate_gradient) =
        coding_rate_with_gradient(measured.output, coding, bases.head_dim())?;
    let compressed = |gradient| {
        crate::compressed::partial_gradient(coded, bases, coding, Spectrum::Exact, gradient, dv)
    };
    let compressed = match attention_input {
        Some(mut input) => compressed(input.slice_mut(rows))?,
        None => compressed(output.view_mut())?,
    };
    output -= &rate_gradient;
    add_sparsity_gradient(measured.output, conventions, output);
    Ok(terms(measured.output, compressed, rate))
}

fn terms<T: Scalar>(output: ArrayView2<'_, T>, compressed: T, rate: T) -> SparseRateReduction {
    let nonzeros = output.iter().filter(|&&x| x != T::zero()).count() as f64;
    SparseRateReduction {
        compressed_rate: compressed.to_f64(),
        coding_rate: rate.to_f64(),
        nonzeros,
        density: nonzeros / output.len() as f64,
    }
}

fn add_sparsity_gradient<T: Scalar>(
    output: ArrayView2<'_, T>,
    conventions: &Conventions,
    mut gradient: ArrayViewMut2<'_, T>,
) {
    let weight = match (conventions.sparsity_gradient, conventions.sparsity) {
        (SparsityGradient::Zero, _) => return,
        (SparsityGradient::L1, Sparsity::Count) => conventions.lambda,
        (SparsityGradient::L1, Sparsity::Density) => conventions.lambda / output.len() as f64,
    };
    let weight = T::from_f64(weight);
    gradient.zip_mut_with(&output, |gradient, &x| {
        if x != T::zero() {
            *gradient += weight * x.signum();
        }
    });
}
