//! One model on one data set, described by a file and trained in a folder.

use crate::{
    Classification, ComputePrecision, Error, FitOptions, FolderLock, JsonLines, Observer, Outcome,
    RatesConfig, Result, Schedule, Status, TrainingConfig, TrainingData, fingerprint, fit,
    save_model,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use srr_datasets::{Augmentation, Dataset, ImageSet};
use srr_kernels::Backend;
use srr_layers::{Classifier, ClassifierConfig, Variant, checkpoint::write_atomically};
use srr_random::Seed;
use std::{fmt::Display, fs, path::Path, sync::Arc};

/// Everything that determines one trained model.
///
/// ```
/// use srr_layers::Variant;
/// use srr_trainer::Experiment;
/// let experiment = Experiment::resolve("optdigits", Variant::Crate, "seed = 3\n[model]\ndim = 32\n")?;
/// assert_eq!((experiment.seed, experiment.model.dim, experiment.model.patch), (3, 32, 2));
/// assert_eq!(Experiment::from_toml(&experiment.to_toml()?)?, experiment);
/// # Ok::<(), srr_trainer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name of the data set.
    pub data: String,
    /// How many of its training images, each class in its share; all when absent.
    pub train_images: Option<usize>,
    /// How many of these are held out for validation. When absent, the test set is what the model is judged on.
    pub held_out: Option<usize>,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// What the model computes with.
    pub precision: ComputePrecision,
    /// The model.
    pub model: ClassifierConfig,
    /// How it is trained.
    pub training: TrainingConfig,
}

impl Experiment {
    /// Sensible choices for a data set: two to twelve minutes on two cores for the small ones.
    ///
    /// # Errors
    /// A name that no data set has.
    pub fn defaults(data: &str, variant: Variant) -> Result<Self> {
        let entry = srr_datasets::entry(data)?;
        let [_, height, _] = entry.shape;
        // 16 tokens of an 8×8 image, 49 of 28×28, 64 of 32×32.
        let (patch, dim, depth, heads, epochs) = match height {
            ..16 => (2, 64, 4, 4, 60),
            16.. => (4, 128, 6, 4, 60),
        };
        let digits = entry.shape[0] == 1;
        let mut augmentation = vec![Augmentation::Crop {
            padding: (height / 8).max(1),
        }];
        if !digits {
            augmentation.push(Augmentation::Flip { probability: 0.5 });
        }
        Ok(Self {
            data: data.to_owned(),
            train_images: None,
            held_out: None,
            seed: 0,
            precision: ComputePrecision::Highest,
            model: ClassifierConfig::new(
                variant,
                entry.shape,
                patch,
                entry.classes,
                dim,
                depth,
                heads,
            ),
            training: TrainingConfig {
                epochs,
                learning_rate: 2e-3,
                schedule: Schedule::WarmupCosine {
                    warmup: 3.0,
                    floor: 0.0,
                },
                augmentation,
                evaluate_every: 1,
                rates: variant.is_white_box().then(RatesConfig::default),
                ..TrainingConfig::default()
            },
        })
    }

    /// The defaults of a data set and variant with the keys of a TOML text in their places. A table that names another `kind` than the
    /// default replaces it as a whole.
    ///
    /// # Errors
    /// [`Error::Text`] says which key is unknown or of the wrong type, and where; [`Error::Configuration`] which is out of range;
    /// [`Error::Disagreement`] when the text names another data set or variant.
    pub fn resolve(data: &str, variant: Variant, toml: &str) -> Result<Self> {
        let mut all = table(&Self::defaults(data, variant)?)?;
        overlay(&mut all, toml.parse().map_err(text_error)?);
        let experiment: Self = toml::Value::Table(all).try_into().map_err(text_error)?;
        agree("data", experiment.data.as_str(), data)?;
        agree("model.variant", &experiment.model.variant, &variant)?;
        experiment.model.validate()?;
        experiment.training.validate()?;
        Ok(experiment)
    }

