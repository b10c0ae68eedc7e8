//! Logarithm of the product of squared Frobenius norms.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, in_words};
use crate::subject::{Scope, Subject};

/// $$\sum_i\ln\|W_i\|_F^2$$ (Jiang et al. 2019, eq. 37). Reported as (raw − ln m)/2.
///
/// A linear map of zeros leaves it undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogProdOfFro {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for LogProdOfFro {
    fn about(&self) -> About<'_> {
        About::new(
            "log-prod-of-fro",
            "Jiang et al. 2019, eq. 37",
            r"\sum_i \ln\|W_i\|_F^2",
            Cost::Weights,
        )
        .assuming("no linear map is zero")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let product = LogProduct::new(subject, MatrixNorm::Frobenius, self.scope)?;
        Ok(Value::new(product.value))
    }
}
