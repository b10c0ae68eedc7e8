//! Logarithm of the product of squared Frobenius norms over the squared margin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, NegativeMargin, in_words, positive_margin};
use crate::subject::{Scope, Subject};

use super::of_margin;

/// $$\sum_i\ln\|W_i\|_F^2-2\ln g$$ (Jiang et al. 2019, eq. 36). Reported as (raw − ln m)/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogProdOfFroOverMargin {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for LogProdOfFroOverMargin {
    fn about(&self) -> About<'_> {
        About::new(
            "log-prod-of-fro-over-margin",
            "Jiang et al. 2019, eq. 36",
            r"\sum_i\ln \|W_i\|_F^2-2\ln g",
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
        let product = LogProduct::new(subject, MatrixNorm::Frobenius, self.scope)?;
        of_margin(subject, product.over_margin(margin).value)
    }
}
