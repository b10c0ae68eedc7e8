//! Logarithm of the product of squared spectral norms over the squared margin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, NegativeMargin, in_words, positive_margin};
use crate::subject::{Scope, Subject};

use super::of_margin;

/// $$\sum_i\ln\|W_i\|_2^2-2\ln g$$ (Jiang et al. 2019, eq. 31). Reported as (raw − ln m)/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogProdOfSpecOverMargin {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for LogProdOfSpecOverMargin {
    fn about(&self) -> About<'_> {
        About::new(
            "log-prod-of-spec-over-margin",
            "Jiang et al. 2019, eq. 31",
            r"\sum_i\ln \|W_i\|_2^2-2\ln g",
            Cost::ForwardPass,
        )
        .assuming("no linear map is zero, and the margin is positive")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words(), self.negative.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let margin = positive_margin(subject, self.negative)?;
        let product = LogProduct::new(subject, MatrixNorm::Spectral, self.scope)?;
        of_margin(subject, product.over_margin(margin).value)
    }
}