    /// Reads a complete description.
    ///
    /// # Errors
    /// [`Error::Text`].
    pub fn from_toml(toml: &str) -> Result<Self> {
        toml::from_str(toml).map_err(text_error)
    }

    /// The complete description as TOML.
    ///
    /// # Errors
    /// [`Error::Text`] for a number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(text_error)
    }

    /// Reads a complete description from a file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::ConfigurationFile`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::file("reading", path))?;
        Self::from_toml(&text).map_err(|error| Error::ConfigurationFile {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    /// The part of a data set that the model is trained on, and what it is judged on.
    ///
    /// # Errors
    /// More images asked for than there are.
    pub fn training_data(&self, dataset: Dataset) -> Result<TrainingData> {
        let seed = Seed::new(self.seed).purpose("data");
        let mut train = dataset.train;
        if let Some(n) = self.train_images {
            let enough = n <= train.len();
            there_are(enough, "train_images", n, &train, "no more than there are")?;
            train = train.stratified(n, seed.purpose("train images"))?;
        }
        let validation = match self.held_out {
            None => dataset.test,
            Some(n) => {
                let enough = n < train.len();
                there_are(enough, "held_out", n, &train, "fewer than there are")?;
                let (rest, held_out) = train.split(n, seed.purpose("held out"))?;
                train = rest;
                held_out
            }
        };
        TrainingData::new(train, Some(Arc::new(validation)))
    }

    /// Trains the model in a folder, or goes on with it, on a backend of the experiment's precision: the folder gets `config.toml`,
    /// `log.jsonl`, checkpoints and, once the run has finished, `model.safetensors` with the weights and `initial.safetensors` with those
    /// at the start. Nothing changes in a folder whose run has ended.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] when another process trains in the folder, [`Error::OtherConfiguration`] when it belongs to another
    /// description, [`Error::Disagreement`] when the backend computes with another precision; those of [`fit`].
    pub fn train<B: Backend>(
        &self,
        backend: B,
        data: &TrainingData,
        folder: &Path,
        stop: &(dyn Fn() -> bool + Sync),
        observers: &mut [&mut dyn Observer<B>],
    ) -> Result<Outcome<B>> {
        agree(
            "precision",
            &self.precision,
            &ComputePrecision::of(&backend),
        )?;
        let classifier = Classifier::new(backend, self.model.clone())?;
        // What cannot be trained leaves no trace in the folder.
        Classification::new(&classifier, data, &self.training, Seed::new(self.seed))?;
        let _lock = self.claim(folder)?;
        let mut log = JsonLines::new(folder.join("log.jsonl"));
        let mut all: Vec<&mut dyn Observer<B>> = vec![&mut log];
        all.extend(
            observers
                .iter_mut()
                .map(|o| &mut **o as &mut dyn Observer<B>),
        );
        let options = FitOptions {
            folder: Some(folder.to_owned()),
            stop: Some(stop),
            ..FitOptions::default()
        };
        let seed = Seed::new(self.seed);
        let outcome = fit(&classifier, data, &self.training, seed, &options, &mut all)?;
        if matches!(outcome.status, Status::Finished { .. }) {
            let weights = [
                ("initial.safetensors", &outcome.initial),
                ("model.safetensors", &outcome.parameters),
            ];
            for (name, parameters) in weights {
                let path = folder.join(name);
                save_model(&path, &classifier, parameters, &data.normalization)?;
            }
        }
        Ok(outcome)
    }

    /// Makes a folder this experiment's, or finds that it is, for as long as the lock is held.
    fn claim(&self, folder: &Path) -> Result<FolderLock> {
        let study = folder.join("study.json");
        if study.exists() {
            return Err(Error::FolderOfStudy { path: study });
        }
        let path = folder.join("config.toml");
        if !path.exists() {
            refuse_foreign(folder)?;
        }
        fs::create_dir_all(folder).map_err(Error::file("creating", folder))?;
        let lock = FolderLock::claim(folder)?;
        if !path.exists() {
            let text = self.to_toml()?;
            write_atomically(&path, |out| out.write_all(text.as_bytes()))?;
            return Ok(lock);
        }
        let there = Self::read(&path)?;
        let differences = fingerprint::differences(&json(&there)?, &json(self)?);
        if differences.is_empty() {
            lock.sweep(folder)?;
            return Ok(lock);
        }
        Err(Error::OtherConfiguration { path, differences })
    }
}

/// An error if a folder without a description holds what a run would write over.
fn refuse_foreign(folder: &Path) -> Result<()> {
    let written = [
        "log.jsonl",
        "model.safetensors",
        "initial.safetensors",
        "checkpoint.safetensors",
        "checkpoint.previous.safetensors",
    ];
    let paths = written.map(|name| folder.join(name));
    match paths.into_iter().find(|path| path.exists()) {
        Some(path) => Err(Error::ForeignFile { path }),
        None => Ok(()),
    }
}

fn table(experiment: &Experiment) -> Result<toml::Table> {
    toml::Table::try_from(experiment).map_err(text_error)
}

fn json(experiment: &Experiment) -> Result<Value> {
    serde_json::to_value(experiment).map_err(text_error)
}

/// Whether the text left a value as it was given beside it.
fn agree<T>(key: &'static str, text: &T, given: &T) -> Result<()>
where
    T: PartialEq + Display + ?Sized,
{
    if text == given {
        return Ok(());
    }
    Err(Error::Disagreement {
        key,
        text: text.to_string(),
        given: given.to_string(),
    })
}

/// An error if there are not as many images as are asked for.
fn there_are(
    enough: bool,
    field: &'static str,
    asked: usize,
    set: &ImageSet,
    expected: &'static str,
) -> Result<()> {
    if enough {
        return Ok(());
    }
    Err(Error::Configuration {
        field,
        value: format!("{asked} of {} training images", set.len()),
        expected,
    })
}

fn text_error(error: impl Display) -> Error {
    Error::Text {
        what: "an experiment's description",
        message: error.to_string(),
    }
}

/// Puts the keys of `changes` in the places of those of `base`, table by table.
fn overlay(base: &mut toml::Table, changes: toml::Table) {
    for (key, change) in changes {
        match (base.get_mut(&key), change) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) if same_kind(old, &new) => {
                overlay(old, new);
            }
            (_, change) => {
                base.insert(key, change);
            }
        }
    }
}

