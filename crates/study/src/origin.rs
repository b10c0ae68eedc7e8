//! Where a checkpoint comes from: what its folder, if it is a run's, says of its training.

use crate::{
    Result, RunConfig,
    data::{DataConfig, DataStore},
    files::read_json,
    profile,
    store::RunFolder,
};
use srr_datasets::Dataset;
use srr_layers::ClassifierConfig;
use srr_trainer::{Experiment, TrainingData};
use std::path::Path;

/// The training of a checkpoint that lies in the folder of a run: of a study's, or of a single model's.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Name of the data set.
    pub data: String,
    /// Learning rate of the last step, or where no step is recorded that of the configuration.
    pub learning_rate: f64,
    /// Images in a batch.
    pub batch_size: usize,
    /// Seed of the run.
    pub seed: u64,
    cut: Cut,
}

/// How the images of the run were chosen.
#[derive(Clone, Debug, PartialEq)]
enum Cut {
    Single(Box<Experiment>),
    Study(DataConfig),
}

impl Origin {
    /// What the folder of a checkpoint says, if it is the folder of a run of this very model.
    ///
    /// # Errors
    /// A configuration or a log that is there and cannot be read.
    pub fn beside(checkpoint: &Path, model: &ClassifierConfig) -> Result<Option<Self>> {
        let folder = checkpoint.parent().unwrap_or(Path::new(""));
        let experiment = folder.join("config.toml");
        let (trained, mut origin) = if experiment.exists() {
            let found = Experiment::read(&experiment)?;
            let trained = found.model.clone();
            let origin = Self {
                data: found.data.clone(),
                learning_rate: found.training.learning_rate,
                batch_size: found.training.batch_size,
                seed: found.seed,
                cut: Cut::Single(Box::new(found)),
            };
            (trained, origin)
        } else if let Some(found) = config_of_run(&folder.join("config.json"))? {
            let origin = Self {
                data: found.data.name.clone(),
                learning_rate: found.training.learning_rate,
                batch_size: found.training.batch_size,
                seed: found.seed,
                cut: Cut::Study(found.data),
            };
            (found.model, origin)
        } else {
            return Ok(None);
        };
        if !is_of(&trained, model) {
            return Ok(None);
        }
        let log = RunFolder::at(folder).log()?;
        let last = log.last().and_then(|record| record.learning_rate);
        origin.learning_rate = last.unwrap_or(origin.learning_rate);
        Ok(Some(origin))
    }

    /// The images that the run was trained and judged on; `None` where they cannot be told: a study's run records their digests, and the
    /// part of a set that has these is looked for with the seed that profiles have by default.
    ///
    /// # Errors
    /// More images than the data set has.
    pub fn images(&self, dataset: Dataset) -> Result<Option<TrainingData>> {
        let config = match &self.cut {
            Cut::Single(experiment) => return Ok(Some(experiment.training_data(dataset)?)),
            Cut::Study(config) => config,
        };
        let test = |data: &TrainingData| data.validation.as_ref().map(|set| set.digest());
        let whole = TrainingData::new(dataset.train, Some(dataset.test.into()))?;
        let same = |data: &TrainingData| {
            data.train.digest() == config.train_digest
                && test(data).as_ref() == Some(&config.test_digest)
        };
        if same(&whole) {
            return Ok(Some(whole));
        }
        let wanted = profile::Data {
            name: Some(config.name.clone()),
            train: Some(config.train),
            test: Some(config.test),
            ..profile::Data::default()
        };
        let Ok(cut) = DataStore::new().prepare(&wanted) else {
            return Ok(None);
        };
        let cut = TrainingData::new(cut.train.clone(), Some(cut.test.clone()))?;
        Ok(same(&cut).then_some(cut))
    }
}

/// The configuration of a study's run; many programs call some other configuration by the same name.
fn config_of_run(path: &Path) -> Result<Option<RunConfig>> {
    match read_json::<serde_json::Value>(path)? {
        Some(found) if found.get("format").is_some() => read_json(path),
        _ => Ok(None),
    }
}

/// Whether a model is the one that was trained, but for what may be changed of it afterwards.
fn is_of(trained: &ClassifierConfig, model: &ClassifierConfig) -> bool {
    let changed = ClassifierConfig {
        step_size: model.step_size,
        threshold: model.threshold,
        pool: model.pool,
        ..trained.clone()
    };
    changed == *model
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artefacts, files, plan::Context, profile::Profile, store::Store};
    use std::fs;

    const PROFILE: &str = r#"
name = "tiny"
about = "A study for tests."
[data]
name = "optdigits"
train = 40
test = 20
[model]
patch = 4
dim = 4
depth = 1
heads = 2
[training]
batch_size = 8
epochs = 1
learning_rate = 0.25
[variants]
variants = ["crate"]
seeds = [7]
"#;

    /// The configuration of the one run of a profile.
    fn run(profile: &str, folder: &Path) -> RunConfig {
        let profile = Profile::parse("test", profile).unwrap();
        let context = Context {
            profile: &profile,
            data: &DataStore::new(),
            store: &Store::open(&folder.join("study"), "tiny").unwrap(),
            registry: &srr_measures::Registry::built_in(),
        };
        let recipe = artefacts::select(&profile, &[]).unwrap().remove(0);
        recipe.plan(&context).unwrap().remove(0).config
    }

    #[test]
    fn a_run_of_a_study_tells_its_training_and_its_images() {
        let folder = tempfile::tempdir().unwrap();
        let config = run(PROFILE, folder.path());
        let weights = folder.path().join("weights.safetensors");
        files::write_json(&folder.path().join("config.json"), &config).unwrap();
        let origin = Origin::beside(&weights, &config.model).unwrap().unwrap();
        assert_eq!(
            (origin.learning_rate, origin.batch_size, origin.seed),
            (0.25, 8, 7)
        );
        let images = |origin: &Origin| origin.images(srr_datasets::optdigits().unwrap()).unwrap();
        let own = images(&origin).unwrap();
        assert_eq!(own.train.digest(), config.data.train_digest);
        assert_eq!(own.validation.unwrap().digest(), config.data.test_digest);
        let other = ClassifierConfig {
            depth: 2,
            ..config.model.clone()
        };
        assert_eq!(Origin::beside(&weights, &other).unwrap(), None);
        let changed = ClassifierConfig {
            step_size: 0.3,
            ..config.model.clone()
        };
        assert!(Origin::beside(&weights, &changed).unwrap().is_some());

        // Images drawn with a seed of their own cannot be found again.
        let seeded = PROFILE.replace("test = 20", "test = 20\nseed = 5");
        let config = run(&seeded, folder.path());
        files::write_json(&folder.path().join("config.json"), &config).unwrap();
        let origin = Origin::beside(&weights, &config.model).unwrap().unwrap();
        assert!(images(&origin).is_none());
    }

    #[test]
    fn configurations_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("weights.safetensors");
        let model = run(PROFILE, folder.path()).model;
        assert_eq!(Origin::beside(&weights, &model).unwrap(), None);
        let path = folder.path().join("config.json");
        fs::write(&path, r#"{ "model_type": "vit" }"#).unwrap();
        assert_eq!(Origin::beside(&weights, &model).unwrap(), None);
        fs::write(&path, r#"{ "format": 2 }"#).unwrap();
        assert!(Origin::beside(&weights, &model).is_err());
    }
}
