//! Rise of the loss after one step of ascent.

use crate::gradients::{gradient, loss_rise, norm};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject, When};

/// $$L(w+\rho\,g/\|g\|_2)-L(w),\quad g=\nabla L(w)$$ (Foret et al. 2021, eq. 2): the sharpness that SAM descends, to first order of the inner
/// maximum. Reported raw, with the standard error over parts of the images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamSharpness {
    /// ρ.
    pub radius: f64,
    /// On which images loss and gradient are taken.
    pub images: Images,
}

impl Default for SamSharpness {
    /// ρ = 0.05, the paper's default, on 512 fixed training images.
    fn default() -> Self {
        Self {
            radius: 0.05,
            images: Images::fixed(512),
        }
    }
}

impl Measure for SamSharpness {
    fn about(&self) -> About<'_> {
        About::new(
            "sam-sharpness",
            "Foret et al. 2021, eq. 2",
            r"L(w+\rho\,g/\|g\|_2)-L(w)",
            Cost::Gradient,
        )
        .assuming("the gradient is not zero")
    }

    fn settings(&self) -> String {
        format!("ρ = {}, {}", self.radius, self.images)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let ascent = &gradient(subject, self.images)?.mean;
        let length = norm(ascent);
        if length == 0.0 {
            let what = "the norm of the gradient".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        let weights = subject.parameters(When::Now)?;
        let step = self.radius / length;
        let moved: Vec<f64> = weights
            .iter()
            .zip(ascent)
            .map(|(w, g)| w + step * g)
            .collect();
        Ok(Value::from(loss_rise(subject, &moved, self.images)?))
    }
}
