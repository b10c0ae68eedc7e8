//! A PAC-Bayes bound around the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{NoiseSearch, noise_scale};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

use super::{complexity, searched};

/// $$\|w-w^0\|_2^2/(4\sigma^2)+\ln(m/\sigma)+10$$ (Jiang et al. 2019, eq. 48; the form is that of the public code of Dziugaite et al. 2020).
/// Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PacBayesInit {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
}

impl Measure for PacBayesInit {
    fn about(&self) -> About<'_> {
        About::new(
            "pacbayes-init",
            "Jiang et al. 2019, eq. 48",
            r"\|w-w^0\|_2^2/(4\sigma^2)+\ln(m/\sigma)+10",
            Cost::Search,
        )
        .assuming("the weights at the start are known, and the accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[&self.noise.settings(), self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Change, self.scope)?;
        let sigma = noise_scale(subject, &self.noise)?;
        let bound = squared / (4.0 * sigma.size.powi(2)) + complexity(subject, sigma.size)?;
        Ok(searched(bound, &sigma))
    }
}
