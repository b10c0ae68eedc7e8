//! What a training run minimizes.

use crate::{LayerRates, Quantity, Result, Scores};
use srr_kernels::Backend;
use srr_layers::{Gradients, Parameters};
use srr_random::Seed;
use std::collections::BTreeMap;

/// A value, or the first quantity in its computation that is not finite.
pub type Finite<T> = std::result::Result<T, Quantity>;

/// The loss of one batch, as trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchLoss {
    /// Number of examples.
    pub examples: usize,
    /// Mean loss over the examples, without the penalty; the stopping criterion's running mean is over these.
    pub loss: f64,
    /// What regularizers add.
    pub penalty: f64,
    /// Number of examples whose label is predicted; `None` where there are no labels.
    pub correct: Option<u64>,
}

/// A loss over batches of a training set, with its gradient.
///
/// The loop ([`train`](crate::train)) knows nothing else of a model and its data. Everything must be a function of the arguments
/// alone: a run is resumed by asking for the same batches of the same epoch again.
pub trait Objective<B: Backend> {
    /// One batch, as its loader prepared it.
    type Batch;

    /// Where the model computes.
    fn backend(&self) -> &B;

    /// Number of batches in an epoch; at least 1.
    fn batches_per_epoch(&self) -> usize;

    /// The batches of epoch `epoch` (from 0) from number `first` on.
    fn batches(&self, epoch: u64, first: usize) -> impl Iterator<Item = Self::Batch>;

    /// The loss of a batch; adds its gradient to `gradients`. `step` is the seed of all that is drawn in this step.
    ///
    /// # Errors
    /// What the model refuses. Values that are not finite are no error but a [`Quantity`].
    fn loss_and_gradient(
        &self,
        parameters: &Parameters<B>,
        batch: &Self::Batch,
        step: Seed,
        gradients: &mut Gradients<B>,
    ) -> Result<Finite<BatchLoss>>;

    /// The loss in evaluation mode over the whole training set.
    ///
    /// # Errors
    /// As [`loss_and_gradient`](Self::loss_and_gradient).
    fn training_scores(&self, parameters: &Parameters<B>) -> Result<Finite<Scores>>;

    /// The loss in evaluation mode over the validation set, where there is one.
    ///
    /// # Errors
    /// As [`loss_and_gradient`](Self::loss_and_gradient).
    fn validation_scores(&self, parameters: &Parameters<B>) -> Result<Option<Finite<Scores>>>;

    /// What a checkpoint's metadata say besides the state of the run, such as the model's configuration.
    fn metadata(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Layer-wise rates for the record of an epoch, where the objective has any.
    ///
    /// # Errors
    /// What the model refuses.
    fn probe(&self, _parameters: &Parameters<B>) -> Result<Option<Vec<LayerRates>>> {
        Ok(None)
    }
}
