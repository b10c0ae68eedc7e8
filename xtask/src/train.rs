//! `train`: one model on one data set, in a folder of its own.

use crate::interrupt::{INTERRUPTED, stop_on_signal};
use crate::output::is_folder;
use crate::say::{note_substitute, say};
use srr_kernels::{Backend, Cpu};
use srr_layers::{Parameters, Variant};
use srr_study::{StopFlag, profile::explain_refusal};
use srr_trainer::{
    EpochRecord, Experiment, Observer, Outcome, Progress, Status, StepReport, TrainingData,
};
use std::{
    error::Error,
    fs,
    io::{IsTerminal as _, stderr},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Train one model; start again to go on where it was stopped.
#[derive(Debug, clap::Args)]
pub(crate) struct TrainArgs {
    /// crate, crate-c, crate-n, crate-t, crate-fix, crate-identity or vit
    #[arg(long, value_name = "V")]
    variant: Variant,
    /// Name of a data set; `cargo xtask data list` shows them
    #[arg(long, value_name = "NAME")]
    data: String,
    /// TOML file with the keys that differ from the data set's defaults (tables model and training, seed, precision, …); the resolved
    /// configuration is written to config.toml in the output folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The run's folder: config.toml, log.jsonl, checkpoints, model.safetensors
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A configuration, data set or folder that cannot be used, in words for the terminal.
pub(crate) fn run(args: TrainArgs) -> Result<ExitCode, Box<dyn Error>> {
    is_folder(&args.out)?;
    let experiment = resolve(&args)?;
    let dataset = srr_datasets::open_default(&args.data)?;
    let data = experiment.training_data(dataset);
    let data = data.map_err(|error| of_config(&args, &error))?;
    let stop = stop_on_signal("at the next checkpoint")?;
    note_substitute(experiment.precision);
    match experiment.precision.matmul() {
        Some(precision) => {
            let backend = Cpu::<f32>::new().with_precision(precision);
            train(backend, &experiment, &data, &args.out, &stop)
        }
        None => train(Cpu::<f64>::new(), &experiment, &data, &args.out, &stop),
    }
}

fn resolve(args: &TrainArgs) -> Result<Experiment, Box<dyn Error>> {
    let Some(path) = &args.config else {
        return Ok(Experiment::resolve(&args.data, args.variant, "")?);
    };
    let toml = fs::read_to_string(path).map_err(|error| of_config(args, &error))?;
    let experiment = Experiment::resolve(&args.data, args.variant, &toml);
    Ok(experiment.map_err(|error| match &error {
        srr_trainer::Error::Text { message, .. } => {
            explain_refusal(&path.display().to_string(), &toml, message).to_string()
        }
        _ => of_config(args, &error),
    })?)
}

/// An error after the name of the configuration's file, if there is one.
fn of_config(args: &TrainArgs, error: &dyn Error) -> String {
    match &args.config {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_string(),
    }
}

fn train<B: Backend>(
    backend: B,
    experiment: &Experiment,
    data: &TrainingData,
    out: &Path,
    stop: &StopFlag,
) -> Result<ExitCode, Box<dyn Error>> {
    let mut progress = Progress::on_stderr();
    let mut witness = Witness {
        log: (!stderr().is_terminal()).then(|| out.join("log.jsonl")),
        saw_work: false,
    };
    let raised = || stop.raised();
    let outcome = experiment.train(
        backend,
        data,
        out,
        &raised,
        &mut [&mut progress, &mut witness],
    )?;
    if let Some(reason) = outcome
        .resumed
        .as_ref()
        .and_then(|r| r.passed_over.as_deref())
    {
        eprintln!(
            "the last checkpoint could not be read, went on from the one before it: {reason}"
        );
    }
    if !witness.saw_work {
        say!(
            "nothing was to be done: the run in {} had ended",
            out.display()
        );
    }
    report(&outcome, experiment, out);
    Ok(match outcome.status {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Diverged { .. } => ExitCode::FAILURE,
        Status::Finished { .. } => ExitCode::SUCCESS,
    })
}

/// Sees whether anything is done, and says when it begins where the log can be read; before that, checks may refuse the run.
struct Witness {
    log: Option<PathBuf>,
    saw_work: bool,
}

impl<B: Backend> Observer<B> for Witness {
    fn stepped(&mut self, _: &StepReport) -> srr_trainer::Result<()> {
        if let Some(log) = self.log.take() {
            say!("a line for every epoch: {}", log.display());
        }
        self.saw_work = true;
        Ok(())
    }

    fn epoch_ended(&mut self, _: &EpochRecord, _: &Parameters<B>) -> srr_trainer::Result<()> {
        self.saw_work = true;
        Ok(())
    }
}

fn report<B: Backend>(outcome: &Outcome<B>, experiment: &Experiment, out: &Path) {
    say!(
        "{} ({} epochs, {} steps)",
        outcome.status,
        outcome.epochs,
        outcome.steps
    );
    let judged_on = match experiment.held_out {
        Some(_) => "held-out training images",
        None => "test",
    };
    let scores = [
        ("training", outcome.training_scores()),
        (judged_on, outcome.validation_scores()),
    ];
    for (set, scores) in scores {
        let Some(scores) = scores else { continue };
        let accuracy = scores
            .accuracy
            .map(|a| format!(", accuracy {:.2} %", 100.0 * a));
        say!(
            "{set}: loss {:.5}{} ({} images)",
            scores.loss,
            accuracy.unwrap_or_default(),
            scores.examples
        );
    }
    match outcome.status {
        Status::Interrupted => say!(
            "the same command goes on from the checkpoint in {}",
            out.display()
        ),
        Status::Finished { .. } => say!("weights: {}", out.join("model.safetensors").display()),
        Status::Diverged { .. } => {}
    }
}
