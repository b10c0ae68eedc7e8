//! One run, fully resolved: everything that decides its weights, and nothing else.

use crate::{
    Error, Result,
    data::{DataConfig, Prepared},
    files,
    profile::{Model, Setup, Training},
};
use serde::{Deserialize, Serialize, Serializer};
use srr_datasets::Augmentation;
use srr_layers::{ClassifierConfig, Variant};
use srr_trainer::{ComputePrecision, RegularizerConfig, TrainingConfig};

/// Version of everything in a run's folder. It grows when old folders no longer say what new ones would.
pub const FORMAT: u64 = 2;

/// Everything that decides what a run does. The same configuration leaves the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Version of the folder's format, [`FORMAT`].
    pub format: u64,
    /// What the model is trained in, under the key and the names that every run has had.
    #[serde(rename = "element", serialize_with = "identity")]
    pub precision: ComputePrecision,
    /// Seed of the initial weights, the order of the images, augmentation and dropout.
    pub seed: u64,
    /// The images.
    pub data: DataConfig,
    /// The model.
    pub model: ClassifierConfig,
    /// How it is trained.
    pub training: TrainingConfig,
}

impl RunConfig {
    /// Resolves a setup for one variant and seed.
    ///
    /// # Errors
    /// [`Error::Setting`] names a key that is missing; [`Error::Layers`] and [`Error::Trainer`] a value out of its range.
    pub fn resolve(setup: &Setup, data: &Prepared, variant: Variant, seed: u64) -> Result<Self> {
        let training = resolve_training(&setup.training);
        training.validate()?;
        let model = resolve_model(&setup.model, &training.augmentation, data, variant)?;
        model.validate()?;
        Ok(Self {
            format: FORMAT,
            precision: setup.precision,
            seed,
            data: data.config.clone(),
            model,
            training,
        })
    }

    /// The same run with the sparse rate reduction as a penalty.
    #[must_use]
    pub fn regularized(mut self, regularizer: RegularizerConfig) -> Self {
        self.training.regularizer = Some(regularizer);
        self
    }

    /// Name of the run's folder: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the configuration cannot be written as JSON.
    pub fn id(&self) -> Result<String> {
        files::digest(self)
    }

    /// What the run is, for people: not unique.
    #[must_use]
    pub fn label(&self) -> String {
        let regularizer = match &self.training.regularizer {
            Some(regularizer) => format!(" η {}", regularizer.strength),
            None => String::new(),
        };
        format!(
            "{} d {} batch {} lr {} dropout {}{regularizer} seed {}",
            self.model.variant,
            self.model.dim,
            self.training.batch_size,
            self.training.learning_rate,
            self.model.dropout,
            self.seed
        )
    }

    /// Expected cost of the run in multiplications, for the order in which runs start and the time left.
    #[must_use]
    pub fn cost(&self) -> f64 {
        let model = &self.model;
        let [channels, height, width] = model.image;
        // In floating point: no product of sizes can overflow.
        let side = model.patch as f64;
        let tokens = (height as f64 / side).floor() * (width as f64 / side).floor() + 1.0;
        let (dim, patch) = (model.dim as f64, side * side * channels as f64);
        let linear = match model.variant {
            Variant::Identity => 3.0,
            Variant::Vit => 4.0 + 2.0 * model.mlp_ratio as f64,
            _ => 4.0,
        };
        let block = linear * tokens * dim * dim + 2.0 * tokens * tokens * dim;
        let image = model.depth as f64 * block + tokens * patch * dim;
        image * self.training.epochs as f64 * self.data.train as f64
    }
}

fn identity<S: Serializer>(precision: &ComputePrecision, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(precision.identity())
}

/// The model of a variant on these images, of the shape that augmentation gives them.
fn resolve_model(
    model: &Model,
    augmentation: &[Augmentation],
    data: &Prepared,
    variant: Variant,
) -> Result<ClassifierConfig> {
    let shape = srr_datasets::output_shape(augmentation, data.train.shape())?;
    let mut config = ClassifierConfig::new(
        variant,
        shape.to_array(),
        required(model.patch, "model.patch")?,
        data.train.classes(),
        required(model.dim, "model.dim")?,
        required(model.depth, "model.depth")?,
        required(model.heads, "model.heads")?,
    );
    config.head_dim = model.head_dim;
    set(&mut config.step_size, model.step_size);
    set(&mut config.threshold, model.threshold);
    set(&mut config.dropout, model.dropout);
    set(&mut config.pool, model.pool);
    set(&mut config.residual, model.residual);
    set(&mut config.scale, model.scale);
    set(&mut config.mlp_ratio, model.mlp_ratio);
    Ok(config)
}

/// The training of one run, the trainer's defaults where the profile has no key.
fn resolve_training(training: &Training) -> TrainingConfig {
    let mut config = TrainingConfig {
        clip_norm: training.clip_norm,
        stop: training.stop,
        rates: training.rates.clone(),
        ..TrainingConfig::default()
    };
    set(&mut config.batch_size, training.batch_size);
    set(&mut config.epochs, training.epochs);
    set(&mut config.learning_rate, training.learning_rate);
    set(&mut config.optimizer, training.optimizer);
    set(&mut config.schedule, training.schedule);
    set(&mut config.label_smoothing, training.label_smoothing);
    set(&mut config.augmentation, training.augmentation.clone());
    set(&mut config.evaluate_every, training.evaluate_every);
    config
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn required<T>(value: Option<T>, key: &str) -> Result<T> {
    value.ok_or_else(|| Error::Setting {
        key: key.to_owned(),
        found: "missing".to_owned(),
        expected: "a value, there is no default".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_grows_with_the_epochs_up_to_the_largest_number() {
        let cost = |epochs| {
            let config = RunConfig {
                format: FORMAT,
                precision: ComputePrecision::Highest,
                seed: 0,
                data: DataConfig {
                    name: "optdigits".to_owned(),
                    train: 1000,
                    test: 10,
                    held_out: false,
                    train_digest: String::new(),
                    test_digest: String::new(),
                },
                model: ClassifierConfig::new(Variant::Crate, [1, 8, 8], 4, 10, 2, 1, 1),
                training: TrainingConfig {
                    epochs,
                    ..TrainingConfig::default()
                },
            };
            config.cost()
        };
        // 5 tokens of dimension 2: 4·5·2² for the linear maps, 2·5²·2 for the attention, 5·2·16 for the patches.
        assert_eq!(cost(1), (80.0 + 100.0 + 160.0) * 1000.0);
        let most = cost(usize::MAX);
        assert!(most.is_finite() && most > 1e6 * cost(1_000_000));
    }
}
