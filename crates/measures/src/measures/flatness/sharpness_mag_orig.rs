//! A sharpness bound aware of magnitudes around the origin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{AscentSearch, Magnitude, NoiseSearch, noise_scale, worst_radius};
use crate::shared::{Matrices, in_words};
use crate::subject::{Scope, Subject};

use super::{Divergence, complexity, length, searched};

/// $$\tfrac14\sum_j\ln\frac{e^2+(\alpha'^2+4\ln(2\omega/\delta))\|w\|_2^2/\omega}{e^2+\alpha'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10$$ (Jiang et al. 2019, eq. 60, e = 10⁻³). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpnessMagOrig {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
    /// How the radius is searched.
    pub ascent: AscentSearch,
    /// δ, the probability with which the bound may fail; 0.1 is ours.
    pub delta: f64,
}

impl Default for SharpnessMagOrig {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            noise: NoiseSearch {
                magnitude: Magnitude::AWARE,
                ..NoiseSearch::default()
            },
            ascent: AscentSearch {
                magnitude: Magnitude::AWARE,
                ..AscentSearch::default()
            },
            delta: 0.1,
        }
    }
}

impl Measure for SharpnessMagOrig {
    fn about(&self) -> About<'_> {
        About::new(
            "sharpness-mag-orig",
            "Jiang et al. 2019, eq. 60",
            r"\tfrac14\sum_j\ln\frac{e^2+(\alpha'^2+4\ln(2\omega/\delta))\|w\|_2^2/\omega}{e^2+\alpha'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10",
            Cost::Ascent,
        )
        .assuming("the weights at the start are known, and the accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        let searches = [self.ascent.settings(), self.noise.settings()];
        let delta = format!("δ = {}", self.delta);
        in_words(&[&searches.join("; "), &delta, self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let sigma = noise_scale(subject, &self.noise)?;
        let alpha = worst_radius(subject, &self.ascent)?;
        let omega = length(subject, self.scope)?;
        let spread = alpha.size.powi(2) + 4.0 * (2.0 * omega / self.delta).ln();
        let sum = Divergence {
            numerator: Matrices::Now,
            spread,
            scale: alpha.size,
        }
        .sum(subject, self.scope)?;
        let bound = sum + complexity(subject, sigma.size)?;
        Ok(searched(bound, &alpha).with_part("sigma", None, sigma.size))
    }
}
