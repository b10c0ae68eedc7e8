//! Inverse squared margin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{NegativeMargin, in_words, positive_margin};
use crate::subject::Subject;

use super::of_margin;

/// $$1/g^2$$ with the margin g (Jiang et al. 2019, eq. 22). Reported as √(raw/m) = 1/(g√m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InverseMargin {
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for InverseMargin {
    fn about(&self) -> About<'_> {
        About::new(
            "inverse-margin",
            "Jiang et al. 2019, eq. 22",
            r"1/g^2",
            Cost::ForwardPass,
        )
        .assuming("the margin is positive: nine in ten training images are fitted")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.negative.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let margin = positive_margin(subject, self.negative)?;
        of_margin(subject, margin.powi(-2))
    }
}
