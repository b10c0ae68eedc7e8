//! A trained model in a file: weights under their official names, with what it takes to use them.

use crate::{Error, Result};
use srr_datasets::Normalization;
use srr_kernels::Backend;
use srr_layers::{
    Classifier, ClassifierConfig, HostTensor, Parameters,
    checkpoint::{load_safetensors, save_safetensors},
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

/// Reads a model from a file of [`save_model`] or a checkpoint of a run. A file without a configuration, such as a converted official
/// checkpoint, needs a [`config.toml`](crate::Experiment) in its folder.
///
/// # Errors
/// [`Error::NoModelConfiguration`]; a file that cannot be read or is not sound.
pub fn load_model(path: &Path) -> Result<Model> {
    let file = load_safetensors(path)?;
    let config = match file.config()? {
        Some(config) => config,
        None => beside(path)?,
    };
    let normalization = file.metadata.get(NORMALIZATION);
    let normalization = normalization.map(|json| serde_json::from_str(json));
    let normalization = normalization.transpose().map_err(|error| Error::Text {
        what: "the normalization in a checkpoint's metadata",
        message: error.to_string(),
    })?;
    Ok(Model {
        config,
        normalization,
        tensors: file.tensors,
    })
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
