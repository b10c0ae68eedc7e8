//! The sparse rate reduction λ‖Z‖₀ + R^c − R of a layer, its three terms apart.

use ndarray::{Array2, ArrayView2, s};
use srr_linalg::Scalar;

use crate::{
    Bases, ClassToken, Coding, Conventions, Error, Location, Result, Sparsity, SparsityGradient,
    coding_rate, coding_rate_with_gradient, compressed_rate, compressed_rate_with_gradient,
};

/// The rate reduction ΔR(Z; U) = R(Z) − R^c(Z; U) (Yu et al. 2023, CRATE, eq. 1); it can have either sign.
///
/// # Errors
/// As [`compressed_rate`](fn@crate::compressed_rate).
pub fn rate_reduction<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    bases: &Bases<'_, T>,
    coding: impl Into<Coding>,
) -> Result<T> {
    let coding = coding.into();
    Ok(coding_rate(tokens, coding, bases.head_dim())? - compressed_rate(tokens, bases, coding)?)
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
/// As [`compressed_rate`](fn@crate::compressed_rate); [`Error::MissingAttentionInput`]; [`Error::OnlyClassToken`].
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
pub fn sparse_rate_reduction_with_gradient<'a, T: Scalar>(
    tokens: impl Into<LayerTokens<'a, T>>,
    bases: &Bases<'_, T>,
    conventions: &Conventions,
) -> Result<SparseRateReductionGradient<T>> {
    let all = tokens.into();
    let tokens = all.measured(conventions)?;
    let coding = conventions.coding();
    let compressed = compressed_rate_with_gradient(tokens.compressed(conventions)?, bases, coding)?;
    let (rate, rate_gradient) = coding_rate_with_gradient(tokens.output, coding, bases.head_dim())?;
    let mut output = sparsity_gradient(tokens.output, conventions);
    output -= &rate_gradient;
    let attention_input = match conventions.location {
        Location::LayerOutput => {
            output += &compressed.tokens;
            None
        }
        Location::AttentionInput => Some(widened(compressed.tokens, all.output.nrows())),
    };
    Ok(SparseRateReductionGradient {
        terms: terms(tokens.output, compressed.value, rate),
        output: widened(output, all.output.nrows()),
        attention_input,
        stacked_bases: compressed.stacked_bases,
    })
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

fn sparsity_gradient<T: Scalar>(output: ArrayView2<'_, T>, conventions: &Conventions) -> Array2<T> {
    let weight = match (conventions.sparsity_gradient, conventions.sparsity) {
        (SparsityGradient::Zero, _) => return Array2::zeros(output.dim()),
        (SparsityGradient::L1, Sparsity::Count) => conventions.lambda,
        (SparsityGradient::L1, Sparsity::Density) => conventions.lambda / output.len() as f64,
    };
    let weight = T::from_f64(weight);
    output.mapv(|x| {
        if x == T::zero() {
            T::zero()
        } else {
            weight * x.signum()
        }
    })
}

/// The gradient of the measured rows among all `rows`: zero for a class token that was left out.
fn widened<T: Scalar>(gradient: Array2<T>, rows: usize) -> Array2<T> {
    let left_out = rows - gradient.nrows();
    if left_out == 0 {
        return gradient;
    }
    let mut all = Array2::zeros((rows, gradient.ncols()));
    all.slice_mut(s![left_out.., ..]).assign(&gradient);
    all
}
