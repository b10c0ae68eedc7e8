//! Stable rank.

use ndarray::Array1;

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, mean, over_maps, singular_values};
use crate::subject::{Scope, Subject};

/// $$\frac1L\sum_i\frac{\|W_i\|_F^2}{\|W_i\|_2^2}$$ (Rudelson and Vershynin 2007; for networks Sanyal, Torr and Dokania 2020), each
/// between 1 and the rank; 0 for a map of zeros, as its rank is. Reported raw.
///
/// Part `stable_rank` is the mean over the maps of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StableRank {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for StableRank {
    fn about(&self) -> About<'_> {
        About::new(
            "stable-rank",
            "Rudelson, Vershynin 2007; Sanyal et al. 2020",
            r"\frac1L\sum_i \|W_i\|_F^2/\|W_i\|_2^2",
            Cost::Factorizations,
        )
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let values = singular_values(subject, Matrices::Now, self.scope)?;
        let ranks: Vec<f64> = values.iter().map(stable_rank).collect();
        over_maps(subject, self.scope, "stable_rank", &ranks, mean)
    }
}

/// Σσ²/σ₁², of ratios so that no square overflows or vanishes.
fn stable_rank(values: &Array1<f64>) -> f64 {
    let largest = values.fold(0.0_f64, |largest, &x| largest.max(x));
    if largest == 0.0 {
        return 0.0;
    }
    values.iter().map(|x| (x / largest).powi(2)).sum()
}
