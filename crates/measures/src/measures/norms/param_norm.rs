//! Sum of squared Frobenius norms.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

/// $$\sum_i\|W_i\|_F^2$$ (Jiang et al. 2019, eq. 42). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ParamNorm {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for ParamNorm {
    fn about(&self) -> About<'_> {
        About::new(
            "param-norm",
            "Jiang et al. 2019, eq. 42",
            r"\sum_i \|W_i\|_F^2",
            Cost::Weights,
        )
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Now, self.scope)?;
        Ok(Value::new(squared))
    }
}
