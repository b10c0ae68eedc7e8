//! Training a classifier.

use crate::{
    Classification, ComputePrecision, FitOptions, Observer, Outcome, Result, TrainingConfig,
    TrainingData, train,
};
use serde_json::{Value, json};
use srr_kernels::Backend;
use srr_layers::Classifier;
use srr_random::Seed;

/// Trains a classifier from weights drawn from `seed.purpose("parameters")`, or goes on from the checkpoint in the options' folder.
///
/// See [`train`] for what determines the result and what can be interrupted.
///
/// ```
/// use srr_kernels::Cpu;
/// use srr_layers::{Classifier, ClassifierConfig, Variant};
/// use srr_random::Seed;
/// use srr_trainer::{FitOptions, TrainingConfig, TrainingData, fit};
/// use std::sync::Arc;
///
/// let digits = srr_datasets::optdigits()?;
/// let few = Arc::new(digits.train.subset(&(0..64).collect::<Vec<_>>())?);
/// let data = TrainingData::new(few, None)?;
/// let model = ClassifierConfig::new(Variant::Crate, [1, 8, 8], 4, 10, 8, 2, 2);
/// let classifier = Classifier::new(Cpu::<f32>::new(), model)?;
/// let config = TrainingConfig { epochs: 2, batch_size: 16, ..TrainingConfig::default() };
/// let outcome = fit(&classifier, &data, &config, Seed::new(1), &FitOptions::default(), &mut [])?;
/// assert_eq!(outcome.steps, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Classification::new`] and [`train`].
pub fn fit<B: Backend>(
    classifier: &Classifier<B>,
    data: &TrainingData,
    config: &TrainingConfig,
    seed: Seed,
    options: &FitOptions<'_>,
    observers: &mut [&mut dyn Observer<B>],
) -> Result<Outcome<B>> {
    let objective = Classification::new(classifier, data, config, seed)?;
    let initial = classifier.initialize(seed.purpose("parameters"))?;
    let configuration = match options.folder {
        Some(_) => configuration(classifier, data, config, seed)?,
        None => Value::Null,
    };
    train(
        &objective,
        initial,
        &config.recipe(),
        seed,
        &configuration,
        options,
        observers,
    )
}

/// All that determines the result of [`fit`].
fn configuration<B: Backend>(
    classifier: &Classifier<B>,
    data: &TrainingData,
    config: &TrainingConfig,
    seed: Seed,
) -> Result<Value> {
    let failed = |error: serde_json::Error| crate::Error::Text {
        what: "a configuration",
        message: error.to_string(),
    };
    Ok(json!({
        "seed": seed.bits(),
        "precision": ComputePrecision::of(classifier.backend()).identity(),
        "model": serde_json::to_value(classifier.config()).map_err(failed)?,
        "training": serde_json::to_value(config).map_err(failed)?,
        "data": {
            "train": data.train.digest(),
            "validation": data.validation.as_ref().map(|set| set.digest()),
            "normalization": serde_json::to_value(&data.normalization).map_err(failed)?,
        },
    }))
}
