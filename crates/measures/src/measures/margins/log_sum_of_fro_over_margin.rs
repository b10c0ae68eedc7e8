//! Logarithm of the sum of squared Frobenius norms, all taken equal, over the margin.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, NegativeMargin, in_words, positive_margin};
use crate::subject::{Scope, Subject};

use super::of_margin;

/// $$\ln L+\frac1L\Bigl(\sum_i\ln\|W_i\|_F^2-2\ln g\Bigr)$$ (Jiang et al. 2019, eq. 38). Reported as (raw − ln m)/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSumOfFroOverMargin {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for LogSumOfFroOverMargin {
    fn about(&self) -> About<'_> {
        About::new(
            "log-sum-of-fro-over-margin",
            "Jiang et al. 2019, eq. 38",
            r"\ln L+\frac1L\bigl(\sum_i\ln \|W_i\|_F^2-2\ln g\bigr)",
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
        of_margin(subject, product.over_margin(margin).log_sum())
    }
}
