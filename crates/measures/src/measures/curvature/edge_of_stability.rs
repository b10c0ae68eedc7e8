//! Largest eigenvalue of the Hessian beside what gradient descent bears.

use super::LambdaMax;
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::Subject;

/// $$\lambda_{\max}(\nabla^2L)\,\eta/2$$ with the learning rate η at the end of training (Cohen et al. 2021): gradient descent is stable below 1,
/// and tends to end there. Reported raw. It shares the eigenvalue with [`LambdaMax`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EdgeOfStability {
    /// The eigenvalue.
    pub eigenvalue: LambdaMax,
}

impl Measure for EdgeOfStability {
    fn about(&self) -> About<'_> {
        About::new(
            "edge-of-stability",
            "Cohen et al. 2021",
            r"\lambda_{\max}(\nabla^2L)\,\eta/2",
            Cost::Lanczos,
        )
        .assuming("Lanczos' iteration converges; η is known; 1 is the edge for plain gradient descent alone")
    }

    fn settings(&self) -> String {
        self.eigenvalue.words()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let factor = subject.learning_rate()? / 2.0;
        let found = self.eigenvalue.found(subject)?.value;
        let value = Value::new(found.value * factor).with_images(found.images);
        Ok(match found.standard_error {
            Some(error) => value.with_standard_error(error * factor),
            None => value,
        })
    }
}