/// Whether two tables describe the same kind of thing, so that keys of one make sense in the other.
fn same_kind(old: &toml::Table, new: &toml::Table) -> bool {
    new.get("kind")
        .is_none_or(|kind| old.get("kind") == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Optimizer;

    #[test]
    fn every_data_set_has_valid_defaults_that_survive_their_text_form() {
        for entry in srr_datasets::catalog() {
            for variant in Variant::ALL {
                let experiment = Experiment::resolve(entry.name, variant, "").unwrap();
                let text = experiment.to_toml().unwrap();
                assert_eq!(Experiment::from_toml(&text).unwrap(), experiment);
            }
        }
    }

    #[test]
    fn a_file_overrides_single_keys_and_whole_kinds() {
        let toml = "[training]\nepochs = 7\noptimizer = { kind = \"sgd\", momentum = 0.9 }\n[training.schedule]\nwarmup = 1.0\n";
        let experiment = Experiment::resolve("optdigits", Variant::Crate, toml).unwrap();
        assert_eq!(experiment.training.epochs, 7);
        assert_eq!(experiment.training.optimizer, Optimizer::sgd(0.9, false));
        let expected = Schedule::WarmupCosine {
            warmup: 1.0,
            floor: 0.0,
        };
        assert_eq!(experiment.training.schedule, expected);
    }

    #[test]
    fn the_precision_is_one_key_and_reads_its_older_name() {
        let resolve = |name: &str| {
            let toml = format!("precision = \"{name}\"\n");
            Experiment::resolve("optdigits", Variant::Crate, &toml)
        };
        for (name, written) in [
            ("highest", "highest"),
            ("f32", "highest"),
            ("high", "high"),
            ("medium", "medium"),
            ("f64", "f64"),
        ] {
            let experiment = resolve(name).unwrap();
            let text = experiment.to_toml().unwrap();
            assert!(
                text.contains(&format!("precision = \"{written}\"\n")),
                "{text}"
            );
            assert_eq!(Experiment::from_toml(&text).unwrap(), experiment);
        }
        let message = resolve("bf16").unwrap_err().to_string();
        assert!(
            message.contains("`bf16`") && message.contains("`medium`"),
            "{message}"
        );
    }

    #[test]
    fn unknown_keys_and_data_sets_are_named() {
        let refused = |toml| {
            let resolved = Experiment::resolve("optdigits", Variant::Crate, toml);
            resolved.unwrap_err().to_string()
        };
        assert!(refused("[model]\nwidth = 3\n").contains("width"));
        assert!(refused("sed = 3\n").contains("sed"));
        assert!(refused("[training]\nbatch_size = 0\n").contains("batch_size"));
        assert!(refused("[model\n").contains("line 1"));
        let twice = refused("[model]\nvariant = \"vit\"\n");
        assert!(twice.contains("`model.variant` is vit"), "{twice}");
        assert!(refused("data = \"mnist\"\n").contains("`data` is mnist"));
        assert!(Experiment::defaults("digits", Variant::Crate).is_err());
    }

    #[test]
    fn what_is_not_a_run_s_is_not_written_over() {
        for name in ["model.safetensors", "log.jsonl", "checkpoint.safetensors"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, "precious").unwrap();
            let experiment = Experiment::defaults("optdigits", Variant::Crate).unwrap();
            let message = experiment.claim(folder.path()).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains("config.toml"),
                "{message}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
            assert_eq!(
                fs::read_dir(folder.path()).unwrap().count(),
                1,
                "nothing was left"
            );
        }
    }

    #[test]
    fn what_cannot_be_trained_leaves_no_trace() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let text = "[training.regularizer]\nstrength = 1e-3\n[training]\nrates = { every = 0 }\n";
        let experiment = Experiment::resolve("optdigits", Variant::Vit, text).unwrap();
        let data = experiment.training_data(srr_datasets::optdigits().unwrap());
        let backend = srr_kernels::Cpu::<f32>::new();
        let data = data.unwrap();
        let outcome = experiment.train(backend.clone(), &data, &folder, &|| false, &mut []);
        assert!(outcome.is_err() && !folder.exists());

        let text = "precision = \"medium\"\n";
        let experiment = Experiment::resolve("optdigits", Variant::Vit, text).unwrap();
        let outcome = experiment.train(backend, &data, &folder, &|| false, &mut []);
        let message = outcome.err().unwrap().to_string();
        assert!(
            message.contains("`precision` is medium") && message.contains("highest"),
            "{message}"
        );
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_keeps_one_description() {
        let folder = tempfile::tempdir().unwrap();
        let experiment = Experiment::defaults("optdigits", Variant::Crate).unwrap();
        experiment.claim(folder.path()).unwrap();
        experiment.claim(folder.path()).unwrap();
        let mut other = experiment.clone();
        other.seed = 1;
        other.training.learning_rate = 0.5;
        other.precision = ComputePrecision::Medium;
        let message = other.claim(folder.path()).unwrap_err().to_string();
        assert!(message.contains("seed (there: 0, here: 1)"), "{message}");
        assert!(
            message.contains("precision (there: \"highest\", here: \"medium\")"),
            "{message}"
        );
        assert!(
            message.contains("training.learning_rate (there: 0.002, here: 0.5)"),
            "{message}"
        );
    }
}
