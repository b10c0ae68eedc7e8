//! Sum of squared Frobenius distances from the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

/// $$\sum_i\|W_i-W_i^0\|_F^2$$ (Jiang et al. 2019, eq. 40). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FroDist {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for FroDist {
    fn about(&self) -> About<'_> {
        About::new(
            "fro-dist",
            "Jiang et al. 2019, eq. 40",
            r"\sum_i \|W_i-W_i^0\|_F^2",
            Cost::Weights,
        )
        .assuming("the weights at the start are known")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Change, self.scope)?;
        Ok(Value::new(squared))
    }
}
