//! Measuring a trained run: what is asked, what was found, and doing it.

use crate::{
    Error, Result, StopFlag, files,
    plan::PlannedRun,
    profile,
    report::Cell,
    store::{RunFolder, RunResult},
    subject::TrainedSubject,
    training::{INITIAL, WEIGHTS, training_data},
};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use srr_coding_rate::Conventions;
use srr_datasets::ImageSet;
use srr_kernels::Cpu;
use srr_layers::{Classifier, Parameters, checkpoint};
use srr_measures::{
    Cached, Images, Measure, Registry, Reported, Split, Subject, Value, choices, evaluate,
    network_rates,
};
use srr_random::Seed;
use srr_trainer::TrainingData;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// A measure to be taken of a run, with everything that decides its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRequest {
    /// Name in the study's registry.
    pub measure: String,
    /// The measure's own settings, in its words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// How rates are taken; the defaults for all but the sparse rate reduction, as nothing else depends on them.
    pub conventions: Conventions,
    /// Number of training images that the sparse rate reduction is averaged over; 0 for all, and for all other measures.
    pub images: usize,
}

impl MeasureRequest {
    /// A measure under the settings of a profile.
    #[must_use]
    pub fn new(measure: &dyn Measure, settings: &profile::Measure) -> Self {
        if measure.name() == SRR {
            return Self::srr(settings);
        }
        Self {
            measure: measure.name().to_owned(),
            settings: measure.settings(),
            conventions: Conventions::default(),
            images: 0,
        }
    }

    /// The sparse rate reduction under the settings of a profile.
    #[must_use]
    pub fn srr(settings: &profile::Measure) -> Self {
        Self {
            measure: SRR.to_owned(),
            settings: String::new(),
            conventions: settings.conventions(),
            images: settings.images.unwrap_or(0),
        }
    }

    /// What the record is kept under: a digest of the request and of [`RECORD_FORMAT`].
    ///
    /// # Errors
    /// As [`files::digest`].
    pub fn digest(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Asked<'a> {
            format: u64,
            request: &'a MeasureRequest,
        }
        files::digest(&Asked {
            format: RECORD_FORMAT,
            request: self,
        })
    }
}

/// Version of what a record holds. It grows when a record says more than before or something else: requests then have other digests,
/// and what was kept under the old ones is measured again and dropped.
pub const RECORD_FORMAT: u64 = 2;

/// What a request found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRecord {
    /// What was asked.
    pub request: MeasureRequest,
    /// The value, where there is one, as reports give it.
    pub value: Option<f64>,
    /// How many images it is computed from, where images come in.
    #[serde(default)]
    pub images: Option<usize>,
    /// Standard error of an estimate by random draws.
    #[serde(default)]
    pub standard_error: Option<f64>,
    /// Its terms over the whole network by name, such as `compressed_rate`, `coding_rate` and `nonzeros` of the sparse rate reduction.
    #[serde(default)]
    pub terms: BTreeMap<String, f64>,
    /// Why there is no value.
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

    /// One of its terms, or why there is none.
    #[must_use]
    pub fn term(&self, name: &str) -> Cell {
        match (self.terms.get(name), &self.undefined) {
            (Some(&term), _) => Cell::Number(term),
            (None, Some(reason)) => Cell::missing(reason.clone()),
            (None, None) => Cell::missing("not recorded"),
        }
    }
}

/// How far the measuring of a run came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Seconds of every measure taken just now, by name. Passes that several share are paid for by the first.
    pub(crate) taken: BTreeMap<String, f64>,
    /// Whether everything asked for is there.
    pub(crate) complete: bool,
}

/// Takes the measures of a trained run that are not there yet, until `stop` is raised. The caller holds the folder's lock.
pub(crate) fn measure_run(
    run: &PlannedRun,
    folder: &RunFolder,
    result: &RunResult,
    registry: &Registry,
    stop: &StopFlag,
) -> Result<Measured> {
    let mut records = current(folder.measures()?)?;
    let mut open = Vec::new();
    for request in &run.measures {
        let digest = request.digest()?;
        if !records.contains_key(&digest) {
            open.push((digest, request.clone()));
        }
    }
    let mut measured = Measured {
        taken: BTreeMap::new(),
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
        measured.complete = true;
        return Ok(measured);
    }
    let trained = open_trained(run, folder)?;
    let subject = Cached::new(&trained);
    while !open.is_empty() && !stop.raised() {
        let batch = next_batch(&mut open);
        let cost_of = batch
            .first()
            .map(|(_, request)| request.cost_name(registry));
        let start = Instant::now();
        take(batch, &subject, registry, &mut records)?;
        let seconds = start.elapsed().as_secs_f64();
        *measured
            .taken
            .entry(cost_of.unwrap_or_default())
            .or_default() += seconds;
        folder.write_measures(&records)?;
    }
    measured.complete = open.is_empty();
    Ok(measured)
}

