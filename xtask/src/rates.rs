//! `rates`: the coding rates of a file's tokens, with their gradients.

use crate::{conventions::PrecisionArgs, model::named, output::is_no_input, say::say};
use clap::Args;
use ndarray::{ArrayView2, ArrayView3};
use srr_coding_rate::{Bases, coding_rate_with_gradient, compressed_rate_with_gradient};
use srr_layers::{
    HostTensor,
    checkpoint::{self, TensorFile, write_tensors},
};
use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
};

/// What the command reads.
const INPUT: &str = "a safetensors file with Z [d, N] and U [K, d, p]";

/// Computes R(Z) = ½ logdet(I + d/(N ε²) Z Zᵀ) and R^c(Z; U) = Σₖ ½ logdet(I + p/(N ε²) Uₖᵀ Z Zᵀ Uₖ) with all gradients, in double
/// precision.
#[derive(Debug, Args)]
pub(crate) struct RatesArgs {
    /// Safetensors file with `Z` [d, N], one token a column, and `U` [K, d, p], the bases; both are needed
    #[arg(long, value_name = "IN")]
    input: PathBuf,
    #[command(flatten)]
    precision: PrecisionArgs,
    /// Safetensors file to write, replaced if there: `R`, `Rc`, `grad_Z_R`, `grad_Z_Rc`, `grad_U_Rc`
    #[arg(long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Whatever the files and the rates refuse.
pub(crate) fn run(args: RatesArgs) -> Result<(), Box<dyn Error>> {
    is_no_input(&args.output, &[&args.input])?;
    let precision = args.precision.precision()?;
    let (z, u) = read(&args.input)?;
    let [dim, tokens, heads, head_dim] =
        sizes(&z, &u).map_err(|message| format!("{}: {message}", args.input.display()))?;
    let z = ArrayView2::from_shape((dim, tokens), &z.values)?;
    let bases = Bases::new(ArrayView3::from_shape((heads, dim, head_dim), &u.values)?)?;
    let (rate, rate_gradient) = coding_rate_with_gradient(z.t(), precision, head_dim)?;
    let compressed = compressed_rate_with_gradient(z.t(), &bases, precision)?;
    let (r, rc) = (rate, compressed.value);
    let tensors = [
        tensor("R", &[1], [&rate]),
        tensor("Rc", &[1], [&compressed.value]),
        tensor("grad_Z_R", &[dim, tokens], rate_gradient.t()),
        tensor("grad_Z_Rc", &[dim, tokens], compressed.tokens.t()),
        tensor("grad_U_Rc", &[heads, dim, head_dim], compressed.bases()),
    ];
    write_tensors(
        &args.output,
        &tensors.into(),
        checkpoint::Precision::Double,
        &BTreeMap::new(),
    )?;
    say!(
        "R = {r:.6}, R^c = {rc:.6} nats; with gradients: {}",
        args.output.display()
    );
    Ok(())
}

/// Tokens Z and bases U of a file.
fn read(path: &Path) -> Result<(HostTensor, HostTensor), String> {
    let both = |file: &TensorFile| Ok((file.floats("Z")?, file.floats("U")?));
    // Many errors name the file already, and most what is wrong with it, but none what it should have been.
    let found = TensorFile::open(path).and_then(|file| both(&file));
    found.map_err(|error| format!("{}; expected {INPUT}", named(path, &error)))
}

/// d, N, K and p of tokens Z and bases U as the file has them, if they go together and all their numbers are finite.
fn sizes(z: &HostTensor, u: &HostTensor) -> Result<[usize; 4], String> {
    let (&[dim, tokens], &[heads, rows, head_dim]) = (&z.shape[..], &u.shape[..]) else {
        return Err(format!(
            "expected Z [d, N] and U [K, d, p], found Z {:?} and U {:?}",
            z.shape, u.shape
        ));
    };
    if dim != rows || [dim, tokens, heads, head_dim].contains(&0) {
        return Err(format!(
            "expected Z [d, N] and U [K, d, p] with the same d and nothing empty, found Z {:?} and U {:?}",
            z.shape, u.shape
        ));
    }
    for (name, tensor) in [("Z", z), ("U", u)] {
        if let Some(index) = tensor.values.iter().position(|value| !value.is_finite()) {
            let place = places(index, &tensor.shape);
            return Err(format!(
                "{name}{place:?} is {}, expected finite numbers",
                tensor.values[index]
            ));
        }
    }
    Ok([dim, tokens, heads, head_dim])
}

/// The indices of an element of a row-major tensor.
fn places(index: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = index;
    let mut places: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&length| {
            let place = rest % length;
            rest /= length;
            place
        })
        .collect();
    places.reverse();
    places
}

/// A named tensor of values in row-major order.
fn tensor<'a>(
    name: &str,
    shape: &[usize],
    values: impl IntoIterator<Item = &'a f64>,
) -> (String, HostTensor) {
    (
        name.to_owned(),
        HostTensor {
            shape: shape.to_vec(),
            values: values.into_iter().copied().collect(),
        },
    )
}
