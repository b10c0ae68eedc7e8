//! Commands of the workspace: `cargo xtask COMMAND`, one file each.

mod ci;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Sparse rate reduction: study, train, measure.
#[derive(Parser)]
#[command(name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run formatting, lints, documentation, every crate alone, the tests and the smoke study
    Ci(ci::CiArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Ci(args) => ci::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