/// Those records that are kept under the digests that requests have now.
fn current(records: BTreeMap<String, MeasureRecord>) -> Result<BTreeMap<String, MeasureRecord>> {
    let mut kept = BTreeMap::new();
    for (digest, record) in records {
        if record.request.digest()? == digest {
            kept.insert(digest, record);
        }
    }
    Ok(kept)
}

/// Weights of a run, in double precision.
fn weights(
    classifier: &Classifier<Cpu<f64>>,
    folder: &RunFolder,
    name: &str,
) -> Result<Parameters<Cpu<f64>>> {
    let found = checkpoint::load_safetensors(&folder.file(name))?;
    Ok(classifier.parameters(&found.tensors)?)
}

/// Logits [images, classes] of the trained model of a run, in double precision.
pub(crate) fn logits_of(
    run: &PlannedRun,
    folder: &RunFolder,
    images: &Arc<ImageSet>,
) -> Result<Array2<f64>> {
    let classifier = Classifier::new(Cpu::<f64>::new(), run.config.model.clone())?;
    let trained = weights(&classifier, folder, WEIGHTS)?;
    let data = TrainingData::new(run.data.train.clone(), Some(images.clone()))?;
    let subject = TrainedSubject::new(classifier, trained, data)?;
    let found = subject.logits(Split::Test);
    let found = found.map_err(|error| Error::Invalid {
        what: format!("predictions of run {}", run.id),
        problem: error.to_string(),
    })?;
    Ok(Arc::unwrap_or_clone(found))
}

/// The trained model of a run, in double precision.
fn open_trained(run: &PlannedRun, folder: &RunFolder) -> Result<TrainedSubject<Cpu<f64>>> {
    let config = &run.config;
    let classifier = Classifier::new(Cpu::<f64>::new(), config.model.clone())?;
    let initial = weights(&classifier, folder, INITIAL)?;
    let trained = weights(&classifier, folder, WEIGHTS)?;
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
    registry: &Registry,
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
            let found = rates.map(|rates| as_reported(rates.value(&request.conventions)));
            records.insert(digest, request.answered(found));
        }
        return Ok(());
    }
    for (digest, request) in batch {
        let found = request.with_measure(registry, |measure| evaluate(measure, subject))?;
        records.insert(digest, request.answered(found));
    }
    Ok(())
}

impl MeasureRequest {
    /// Calls `f` with the measure of these settings: that of the registry, or of the options that [`choices`] list.
    fn with_measure<T>(&self, registry: &Registry, f: impl FnOnce(&dyn Measure) -> T) -> Result<T> {
        let registered = registry.get(&self.measure)?;
        if self.is_of(registered) {
            return Ok(f(registered));
        }
        for choice in choices::of_measures(registry.options()) {
            let registry = Registry::with_options(&choice.options);
            let found = registry.get(&self.measure);
            if let Some(measure) = found.ok().filter(|measure| self.is_of(*measure)) {
                return Ok(f(measure));
            }
        }
        Err(Error::Setting {
            key: self.measure.clone(),
            found: format!("the settings {:?}", self.settings),
            expected: format!("{:?}, or those of a listed choice", registered.settings()),
        })
    }

    fn is_of(&self, measure: &dyn Measure) -> bool {
        measure.settings() == self.settings
    }

    /// What its seconds are counted under.
    fn cost_name(&self, registry: &Registry) -> String {
        let usual = self.measure == SRR || registry.get(&self.measure).is_ok_and(|m| self.is_of(m));
        match usual {
            true => self.measure.clone(),
            false => format!("{}, other options", self.measure),
        }
    }

    fn undefined(self, reason: &str) -> MeasureRecord {
        MeasureRecord {
            request: self,
            value: None,
            images: None,
            standard_error: None,
            terms: BTreeMap::new(),
            undefined: Some(reason.to_owned()),
        }
    }

    fn answered(self, found: Result<Reported, srr_measures::Undefined>) -> MeasureRecord {
        let Reported { value, reported } = match found {
            Ok(found) => found,
            Err(reason) => return self.undefined(&reason.to_string()),
        };
        let terms = value.parts.into_iter().filter(|part| part.layer.is_none());
        let terms: BTreeMap<String, f64> = terms.map(|part| (part.name, part.value)).collect();
        let numbers = terms.values().copied().chain(value.standard_error);
        if !numbers.chain([reported]).all(f64::is_finite) {
            return self.undefined("the value is not finite");
        }
        MeasureRecord {
            request: self,
            value: Some(reported),
            images: value.images,
            standard_error: value.standard_error,
            terms,
            undefined: None,
        }
    }
}

