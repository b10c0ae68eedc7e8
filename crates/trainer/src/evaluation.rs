//! Loss, accuracy and margins of a model on a set.

use crate::{Error, Result};
use srr_datasets::{Augmentation, Batch, ImageSet, Loader, LoaderOptions, Normalization};
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{Classifier, Parameters};
use srr_random::Seed;
use std::sync::Arc;

/// Images in one forward pass.
pub(crate) const CHUNK: usize = 256;

/// How a classifier does on a set, in evaluation mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy in nats; NaN when a logit is.
    pub loss: f64,
    /// Share of images whose largest logit is the label's.
    pub accuracy: f64,
    /// Of each image, the logit of its label less the largest of the others, `[n]` in the order of the set.
    pub margins: Vec<f64>,
    /// Number of images.
    pub n: usize,
}

impl Evaluation {
    /// The margin below which a share `q` in [0, 1] of the images lies, linearly interpolated; NaN where a margin is.
    ///
    /// ```
    /// let evaluation = srr_trainer::Evaluation { loss: 0.0, accuracy: 1.0, margins: vec![3.0, 1.0, 2.0], n: 3 };
    /// assert_eq!(evaluation.margin_quantile(0.5), 2.0);
    /// assert_eq!(evaluation.margin_quantile(0.25), 1.5);
    /// ```
    pub fn margin_quantile(&self, q: f64) -> f64 {
        let mut sorted = self.margins.clone();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() || sorted.iter().any(|m| m.is_nan()) {
            return f64::NAN;
        }
        let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
        let (low, high) = (
            sorted[position.floor() as usize],
            sorted[position.ceil() as usize],
        );
        low + (high - low) * position.fract()
    }
}

/// Evaluates a model on a set. Images of another height or width than the model's are resized.
///
/// # Errors
/// [`Error::EmptySet`], [`Error::DataMismatch`] when images or classes do not fit the model, and what the model refuses.
pub fn evaluate<B: Backend>(
    classifier: &Classifier<B>,
    parameters: &Parameters<B>,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
) -> Result<Evaluation> {
    let loader = evaluation_loader(classifier, set, normalization, "evaluated")?;
    evaluate_batches(classifier, parameters, &loader)
}

/// A loader of a set in its own order, after checks that it fits the model. Images of another size are resized.
pub(crate) fn evaluation_loader<B: Backend>(
    classifier: &Classifier<B>,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
    which: &'static str,
) -> Result<Loader> {
    if set.is_empty() {
        return Err(Error::EmptySet { set: which });
    }
    let config = classifier.config();
    let [_, height, width] = config.image;
    let mut options = LoaderOptions {
        batch_size: CHUNK,
        shuffle: false,
        ..LoaderOptions::default()
    };
    let [channels, ..] = set.shape().to_array();
    check_shape(&config.image, [channels, height, width])?;
    if set.shape().to_array()[1..] != [height, width] {
        options.augmentations = vec![Augmentation::Resize { height, width }];
    }
    if set.classes() > config.classes {
        return Err(Error::DataMismatch {
            what: "number of classes",
            expected: format!("at most {}", config.classes),
            found: set.classes().to_string(),
        });
    }
    let (set, normalization) = (set.clone(), normalization.clone());
    let loader = Loader::new(set, normalization, options, Seed::new(0))?;
    check_shape(&config.image, loader.shape().to_array())?;
    Ok(loader)
}

pub(crate) fn check_shape(model: &[usize; 3], images: [usize; 3]) -> Result<()> {
    if *model == images {
        return Ok(());
    }
    let show = |[c, h, w]: [usize; 3]| format!("{c}×{h}×{w}");
    Err(Error::DataMismatch {
        what: "shape of an image",
        expected: show(*model),
        found: show(images),
    })
}

pub(crate) fn evaluate_batches<B: Backend>(
    classifier: &Classifier<B>,
    parameters: &Parameters<B>,
    loader: &Loader,
) -> Result<Evaluation> {
    let backend = classifier.backend();
    let (mut loss, mut correct) = (0.0, 0.0);
    let mut margins = Vec::with_capacity(loader.set().len());
    for batch in loader.epoch(0) {
        let images = upload(backend, &batch)?;
        let logits = classifier.predict(parameters, &images)?;
        let scored = backend.cross_entropy(&logits, &batch.labels, 0.0)?;
        loss += sum(&backend.download_f64(&scored.losses)?);
        correct += sum(&backend.download_f64(&scored.correct)?);
        let classes = logits.shape()[1];
        let rows = backend.download_f64(&logits)?;
        let rows = rows.chunks_exact(classes).zip(&batch.labels);
        margins.extend(rows.map(|(row, &label)| margin(row, label as usize)));
    }
    let n = margins.len();
    Ok(Evaluation {
        loss: loss / n as f64,
        accuracy: correct / n as f64,
        margins,
        n,
    })
}

/// The images of a batch on the backend, [B, C, H, W].
pub(crate) fn upload<B: Backend>(backend: &B, batch: &Batch) -> Result<B::Tensor> {
    let values: Vec<B::Element> = batch
        .images
        .iter()
        .map(|&v| srr_linalg::Scalar::from_f64(f64::from(v)))
        .collect();
    let [c, h, w] = batch.shape.to_array();
    Ok(backend.upload(&values, &[batch.len(), c, h, w])?)
}

/// The first `count` images of a set (all, if there are fewer) as the model takes them, on its backend: [n, C, H, W].
///
/// # Errors
/// Those of [`evaluate`].
pub fn first_images<B: Backend>(
    classifier: &Classifier<B>,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
    count: usize,
) -> Result<B::Tensor> {
    if count == 0 {
        return Err(Error::EmptySet { set: "measured" });
    }
    let loader = evaluation_loader(classifier, set, normalization, "measured")?;
    let backend = classifier.backend();
    let mut parts = Vec::new();
    let mut left = count;
    for batch in loader.epoch(0) {
        let images = upload(backend, &batch)?;
        let n = batch.len().min(left);
        parts.push(backend.slice(&images, 0, 0, n)?);
        left -= n;
        if left == 0 {
            break;
        }
    }
    Ok(backend.concat(&parts.iter().collect::<Vec<_>>(), 0)?)
}

/// The logit of the label less the largest other one; NaN where any is.
fn margin(logits: &[f64], label: usize) -> f64 {
    if logits.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let others = logits.iter().enumerate().filter(|&(j, _)| j != label);
    let largest = others.map(|(_, &v)| v).fold(f64::NEG_INFINITY, f64::max);
    logits.get(label).map_or(f64::NAN, |v| v - largest)
}

pub(crate) fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::{Evaluation, margin};

    #[test]
    fn margins_are_to_the_best_other_class() {
        assert_eq!(margin(&[1.0, 4.0, -2.0], 1), 3.0);
        assert_eq!(margin(&[1.0, 4.0, -2.0], 2), -6.0);
        assert!(margin(&[1.0, f64::NAN, 0.0], 0).is_nan());
    }

    #[test]
    fn quantiles_of_margins() {
        let mut evaluation = Evaluation {
            loss: 0.0,
            accuracy: 0.0,
            margins: vec![4.0, 0.0, 1.0, 2.0],
            n: 4,
        };
        assert_eq!(evaluation.margin_quantile(0.0), 0.0);
        assert_eq!(evaluation.margin_quantile(1.0), 4.0);
        assert_eq!(evaluation.margin_quantile(0.5), 1.5);
        evaluation.margins.push(f64::NAN);
        assert!(evaluation.margin_quantile(0.0).is_nan());
    }
}
