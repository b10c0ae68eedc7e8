//! Sum of squared Frobenius over squared spectral norms.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, over_squared_spectral_norms, squared_frobenius_norms};
use crate::subject::{Scope, Subject};

/// $$\sum_i\|W_i\|_F^2/\|W_i\|_2^2$$ (Jiang et al. 2019, eq. 33): the sum of the stable ranks. Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FroOverSpec {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for FroOverSpec {
    fn about(&self) -> About<'_> {
        About::new(
            "fro-over-spec",
            "Jiang et al. 2019, eq. 33",
            r"\sum_i\|W_i\|_F^2/\|W_i\|_2^2",
            Cost::Factorizations,
        )
        .assuming("no linear map is zero")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let numerators = squared_frobenius_norms(subject, Matrices::Now, self.scope)?;
        let ratio = over_squared_spectral_norms(subject, &numerators, self.scope)?;
        Ok(Value::new(ratio))
    }
}
