//! Shuffled, augmented, normalized batches, prepared ahead on other threads.

use crate::{Augmentation, Error, ImageSet, ImageShape, Normalization, Result, augmentation};
use serde::{Deserialize, Serialize};
use srr_random::Seed;
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// How a [`Loader`] cuts a set into batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderOptions {
    /// Images in a batch; the last batch of an epoch may hold fewer. Default 128.
    pub batch_size: usize,
    /// A new random order every epoch; otherwise the order of the set. Default true.
    pub shuffle: bool,
    /// Leaves out a last batch that is not full. Default false.
    pub drop_last: bool,
    /// What is done to each image before it is normalized, in this order. Default nothing.
    pub augmentations: Vec<Augmentation>,
    /// Threads that prepare batches ahead; 0 prepares them on the caller's. The batches are the same. Default 1.
    pub workers: usize,
    /// Batches each thread may be ahead. Default 2.
    pub ahead: usize,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self {
            batch_size: 128,
            shuffle: true,
            drop_last: false,
            augmentations: Vec::new(),
            workers: 1,
            ahead: 2,
        }
    }
}

/// Some images of an epoch, ready for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of this batch in its epoch, from 0.
    pub number: usize,
    /// Normalized pixels [B, C, H, W].
    pub images: Vec<f32>,
    /// Classes `[B]`.
    pub labels: Vec<u32>,
    /// Which images of the set these are `[B]`.
    pub indices: Vec<usize>,
    /// Shape of one image, after augmentation.
    pub shape: ImageShape,
}

impl Batch {
    /// Number of images, B.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there are no images (never so in a batch of a [`Loader`]).
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Serves a set in batches, epoch by epoch.
///
/// The order of epoch e is a function of the seed and e; what augmentation does to an image, of the seed, e and the image's
/// index. Threads, batch size and the batch one starts at change neither. Cloning is cheap.
///
/// ```
/// use srr_datasets::{Loader, LoaderOptions, Normalization, optdigits};
/// use srr_random::Seed;
/// use std::sync::Arc;
///
/// let digits = optdigits()?;
/// let normalization = Normalization::fit(&digits.train)?;
/// let loader = Loader::new(Arc::new(digits.train), normalization, LoaderOptions::default(), Seed::new(1))?;
/// assert_eq!(loader.batches(), 30);
/// let resumed: Vec<_> = loader.epoch_from(4, 28).collect();
/// let whole: Vec<_> = loader.epoch(4).collect();
/// assert_eq!(whole[28..], resumed);
/// assert_eq!(whole[0].images.len(), 128 * 8 * 8);
/// # Ok::<(), srr_datasets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    set: Arc<ImageSet>,
    normalization: Normalization,
    options: LoaderOptions,
    seed: Seed,
    shape: ImageShape,
    /// Normalized value of each byte in each channel, for images that are not augmented [C][256].
    table: Vec<[f32; 256]>,
}

impl Loader {
    /// Checks the options against the set; nothing can fail afterwards.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the set is empty, the batch size is zero, the normalization has other channels than the images, or
    /// an augmentation does not fit the images.
    pub fn new(
        set: Arc<ImageSet>,
        normalization: Normalization,
        options: LoaderOptions,
        seed: Seed,
    ) -> Result<Self> {
        if set.is_empty() {
            return Err(Error::invalid("set to load", "not empty", 0));
        }
        if options.batch_size == 0 {
            return Err(Error::invalid("batch size", "positive", 0));
        }
        normalization.check(set.shape().channels)?;
        let shape = augmentation::output_shape(&options.augmentations, set.shape())?;
        let scale = f32::from(set.scale());
        let table = (0..set.shape().channels)
            .map(|c| std::array::from_fn(|v| normalization.value(c, v as f32 / scale)))
            .collect();
        Ok(Self {
            inner: Arc::new(Inner {
                set,
                normalization,
                options,
                seed,
                shape,
                table,
            }),
        })
    }

    /// Number of batches in an epoch.
    pub fn batches(&self) -> usize {
        let (n, size) = (self.inner.set.len(), self.inner.options.batch_size);
        if self.inner.options.drop_last {
            n / size
        } else {
            n.div_ceil(size)
        }
    }

    /// Shape of the images in the batches, after augmentation.
    pub fn shape(&self) -> ImageShape {
        self.inner.shape
    }

    /// The set served.
    pub fn set(&self) -> &Arc<ImageSet> {
        &self.inner.set
    }

    /// All batches of an epoch.
    pub fn epoch(&self, epoch: u64) -> Batches {
        self.epoch_from(epoch, 0)
    }

