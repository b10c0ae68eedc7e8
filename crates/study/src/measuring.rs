//! Measuring a trained run: what is asked, what was found, and doing it.

use crate::{
    Result, StopFlag, files,
    plan::PlannedRun,
    profile,
    report::Cell,
    store::{RunFolder, RunResult},
    subject::TrainedSubject,
    training::{INITIAL, WEIGHTS, training_data},
};
use serde::{Deserialize, Serialize};
use srr_coding_rate::Conventions;
use srr_kernels::Cpu;
use srr_layers::{Classifier, checkpoint};
use srr_measures::{Cached, Images, Registry, Subject, evaluate, network_rates};
use srr_random::Seed;
use std::collections::BTreeMap;

/// A measure to be taken of a run, with everything that decides its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRequest {
    /// Name in the registry of `srr-measures`.
    pub measure: String,
    /// How rates are taken.
    pub conventions: Conventions,
    /// Number of training images that token-based measures see; 0 for all.
    pub images: usize,
}

impl MeasureRequest {
    /// A measure under the settings of a profile.
    #[must_use]
    pub fn new(measure: &str, settings: &profile::Measure) -> Self {
        Self {
            measure: measure.to_owned(),
            conventions: settings.conventions(),
            images: settings.images.unwrap_or(0),
        }
    }

    /// What the value is kept under.
    ///
    /// # Errors
    /// As [`files::digest`].
    pub fn digest(&self) -> Result<String> {
        files::digest(self)
    }
}

/// What a request found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRecord {
    /// What was asked.
    pub request: MeasureRequest,
    /// The value, where there is one.
    pub value: Option<f64>,
    /// Why there is none.
    pub undefined: Option<String>,
}

impl MeasureRecord {
    /// The value, or why there is none.
    #[must_use]
    pub fn cell(&self) -> Cell {
        match (self.value, &self.undefined) {
            (Some(value), _) => Cell::Number(value),
            (None, Some(reason)) => Cell::missing(reason.clone()),
            (None, None) => Cell::missing("undefined"),
        }
    }
}

/// How far the measuring of a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Measures taken just now.
    pub(crate) taken: usize,
    /// Whether everything asked for is there.
    pub(crate) complete: bool,
}

/// Takes the measures of a trained run that are not there yet, until `stop` is raised. The caller holds the folder's lock.
pub(crate) fn measure_run(
    run: &PlannedRun,
    folder: &RunFolder,
    result: &RunResult,
    stop: &StopFlag,
) -> Result<Measured> {
    let mut records = folder.measures()?;
    let mut open = Vec::new();
    for request in &run.measures {
        let digest = request.digest()?;
        if !records.contains_key(&digest) {
            open.push((digest, request.clone()));
        }
    }
    let mut measured = Measured {
        taken: 0,
        complete: open.is_empty(),
    };
    if open.is_empty() {
        return Ok(measured);
    }
    if result.diverged() {
        let reason = format!("the run {}", result.status);
        let records_of = open
            .into_iter()
            .map(|(digest, request)| (digest, request.undefined(&reason)));
        records.extend(records_of);
        folder.write_measures(&records)?;
        return Ok(Measured {
            taken: 0,
            complete: true,
        });
    }
    let trained = open_trained(run, folder)?;
    let subject = Cached::new(&trained);
    while !open.is_empty() && !stop.raised() {
        let batch = next_batch(&mut open);
        measured.taken += batch.len();
        take(batch, &subject, &mut records)?;
        folder.write_measures(&records)?;
    }
    measured.complete = open.is_empty();
    Ok(measured)
}

/// The trained model of a run, in double precision.
fn open_trained(run: &PlannedRun, folder: &RunFolder) -> Result<TrainedSubject<Cpu<f64>>> {
    let config = &run.config;
    let classifier = Classifier::new(Cpu::<f64>::new(), config.model.clone())?;
    let weights = |name: &str| {
        let found = checkpoint::load_safetensors(&folder.file(name))?;
        classifier.parameters(&found.tensors)
    };
    let (initial, trained) = (weights(INITIAL)?, weights(WEIGHTS)?);
    let last = folder.log()?.last().and_then(|record| record.learning_rate);
    let learning_rate = last.unwrap_or(config.training.learning_rate);
    let subject = TrainedSubject::new(classifier, trained, training_data(run)?)?;
    Ok(subject.with_initial(initial).with_training(
        learning_rate,
        config.training.batch_size,
        Seed::new(config.seed),
    ))
}

/// Name of the measure that depends on conventions.
const SRR: &str = "srr";

/// The next requests that share their passes: those of the sparse rate reduction on the same images, or a single one.
fn next_batch(open: &mut Vec<(String, MeasureRequest)>) -> Vec<(String, MeasureRequest)> {
    let first = open.remove(0);
    if first.1.measure != SRR {
        return vec![first];
    }
    let alike =
        |request: &MeasureRequest| request.measure == SRR && request.images == first.1.images;
    let (same, other) = std::mem::take(open)
        .into_iter()
        .partition(|(_, request)| alike(request));
    *open = other;
    let same: Vec<_> = same;
    std::iter::once(first).chain(same).collect()
}

/// Answers requests that share their passes.
fn take(
    batch: Vec<(String, MeasureRequest)>,
    subject: &dyn Subject,
    records: &mut BTreeMap<String, MeasureRecord>,
) -> Result<()> {
    let images = match batch.first().map(|(_, request)| request.images) {
        None | Some(0) => Images::training(),
        Some(n) => Images::fixed(n),
    };
    if batch.iter().all(|(_, request)| request.measure == SRR) {
        let conventions: Vec<Conventions> = batch
            .iter()
            .map(|(_, request)| request.conventions)
            .collect();
        let rates = network_rates(subject, &conventions, images);
        for ((digest, request), rates) in batch.into_iter().zip(rates) {
            let found = rates.map(|rates| rates.mean(&request.conventions));
            records.insert(digest, request.answered(found));
        }
        return Ok(());
    }
    let registry = Registry::built_in();
    for (digest, request) in batch {
        let found = evaluate(registry.get(&request.measure)?, subject).map(|found| found.reported);
        records.insert(digest, request.answered(found));
    }
    Ok(())
}

impl MeasureRequest {
    fn undefined(self, reason: &str) -> MeasureRecord {
        MeasureRecord {
            request: self,
            value: None,
            undefined: Some(reason.to_owned()),
        }
    }

    fn answered(self, found: Result<f64, srr_measures::Undefined>) -> MeasureRecord {
        match found {
            Ok(value) if value.is_finite() => MeasureRecord {
                request: self,
                value: Some(value),
                undefined: None,
            },
            Ok(_) => self.undefined("the value is not finite"),
            Err(reason) => self.undefined(&reason.to_string()),
        }
    }
}
