//! Sum of squared Frobenius distances from the start.

use crate::measure::{Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, squared_norm};
use crate::subject::{Scope, Subject};
use crate::transform::Transform;

/// $$\sum_i\|W_i-W_i^0\|_F^2$$ (Jiang et al. 2019, eq. 40). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FroDist {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for FroDist {
    fn name(&self) -> &str {
        "fro-dist"
    }

    fn source(&self) -> &str {
        "Jiang et al. 2019, eq. 40"
    }

    fn definition(&self) -> &str {
        r"\sum_i \|W_i-W_i^0\|_F^2"
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
        Ok(Value::new(squared))
    }
}
