//! A sharpness bound around the origin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{AscentSearch, NoiseSearch, noise_scale, worst_radius};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

use super::{complexity, length, searched};

/// $$\|w\|_2^2\ln(2\omega)/(4\alpha^2)+\ln(m/\sigma)+10$$ (Jiang et al. 2019, eq. 52). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SharpnessOrig {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
    /// How the radius is searched.
    pub ascent: AscentSearch,
}

impl Measure for SharpnessOrig {
    fn about(&self) -> About<'_> {
        About::new(
            "sharpness-orig",
            "Jiang et al. 2019, eq. 52",
            r"\|w\|_2^2\ln(2\omega)/(4\alpha^2)+\ln(m/\sigma)+10",
            Cost::Ascent,
        )
        .assuming("the accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        let searches = [self.ascent.settings(), self.noise.settings()];
        in_words(&[&searches.join("; "), self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Now, self.scope)?;
        let logarithm = (2.0 * length(subject, self.scope)?).ln();
        let sigma = noise_scale(subject, &self.noise)?;
        let alpha = worst_radius(subject, &self.ascent)?;
        let sharpness = squared * logarithm / (4.0 * alpha.size.powi(2));
        let bound = sharpness + complexity(subject, sigma.size)?;
        Ok(searched(bound, &alpha).with_part("sigma", None, sigma.size))
    }
}
