//! Rank of the features.

use ndarray::Axis;
use srr_linalg::{Factorization, gram};

use super::class_means::{features, is_rounding};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::failed;
use crate::subject::{Split, Subject};

/// $$\min\lbrace r: \sum_{i\le r}\lambda_i\ge s\sum_i\lambda_i\rbrace$$ with λ the eigenvalues of the covariance of the training
/// features, descending: the number of principal components that hold the share s of their variance (99 % after Raghu et al. 2017).
/// Reported raw.
///
/// Features without variance leave it undefined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureRank {
    /// The share s of the variance, above 0 and at most 1.
    pub share: f64,
}

impl Default for FeatureRank {
    fn default() -> Self {
        Self { share: 0.99 }
    }
}

impl Measure for FeatureRank {
    fn about(&self) -> About<'_> {
        About::new(
            "feature-rank",
            "Raghu et al. 2017, 99 % of the variance",
            r"\min\lbrace r: \sum_{i\le r}\lambda_i\ge 0.99\sum_i\lambda_i\rbrace",
            Cost::ForwardPass,
        )
        .assuming("the features of the training images are not all the same")
    }

    fn settings(&self) -> String {
        format!("{} of the variance", self.share)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            let what = format!("no number of components holds {}", self.settings());
            return Err(Undefined::Misfit(what));
        }
        let features = features(subject, Split::Train)?;
        let images = features.values.nrows();
        let mean = features.values.sum_axis(Axis(0)) / images as f64;
        let centered = &features.values - &mean;
        if is_rounding(&centered, &features.values) {
            let what = "the variance of the features".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        // Up to the number of images, which no share depends on, the covariance.
        let eigen = Factorization::default().symmetric_eigen(gram(centered.view()).view());
        let eigen = eigen.map_err(failed("the eigendecomposition of the covariance"))?;
        let variances = || eigen.values.iter().rev().map(|value| value.max(0.0));
        let enough = self.share * variances().sum::<f64>();
        let held = variances().scan(0.0, |held, variance| {
            *held += variance;
            Some(*held)
        });
        let rank = 1 + held.take_while(|&held| held < enough).count();
        Ok(Value::new(rank as f64).with_images(images))
    }
}
