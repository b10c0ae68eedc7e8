//! A sharpness bound aware of magnitudes around the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{AscentSearch, Magnitude, NoiseSearch};
use crate::shared::Matrices;
use crate::subject::{Scope, Subject};

use super::SharpnessMag;

/// $$\tfrac14\sum_j\ln\frac{e^2+(\alpha'^2+4\ln(2\omega/\delta))\|w-w^0\|_2^2/\omega}{e^2+\alpha'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10$$ (Jiang et al. 2019, eq. 59, e = 10⁻³). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpnessMagInit {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
    /// How the radius is searched.
    pub ascent: AscentSearch,
    /// δ, the probability with which the bound may fail; 0.1 is ours.
    pub delta: f64,
}

impl Default for SharpnessMagInit {
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

impl Measure for SharpnessMagInit {
    fn about(&self) -> About<'_> {
        About::new(
            "sharpness-mag-init",
            "Jiang et al. 2019, eq. 59",
            r"\tfrac14\sum_j\ln\frac{e^2+(\alpha'^2+4\ln(2\omega/\delta))\|w-w^0\|_2^2/\omega}{e^2+\alpha'^2(w_j-w^0_j)^2}+\ln(m/\sigma')+10",
            Cost::Ascent,
        )
        .assuming("the weights at the start are known, and the accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        self.parts().settings()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        self.parts().bound(subject, Matrices::Change)
    }
}

impl SharpnessMagInit {
    fn parts(&self) -> SharpnessMag<'_> {
        SharpnessMag {
            scope: self.scope,
            noise: &self.noise,
            ascent: &self.ascent,
            delta: self.delta,
        }
    }
}
