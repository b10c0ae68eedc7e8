//! Sum of squared Frobenius norms.

use crate::measure::{Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, squared_norm};
use crate::subject::{Scope, Subject};
use crate::transform::Transform;

/// $$\sum_i\|W_i\|_F^2$$ (Jiang et al. 2019, eq. 42). Reported as √(raw/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ParamNorm {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for ParamNorm {
    fn name(&self) -> &str {
        "param-norm"
    }

    fn source(&self) -> &str {
        "Jiang et al. 2019, eq. 42"
    }

    fn definition(&self) -> &str {
        r"\sum_i \|W_i\|_F^2"
    }

    fn cost(&self) -> Cost {
        Cost::Weights
    }

    fn transform(&self) -> Transform {
        Transform::Bound
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let squared = squared_norm(subject, Matrices::Now, self.scope)?;
        Ok(Value::new(squared))
    }
}
