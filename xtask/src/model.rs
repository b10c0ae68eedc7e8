//! A checkpoint on the command line: which file it is, and what is said of its model beside it.

use crate::convert;
use clap::{Args, ValueEnum};
use srr_layers::{
    ModelFacts, Pool, Variant,
    checkpoint::{Checkpoint, TensorFile, load_safetensors},
};
use srr_trainer::Model;
use std::{
    error::Error,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// A checkpoint, and what its shapes do not say.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Weights in official names: safetensors, or a PyTorch checkpoint (.pt, .pth)
    #[arg(long, value_name = "F")]
    pub(crate) checkpoint: PathBuf,
    /// Number of heads [default: that of the file's configuration; official checkpoints hold none]
    #[arg(long, value_name = "K")]
    heads: Option<usize>,
    /// Side of a patch in pixels [default: that of the file's configuration; official checkpoints hold none]
    #[arg(long, value_name = "P")]
    patch: Option<usize>,
    /// crate, crate-c, crate-n, crate-t, crate-fix, crate-identity or vit [default: that of the file's configuration, or else as its
    /// tensors show; they do not tell the tied variants apart]
    #[arg(long, value_name = "V")]
    variant: Option<Variant>,
    /// What the head reads [default: as in the file's configuration, or else cls]
    #[arg(long, value_enum)]
    pool: Option<PoolName>,
    /// Step size of ISTA [default: that of the file's configuration, or else 0.1]
    #[arg(long, value_name = "B")]
    step_size: Option<f64>,
    /// Threshold of ISTA [default: that of the file's configuration, or else 0.1]
    #[arg(long, value_name = "L")]
    threshold: Option<f64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PoolName {
    /// The class token
    Cls,
    /// The mean of all tokens
    Mean,
}

impl ModelArgs {
    /// The model, which is to see images of this height and width.
    pub(crate) fn open(&self, size: Option<[usize; 2]>) -> Result<Model, Box<dyn Error>> {
        let facts = ModelFacts {
            variant: self.variant,
            heads: self.heads,
            patch: self.patch,
            step_size: self.step_size,
            threshold: self.threshold,
            pool: self.pool.map(|pool| match pool {
                PoolName::Cls => Pool::ClassToken,
                PoolName::Mean => Pool::Mean,
            }),
            size,
        };
        open(&self.checkpoint, &facts)
    }
}

/// The model in a file.
pub(crate) fn open(path: &Path, facts: &ModelFacts) -> Result<Model, Box<dyn Error>> {
    let model = Model::of(path, read(path)?, facts);
    Ok(model.map_err(|error| named(path, &error))?)
}

/// The tensors of a file under their official names, and its metadata.
fn read(path: &Path) -> Result<Checkpoint, Box<dyn Error>> {
    if !is_pytorch(path) {
        return Ok(load_safetensors(path)?);
    }
    let found = convert::read(path, None)?;
    let bytes = convert::serialize(&found.tensors, path)?;
    Ok(Checkpoint::from_file(&TensorFile::from_bytes(
        path, bytes,
    )?)?)
}

/// Whether a file is PyTorch's by its first bytes, which are those of a zip archive, or by its name.
fn is_pytorch(path: &Path) -> bool {
    let mut head = [0; 2];
    let zip = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let extension = path.extension().unwrap_or_default();
    zip.is_ok() && &head == b"PK" || extension == "pt" || extension == "pth"
}

/// An error that begins with the file, as many do already.
pub(crate) fn named(path: &Path, error: &dyn Error) -> String {
    let (path, error) = (path.display().to_string(), error.to_string());
    match error.contains(&path) {
        true => error,
        false => format!("{path}: {error}"),
    }
}
