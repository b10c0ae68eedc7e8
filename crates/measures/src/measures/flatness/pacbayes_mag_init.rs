//! A PAC-Bayes bound aware of magnitudes around the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{Magnitude, NoiseSearch};
use crate::shared::{Matrices, in_words};
use crate::subject::{Scope, Subject};

use super::pacbayes_mag;

/// $$\tfrac14\sum_j\ln\frac{e^2+(\sigma'^2+1)\|w-w^0\|_2^2/\omega}{e^2+\sigma'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10$$ (Jiang et al. 2019, eq. 56; the form is that of the public code of Dziugaite et al. 2020, e = 10⁻³).
/// Reported as √(raw/m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PacBayesMagInit {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
}

impl Default for PacBayesMagInit {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            noise: NoiseSearch {
                magnitude: Magnitude::AWARE,
                ..NoiseSearch::default()
            },
        }
    }
}

impl Measure for PacBayesMagInit {
    fn about(&self) -> About<'_> {
        About::new(
            "pacbayes-mag-init",
            "Jiang et al. 2019, eq. 56",
            r"\tfrac14\sum_j\ln\frac{e^2+(\sigma'^2+1)\|w-w^0\|_2^2/\omega}{e^2+\sigma'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10",
            Cost::Search,
        )
        .assuming("the weights at the start are known, and the accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[&self.noise.settings(), self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        pacbayes_mag(subject, self.scope, &self.noise, Matrices::Change)
    }
}
