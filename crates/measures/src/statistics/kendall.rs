//! Kendall's rank correlation of two samples.

use serde::Serialize;

use super::order::{Sorted, dense_ranks};
use super::p_value::{PValueMethod, PairSummary, p_value};
use super::table::check_finite;
use crate::error::{Error, Result};

/// Kendall's τ in both forms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kendall {
    /// (concordant − discordant) / all pairs: ties count 0, and a constant sample has τ-a = 0.
    pub tau_a: f64,
    /// Corrected for ties (what scipy's `kendalltau` gives); `None` if a sample is constant.
    pub tau_b: Option<f64>,
    /// Two-sided p-value of the hypothesis of no association; `None` if a sample is constant.
    pub p_value: Option<f64>,
    /// Number of models.
    pub models: usize,
}

/// Kendall's τ of `x` and `y` in O(n log n) (Knight 1966), with scipy's `auto` p-value.
///
/// # Errors
/// Samples of different lengths, fewer than two models, or values that are not finite.
///
/// ```
/// use srr_measures::statistics::kendall;
///
/// let tau = kendall(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0])?;
/// assert_eq!(tau.tau_a, 4.0 / 6.0); // five pairs in order, one reversed
/// # Ok::<(), srr_measures::Error>(())
/// ```
pub fn kendall(x: &[f64], y: &[f64]) -> Result<Kendall> {
    kendall_with(x, y, PValueMethod::Auto)
}

/// As [`kendall`], with the p-value of a chosen null distribution.
///
/// # Errors
/// As [`kendall`].
pub fn kendall_with(x: &[f64], y: &[f64], method: PValueMethod) -> Result<Kendall> {
    if x.len() != y.len() {
        return Err(Error::Length {
            column: "y".to_owned(),
            expected: x.len(),
            found: y.len(),
        });
    }
    if x.len() < 2 {
        return Err(Error::TooFewModels { found: x.len() });
    }
    check_finite("x", x.iter().copied().enumerate())?;
    check_finite("y", y.iter().copied().enumerate())?;
    let models = (0..x.len() as u32).collect();
    let sorted = Sorted::new(models, &dense_ranks(x), &dense_ranks(y));
    Ok(from_sorted(&sorted, x.len(), method))
}

/// τ and p-value of models that are sorted already.
pub(crate) fn from_sorted(sorted: &Sorted, models: usize, method: PValueMethod) -> Kendall {
    let counts = sorted.count(None, &mut Vec::new());
    let tau_b = counts.tau_b();
    let summary = PairSummary {
        models: models as u64,
        difference: counts.difference,
        ties: sorted.tie_groups(),
    };
    Kendall {
        tau_a: counts.tau_a(),
        tau_b,
        p_value: tau_b.and_then(|_| p_value(method, &summary)),
        models,
    }
}
