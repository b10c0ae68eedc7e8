//! Norm of the weights.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

/// $$\|w\|_2$$, the norm of all linear maps' entries together (public code of Dziugaite et al. 2020, `L2`). Reported as √(‖w‖₂/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct L2 {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for L2 {
    fn about(&self) -> About<'_> {
        About::new(
            "l2",
            "Dziugaite et al. 2020, code",
            r"\|w\|_2",
            Cost::Weights,
        )
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Now, self.scope)?;
        Ok(Value::new(squared.sqrt()))
    }
}
