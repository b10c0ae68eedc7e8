//! `rates`: the coding rates of a file's tokens, with their gradients.

use crate::say::say;
use clap::Args;
use ndarray::{ArrayView2, ArrayView3};
use srr_coding_rate::{Bases, Precision, coding_rate_with_gradient, compressed_rate_with_gradient};
use srr_layers::{
    HostTensor,
    checkpoint::{self, TensorFile, write_tensors},
};
use std::{collections::BTreeMap, error::Error, path::PathBuf};

/// Computes R(Z) and R^c(Z; U) with all gradients, in double precision.
#[derive(Debug, Args)]
pub(crate) struct RatesArgs {
    /// Safetensors file with `Z` [d, N], one token a column, and `U` [K, d, p]
    #[arg(long, value_name = "IN")]
    input: PathBuf,
    #[command(flatten)]
    precision: PrecisionArgs,
    /// Safetensors file to write: `R`, `Rc`, `grad_Z_R`, `grad_Z_Rc`, `grad_U_Rc`
    #[arg(long, value_name = "OUT")]
    output: PathBuf,
}

/// At most one of the three; `--unit-gamma` when there is none.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct PrecisionArgs {
    /// The precision ε of the code
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    epsilon: Option<f64>,
    /// Its square ε²
    #[arg(long, value_name = "E2", allow_negative_numbers = true)]
    epsilon_squared: Option<f64>,
    /// ε² = p/N, so that γ = 1; the default
    #[arg(long)]
    unit_gamma: bool,
}

impl PrecisionArgs {
    fn precision(&self) -> Result<Precision, srr_coding_rate::Error> {
        match (self.epsilon, self.epsilon_squared) {
            (Some(epsilon), _) => Precision::from_epsilon(epsilon),
            (_, Some(squared)) => Precision::from_epsilon_squared(squared),
            _ => Ok(Precision::unit_gamma()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Whatever the files and the rates refuse.
pub(crate) fn run(args: RatesArgs) -> Result<(), Box<dyn Error>> {
    let precision = args.precision.precision()?;
    let file = TensorFile::open(&args.input)?;
    let (z, u) = (file.floats("Z")?, file.floats("U")?);
    let (&[dim, tokens], &[heads, rows, head_dim]) = (&z.shape[..], &u.shape[..]) else {
        return Err(format!(
            "Z must be [d, N] and U [K, d, p], got {:?} and {:?}",
            z.shape, u.shape
        )
        .into());
    };
    let z = ArrayView2::from_shape((dim, tokens), &z.values)?;
    let bases = Bases::new(ArrayView3::from_shape((heads, rows, head_dim), &u.values)?)?;
    let (rate, rate_gradient) = coding_rate_with_gradient(z.t(), precision, head_dim)?;
    let compressed = compressed_rate_with_gradient(z.t(), &bases, precision)?;
    let (r, rc) = (rate, compressed.value);
    let tensors = [
        tensor("R", &[1], [&rate]),
        tensor("Rc", &[1], [&compressed.value]),
        tensor("grad_Z_R", &[dim, tokens], rate_gradient.t()),
        tensor("grad_Z_Rc", &[dim, tokens], compressed.tokens.t()),
        tensor("grad_U_Rc", &[heads, rows, head_dim], compressed.bases()),
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
