//! Sum of squared spectral distances from the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, squared_spectral_norms};
use crate::subject::{Scope, Subject};

/// $$\sum_i\|W_i-W_i^0\|_2^2$$ (Jiang et al. 2019, eq. 41). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DistSpecInit {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for DistSpecInit {
    fn about(&self) -> About<'_> {
        About::new(
            "dist-spec-init",
            "Jiang et al. 2019, eq. 41",
            r"\sum_i\|W_i-W_i^0\|_2^2",
            Cost::Factorizations,
        )
        .assuming("the weights at the start are known")
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let norms = squared_spectral_norms(subject, Matrices::Change, self.scope)?;
        Ok(Value::new(norms.iter().sum()))
    }
}
