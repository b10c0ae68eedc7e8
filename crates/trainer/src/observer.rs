//! Those who watch a run.

use crate::{BatchLoss, EpochRecord, Result, Status};
use srr_kernels::Backend;
use srr_layers::Parameters;

/// What an observer is told before the first step.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The records so far; the last one is the state that the run goes on from.
    pub history: &'a [EpochRecord],
    /// The largest number of epochs.
    pub epochs: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps taken.
    pub steps: u64,
}

/// What an observer is told after each step.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// Number of this step, from 0.
    pub step: u64,
    /// The epoch it belongs to, from 0.
    pub epoch: usize,
    /// The learning rate it was taken with.
    pub learning_rate: f64,
    /// The batch's loss.
    pub loss: BatchLoss,
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f64,
}

/// Watches a run without changing it. All methods have empty bodies by default; an error ends the run.
pub trait Observer<B: Backend> {
    /// Before the first step, of a resumed run too.
    ///
    /// # Errors
    /// The observer's.
    fn started(&mut self, _start: &Start<'_>) -> Result<()> {
        Ok(())
    }

    /// After each step.
    ///
    /// # Errors
    /// The observer's.
    fn stepped(&mut self, _report: &StepReport) -> Result<()> {
        Ok(())
    }

    /// After each epoch, before its checkpoint is written.
    ///
    /// # Errors
    /// The observer's.
    fn epoch_ended(&mut self, _record: &EpochRecord, _parameters: &Parameters<B>) -> Result<()> {
        Ok(())
    }

    /// After the last step, however the run ended.
    ///
    /// # Errors
    /// The observer's.
    fn ended(&mut self, _status: &Status) -> Result<()> {
        Ok(())
    }
}
