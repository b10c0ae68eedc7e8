//! The settings of an artefact's runs in words: the main ones always, all others where they are not the default.
//!
//! Models and training are compared with their defaults as JSON, so that a setting that is added to either cannot be forgotten here: one
//! that is not known by name is stated under its key.

#[cfg(test)]
mod tests;
mod words;

pub use words::conventions;

use super::common::title;
use crate::{Error, Result, RunConfig, plan::PlannedRun, report::Artefact};
use serde::Serialize;
use serde_json::{Value, json};
use srr_layers::ClassifierConfig;
use srr_trainer::{RatesConfig, RegularizerConfig, TrainingConfig};
use std::collections::BTreeMap;

/// A setting by its place in the JSON of its table: what it is called, and whether it is stated even where it is the default.
type Named = (&'static str, &'static str, bool);

/// Settings of the model, in the order in which they are stated.
const MODEL: [Named; 15] = [
    ("variant", "variant", true),
    ("dim", "d =", true),
    ("depth", "L =", true),
    ("heads", "K =", true),
    ("head_dim", "p =", false),
    ("image", "images (channels, height, width)", true),
    ("patch", "patch", true),
    ("classes", "classes", true),
    ("step_size", "β =", true),
    ("threshold", "λ =", true),
    ("dropout", "dropout", true),
    ("pool", "the head reads", false),
    ("residual", "the attention is added to", false),
    ("scale", "factor of the scores", false),
    ("mlp_ratio", "MLP ratio", false),
];

/// Settings of the training, in the order in which they are stated.
const TRAINING: [Named; 13] = [
    ("optimizer", "", true),
    ("learning_rate", "learning rate", true),
    ("batch_size", "batch", true),
    ("schedule", "", true),
    ("epochs", "epochs at most", true),
    ("label_smoothing", "label smoothing", false),
    ("clip_norm", "gradients clipped to norm", false),
    ("stop.cross_entropy", "stop at cross-entropy", false),
    (
        "stop.running_mean_below",
        "looked for where the running mean is below",
        false,
    ),
    (
        "evaluate_every",
        "epochs between two evaluations while training",
        false,
    ),
    ("augmentation", "", true),
    (
        "subspace.dimension",
        "random directions of the weights",
        false,
    ),
    ("rates", "", false),
];

/// Adds the settings that all runs of an artefact share, and a note when they were not judged on the test set.
pub(super) fn describe(artefact: Artefact, runs: &[PlannedRun]) -> Result<Artefact> {
    if runs.is_empty() {
        return Ok(artefact.note("No runs were asked for."));
    }
    let configs: Vec<&RunConfig> = runs.iter().map(|run| &run.config).collect();
    let data = runs.iter().map(|run| {
        let data = &run.config.data;
        format!(
            "{}: {} training, {} {} images",
            data.name,
            data.train,
            data.test,
            run.data.judged_on()
        )
    });
    let mut artefact = artefact.setting("Data", distinct(data));
    for (name, words) in words(&configs)? {
        artefact = artefact.setting(name, words);
    }
    if configs.iter().any(|config| config.data.held_out) {
        artefact = artefact
            .note("Models are judged on a held-out part of the training set, not on the test set.");
    }
    Ok(artefact)
}

/// Model, training, penalty and rates of some runs in words, with all values where they differ.
fn words(configs: &[&RunConfig]) -> Result<Vec<(&'static str, String)>> {
    let models: Vec<&ClassifierConfig> = configs.iter().map(|config| &config.model).collect();
    let training: Vec<&TrainingConfig> = configs.iter().map(|config| &config.training).collect();
    let mut found = vec![
        ("Model", model(&models)?),
        ("Training", self::training(&training)?),
    ];
    let penalties: Vec<&RegularizerConfig> = training
        .iter()
        .filter_map(|config| config.regularizer.as_ref())
        .collect();
    if !penalties.is_empty() {
        found.push(("Penalty", words::penalty(&penalties)));
    }
    let rates: Vec<&RatesConfig> = training
        .iter()
        .filter_map(|config| config.rates.as_ref())
        .collect();
    if !rates.is_empty() {
        let some = if rates.len() < training.len() {
            "in some of the runs: "
        } else {
            ""
        };
        let words = distinct(rates.into_iter().map(words::rates));
        found.push(("Rates", format!("{some}{words}")));
    }
    let elements = configs
        .iter()
        .map(|config| words::element_type(config.precision));
    found.push(("Element type", distinct(elements)));
    Ok(found)
}

