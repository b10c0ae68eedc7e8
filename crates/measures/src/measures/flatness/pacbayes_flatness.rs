//! How little noise the network bears.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{NoiseSearch, noise_scale};
use crate::subject::Subject;

use super::searched;

/// $$1/\sigma^2$$ (Jiang et al. 2019, eq. 53) with the noise of [`NoiseSearch`]. Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PacBayesFlatness {
    /// What the noise is like, and when there is enough of it.
    pub noise: NoiseSearch,
}

impl Measure for PacBayesFlatness {
    fn about(&self) -> About<'_> {
        About::new(
            "pacbayes-flatness",
            "Jiang et al. 2019, eq. 53",
            r"1/\sigma^2",
            Cost::Search,
        )
        .assuming("accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        self.noise.settings()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let found = noise_scale(subject, &self.noise)?;
        Ok(searched(found.size.powi(-2), &found))
    }
}
