//! `convert`: a PyTorch checkpoint to safetensors, without Python and without executing anything.

mod archive;
mod globals;
mod pickle;
mod tensors;
#[cfg(test)]
mod tests;

use crate::say::say;
use archive::Archive;
use clap::Args;
use safetensors::{Dtype, View};
use srr_layers::checkpoint::write_atomically;
use std::{
    borrow::Cow,
    collections::HashMap,
    error::Error,
    io,
    path::{Path, PathBuf},
};

/// Reads a PyTorch checkpoint (.pth, .pt) and writes its tensors as safetensors.
///
/// The pickle inside the checkpoint is read by a machine that knows plain tensors and the containers around them and refuses anything
/// else, so that a checkpoint from anywhere can be converted safely.
#[derive(Args)]
pub(crate) struct ConvertArgs {
    /// The checkpoint, as `torch.save` has written it since PyTorch 1.6
    #[arg(value_name = "IN.pth")]
    input: PathBuf,
    /// Where to write the tensors; replaced if there
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Entry of the checkpoint that holds the tensors [default: `state_dict` or `model` where there is one, else the checkpoint itself]
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
}

/// Converts one checkpoint and says what was written and what was left out.
pub(crate) fn run(args: ConvertArgs) -> Result<(), Box<dyn Error>> {
    let checkpoint = read(&args.input, args.entry.as_deref())?;
    let file = serialize(&checkpoint.tensors, &args.output)?;
    write_atomically(&args.output, |out| out.write_all(&file))?;
    let bytes: usize = checkpoint.tensors.iter().map(|t| t.data.len()).sum();
    say!(
        "{}: {} tensors, {bytes} bytes",
        args.output.display(),
        checkpoint.tensors.len()
    );
    for note in &checkpoint.skipped {
        say!("left out: {note}");
    }
    Ok(())
}

/// Why a checkpoint could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {problem}")]
    Format { path: PathBuf, problem: String },
    #[error("{path}: {source}")]
    Zip {
        path: PathBuf,
        source: zip::result::ZipError,
    },
    #[error("{path}: {source}")]
    Pickle {
        path: PathBuf,
        source: pickle::PickleError,
    },
    #[error("{path}: tensor {name}: {problem}")]
    Tensor {
        path: PathBuf,
        name: String,
        problem: String,
    },
}

/// What a checkpoint holds.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// In the order of the checkpoint.
    pub(crate) tensors: Vec<NamedTensor>,
    /// Entries that are not tensors, each with what it is.
    pub(crate) skipped: Vec<String>,
}

/// A tensor with its values, row by row, little-endian.
#[derive(Debug)]
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<u8>,
}

/// Reads the tensors of a checkpoint; `entry` names the dictionary that holds them.
pub(crate) fn read(path: &Path, entry: Option<&str>) -> Result<Checkpoint, ConvertError> {
    let mut archive = Archive::open(path)?;
    let bytes = archive.pickle()?;
    let pickle = pickle::Pickle::parse(&bytes).map_err(|source| ConvertError::Pickle {
        path: path.into(),
        source,
    })?;
    tensors::collect(&pickle, entry, &mut archive)
}

/// The tensors as a safetensors file; `path` serves messages alone.
pub(crate) fn serialize(tensors: &[NamedTensor], path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let named = tensors.iter().map(|t| (t.name.as_str(), t));
    Ok(safetensors::serialize(named, Some(metadata))
        .map_err(|error| format!("{}: {error}", path.display()))?)
}

impl View for &NamedTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (&self.data).into()
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}
