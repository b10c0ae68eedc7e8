//! How fast the answers change with the input.

use std::ops::ControlFlow;

use crate::gradients::Mean;
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject};

/// $$\operatorname{mean}_x\;\|\partial f/\partial x\|_F^2$$ with f the logits (Dherin et al. 2022, eq. 1). Reported raw, with the standard error
/// over images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeometricComplexity {
    /// Over which images.
    pub images: Images,
}

impl Default for GeometricComplexity {
    /// 512 fixed training images.
    fn default() -> Self {
        let images = Images::fixed(512);
        Self { images }
    }
}

impl Measure for GeometricComplexity {
    fn about(&self) -> About<'_> {
        About::new(
            "geometric-complexity",
            "Dherin et al. 2022",
            r"\operatorname{mean}_x \|\partial f/\partial x\|_F^2",
            Cost::ExampleGradients,
        )
    }

    fn settings(&self) -> String {
        self.images.to_string()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let mut squares = Vec::new();
        subject.input_jacobians(self.images, &mut |_, jacobian| {
            squares.push((jacobian.iter().map(|d| d * d).sum::<f64>(), 1));
            ControlFlow::Continue(())
        })?;
        if squares.is_empty() {
            return Err(Undefined::Misfit("there are no images".to_owned()));
        }
        Ok(Value::from(Mean::of_parts(&squares)))
    }
}
