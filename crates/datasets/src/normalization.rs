//! Channel-wise standardization.

use crate::{Error, ImageSet, ImageShape, Result};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of each channel, of pixels divided by the scale of their set (so between 0 and 1).
///
/// Fitted on the training set and applied to both sets. A normalized value is (pixel / scale − mean) / deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean of each channel `[C]`.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel `[C]`, positive.
    pub deviation: Vec<f32>,
}

impl Normalization {
    /// Leaves values between 0 and 1 as they are.
    pub fn identity(channels: usize) -> Self {
        Self {
            mean: vec![0.0; channels],
            deviation: vec![1.0; channels],
        }
    }

    /// Mean and (population) standard deviation of each channel over all pixels of all images, exact up to the last rounding. A
    /// channel that is constant gets deviation 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the set is empty.
    pub fn fit(set: &ImageSet) -> Result<Self> {
        if set.is_empty() {
            return Err(Error::invalid("set to normalize by", "not empty", 0));
        }
        let shape = set.shape();
        let mut histograms = vec![[0_u64; 256]; shape.channels];
        for (i, plane) in set.images().chunks_exact(shape.pixels()).enumerate() {
            let histogram = &mut histograms[i % shape.channels];
            for &pixel in plane {
                histogram[usize::from(pixel)] += 1;
            }
        }
        let count = (set.len() * shape.pixels()) as f64;
        let scale = f64::from(set.scale());
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for histogram in &histograms {
            let values = || {
                (0_u32..)
                    .map(f64::from)
                    .zip(histogram.iter().map(|&n| n as f64))
            };
            let m = values().map(|(v, n)| v * n).sum::<f64>() / count;
            let variance = values().map(|(v, n)| (v - m).powi(2) * n).sum::<f64>() / count;
            mean.push((m / scale) as f32);
            deviation.push(if variance > 0.0 {
                (variance.sqrt() / scale) as f32
            } else {
                1.0
            });
        }
        Ok(Self { mean, deviation })
    }

    /// Standardizes one image [C, H, W] of values between 0 and 1 in place.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the channels or the number of values do not fit, or see [`check`](Self::check).
    pub fn apply(&self, image: &mut [f32], shape: ImageShape) -> Result<()> {
        self.check(shape.channels)?;
        if shape.checked_len()? != image.len() {
            return Err(Error::invalid(
                "image to normalize",
                format!("{shape} values"),
                image.len(),
            ));
        }
        self.apply_checked(image, shape);
        Ok(())
    }

    /// [`apply`](Self::apply), all sizes known to fit.
    pub(crate) fn apply_checked(&self, image: &mut [f32], shape: ImageShape) {
        for (c, plane) in image.chunks_exact_mut(shape.pixels()).enumerate() {
            for value in plane {
                *value = self.value(c, *value);
            }
        }
    }

    /// The normalized value of `x` in channel `c`.
    #[inline]
    pub(crate) fn value(&self, c: usize, x: f32) -> f32 {
        (x - self.mean[c]) / self.deviation[c]
    }

    /// One finite mean and one finite positive deviation for each of `channels`.
    ///
    /// # Errors
    /// [`Error::Invalid`] otherwise.
    pub fn check(&self, channels: usize) -> Result<()> {
        if self.mean.len() != channels || self.deviation.len() != channels {
            return Err(Error::invalid(
                "normalization",
                format!("of {channels} channels"),
                format!(
                    "{} means, {} deviations",
                    self.mean.len(),
                    self.deviation.len()
                ),
            ));
        }
        if let Some(m) = self.mean.iter().find(|m| !m.is_finite()) {
            return Err(Error::invalid("mean of a channel", "finite", m));
        }
        if let Some(s) = self
            .deviation
            .iter()
            .find(|s| !(s.is_finite() && **s > 0.0))
        {
            return Err(Error::invalid("deviation of a channel", "positive", s));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageSetParts;

    #[test]
    fn moments_of_each_channel_by_hand() {
        let set = ImageSet::new(ImageSetParts {
            images: vec![0, 10, 7, 7, 20, 10, 7, 7],
            labels: vec![0, 0],
            shape: ImageShape::new(2, 1, 2),
            class_names: vec!["a".into()],
            scale: 20,
            name: String::new(),
            source: String::new(),
        })
        .unwrap();
        let fitted = Normalization::fit(&set).unwrap();
        // Channel 0: 0, ½, 1, ½ with variance ⅛; channel 1 constant.
        assert_eq!(fitted.mean, [0.5, 0.35]);
        assert_eq!(fitted.deviation, [0.125_f32.sqrt(), 1.0]);
        let mut image = [1.0, 0.5, 0.35, 1.35];
        fitted.apply(&mut image, set.shape()).unwrap();
        assert_eq!(image, [0.5 / 0.125_f32.sqrt(), 0.0, 0.0, 1.35 - 0.35]);
        assert!(fitted.apply(&mut image[..3], set.shape()).is_err());
    }
}
