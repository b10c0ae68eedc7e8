//! Distance of the weights from their start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, squared_norm};
use crate::subject::{Scope, Subject};

/// $$\|w-w^0\|_2$$ over all linear maps (public code of Dziugaite et al. 2020, `L2_DIST`). Reported as √(‖w − w⁰‖₂/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct L2Dist {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for L2Dist {
    fn about(&self) -> About<'_> {
        About::new(
            "l2-dist",
            "Dziugaite et al. 2020, code",
            r"\|w-w^0\|_2",
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
        Ok(Value::new(squared.sqrt()))
    }
}
