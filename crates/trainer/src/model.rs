//! A trained model in a file: weights under their official names, with what it takes to use them.

use crate::{Error, Result};
use srr_datasets::Normalization;
use srr_kernels::Backend;
use srr_layers::{
    Classifier, ClassifierConfig, HostTensor, ModelFacts, Parameters,
    checkpoint::{Checkpoint, load_safetensors, save_safetensors},
};
use std::{collections::BTreeMap, path::Path};

/// Where a file's metadata hold the normalization, as JSON.
const NORMALIZATION: &str = "srr.normalization";

/// A model read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its configuration.
    pub config: ClassifierConfig,
    /// How its images are normalized, if the file says.
    pub normalization: Option<Normalization>,
    /// Its weights; [`Classifier::parameters`] takes them.
    pub tensors: BTreeMap<String, HostTensor>,
}

/// Writes a classifier's weights with its configuration and normalization, atomically.
///
/// # Errors
/// The file cannot be written, or the backend fails.
pub fn save_model<B: Backend>(
    path: &Path,
    classifier: &Classifier<B>,
    parameters: &Parameters<B>,
    normalization: &Normalization,
) -> Result<()> {
    let metadata = metadata(classifier.config(), normalization);
    Ok(save_safetensors(
        path,
        classifier.backend(),
        parameters,
        &metadata,
    )?)
}

/// Reads a model from a file of [`save_model`] or a checkpoint of a run, which say all that there is to know; see [`Model::of`].
///
/// # Errors
/// Those of [`Model::of`]; a file that cannot be read or is not sound.
pub fn load_model(path: &Path) -> Result<Model> {
    Model::of(path, load_safetensors(path)?, &ModelFacts::default())
}

impl Model {
    /// The model of a checkpoint that was read from `path`. One without a configuration, such as an official one, is what `facts` and its
    /// shapes say; where `facts` name neither heads nor patch, its configuration is that of a [`config.toml`](crate::Experiment) in its
    /// folder.
    ///
    /// # Errors
    /// [`Error::NoModelConfiguration`]; those of [`ModelFacts::configure`]; metadata that cannot be read.
    pub fn of(path: &Path, checkpoint: Checkpoint, facts: &ModelFacts) -> Result<Self> {
        let silent = facts.heads.is_none() && facts.patch.is_none();
        let config = match checkpoint.config()? {
            None if silent => facts.agree(beside(path)?)?,
            _ => facts.configure(&checkpoint)?,
        };
        let normalization = checkpoint.metadata.get(NORMALIZATION);
        let normalization = normalization.map(|json| serde_json::from_str(json));
        let normalization = normalization.transpose().map_err(|error| Error::Text {
            what: "the normalization in a checkpoint's metadata",
            message: error.to_string(),
        })?;
        Ok(Self {
            config,
            normalization,
            tensors: checkpoint.tensors,
        })
    }
}

fn beside(path: &Path) -> Result<ClassifierConfig> {
    let file = path.with_file_name("config.toml");
    if !file.exists() {
        return Err(Error::NoModelConfiguration { path: path.into() });
    }
    Ok(crate::Experiment::read(&file)?.model)
}

/// What [`load_model`] reads a configuration and a normalization from.
pub(crate) fn metadata(
    config: &ClassifierConfig,
    normalization: &Normalization,
) -> BTreeMap<String, String> {
    let mut metadata = config.metadata();
    let json = serde_json::json!(normalization).to_string();
    metadata.insert(NORMALIZATION.into(), json);
    metadata
}
