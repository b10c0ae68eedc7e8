//! Rise of the loss after one step of ascent in proportion to the weights.

use crate::gradients::{gradient, loss_rise};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject, When};

/// $$L\Bigl(w+\rho\,\frac{T_w^2g}{\|T_wg\|_2}\Bigr)-L(w),\quad T_w=\operatorname{diag}(|w_j|+e)$$ (Kwon et al. 2021, "ASAM"): the sharpness
/// that ASAM descends. With e = 0 it does not change when two consecutive linear maps are rescaled. Reported raw, with the standard
/// error over parts of the images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveSharpness {
    /// ρ.
    pub radius: f64,
    /// e, by which parameters of zero move too.
    pub offset: f64,
    /// On which images loss and gradient are taken.
    pub images: Images,
}

impl Default for AdaptiveSharpness {
    /// ρ = 0.5, the paper's for CIFAR-10; e = 0; 512 fixed training images.
    fn default() -> Self {
        Self {
            radius: 0.5,
            offset: 0.0,
            images: Images::fixed(512),
        }
    }
}

impl Measure for AdaptiveSharpness {
    fn about(&self) -> About<'_> {
        About::new(
            "adaptive-sharpness",
            "Kwon et al. 2021",
            r"L(w+\rho\,T_w^2g/\|T_wg\|_2)-L(w),\quad T_w=\operatorname{diag}(|w_j|+e)",
            Cost::Gradient,
        )
        .assuming("the gradient is not zero")
    }

    fn settings(&self) -> String {
        format!("ρ = {}, e = {}, {}", self.radius, self.offset, self.images)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let ascent = &gradient(subject, self.images)?.mean;
        let weights = subject.parameters(When::Now)?;
        let size = |w: f64| w.abs() + self.offset;
        let scaled = weights.iter().zip(ascent).map(|(&w, g)| size(w) * g);
        let length = scaled.map(|s| s * s).sum::<f64>().sqrt();
        if length == 0.0 {
            let what = "the norm of the gradient in proportion to the weights".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        let step = self.radius / length;
        let pairs = weights.iter().zip(ascent);
        let moved: Vec<f64> = pairs
            .map(|(&w, g)| w + step * size(w).powi(2) * g)
            .collect();
        Ok(Value::from(loss_rise(subject, &moved, self.images)?))
    }
}
