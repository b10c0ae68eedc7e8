//! Path-norm over the squared margin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
#[cfg(doc)]
use crate::measures::PathNorm;
use crate::measures::path_norm;
use crate::shared::{NegativeMargin, in_words, positive_margin};
use crate::subject::Subject;

use super::of_margin;

/// $$P/g^2$$ with the path-norm P of [`PathNorm`] (Jiang et al. 2019, eq. 43). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathNormOverMargin {
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for PathNormOverMargin {
    fn about(&self) -> About<'_> {
        About::new(
            "path-norm-over-margin",
            "Jiang et al. 2019, eq. 43",
            r"P/g^2,\quad P=\sum_c f_{w^2}(\mathbf 1)_c",
            Cost::ForwardPass,
        )
        .assuming("the path-norm and the margin are positive")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.negative.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let margin = positive_margin(subject, self.negative)?;
        of_margin(subject, path_norm(subject)? / margin.powi(2))
    }
}