/// A value that is reported raw, as the sparse rate reduction is.
fn as_reported(value: Value) -> Reported {
    Reported {
        reported: value.raw,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> MeasureRequest {
        MeasureRequest::srr(&profile::Measure::default())
    }

    /// Measures without settings of their own keep the digests they had before requests had settings.
    #[test]
    fn settings_make_another_request() {
        let registry = Registry::built_in();
        let defaults = profile::Measure::default();
        let srr = MeasureRequest::new(registry.get(SRR).unwrap(), &defaults);
        assert_eq!(srr, request());
        assert!(!files::canonical_json(&srr).unwrap().contains("settings"));
        let search = MeasureRequest::new(registry.get("pacbayes-flatness").unwrap(), &defaults);
        assert!(search.settings.contains("512 training images"));
        let other = MeasureRequest {
            settings: "σ: 20 draws".to_owned(),
            ..search.clone()
        };
        assert_ne!(search.digest().unwrap(), other.digest().unwrap());
    }

    #[test]
    fn a_request_finds_the_measure_of_its_settings() {
        let registry = Registry::built_in();
        let defaults = profile::Measure::default();
        let usual = MeasureRequest::new(registry.get("inverse-margin").unwrap(), &defaults);
        let settings = |request: &MeasureRequest| request.with_measure(&registry, |m| m.settings());
        assert_eq!(settings(&usual).unwrap(), usual.settings);
        assert_eq!(usual.cost_name(&registry), "inverse-margin");

        let changed = Registry::with_options(&choices::of_measures(registry.options())[0].options);
        let other = MeasureRequest::new(changed.get("inverse-margin").unwrap(), &defaults);
        assert!(settings(&other).unwrap().contains("|g|"));
        assert_eq!(other.cost_name(&registry), "inverse-margin, other options");

        let unknown = MeasureRequest {
            settings: "g²".to_owned(),
            ..usual
        };
        let message = settings(&unknown).unwrap_err().to_string();
        assert!(
            message.contains("inverse-margin") && message.contains("g²"),
            "{message}"
        );
    }

    /// A measure that takes no rates is not measured again because rates are taken otherwise.
    #[test]
    fn conventions_and_images_of_rates_are_part_of_no_other_request() {
        let registry = Registry::built_in();
        let settings = profile::Measure {
            images: Some(7),
            ..profile::Measure::default()
        };
        let request = |name, settings| MeasureRequest::new(registry.get(name).unwrap(), settings);
        let defaults = profile::Measure::default();
        assert_eq!(request("params", &settings), request("params", &defaults));
        assert_ne!(request(SRR, &settings), request(SRR, &defaults));
    }

    #[test]
    fn a_record_keeps_terms_images_and_standard_error() {
        let value = Value::new(4.0)
            .with_images(64)
            .with_standard_error(0.5)
            .with_part("coding_rate", None, 3.0)
            .with_part("coding_rate", Some(0), 2.0);
        let reported = Reported {
            value: value.clone(),
            reported: 0.25,
        };
        let record = request().answered(Ok(reported));
        assert_eq!((record.value, record.images), (Some(0.25), Some(64)));
        assert_eq!(record.standard_error, Some(0.5));
        assert_eq!(
            record.terms,
            BTreeMap::from([("coding_rate".to_owned(), 3.0)])
        );
        assert_eq!(record.term("coding_rate"), Cell::Number(3.0));
        let text = files::canonical_json(&record).unwrap();
        assert_eq!(
            serde_json::from_str::<MeasureRecord>(&text).unwrap(),
            record
        );

        let broken = as_reported(value.with_part("nonzeros", None, f64::INFINITY));
        let record = request().answered(Ok(broken));
        assert_eq!(record.value, None);
        assert_eq!(
            record.term("coding_rate"),
            Cell::missing("the value is not finite")
        );
    }

    #[test]
    fn a_record_of_the_first_format_reads_but_answers_no_request() {
        let request = request();
        // As written before records had terms: the digest was that of the request alone.
        let old = format!(
            r#"{{ "{}": {{ "request": {}, "undefined": null, "value": 1.5 }} }}"#,
            files::digest(&request).unwrap(),
            serde_json::to_string(&request).unwrap()
        );
        let mut records: BTreeMap<String, MeasureRecord> = serde_json::from_str(&old).unwrap();
        assert!(!records.contains_key(&request.digest().unwrap()));
        let new = request.clone().undefined("a test");
        records.insert(request.digest().unwrap(), new.clone());
        let kept = current(records).unwrap();
        assert_eq!(kept.into_values().collect::<Vec<_>>(), [new]);
    }
}
