//! How near a much worse network is, in proportion to the weights.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::search::{AscentSearch, Magnitude, worst_radius};
use crate::subject::Subject;

use super::searched;

/// $$1/\alpha'^2$$ (Jiang et al. 2019, eq. 62) with the radius of [`AscentSearch`]. Reported as √(raw/m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpnessMagFlatness {
    /// How the radius is searched.
    pub ascent: AscentSearch,
}

impl Default for SharpnessMagFlatness {
    fn default() -> Self {
        Self {
            ascent: AscentSearch {
                magnitude: Magnitude::AWARE,
                ..AscentSearch::default()
            },
        }
    }
}

impl Measure for SharpnessMagFlatness {
    fn about(&self) -> About<'_> {
        About::new(
            "sharpness-mag-flatness",
            "Jiang et al. 2019, eq. 62",
            r"1/\alpha'^2",
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
