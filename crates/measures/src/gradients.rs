//! Gradients that several measures need, made once per [`Cached`](crate::Cached) subject.

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::ArrayView1;

use crate::measure::{Undefined, Value};
use crate::shared::{all_finite, shared};
use crate::subject::{Evaluation, Images, Output, Subject, When};

/// Number of disjoint parts of the images from whose spread the standard errors of means over images are taken.
pub const FOLDS: usize = 8;

/// A mean over images and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error: the deviation between parts of the images over the root of their number. `None` with one part.
    pub standard_error: Option<f64>,
    /// Number of images.
    pub images: usize,
}

impl Mean {
    /// Of the means over parts, each with its number of images.
    #[must_use]
    pub fn of_parts(parts: &[(f64, usize)]) -> Self {
        let images: usize = parts.iter().map(|part| part.1).sum();
        let total: f64 = parts.iter().map(|&(mean, n)| mean * n as f64).sum();
        let value = total / images as f64;
        let count = parts.len() as f64;
        let squares: f64 = parts.iter().map(|part| (part.0 - value).powi(2)).sum();
        Self {
            value,
            standard_error: (parts.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt()),
            images,
        }
    }
}

impl From<Mean> for Value {
    fn from(mean: Mean) -> Self {
        let value = Self::new(mean.value).with_images(mean.images);
        match mean.standard_error {
            Some(error) => value.with_standard_error(error),
            None => value,
        }
    }
}

/// Standard error of a statistic from its values with each of several equal parts of the images left out (Efron's jackknife); `None`
/// for a single part.
#[must_use]
pub fn jackknife_error(without: &[f64]) -> Option<f64> {
    let count = without.len() as f64;
    let mean = without.iter().sum::<f64>() / count;
    let squares: f64 = without.iter().map(|value| (value - mean).powi(2)).sum();
    (without.len() > 1).then(|| (squares * (count - 1.0) / count).sqrt())
}

/// How many parts a choice of images is cut into: [`FOLDS`], or fewer where there are not two images for each.
///
/// # Errors
/// A missing capability; no images.
pub fn folds(subject: &dyn Subject, images: Images) -> Result<usize, Undefined> {
    let chosen = subject.labels_of(images)?.len();
    if chosen == 0 {
        return Err(Undefined::Misfit("there are no images".to_owned()));
    }
    Ok((chosen / 2).clamp(1, FOLDS))
}

/// Loss and gradient at the trained weights, part by part of the images.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// Loss and accuracy of every part.
    pub evaluations: Vec<Evaluation>,
    /// Flat gradient of the mean loss of every part.
    pub parts: Vec<Vec<f64>>,
    /// Flat gradient of the mean loss over all of the images.
    pub mean: Vec<f64>,
}

/// The gradient of the loss on `images` at the trained weights.
///
/// # Errors
/// A missing capability, or values that are not finite.
pub fn gradient(subject: &dyn Subject, images: Images) -> Result<Arc<Gradient>, Undefined> {
    shared(subject, &format!("gradient: {images:?}"), || {
        let weights = subject.parameters(When::Now)?;
        let count = folds(subject, images)?;
        let (mut evaluations, mut parts) = (Vec::new(), Vec::new());
        for index in 0..count {
            let (evaluation, part) = subject.gradient_at(&weights, images.fold(index, count))?;
            if !part.iter().all(|g| g.is_finite()) {
                let what = "the gradient of the loss".to_owned();
                return Err(Undefined::NonFinite { what });
            }
            evaluations.push(evaluation);
            parts.push(part);
        }
        let mean = mean_of(&evaluations, &parts);
        Ok(Gradient {
            evaluations,
            parts,
            mean,
        })
    })
}

