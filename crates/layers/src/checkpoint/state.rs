//! A model's weights in a file.

use super::{Precision, TensorFile, write_tensors};
use crate::{ClassifierConfig, Error, HostTensor, Parameters, Result};
use srr_kernels::Backend;
use std::{collections::BTreeMap, path::Path};

/// The tensors of a checkpoint under their official names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Tensors by name.
    pub tensors: BTreeMap<String, HostTensor>,
    /// The file's metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Reads the weights in a file: if any name starts with `param.`, those alone; `param.` and then `module.`, which
    /// data-parallel training puts in front, are taken off. A value that is not finite is refused when parameters are made of it.
    ///
    /// # Errors
    /// [`Error::ElementType`] for integers; [`Error::File`] when two names become one.
    pub fn from_file(file: &TensorFile) -> Result<Self> {
        let chosen = file.names().any(|name| name.starts_with("param."));
        let mut tensors = BTreeMap::new();
        for name in file.names() {
            let rest = match name.strip_prefix("param.") {
                Some(rest) => rest,
                None if chosen => continue,
                None => name,
            };
            let official = rest.strip_prefix("module.").unwrap_or(rest);
            let tensor = file.floats(name)?;
            if tensors.insert(official.to_string(), tensor).is_some() {
                return Err(Error::File {
                    path: file.path().into(),
                    reason: format!("{official} stands there with and without a prefix"),
                });
            }
        }
        Ok(Self {
            tensors,
            metadata: file.metadata().clone(),
        })
    }

    /// The configuration in the file's metadata, where [`ClassifierConfig::metadata`] put one.
    ///
    /// # Errors
    /// [`Error::Infer`] for an entry that is no configuration; those of [`ClassifierConfig::validate`].
    pub fn config(&self) -> Result<Option<ClassifierConfig>> {
        let Some(json) = self.metadata.get(CONFIG_KEY) else {
            return Ok(None);
        };
        let config: ClassifierConfig =
            serde_json::from_str(json).map_err(|error| Error::Infer {
                reason: format!("{CONFIG_KEY} in the metadata: {error}"),
            })?;
        config.validate()?;
        Ok(Some(config))
    }
}

/// Where a checkpoint's metadata hold the configuration, as JSON.
const CONFIG_KEY: &str = "srr.config";

impl ClassifierConfig {
    /// Metadata for a checkpoint, from which [`Checkpoint::config`] reads the configuration back.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let json = serde_json::json!(self).to_string();
        BTreeMap::from([(CONFIG_KEY.into(), json)])
    }
}

/// Reads the weights in a safetensors file; see [`Checkpoint::from_file`].
///
/// # Errors
/// [`Error::Io`], [`Error::File`], [`Error::ElementType`].
pub fn load_safetensors(path: &Path) -> Result<Checkpoint> {
    Checkpoint::from_file(&TensorFile::open(path)?)
}

/// Writes parameters to a safetensors file under their official names, atomically, in the precision that the backend computes in.
///
/// # Errors
/// [`Error::Io`] and those of the backend.
pub fn save_safetensors<B: Backend>(
    path: &Path,
    backend: &B,
    parameters: &Parameters<B>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let tensors = parameters.to_host(backend)?;
    write_tensors(path, &tensors, Precision::of(backend), metadata)
}
