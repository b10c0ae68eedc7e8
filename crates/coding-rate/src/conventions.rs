//! Every choice on which sources disagree, by name.

use crate::{Coding, Precision, Result};

/// What ‖Z‖₀ stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Sparsity {
    /// The number of non-zero entries.
    #[default]
    Count,
    /// The share of non-zero entries, between 0 and 1.
    Density,
}

/// What is taken for the gradient of λ‖Z‖₀.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SparsityGradient {
    /// Zero, as automatic differentiation through a true count gives.
    #[default]
    Zero,
    /// That of λ‖Z‖₁ (divided by the number of entries under [`Sparsity::Density`]): λ sign(Z).
    L1,
}

/// Whether the class token is among the tokens measured. It stands in the first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ClassToken {
    /// It is counted, as in the official hook.
    #[default]
    Counted,
    /// The first row of the tokens is left out.
    LeftOut,
}

/// Which tokens R^c of layer l is a function of, beside the bases of layer l. R and ‖Z‖₀ are always those of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Location {
    /// The layer's output (Hu et al. 2024, eq. 11).
    #[default]
    LayerOutput,
    /// The input of its attention, after the normalization (the official hook).
    AttentionInput,
}

/// Whether the tokens measured come from a forward pass with its normalization layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum MeasuredNorms {
    /// Every LayerNorm, gain and bias too, is the identity in the pass that is measured (Hu et al. 2024, App. C).
    #[default]
    Removed,
    /// The network is measured as it was trained (the official hook).
    Kept,
}

/// All choices on which a measured sparse rate reduction depends.
///
/// `location` and `norms` tell the caller which tokens to bring; the rest is done here.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct Conventions {
    /// The precision of the code; by default γ = 1.
    pub precision: Precision,
    /// Scale coded vectors to unit length: tokens for R, each head's projections for R^c. By default not.
    pub unit_tokens: bool,
    /// What ‖Z‖₀ stands for.
    pub sparsity: Sparsity,
    /// What is taken for its gradient.
    pub sparsity_gradient: SparsityGradient,
    /// Whether the class token is measured.
    pub class_token: ClassToken,
    /// Where R^c is read.
    pub location: Location,
    /// Whether the pass that is measured has normalization layers.
    pub norms: MeasuredNorms,
    /// The weight λ of ‖Z‖₀; by default 0.1.
    pub lambda: f64,
}

impl Conventions {
    /// The choices of Hu, Zou and Xu (2024) where they say, and the documented defaults elsewhere.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            precision: Precision::unit_gamma(),
            unit_tokens: false,
            sparsity: Sparsity::Count,
            sparsity_gradient: SparsityGradient::Zero,
            class_token: ClassToken::Counted,
            location: Location::LayerOutput,
            norms: MeasuredNorms::Removed,
            lambda: 0.1,
        }
    }

    /// The choices of the official CRATE hook: unit tokens, its `eps` of 0.01 in the place of ε², the attention's input, norms kept.
    ///
    /// # Errors
    /// None for a positive, finite `eps`; otherwise [`Error::Precision`](crate::Error::Precision).
    pub fn official_hook(eps: f64) -> Result<Self> {
        let Coding {
            precision,
            unit_tokens,
        } = Coding::official_hook(eps)?;
        Ok(Self {
            precision,
            unit_tokens,
            location: Location::AttentionInput,
            norms: MeasuredNorms::Kept,
            ..Self::new()
        })
    }

    /// How vectors are coded under these conventions.
    #[must_use]
    pub const fn coding(&self) -> Coding {
        Coding {
            precision: self.precision,
            unit_tokens: self.unit_tokens,
        }
    }
}

impl Default for Conventions {
    fn default() -> Self {
        Self::new()
    }
}
