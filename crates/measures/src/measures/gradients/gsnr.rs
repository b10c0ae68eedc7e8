//! Signal-to-noise ratio of the gradients.

use crate::gradients::gradient_moments;
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject};

/// $$\operatorname{mean}_j\;\frac{(\operatorname{mean}_i g_{ij})^2}{\operatorname{var}_i g_{ij}}$$ over trainable parameters j, with g_i the
/// gradient of the loss of image i (Liu et al. 2020). Reported raw.
///
/// Parameters whose gradient is the same for all images have no ratio and are left out; `without_variance` is their share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gsnr {
    /// Over which images.
    pub images: Images,
}

impl Default for Gsnr {
    /// 512 fixed training images.
    fn default() -> Self {
        let images = Images::fixed(512);
        Self { images }
    }
}

impl Measure for Gsnr {
    fn about(&self) -> About<'_> {
        About::new(
            "gsnr",
            "Liu et al. 2020",
            r"\operatorname{mean}_j (\operatorname{mean}_i g_{ij})^2/\operatorname{var}_i g_{ij}",
            Cost::ExampleGradients,
        )
        .assuming("gradients differ between images")
        .higher_is_better()
    }

    fn settings(&self) -> String {
        self.images.to_string()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let moments = gradient_moments(subject, self.images)?;
        let pairs = moments.mean.iter().zip(&moments.variance);
        let ratios: Vec<f64> = pairs
            .filter(|(_, variance)| **variance > 0.0)
            .map(|(mean, variance)| mean * mean / variance)
            .collect();
        if ratios.is_empty() {
            let what = "the variance of the gradients".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        let silent = 1.0 - ratios.len() as f64 / moments.mean.len() as f64;
        Ok(Value::new(ratios.iter().sum::<f64>() / ratios.len() as f64)
            .with_images(moments.images)
            .with_part("without_variance", None, silent))
    }
}
