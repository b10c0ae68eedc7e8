//! Norm of the gradient of the loss.

use crate::gradients::{Mean, dot, gradient, norm};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject};

/// $$\|\nabla L(w)\|_2$$ of the mean training loss at the trained weights (Jiang et al. 2019, section 3). Reported raw.
///
/// The standard error is that of the gradients' components along the mean gradient, over parts of the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradientNorm {
    /// On which images the loss is taken.
    pub images: Images,
}

impl Default for GradientNorm {
    /// 512 fixed training images.
    fn default() -> Self {
        let images = Images::fixed(512);
        Self { images }
    }
}

impl Measure for GradientNorm {
    fn about(&self) -> About<'_> {
        About::new(
            "gradient-norm",
            "Jiang et al. 2019, section 3",
            r"\|\nabla L(w)\|_2",
            Cost::Gradient,
        )
    }

    fn settings(&self) -> String {
        self.images.to_string()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let found = gradient(subject, self.images)?;
        let length = norm(&found.mean);
        let along = |part: &Vec<f64>| dot(part, &found.mean) / length.max(f64::MIN_POSITIVE);
        let images = found.evaluations.iter().map(|part| part.images);
        let parts: Vec<(f64, usize)> = found.parts.iter().map(along).zip(images).collect();
        Ok(Value::from(Mean {
            value: length,
            ..Mean::of_parts(&parts)
        }))
    }
}
