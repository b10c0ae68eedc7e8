//! The variants of the block.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which transformer a classifier is built of.
///
/// The first six differ in the attention half-step alone: with tokens Z (normalized), w = U^T Z the projections onto the K
/// subspaces (one map `[K·p, d]`) and S the stacked attention heads, each adds another map of S to the tokens (Yu et al. 2023,
/// Hu, Zou and Xu 2024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Variant {
    /// CRATE: Z + W·S + b with a learned map W `[d, K·p]`; omitted, Z + S, when K = 1 and p = d.
    #[serde(rename = "crate")]
    Crate,
    /// CRATE-C, the conceptual step: Z + `[U_1 … U_K]`·S.
    #[serde(rename = "crate-c")]
    Conceptual,
    /// CRATE-N, the negative step: Z − `[U_1 … U_K]`·S.
    #[serde(rename = "crate-n")]
    Negative,
    /// CRATE-T, the transposed map: Z + `[U_1 … U_K]`ᵀ·S; needs K·p = d.
    #[serde(rename = "crate-t")]
    Transpose,
    /// CRATE-Fix: Z + W₀·S with a random map that is never trained.
    #[serde(rename = "crate-fix")]
    Fix,
    /// CRATE-Identity: Z + S; needs K·p = d.
    #[serde(rename = "crate-identity")]
    Identity,
    /// The vision transformer of Dosovitskiy et al. 2021 in the same frame: ordinary attention and a GELU MLP.
    #[serde(rename = "vit")]
    Vit,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Self; 7] = [
        Self::Crate,
        Self::Conceptual,
        Self::Negative,
        Self::Transpose,
        Self::Fix,
        Self::Identity,
        Self::Vit,
    ];

    /// The name: `crate`, `crate-c`, `crate-n`, `crate-t`, `crate-fix`, `crate-identity` or `vit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crate => "crate",
            Self::Conceptual => "crate-c",
            Self::Negative => "crate-n",
            Self::Transpose => "crate-t",
            Self::Fix => "crate-fix",
            Self::Identity => "crate-identity",
            Self::Vit => "vit",
        }
    }

    /// The names of all variants.
    pub fn names() -> [&'static str; 7] {
        Self::ALL.map(Self::name)
    }

    /// Whether the variant has subspace bases and a dictionary, as all but [`Vit`](Self::Vit) have.
    pub const fn is_white_box(self) -> bool {
        !matches!(self, Self::Vit)
    }

    /// Whether the variant can only be built with K·p = d.
    pub const fn needs_square(self) -> bool {
        matches!(self, Self::Transpose | Self::Identity)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Variant {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|variant| variant.name() == name)
            .ok_or_else(|| Error::UnknownVariant { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::Variant;

    #[test]
    fn names_are_read_as_they_are_written() {
        for variant in Variant::ALL {
            assert_eq!(variant.to_string().parse::<Variant>().unwrap(), variant);
            let json = serde_json::to_string(&variant).unwrap();
            assert_eq!(json, format!("{:?}", variant.name()));
            assert_eq!(serde_json::from_str::<Variant>(&json).unwrap(), variant);
        }
        let error = "crate-x".parse::<Variant>().unwrap_err().to_string();
        assert!(error.contains("crate-x") && error.contains("crate-identity"));
    }
}
