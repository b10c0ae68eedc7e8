//! Trace of the Hessian beside what stochastic gradient descent bears.

use super::{HessianTrace, traced};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::Subject;

/// $$\operatorname{tr}(\nabla^2L)\,\eta/2$$ with the learning rate η at the end of training (Wu, Wang and Su 2022): stochastic gradient
/// descent leaves minima where it is large. Reported raw. It shares the trace with [`HessianTrace`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DynamicalStability {
    /// The trace.
    pub trace: HessianTrace,
}

impl Measure for DynamicalStability {
    fn about(&self) -> About<'_> {
        About::new(
            "dynamical-stability",
            "Wu, Wang and Su 2022",
            r"\operatorname{tr}(\nabla^2L)\,\eta/2",
            Cost::Hutchinson,
        )
        .assuming("η is known; plain stochastic gradient descent with small batches")
    }

    fn settings(&self) -> String {
        self.trace.words()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let factor = subject.learning_rate()? / 2.0;
        let found = traced(subject, self.trace.images, self.trace.options)?.value;
        let value = Value::new(found.value * factor).with_images(found.images);
        Ok(match found.standard_error {
            Some(error) => value.with_standard_error(error * factor),
            None => value,
        })
    }
}
