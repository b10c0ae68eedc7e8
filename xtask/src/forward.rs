//! `forward`: one pass of a checkpoint, written down tensor by tensor.

use crate::{model::ModelArgs, output::is_no_input, say::say};
use clap::{Args, ValueEnum};
use srr_kernels::{Backend, Cpu};
use srr_layers::{
    checkpoint::{Precision, TensorFile, write_tensors},
    trace,
};
use srr_trainer::Model;
use std::{collections::BTreeMap, error::Error, path::PathBuf};

/// Runs a checkpoint on images and writes the logits and every layer's tokens, with labels also loss and gradients.
#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Precision of computation and output
    #[arg(long, value_enum, default_value_t = ElementName::F64)]
    dtype: ElementName,
    /// Safetensors file with `images` (B, C, H, W), already normalized, and optionally `labels` (B)
    #[arg(long, value_name = "IN")]
    input: PathBuf,
    /// Safetensors file to write, replaced if there: `logits`, `layerI.attention` and `layerI.ista` from layer 0 on, with labels `loss` and
    /// `grad.NAME` of every parameter
    #[arg(long, value_name = "OUT")]
    output: PathBuf,
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
    is_no_input(&args.output, &[&args.input, &args.model.checkpoint])?;
    let input = TensorFile::open(&args.input)?;
    let images = input.floats("images")?;
    let labels = match input.contains("labels") {
        true => Some(input.integers("labels")?.1),
        false => None,
    };
    let size = match images.shape[..] {
        [_, _, height, width] => Some([height, width]),
        _ => None,
    };
    let Model {
        config, tensors, ..
    } = args.model.open(size)?;
    let tensors = trace::run(backend, &config, &tensors, &images, labels.as_deref())?;
    let precision = Precision::of(backend);
    write_tensors(&args.output, &tensors, precision, &BTreeMap::new())?;
    let (count, path) = (tensors.len(), args.output.display());
    say!("{count} tensors of {} images: {path}", images.shape[0]);
    Ok(())
}
