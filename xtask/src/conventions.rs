//! How rates are taken, as options of commands.

use clap::Args;
use srr_coding_rate::{Conventions, Error, MeasuredNorms, Precision};
use srr_study::{artefacts, report::markup::plain};

/// At most one of the three; `--unit-gamma` when there is none.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PrecisionArgs {
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
    pub(crate) fn precision(&self) -> Result<Precision, Error> {
        match (self.epsilon, self.epsilon_squared) {
            (Some(epsilon), _) => Precision::from_epsilon(epsilon),
            (_, Some(squared)) => Precision::from_epsilon_squared(squared),
            _ => Ok(Precision::unit_gamma()),
        }
    }
}

/// The conventions on which the rates of a network depend.
#[derive(Debug, Args)]
pub(crate) struct ConventionArgs {
    /// Measure rates with the layer norms in place; by default they are removed
    #[arg(long)]
    norms: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
}

impl ConventionArgs {
    pub(crate) fn conventions(&self) -> Result<Conventions, Error> {
        Ok(Conventions {
            norms: match self.norms {
                true => MeasuredNorms::Kept,
                false => MeasuredNorms::Removed,
            },
            precision: self.precision.precision()?,
            ..Conventions::default()
        })
    }
}

/// Conventions in the words of the report.
pub(crate) fn in_words(conventions: &Conventions) -> String {
    plain(&artefacts::conventions(conventions))
}