pub(crate) fn model(configs: &[&ClassifierConfig]) -> Result<String> {
    let Some(first) = configs.first() else {
        return Ok(String::new());
    };
    let default = ClassifierConfig::new(
        first.variant,
        first.image,
        first.patch,
        first.classes,
        first.dim,
        first.depth,
        first.heads,
    );
    let leaves = |config: &ClassifierConfig| {
        let mut leaves = leaves_of(config)?;
        leaves.insert("variant".to_owned(), json!(title(config.variant)));
        leaves.insert("pool".to_owned(), json!(words::pool(config.pool)));
        Ok(leaves)
    };
    let found = configs.iter().copied().map(leaves);
    Ok(changes(
        &found.collect::<Result<Vec<_>>>()?,
        &leaves(&default)?,
        &MODEL,
    ))
}

fn training(configs: &[&TrainingConfig]) -> Result<String> {
    // What has words of its own: the regularizer and the rates elsewhere, the others as one value each.
    let leaves = |config: &TrainingConfig| {
        let mut value = to_json(config)?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("regularizer");
            fields.remove("rates");
            fields.insert(
                "optimizer".to_owned(),
                json!(words::optimizer(&config.optimizer)?),
            );
            fields.insert(
                "schedule".to_owned(),
                json!(words::schedule(&config.schedule)),
            );
            fields.insert(
                "augmentation".to_owned(),
                json!(words::augmentations(&config.augmentation)),
            );
        }
        let mut leaves = BTreeMap::new();
        flatten(&value, String::new(), &mut leaves);
        Ok(leaves)
    };
    let found = configs.iter().copied().map(leaves);
    Ok(changes(
        &found.collect::<Result<Vec<_>>>()?,
        &leaves(&TrainingConfig::default())?,
        &TRAINING,
    ))
}

/// Everything in `found` that is always stated or differs from `default`, first what is named, in that order.
fn changes(
    found: &[BTreeMap<String, Value>],
    default: &BTreeMap<String, Value>,
    named: &[Named],
) -> String {
    let mut keys: Vec<&str> = named.iter().map(|(key, _, _)| *key).collect();
    for key in found.iter().flat_map(BTreeMap::keys) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let mut phrases = Vec::new();
    for key in keys {
        let name = named.iter().find(|(known, _, _)| *known == key);
        let always = name.is_some_and(|(_, _, always)| *always);
        if !always
            && found
                .iter()
                .all(|leaves| leaves.get(key) == default.get(key))
        {
            continue;
        }
        let values = distinct(found.iter().map(|leaves| text(leaves.get(key))));
        let name = name.map_or_else(|| key.replace(['_', '.'], " "), |name| name.1.to_owned());
        phrases.push(format!("{name} {values}").trim().to_owned());
    }
    phrases.join("; ")
}

/// Each value once, in order.
fn distinct(values: impl IntoIterator<Item = String>) -> String {
    let mut found: Vec<String> = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found.join(", ")
}

fn to_json<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::Invalid {
        what: "describing a configuration".to_owned(),
        problem: error.to_string(),
    })
}

fn leaves_of<T: Serialize>(value: &T) -> Result<BTreeMap<String, Value>> {
    let mut leaves = BTreeMap::new();
    flatten(&to_json(value)?, String::new(), &mut leaves);
    Ok(leaves)
}

/// Everything that is no table, by its path; what is absent has no entry.
fn flatten(value: &Value, path: String, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(value, path, leaves);
            }
        }
        leaf => {
            leaves.insert(path, leaf.clone());
        }
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(words)) => words.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| text(Some(item))).collect();
            items.join("×")
        }
        // 3 and not 3.0.
        Some(Value::Number(number)) if !number.is_u64() && !number.is_i64() => number
            .as_f64()
            .map_or_else(|| number.to_string(), |number| number.to_string()),
        Some(other) => other.to_string(),
    }
}
