//! Training one planned run in its folder.

use crate::{
    Result, StopFlag,
    plan::PlannedRun,
    store::{RunFolder, RunResult},
};
use srr_datasets::Normalization;
use srr_kernels::{Backend, Cpu};
use srr_layers::{Classifier, Parameters};
use srr_random::Seed;
use srr_trainer::{
    EpochRecord, FitOptions, JsonLines, Observer, Outcome, Status, TrainingData, fit,
    remove_checkpoints, save_model,
};
use std::time::Duration;

/// File of the weights at the start.
pub(crate) const INITIAL: &str = "initial.safetensors";
/// File of the weights at the end.
pub(crate) const WEIGHTS: &str = "weights.safetensors";

/// Trains a run to its end, or goes on with it; `None` when `stop` was raised before.
///
/// `hear` is called with the record of every epoch. The caller holds the folder's lock.
pub(crate) fn train_run(
    run: &PlannedRun,
    folder: &RunFolder,
    checkpoint_every: Duration,
    stop: &StopFlag,
    hear: &dyn Fn(&EpochRecord),
) -> Result<Option<RunResult>> {
    match run.config.precision.matmul() {
        Some(precision) => {
            let backend = Cpu::<f32>::new().with_precision(precision);
            train_with(backend, run, folder, checkpoint_every, stop, hear)
        }
        None => train_with(Cpu::<f64>::new(), run, folder, checkpoint_every, stop, hear),
    }
}

fn train_with<B: Backend>(
    backend: B,
    run: &PlannedRun,
    folder: &RunFolder,
    checkpoint_every: Duration,
    stop: &StopFlag,
    hear: &dyn Fn(&EpochRecord),
) -> Result<Option<RunResult>> {
    let config = &run.config;
    let classifier = Classifier::new(backend, config.model.clone())?;
    let raised = || stop.raised();
    let options = FitOptions {
        folder: Some(folder.path().to_path_buf()),
        checkpoint_every,
        stop: Some(&raised),
    };
    let mut log = JsonLines::new(folder.file("log.jsonl"));
    let mut epochs = Epochs(hear);
    let data = training_data(run)?;
    let outcome = fit(
        &classifier,
        &data,
        &config.training,
        Seed::new(config.seed),
        &options,
        &mut [&mut log, &mut epochs],
    )?;
    if outcome.status == Status::Interrupted {
        return Ok(None);
    }
    let result = RunResult::new(
        outcome.status.clone(),
        outcome.history.last(),
        classifier.count(),
    );
    keep(&classifier, &outcome, &data.normalization, folder, &result)?;
    Ok(Some(result))
}

/// The images of a run and their normalization.
pub(crate) fn training_data(run: &PlannedRun) -> Result<TrainingData> {
    Ok(TrainingData::new(
        run.data.train.clone(),
        Some(run.data.test.clone()),
    )?)
}

/// Writes the models, then how the run ended, and drops its checkpoints: in this order, so that a run with a result is whole.
fn keep<B: Backend>(
    classifier: &Classifier<B>,
    outcome: &Outcome<B>,
    normalization: &Normalization,
    folder: &RunFolder,
    result: &RunResult,
) -> Result<()> {
    if !result.diverged() {
        let models = [(INITIAL, &outcome.initial), (WEIGHTS, &outcome.parameters)];
        for (name, parameters) in models {
            save_model(&folder.file(name), classifier, parameters, normalization)?;
        }
    }
    folder.write_result(result)?;
    Ok(remove_checkpoints(folder.path())?)
}

/// Passes the records of epochs on.
struct Epochs<'a>(&'a dyn Fn(&EpochRecord));

impl<B: Backend> Observer<B> for Epochs<'_> {
    fn epoch_ended(&mut self, record: &EpochRecord, _: &Parameters<B>) -> srr_trainer::Result<()> {
        (self.0)(record);
        Ok(())
    }
}