/// The mean over all images from the means over parts.
fn mean_of(evaluations: &[Evaluation], parts: &[Vec<f64>]) -> Vec<f64> {
    let images: usize = evaluations.iter().map(|part| part.images).sum();
    let mut mean = vec![0.0; parts.first().map_or(0, Vec::len)];
    for (evaluation, part) in evaluations.iter().zip(parts) {
        let share = evaluation.images as f64 / images as f64;
        mean.iter_mut().zip(part).for_each(|(m, g)| *m += share * g);
    }
    mean
}

/// How much the loss on `images` rises from the trained weights to others.
///
/// # Errors
/// A missing capability.
pub fn loss_rise(
    subject: &dyn Subject,
    weights: &[f64],
    images: Images,
) -> Result<Mean, Undefined> {
    let before = gradient(subject, images)?;
    let count = before.evaluations.len();
    let rise = |(index, before): (usize, &Evaluation)| {
        let after = subject.evaluate_at(weights, images.fold(index, count))?;
        Ok((after.loss - before.loss, after.images))
    };
    let parts: Result<Vec<(f64, usize)>, Undefined> =
        before.evaluations.iter().enumerate().map(rise).collect();
    Ok(Mean::of_parts(&parts?))
}

/// Mean and variance of the gradients of single images, parameter by parameter.
#[derive(Clone, Debug, Default)]
pub struct GradientMoments {
    /// Mean over images.
    pub mean: Vec<f64>,
    /// Sum over images of the squared distance from the mean.
    squares: Vec<f64>,
    /// Number of images.
    pub images: usize,
}

impl GradientMoments {
    /// Unbiased variance over images, parameter by parameter; not a number for a single image.
    pub fn variance(&self) -> impl Iterator<Item = f64> {
        let count = self.images as f64 - 1.0;
        self.squares.iter().map(move |squares| squares / count)
    }

    /// Adds an image by Welford's update: no cancellation where the mean is large beside the deviation.
    fn push(&mut self, gradient: ArrayView1<'_, f64>) {
        self.mean.resize(gradient.len(), 0.0);
        self.squares.resize(gradient.len(), 0.0);
        self.images += 1;
        for ((mean, square), &g) in self.mean.iter_mut().zip(&mut self.squares).zip(gradient) {
            let before: f64 = g - *mean;
            *mean += before / self.images as f64;
            *square += before * (g - *mean);
        }
    }

    /// The moments over the images of several parts together (Chan, Golub and LeVeque 1983).
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().cloned().unwrap_or_default();
        for part in parts {
            let (a, b) = (all.images as f64, part.images as f64);
            let pairs = all.mean.iter_mut().zip(&mut all.squares);
            let others = part.mean.iter().zip(&part.squares);
            for ((mean, square), (other, other_square)) in pairs.zip(others) {
                let distance = other - *mean;
                *mean += distance * b / (a + b);
                *square += other_square + distance * distance * a * b / (a + b);
            }
            all.images += part.images;
        }
        all
    }
}

/// Moments of the loss gradients of the single images, for each of the parts that [`folds`] counts: two numbers per part and parameter.
///
/// # Errors
/// A missing capability, fewer than two images, or values that are not finite.
pub fn gradient_moments(
    subject: &dyn Subject,
    images: Images,
) -> Result<Arc<Vec<GradientMoments>>, Undefined> {
    shared(subject, &format!("gradient moments: {images:?}"), || {
        let count = folds(subject, images)?;
        let mut parts = vec![GradientMoments::default(); count];
        let mut n = 0;
        subject.example_gradients(Output::Loss, images, &mut |_, gradient| {
            parts[n % count].push(gradient);
            n += 1;
            ControlFlow::Continue(())
        })?;
        if n < 2 {
            let what = format!("{n} images are too few for the variance of their gradients");
            return Err(Undefined::Misfit(what));
        }
        for part in &parts {
            let moments = part.mean.iter().chain(&part.squares);
            all_finite(moments, "the gradient of an image")?;
        }
        Ok(parts)
    })
}

/// ⟨a, b⟩.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// ‖a‖₂.
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
