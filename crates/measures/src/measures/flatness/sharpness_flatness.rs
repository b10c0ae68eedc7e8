//! How near a much worse network is.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{AscentSearch, worst_radius};
use crate::subject::Subject;

use super::searched;

/// $$1/\alpha^2$$ (Jiang et al. 2019, eq. 54) with the radius of [`AscentSearch`]. Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SharpnessFlatness {
    /// How the radius is searched.
    pub ascent: AscentSearch,
}

impl Measure for SharpnessFlatness {
    fn about(&self) -> About<'_> {
        About::new(
            "sharpness-flatness",
            "Jiang et al. 2019, eq. 54",
            r"1/\alpha^2",
            Cost::Ascent,
        )
        .assuming("accuracy falls by the target within the range of the search")
        .as_bound()
    }

    fn settings(&self) -> String {
        self.ascent.settings()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let found = worst_radius(subject, &self.ascent)?;
        Ok(searched(found.size.powi(-2), &found))
    }
}
