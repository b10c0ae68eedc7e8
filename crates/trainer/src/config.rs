//! The configuration of a training run.

use crate::{Error, Optimizer, RegularizerConfig, Result, Schedule, SubspaceConfig};
use serde::{Deserialize, Serialize};
use srr_coding_rate::Conventions;
use srr_datasets::Augmentation;

/// How a classifier is trained. Every key that a file leaves out has the default given here.
///
/// ```
/// use srr_trainer::{Optimizer, TrainingConfig};
/// let config: TrainingConfig = serde_json::from_str(r#"{ "epochs": 3, "optimizer": { "kind": "lion" } }"#)?;
/// assert_eq!(config.optimizer, Optimizer::lion());
/// assert_eq!(config.batch_size, 128);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Images in a batch; the last batch of an epoch may hold fewer. Default 128.
    pub batch_size: usize,
    /// The largest number of epochs. Default 100.
    pub epochs: usize,
    /// The base learning rate, which the schedule multiplies. Default 1e-3.
    pub learning_rate: f64,
    /// The update rule. Default Adam.
    pub optimizer: Optimizer,
    /// How the learning rate moves. Default constant.
    pub schedule: Schedule,
    /// Share of the target that is spread evenly over all classes, in [0, 1). Default 0.
    pub label_smoothing: f64,
    /// Gradients whose global norm exceeds this are scaled down to it. Default none.
    pub clip_norm: Option<f64>,
    /// When to stop before the last epoch. Default never.
    pub stop: Option<StopAt>,
    /// The sparse rate reduction as a penalty. Default none.
    pub regularizer: Option<RegularizerConfig>,
    /// What is done to each training image. Default nothing.
    pub augmentation: Vec<Augmentation>,
    /// The validation set is evaluated after every so many epochs and after the last; 0: after the last alone, which is the
    /// default.
    pub evaluate_every: usize,
    /// Layer-wise rates in the record of an epoch. Default none.
    pub rates: Option<RatesConfig>,
    /// Training in random directions of the weights alone. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subspace: Option<SubspaceConfig>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            batch_size: 128,
            epochs: 100,
            learning_rate: 1e-3,
            optimizer: Optimizer::adam(),
            schedule: Schedule::Constant,
            label_smoothing: 0.0,
            clip_norm: None,
            stop: None,
            regularizer: None,
            augmentation: Vec::new(),
            evaluate_every: 0,
            rates: None,
            subspace: None,
        }
    }
}

/// The stopping criterion: the cross-entropy in evaluation mode over the whole training set, without augmentation, label
/// smoothing or penalty, at the end of an epoch.
///
/// It is computed only after epochs whose running mean of the training loss (label smoothing and dropout included, the penalty
/// not) is below `running_mean_below`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopAt {
    /// The run ends when the cross-entropy is at most this. Default 0.01.
    pub cross_entropy: f64,
    /// Default 0.1.
    pub running_mean_below: f64,
}

impl Default for StopAt {
    fn default() -> Self {
        Self {
            cross_entropy: 0.01,
            running_mean_below: 0.1,
        }
    }
}

/// Layer-wise rates in the records of epochs, before the first and after the last always among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RatesConfig {
    /// How many images, the first of the training set. Default 64.
    pub images: usize,
    /// After every so many epochs and before the first; 0: never. Default 1.
    pub every: usize,
    /// What exactly is measured.
    pub conventions: Conventions,
}

impl Default for RatesConfig {
    fn default() -> Self {
        Self {
            images: 64,
            every: 1,
            conventions: Conventions::default(),
        }
    }
}

/// What the loop itself needs to know, whatever the objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The largest number of epochs.
    pub epochs: usize,
    /// The base learning rate.
    pub learning_rate: f64,
    /// The update rule.
    pub optimizer: Optimizer,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// The largest global norm of the gradient.
    pub clip_norm: Option<f64>,
    /// When to stop before the last epoch.
    pub stop: Option<StopAt>,
    /// Epochs between two validations; 0: only after the last.
    pub evaluate_every: usize,
    /// Epochs between two probes; 0: none, not even before the first epoch and after the last.
    pub probe_every: usize,
    /// The random directions of the weights in which training moves; all of them without.
    pub subspace: Option<SubspaceConfig>,
}

