//! Logarithm of the sum of squared spectral norms, all taken equal.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, in_words};
use crate::subject::{Scope, Subject};

/// $$\ln L+\frac1L\sum_i\ln\|W_i\|_2^2$$ (Jiang et al. 2019, eq. 35): the logarithm of L times the geometric mean, which the sum of the norms
/// becomes once the network is rescaled so that all are equal. Reported as (raw − ln m)/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSumOfSpec {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for LogSumOfSpec {
    fn about(&self) -> About<'_> {
        About::new(
            "log-sum-of-spec",
            "Jiang et al. 2019, eq. 35",
            r"\ln L+\frac1L\sum_i\ln \|W_i\|_2^2",
            Cost::Factorizations,
        )
        .assuming("no linear map is zero")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let product = LogProduct::new(subject, MatrixNorm::Spectral, self.scope)?;
        Ok(Value::new(product.log_sum()))
    }
}
