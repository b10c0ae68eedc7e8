//! The precision ε of a code: built by name, so that ε and ε² cannot be confused.

use crate::{Error, Result};

/// The allowed distortion of a lossy code, by which every rate is scaled.
///
/// Papers write ε² in the denominator, d/(N ε²). Code disagrees: the `eps` of the official CRATE measuring hook and of the MCR²
/// code stands where ε² does, ReduNet's 0.1 is not squared either. A value is therefore built by saying which of the two is meant.
///
/// ```
/// use srr_coding_rate::Precision;
/// assert_eq!(Precision::from_epsilon(0.5)?, Precision::from_epsilon_squared(0.25)?);
/// assert_eq!(Precision::unit_gamma().gamma(64, 197), 1.0);
/// assert!(Precision::from_epsilon(0.0).is_err());
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Written", into = "Written"))]
pub struct Precision(Choice);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Choice {
    EpsilonSquared(f64),
    UnitGamma,
}

impl Precision {
    /// From ε itself.
    ///
    /// # Errors
    /// [`Error::Precision`] unless ε and ε² are positive and finite.
    pub fn from_epsilon(epsilon: f64) -> Result<Self> {
        let squared = epsilon * epsilon;
        if epsilon > 0.0 && squared > 0.0 && squared.is_finite() {
            Ok(Self(Choice::EpsilonSquared(squared)))
        } else {
            Err(Error::Precision {
                name: "epsilon",
                value: epsilon,
            })
        }
    }

    /// From ε². The `eps` of the official CRATE hook and of the MCR² code goes here.
    ///
    /// # Errors
    /// [`Error::Precision`] unless ε² is positive and finite.
    pub fn from_epsilon_squared(epsilon_squared: f64) -> Result<Self> {
        if epsilon_squared > 0.0 && epsilon_squared.is_finite() {
            Ok(Self(Choice::EpsilonSquared(epsilon_squared)))
        } else {
            Err(Error::Precision {
                name: "epsilon squared",
                value: epsilon_squared,
            })
        }
    }

    /// ε² = p/N, so that γ = 1: what Hu, Zou and Xu (2024) fix.
    #[must_use]
    pub const fn unit_gamma() -> Self {
        Self(Choice::UnitGamma)
    }

    /// Whether this is [`Precision::unit_gamma`].
    #[must_use]
    pub const fn is_unit_gamma(self) -> bool {
        matches!(self.0, Choice::UnitGamma)
    }

    /// ε² for heads of dimension p and N tokens (both at least 1).
    #[must_use]
    pub fn epsilon_squared(self, head_dim: usize, tokens: usize) -> f64 {
        match self.0 {
            Choice::EpsilonSquared(value) => value,
            Choice::UnitGamma => head_dim as f64 / tokens as f64,
        }
    }

    /// α = d/(N ε²), the scale within R(Z), for dimension d, N tokens and heads of dimension p.
    #[must_use]
    pub fn alpha(self, dim: usize, tokens: usize, head_dim: usize) -> f64 {
        match self.0 {
            Choice::EpsilonSquared(value) => dim as f64 / (tokens as f64 * value),
            Choice::UnitGamma => dim as f64 / head_dim as f64,
        }
    }

    /// γ = p/(N ε²), the scale within R^c(Z; U), for heads of dimension p and N tokens.
    #[must_use]
    pub fn gamma(self, head_dim: usize, tokens: usize) -> f64 {
        match self.0 {
            Choice::EpsilonSquared(value) => head_dim as f64 / (tokens as f64 * value),
            Choice::UnitGamma => 1.0,
        }
    }
}

/// How vectors are coded: the precision, and whether each vector is first scaled to unit length.
///
/// Rates take `impl Into<Coding>`, so that a plain [`Precision`] will do.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Coding {
    /// The precision of the code.
    pub precision: Precision,
    /// Scale to unit length the vectors whose rate is taken: tokens for R and for labeled rates, each head's projected tokens for R^c.
    ///
    /// A vector shorter than 10⁻¹² is divided by 10⁻¹² instead, as PyTorch's `normalize` does.
    pub unit_tokens: bool,
}

impl Coding {
    /// The official CRATE hook's: unit tokens per head, and its `eps` (0.01 there) in the place of ε².
    ///
    /// # Errors
    /// As [`Precision::from_epsilon_squared`].
    pub fn official_hook(eps: f64) -> Result<Self> {
        Ok(Self {
            precision: Precision::from_epsilon_squared(eps)?,
            unit_tokens: true,
        })
    }
}

impl From<Precision> for Coding {
    fn from(precision: Precision) -> Self {
        Self {
            precision,
            unit_tokens: false,
        }
    }
}

/// The written form: `{ epsilon = 0.5 }`, `{ epsilon_squared = 0.25 }` or `"unit_gamma"`.
#[cfg(feature = "serde")]
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Epsilon(f64),
    EpsilonSquared(f64),
    UnitGamma,
}

#[cfg(feature = "serde")]
impl TryFrom<Written> for Precision {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        match written {
            Written::Epsilon(epsilon) => Self::from_epsilon(epsilon),
            Written::EpsilonSquared(squared) => Self::from_epsilon_squared(squared),
            Written::UnitGamma => Ok(Self::unit_gamma()),
        }
    }
}

#[cfg(feature = "serde")]
impl From<Precision> for Written {
    fn from(precision: Precision) -> Self {
        match precision.0 {
            Choice::EpsilonSquared(squared) => Self::EpsilonSquared(squared),
            Choice::UnitGamma => Self::UnitGamma,
        }
    }
}