impl TrainingConfig {
    /// The part that the loop reads.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            optimizer: self.optimizer,
            schedule: self.schedule,
            clip_norm: self.clip_norm,
            stop: self.stop,
            evaluate_every: self.evaluate_every,
            probe_every: self.rates.as_ref().map_or(0, |rates| rates.every),
            subspace: self.subspace,
        }
    }

    /// Checks every value that can be checked without a model.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the value out of range.
    pub fn validate(&self) -> Result<()> {
        require(
            "batch_size",
            self.batch_size,
            self.batch_size > 0,
            "at least 1",
        )?;
        let smoothing = self.label_smoothing;
        require(
            "label_smoothing",
            smoothing,
            (0.0..1.0).contains(&smoothing),
            "at least 0 and below 1",
        )?;
        if let Some(rates) = &self.rates {
            require("rates.images", rates.images, rates.images > 0, "at least 1")?;
        }
        if let Some(regularizer) = &self.regularizer {
            regularizer.validate()?;
        }
        if let Some(stop) = self.stop {
            require(
                "stop.running_mean_below",
                stop.running_mean_below,
                stop.running_mean_below >= stop.cross_entropy,
                "at least `stop.cross_entropy`, which is not looked at before",
            )?;
        }
        self.recipe().validate()
    }
}

impl Recipe {
    /// Checks the values.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the value out of range.
    pub fn validate(&self) -> Result<()> {
        let positive = |field, value: f64| {
            require(
                field,
                value,
                value > 0.0 && value.is_finite(),
                "above 0 and finite",
            )
        };
        positive("learning_rate", self.learning_rate)?;
        if let Some(norm) = self.clip_norm {
            positive("clip_norm", norm)?;
        }
        if let Some(stop) = self.stop {
            positive("stop.cross_entropy", stop.cross_entropy)?;
            positive("stop.running_mean_below", stop.running_mean_below)?;
        }
        self.optimizer.validate()?;
        if let Some(subspace) = self.subspace {
            subspace.validate(&self.optimizer)?;
        }
        self.schedule.validate()
    }
}

/// [`Error::Configuration`] unless `valid`.
pub(crate) fn require(
    field: &'static str,
    value: impl std::fmt::Display,
    valid: bool,
    expected: &'static str,
) -> Result<()> {
    if valid {
        return Ok(());
    }
    Err(Error::Configuration {
        field,
        value: value.to_string(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let config: TrainingConfig = serde_json::from_str(json).unwrap();
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (json, field) in [
            (r#"{ "batch_size": 0 }"#, "`batch_size`"),
            (r#"{ "learning_rate": 0 }"#, "`learning_rate`"),
            (r#"{ "label_smoothing": 1 }"#, "`label_smoothing`"),
            (r#"{ "clip_norm": -1 }"#, "`clip_norm`"),
            (
                r#"{ "stop": { "cross_entropy": 0 } }"#,
                "`stop.cross_entropy`",
            ),
            (
                r#"{ "stop": { "cross_entropy": 0.5 } }"#,
                "`stop.running_mean_below`",
            ),
            (
                r#"{ "optimizer": { "kind": "adam", "beta1": 1 } }"#,
                "`optimizer.beta1`",
            ),
            (
                r#"{ "optimizer": { "kind": "sgd", "nesterov": true } }"#,
                "`optimizer.momentum`",
            ),
            (r#"{ "rates": { "images": 0 } }"#, "`rates.images`"),
            (
                r#"{ "regularizer": { "strength": -1 } }"#,
                "`regularizer.strength`",
            ),
            (
                r#"{ "subspace": { "dimension": 0 }, "optimizer": { "kind": "sgd" } }"#,
                "`subspace.dimension`",
            ),
            (
                r#"{ "subspace": { "dimension": 5 } }"#,
                "the optimizer `sgd` without weight decay",
            ),
            (
                r#"{ "subspace": { "dimension": 5 }, "optimizer": { "kind": "sgd", "weight_decay": 0.1 } }"#,
                "the optimizer `sgd` without weight decay",
            ),
        ] {
            let message = refused(json);
            assert!(message.contains(field), "{json}: {message}");
        }
        assert!(TrainingConfig::default().validate().is_ok());
    }

    #[test]
    fn unknown_keys_are_refused() {
        for json in [
            r#"{ "batchsize": 3 }"#,
            r#"{ "optimizer": { "kind": "adam", "momentum": 0.9 } }"#,
            r#"{ "schedule": { "kind": "constant", "every": 3 } }"#,
            r#"{ "stop": { "loss": 3 } }"#,
            r#"{ "regularizer": { "eta": 3 } }"#,
        ] {
            assert!(
                serde_json::from_str::<TrainingConfig>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_configuration_survives_its_text_form() {
        let config = TrainingConfig {
            schedule: Schedule::WarmupCosine {
                warmup: 1.5,
                floor: 0.1,
            },
            optimizer: Optimizer::sgd(0.9, true),
            clip_norm: Some(1.0 / 3.0),
            stop: Some(StopAt::default()),
            regularizer: Some(RegularizerConfig::default()),
            rates: Some(RatesConfig::default()),
            subspace: Some(SubspaceConfig { dimension: 7 }),
            ..TrainingConfig::default()
        };
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<TrainingConfig>(&text).unwrap(), config);
    }
}