    /// The batches of an epoch from number `first` on: the same as in the whole epoch.
    pub fn epoch_from(&self, epoch: u64, first: usize) -> Batches {
        let order = Arc::new(self.inner.order(epoch));
        let end = self.batches();
        let count = self.inner.options.workers.min(end.saturating_sub(first));
        // Each worker prepares every count-th batch. If the system does not start them all, the caller's thread does the work.
        let workers = (0..count)
            .map(|w| {
                let numbers = (first + w..end).step_by(count);
                Worker::start(self.inner.clone(), order.clone(), epoch, numbers)
            })
            .collect::<Option<Vec<Worker>>>()
            .unwrap_or_default();
        Batches {
            inner: self.inner.clone(),
            order,
            epoch,
            first,
            next: first,
            end,
            workers,
        }
    }
}

impl Inner {
    fn order(&self, epoch: u64) -> Vec<usize> {
        let n = self.set.len();
        if self.options.shuffle {
            let seed = self.seed.purpose("order").index(epoch);
            seed.stream().permutation(n)
        } else {
            (0..n).collect()
        }
    }

    fn batch(&self, order: &[usize], epoch: u64, number: usize) -> Batch {
        let start = number * self.options.batch_size;
        let end = order.len().min(start + self.options.batch_size);
        let indices = order[start..end].to_vec();
        let mut images = Vec::with_capacity(indices.len() * self.shape.len());
        for &i in &indices {
            self.append(&mut images, i, epoch);
        }
        Batch {
            number,
            images,
            labels: indices.iter().map(|&i| self.set.labels()[i]).collect(),
            indices,
            shape: self.shape,
        }
    }

    /// Appends image `i`, as it is in this epoch, to `out`.
    fn append(&self, out: &mut Vec<f32>, i: usize, epoch: u64) {
        let shape = self.set.shape();
        let start = i * shape.len();
        let bytes = &self.set.images()[start..start + shape.len()];
        if self.options.augmentations.is_empty() {
            let planes = bytes.chunks_exact(shape.pixels()).zip(&self.table);
            out.extend(
                planes.flat_map(|(plane, table)| plane.iter().map(|&v| table[usize::from(v)])),
            );
            return;
        }
        let mut stream = self
            .seed
            .purpose("augmentation")
            .index(epoch)
            .index(i as u64)
            .stream();
        let image = augmentation::Image::from_bytes(bytes, shape, self.set.scale());
        let image = augmentation::apply_all(&self.options.augmentations, image, &mut stream);
        let start = out.len();
        out.extend_from_slice(image.values());
        self.normalization
            .apply_checked(&mut out[start..], self.shape);
    }
}

/// The batches of one epoch, in order. Dropping it ends its threads.
#[derive(Debug)]
pub struct Batches {
    inner: Arc<Inner>,
    order: Arc<Vec<usize>>,
    epoch: u64,
    first: usize,
    next: usize,
    end: usize,
    workers: Vec<Worker>,
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next >= self.end {
            return None;
        }
        let number = self.next;
        self.next += 1;
        if self.workers.is_empty() {
            return Some(self.inner.batch(&self.order, self.epoch, number));
        }
        let worker = (number - self.first) % self.workers.len();
        Some(self.workers[worker].receive())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

/// A thread that prepares some batches of an epoch.
#[derive(Debug)]
struct Worker {
    receiver: Option<Receiver<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// `None` when the system has no thread to give.
    fn start(
        inner: Arc<Inner>,
        order: Arc<Vec<usize>>,
        epoch: u64,
        numbers: impl Iterator<Item = usize> + Send + 'static,
    ) -> Option<Self> {
        let (sender, receiver) = sync_channel(inner.options.ahead.max(1));
        let prepare = move || {
            for number in numbers {
                if sender.send(inner.batch(&order, epoch, number)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("srr-loader".into())
            .spawn(prepare)
            .ok()?;
        Some(Self {
            receiver: Some(receiver),
            thread: Some(thread),
        })
    }

    fn receive(&mut self) -> Batch {
        if let Some(batch) = self.receiver.as_ref().and_then(|r| r.recv().ok()) {
            return batch;
        }
        // The thread ended before its last batch, which only a panic can bring about.
        let cause = self.thread.take().and_then(|t| t.join().err());
        std::panic::resume_unwind(cause.unwrap_or_else(|| Box::new("a loader thread ended early")))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was raised in `receive` if anybody waited for its batch.
            let _ = thread.join();
        }
    }
}
