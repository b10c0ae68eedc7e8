//! Distance of the weights from their start.

use crate::measure::{Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, squared_norm};
use crate::subject::{Scope, Subject};
use crate::transform::Transform;

/// $$\|w-w^0\|_2$$ over all linear maps (public code of Dziugaite et al. 2020, `L2_DIST`). Reported as √(‖w − w⁰‖₂/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct L2Dist {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for L2Dist {
    fn name(&self) -> &str {
        "l2-dist"
    }

    fn source(&self) -> &str {
        "Dziugaite et al. 2020, code"
    }

    fn definition(&self) -> &str {
        r"\|w-w^0\|_2"
    }

    fn assumptions(&self) -> &str {
        "the weights at the start are known"
    }

    fn cost(&self) -> Cost {
        Cost::Weights
    }

    fn transform(&self) -> Transform {
        Transform::Bound
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Change, self.scope)?;
        Ok(Value::new(squared.sqrt()))
    }
}
