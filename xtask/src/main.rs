//! Commands of the workspace: `cargo xtask COMMAND`, one file each.

mod analyse;
mod bench;
mod ci;
mod conventions;
mod convert;
mod data;
mod evaluate;
mod forward;
mod interrupt;
mod measure;
mod measures;
mod model;
mod normalization;
mod output;
mod rates;
mod reproduce;
mod say;
mod tidy;
mod train;
mod whole;

use clap::{Parser, Subcommand};
use std::{
    error::Error,
    io::{self, IsTerminal as _},
    process::ExitCode,
};
use tracing_subscriber::filter::LevelFilter;

/// Sparse rate reduction: study, train, measure.
#[derive(Parser)]
#[command(name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the study of a profile: train, measure, report
    Reproduce(reproduce::ReproduceArgs),
    /// Train one model by the same loop as the study
    Train(train::TrainArgs),
    /// Accuracy, loss, margins and rates per layer of a checkpoint
    Evaluate(evaluate::EvaluateArgs),
    /// Measures of a trained model, and its rates per layer on training and held-out images
    Measure(measure::MeasureArgs),
    /// Run official weights: logits, activations and, with labels, every gradient
    Forward(forward::ForwardArgs),
    /// Convert a PyTorch checkpoint to safetensors, without Python
    Convert(convert::ConvertArgs),
    /// R, R^c and their gradients of matrices in a file
    Rates(rates::RatesArgs),
    /// Rank correlations, conditional information and robust sign errors of anybody's table of models
    Analyse(analyse::AnalyseArgs),
    /// List every complexity measure: source, assumptions, cost
    Measures(measures::MeasuresArgs),
    /// List, import, fetch and verify data sets
    Data(data::DataArgs),
    /// Time training steps, forward passes, rates and operators, also beside PyTorch
    Bench(bench::BenchArgs),
    /// Run formatting, lints, documentation, every crate alone, the tests and the smoke study
    Ci(ci::CiArgs),
}

impl Command {
    fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Reproduce(args) => return reproduce::run(args),
            Self::Train(args) => return train::run(args),
            Self::Measure(args) => return measure::run(args),
            Self::Evaluate(args) => evaluate::run(args),
            Self::Forward(args) => forward::run(args),
            Self::Convert(args) => convert::run(args),
            Self::Rates(args) => rates::run(args),
            Self::Analyse(args) => analyse::run(args),
            Self::Measures(args) => measures::run(args),
            Self::Data(args) => data::run(args),
            Self::Bench(args) => bench::run(args),
            Self::Ci(args) => ci::run(args),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows the libraries' warnings on standard error.
fn show_warnings() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
}

fn main() -> ExitCode {
    show_warnings();
    // On a thread of the pool: from any other, each of the many short operations of a step would wait for two threads to wake up.
    rayon::scope(|_| {
        Cli::parse().command.run().unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        })
    })
}
