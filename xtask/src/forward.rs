//! `forward`: one pass of a checkpoint, written down tensor by tensor.

use crate::{output::is_no_input, say::say};
use clap::{Args, ValueEnum};
use srr_kernels::{Backend, Cpu};
use srr_layers::{
    Pool,
    checkpoint::{Checkpoint, Precision, TensorFile, write_tensors},
    trace,
};
use std::{collections::BTreeMap, error::Error, path::PathBuf};

/// Runs a checkpoint on images and writes the logits and every layer's tokens, with labels also loss and gradients.
#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    /// Weights in official names, in safetensors
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// Number of heads [default: that of the file's configuration; official checkpoints hold none]
    #[arg(long, value_name = "K")]
    heads: Option<usize>,
    /// Side of a patch in pixels [default: that of the file's configuration; official checkpoints hold none]
    #[arg(long, value_name = "P")]
    patch: Option<usize>,
    /// Step size of ISTA [default: that of the file's configuration, or else 0.1]
    #[arg(long, value_name = "B")]
    step_size: Option<f64>,
    /// Threshold of ISTA [default: that of the file's configuration, or else 0.1]
    #[arg(long, value_name = "L")]
    threshold: Option<f64>,
    /// What the head reads [default: as in the file's configuration, or else cls]
    #[arg(long, value_enum)]
    pool: Option<PoolName>,
    /// Precision of computation and output
    #[arg(long, value_enum, default_value_t = ElementName::F64)]
    dtype: ElementName,
    /// Safetensors file with `images` (B, C, H, W), already normalized, and optionally `labels` (B)
    #[arg(long, value_name = "IN")]
    input: PathBuf,
    /// Safetensors file to write; replaced if there
    #[arg(long, value_name = "OUT")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PoolName {
    /// The class token
    Cls,
    /// The mean of all tokens
    Mean,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ElementName {
    /// Single precision
    F32,
    /// Double precision
    F64,
}

/// Runs the command.
///
/// # Errors
/// Whatever the files and the model refuse.
pub(crate) fn run(args: ForwardArgs) -> Result<(), Box<dyn Error>> {
    match args.dtype {
        ElementName::F32 => run_on(&Cpu::<f32>::new(), &args),
        ElementName::F64 => run_on(&Cpu::<f64>::new(), &args),
    }
}

fn run_on<B: Backend>(backend: &B, args: &ForwardArgs) -> Result<(), Box<dyn Error>> {
    is_no_input(&args.output, &[&args.input, &args.checkpoint])?;
    let checkpoint = Checkpoint::from_file(&TensorFile::open(&args.checkpoint)?)?;
    let input = TensorFile::open(&args.input)?;
    let images = input.floats("images")?;
    let labels = match input.contains("labels") {
        true => Some(input.integers("labels")?.1),
        false => None,
    };
    let stored = checkpoint.config()?;
    let needed = |flag: &str| {
        format!(
            "{flag} is needed: {} holds no configuration",
            args.checkpoint.display()
        )
    };
    let heads = args.heads.or(stored.as_ref().map(|config| config.heads));
    let patch = args.patch.or(stored.as_ref().map(|config| config.patch));
    let options = trace::Options {
        heads: heads.ok_or_else(|| needed("--heads"))?,
        patch: patch.ok_or_else(|| needed("--patch"))?,
        step_size: args.step_size,
        threshold: args.threshold,
        pool: args.pool.map(|pool| match pool {
            PoolName::Cls => Pool::ClassToken,
            PoolName::Mean => Pool::Mean,
        }),
    };
    let tensors = trace::run(backend, &checkpoint, &options, &images, labels.as_deref())?;
    let precision = Precision::of(backend);
    write_tensors(&args.output, &tensors, precision, &BTreeMap::new())?;
    let (count, path) = (tensors.len(), args.output.display());
    say!("{count} tensors of {} images: {path}", images.shape[0]);
    Ok(())
}
