//! Signal-to-noise ratio of the gradients.

use crate::gradients::{GradientMoments, gradient_moments, jackknife_error};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::mean;
use crate::subject::{Images, Subject};

/// $$\operatorname{mean}_j\;\frac{(\operatorname{mean}_i g_{ij})^2}{\operatorname{var}_i g_{ij}}$$ over trainable parameters j, with g_i the
/// gradient of the loss of image i (Liu et al. 2020). Reported raw, with a standard error by leaving out parts of the images in turn
/// (Efron's jackknife).
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
        let parts = gradient_moments(subject, self.images)?;
        let all = GradientMoments::of_parts(parts.iter());
        let (ratio, silent) = mean_ratio(&all)?;
        let value =
            Value::new(ratio)
                .with_images(all.images)
                .with_part("without_variance", None, silent);
        let without = (0..parts.len()).map(|left_out| {
            let others = parts.iter().enumerate().filter(|(i, _)| *i != left_out);
            let rest = GradientMoments::of_parts(others.map(|(_, part)| part));
            mean_ratio(&rest).ok().map(|(ratio, _)| ratio)
        });
        let without: Option<Vec<f64>> = without.collect();
        Ok(match without.and_then(|values| jackknife_error(&values)) {
            Some(error) => value.with_standard_error(error),
            None => value,
        })
    }
}

/// The mean of squared mean over variance, and the share of parameters that have no variance and are left out.
fn mean_ratio(moments: &GradientMoments) -> Result<(f64, f64), Undefined> {
    let pairs = moments.mean.iter().zip(moments.variance());
    let ratios: Vec<f64> = pairs
        .filter(|(_, variance)| *variance > 0.0)
        .map(|(mean, variance)| mean * mean / variance)
        .collect();
    if ratios.is_empty() {
        let what = "the variance of the gradients".to_owned();
        return Err(Undefined::NotPositive { what, value: 0.0 });
    }
    let silent = 1.0 - ratios.len() as f64 / moments.mean.len() as f64;
    Ok((mean(&ratios), silent))
}
