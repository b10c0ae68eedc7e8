//! The images that a pass sees, batch by batch.

use std::sync::Arc;

use srr_datasets::{Augmentation, Batch, ImageSet, Loader, LoaderOptions, Normalization};
use srr_kernels::Backend;
use srr_layers::Classifier;
use srr_measures::{Answer, Fold, Images, Split, Unavailable};
use srr_random::Seed;

use super::TrainedSubject;
use crate::{Error, Result};

/// What the tape of one batch may take, in bytes.
const TAPE: usize = 64 << 20;

/// Tensors of the size of a layer's tokens that a layer saves.
const SAVED_PER_LAYER: usize = 12;

/// Some images on the backend.
pub(super) struct ImageBatch<B: Backend> {
    /// Position of the first one in the choice of images.
    pub(super) first: usize,
    /// [B, C, H, W].
    pub(super) images: B::Tensor,
    /// Class of every image.
    pub(super) labels: Vec<u32>,
}

/// Checks that images and classes fit a model.
pub(super) fn check<B: Backend>(classifier: &Classifier<B>, set: &ImageSet) -> Result<()> {
    let config = classifier.config();
    let invalid = |problem: String| {
        Err(Error::Invalid {
            what: format!("measuring on {}", set.name()),
            problem,
        })
    };
    if set.is_empty() {
        return invalid("the set is empty".to_owned());
    }
    if set.shape().channels != config.image[0] {
        let (found, expected) = (set.shape().channels, config.image[0]);
        return invalid(format!("{found} channels where the model takes {expected}"));
    }
    if set.classes() > config.classes {
        let (found, known) = (set.classes(), config.classes);
        return invalid(format!("{found} classes where the model knows {known}"));
    }
    Ok(())
}

impl<B: Backend> TrainedSubject<B> {
    /// The images of a split.
    pub(super) fn set(&self, split: Split) -> Answer<&Arc<ImageSet>> {
        match split {
            Split::Train => Ok(&self.data.train),
            Split::Test => self
                .data
                .validation
                .as_ref()
                .ok_or(Unavailable::capability("test images")),
        }
    }

    /// The chosen images, in batches whose tapes fit into [`TAPE`].
    pub(super) fn batches(
        &self,
        images: Images,
    ) -> Answer<impl Iterator<Item = Answer<ImageBatch<B>>>> {
        let geometry = self.classifier.geometry();
        let config = self.classifier.config();
        let per_image = SAVED_PER_LAYER * config.depth * geometry.tokens * config.dim;
        let size = (TAPE / (8 * per_image)).clamp(1, 256);
        self.batches_of(images, size)
    }

    /// The chosen images, `size` at a time.
    pub(super) fn batches_of(
        &self,
        images: Images,
        size: usize,
    ) -> Answer<impl Iterator<Item = Answer<ImageBatch<B>>>> {
        let chosen = self.chosen(images)?;
        let loader = loader(&self.classifier, chosen, &self.data.normalization, size)
            .map_err(|error| Unavailable::failed("choice of images", error))?;
        Ok(loader.epoch(0).map(move |batch| self.upload(batch, size)))
    }

    /// The chosen images.
    pub(super) fn chosen(&self, images: Images) -> Answer<Arc<ImageSet>> {
        let set = self.set(images.split)?;
        let limited = images.limit.filter(|&limit| limit < set.len());
        if limited.is_none() && images.fold.is_none() {
            return Ok(Arc::clone(set));
        }
        let mut chosen = match limited {
            Some(limit) => balanced(set, limit),
            None => (0..set.len()).collect(),
        };
        if let Some(Fold { index, count }) = images.fold {
            let part = chosen.into_iter().skip(index).step_by(count.max(1));
            chosen = part.collect();
        }
        let part = set.subset(&chosen);
        part.map(Arc::new)
            .map_err(|error| Unavailable::failed("choice of images", error))
    }

    fn upload(&self, batch: Batch, size: usize) -> Answer<ImageBatch<B>> {
        let values: Vec<f64> = batch.images.iter().map(|&value| f64::from(value)).collect();
        let [channels, height, width] = batch.shape.to_array();
        let shape = [batch.len(), channels, height, width];
        let images = self.backend().upload_f64(&values, &shape);
        Ok(ImageBatch {
            first: batch.number * size,
            images: images.map_err(|error| Unavailable::failed("upload of images", error))?,
            labels: batch.labels,
        })
    }
}

/// The images in their own order, as the model takes them.
fn loader<B: Backend>(
    classifier: &Classifier<B>,
    set: Arc<ImageSet>,
    normalization: &Normalization,
    batch_size: usize,
) -> srr_datasets::Result<Loader> {
    let [_, height, width] = classifier.config().image;
    let resize = set.shape().to_array()[1..] != [height, width];
    let resize = resize.then_some(Augmentation::Resize { height, width });
    let options = LoaderOptions {
        batch_size,
        shuffle: false,
        augmentations: resize.into_iter().collect(),
        workers: 0,
        ..LoaderOptions::default()
    };
    Loader::new(set, normalization.clone(), options, Seed::new(0))
}

/// `n` images with as equal a number of every class as there is: the first of each class, the second of each, and so on; in
/// the order of the set.
fn balanced(set: &ImageSet, n: usize) -> Vec<usize> {
    let mut seen = vec![0_usize; set.classes()];
    let mut order: Vec<(usize, usize, usize)> = set
        .labels()
        .iter()
        .enumerate()
        .map(|(i, &label)| {
            let rank = seen[label as usize];
            seen[label as usize] += 1;
            (rank, label as usize, i)
        })
        .collect();
    order.sort_unstable();
    order.truncate(n);
    let mut chosen: Vec<usize> = order.into_iter().map(|(_, _, i)| i).collect();
    chosen.sort_unstable();
    chosen
}
