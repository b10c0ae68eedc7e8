//! Logarithm of the product of squared spectral norms.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{LogProduct, MatrixNorm, in_words};
use crate::subject::{Scope, Subject};

/// $$\sum_i\ln\|W_i\|_2^2$$ (Jiang et al. 2019, eq. 32). Reported as (raw − ln m)/2.
///
/// A linear map of zeros leaves it undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogProdOfSpec {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for LogProdOfSpec {
    fn about(&self) -> About<'_> {
        About::new(
            "log-prod-of-spec",
            "Jiang et al. 2019, eq. 32",
            r"\sum_i \ln\|W_i\|_2^2",
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
        Ok(Value::new(product.value))
    }
}
