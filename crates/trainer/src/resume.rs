//! Saving a run and going on with it.

use crate::{
    BatchLoss, EpochRecord, Error, OptimizerState, Result, RunningMeans, Status,
    checkpoint::{Contents, Loaded, Store},
    fingerprint,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{HostTensor, Parameters, checkpoint::Precision};
use std::{collections::BTreeMap, path::Path};

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Epochs trained to their end.
    pub(crate) epoch: usize,
    /// Batches trained in the epoch since.
    pub(crate) batch: usize,
    /// Steps taken.
    pub(crate) steps: u64,
    /// Sums over these batches.
    pub(crate) sums: Sums,
    /// The records so far.
    pub(crate) history: Vec<EpochRecord>,
    /// How the run ended, if it has.
    pub(crate) status: Option<Status>,
}

impl Position {
    /// Ends the epoch of a record.
    pub(crate) fn close(&mut self, record: EpochRecord) {
        self.epoch = record.epoch;
        self.batch = 0;
        self.sums = Sums::default();
        self.history.push(record);
    }
}

/// Sums over the batches of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    steps: u64,
    examples: u64,
    loss: f64,
    penalty: f64,
    correct: Option<u64>,
    gradient_norm: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, batch: &BatchLoss, gradient_norm: f64) {
        let examples = batch.examples as f64;
        self.correct = match (self.steps, self.correct, batch.correct) {
            (0, _, correct) => correct,
            (_, Some(sum), Some(correct)) => Some(sum + correct),
            _ => None,
        };
        self.steps += 1;
        self.examples += batch.examples as u64;
        self.loss += batch.loss * examples;
        self.penalty += batch.penalty * examples;
        self.gradient_norm += gradient_norm;
    }

    /// `None` before the first batch.
    pub(crate) fn means(&self) -> Option<RunningMeans> {
        let examples = self.examples as f64;
        (self.steps > 0 && self.examples > 0).then(|| RunningMeans {
            loss: self.loss / examples,
            penalty: self.penalty / examples,
            accuracy: self.correct.map(|correct| correct as f64 / examples),
            gradient_norm: self.gradient_norm / self.steps as f64,
        })
    }
}

/// Where a checkpoint's texts hold the [`State`].
const STATE: &str = "srr.run";

/// Where a run stands, and which run it is.
#[derive(Serialize, Deserialize)]
struct State {
    configuration: Value,
    position: Position,
}

/// Saves and restores the runs of one folder and one configuration.
pub(crate) struct Saver {
    store: Store,
    configuration: Value,
}

impl Saver {
    pub(crate) fn new(folder: &Path, configuration: &Value) -> Result<Self> {
        // Through its text form, as the one it is compared with went: a single-precision number changes in between.
        let text = serde_json::to_string(configuration).map_err(text_error)?;
        Ok(Self {
            store: Store::new(folder),
            configuration: serde_json::from_str(&text).map_err(text_error)?,
        })
    }

    /// Saves a run, with `metadata` beside its state; weights stand under their official names behind `param.`. One that diverged keeps no tensors, since they may hold anything.
    ///
    /// One whose tensors are not finite is not saved: its next step diverges, as it will again from the checkpoint before.
    pub(crate) fn save<B: Backend>(
        &self,
        backend: &B,
        parameters: &Parameters<B>,
        optimizer: &mut OptimizerState<B>,
        position: &Position,
        metadata: &BTreeMap<String, String>,
    ) -> Result<()> {
        let state = State {
            configuration: self.configuration.clone(),
            position: position.clone(),
        };
        let mut tensors = BTreeMap::new();
        if !matches!(position.status, Some(Status::Diverged { .. })) {
            let named = parameters
                .iter()
                .map(|p| (format!("param.{}", p.name), &p.value));
            let buffers = optimizer.named(parameters);
            let buffers = buffers.map(|(name, tensor)| (format!("optimizer.{name}"), &*tensor));
            for (name, tensor) in named.chain(buffers) {
                let Some(tensor) = stored(backend, tensor)? else {
                    tracing::warn!(%name, "not finite, so the run is not saved here");
                    return Ok(());
                };
                tensors.insert(name, tensor);
            }
        }
        let mut texts = metadata.clone();
        texts.insert(
            STATE.to_owned(),
            serde_json::to_string(&state).map_err(text_error)?,
        );
        let contents = Contents { texts, tensors };
        self.store.save(&contents, Precision::of(backend))
    }

    /// Puts a saved run's values into `parameters` and `optimizer`, and returns where it stood and why a later checkpoint was passed
    /// over; `None` when there is none.
    pub(crate) fn restore<B: Backend>(
        &self,
        backend: &B,
        parameters: &mut Parameters<B>,
        optimizer: &mut OptimizerState<B>,
    ) -> Result<Option<(Position, Option<String>)>> {
        let Some(loaded) = self.store.load()? else {
            return Ok(None);
        };
        if let Some(reason) = &loaded.passed_over {
            tracing::warn!(%reason, "the last checkpoint cannot be read; going on from the one before it");
        }
        let text = loaded.contents.texts.get(STATE).map_or("", String::as_str);
        let state: State =
            serde_json::from_str(text).map_err(|error| corrupt(&loaded, error.to_string()))?;
        let differences = fingerprint::differences(&state.configuration, &self.configuration);
        if !differences.is_empty() {
            return Err(Error::OtherConfiguration {
                path: loaded.path,
                differences,
            });
        }
        let position = state.position;
        if !matches!(position.status, Some(Status::Diverged { .. })) {
            for (name, tensor) in optimizer.named(parameters) {
                *tensor = restored(backend, &loaded, &format!("optimizer.{name}"), tensor)?;
            }
            optimizer.set_steps(position.steps);
            for parameter in parameters.iter_mut() {
                let name = format!("param.{}", parameter.name);
                parameter.value = restored(backend, &loaded, &name, &parameter.value)?;
            }
        }
        Ok(Some((position, loaded.passed_over)))
    }
}

fn text_error(error: serde_json::Error) -> Error {
    Error::Text {
        what: "a run's state",
        message: error.to_string(),
    }
}

fn corrupt(loaded: &Loaded, reason: String) -> Error {
    Error::CorruptCheckpoint {
        path: loaded.path.clone(),
        reason,
    }
}

/// A tensor's values, `None` when one is not finite.
fn stored<B: Backend>(backend: &B, tensor: &B::Tensor) -> Result<Option<HostTensor>> {
    let values = backend.download_f64(tensor)?;
    let shape = tensor.shape().to_vec();
    let finite = values.iter().all(|v| v.is_finite());
    Ok(finite.then_some(HostTensor { shape, values }))
}

fn restored<B: Backend>(
    backend: &B,
    loaded: &Loaded,
    name: &str,
    like: &B::Tensor,
) -> Result<B::Tensor> {
    let tensor = loaded.contents.tensors.get(name);
    let tensor = tensor.ok_or_else(|| corrupt(loaded, format!("no tensor `{name}`")))?;
    if tensor.shape != like.shape() {
        let (found, expected) = (&tensor.shape, like.shape());
        let reason = format!("tensor `{name}` is {found:?}, expected {expected:?}");
        return Err(corrupt(loaded, reason));
    }
    Ok(backend.upload_f64(&tensor.values, &tensor.shape)?)
}
