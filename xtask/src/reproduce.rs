//! `reproduce`: the study of a profile, from training to the report.

use crate::interrupt::{INTERRUPTED, stop_on_signal};
use crate::output::is_folder;
use crate::say::{count, note_substitute, say};
use crate::whole::at_least_one;
use indicatif::{ProgressBar, ProgressStyle};
use srr_study::{
    Error as StudyError, Shard, StopFlag, Study, StudyOptions,
    clock::Spent,
    profile::{self, Profile},
    progress::{Notice, Observer},
    report::{self, terminal},
};
use std::{
    error::Error,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Train, measure and compare; ends with a report. Start again to go on where it was stopped.
#[derive(clap::Args)]
pub(crate) struct ReproduceArgs {
    /// Name of an embedded profile (smoke, digits, digits-full, cifar10-small, paper) or path of a TOML file.
    #[arg(long, value_name = "NAME|FILE", default_value = profile::DEFAULT)]
    profile: String,
    /// The same, without the flag.
    #[arg(value_name = "FILE", conflicts_with = "profile")]
    file: Option<String>,
    /// Only these artefacts, separated by commas; those that the report in the folder already shows stay in it.
    #[arg(long, value_name = "ARTEFACT,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Where runs and report go; by default `srr-out/PROFILE`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs trained side by side, each on one thread; 1 gives all threads to one run. By default the number of cores.
    #[arg(long, value_parser = at_least_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
    /// Train only this share of the runs, such as 2/4; the report follows when the runs of all shards are there.
    #[arg(long, value_name = "i/n", default_value_t)]
    shard: Shard,
    /// Seconds between two checkpoints of a run, at least.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    checkpoint_every: f64,
}

/// Entry point of the command.
pub(crate) fn run(args: ReproduceArgs) -> Result<ExitCode, Box<dyn Error>> {
    let start = Instant::now();
    let origin = args.file.as_deref().unwrap_or(&args.profile);
    let profile = Profile::load(origin).map_err(|error| of_profile(origin, error))?;
    let options = StudyOptions {
        out: args
            .out
            .unwrap_or_else(|| Path::new("srr-out").join(&profile.name)),
        only: args.only,
        jobs: args.jobs.unwrap_or_else(cores),
        shard: args.shard,
        checkpoint_every: Duration::try_from_secs_f64(args.checkpoint_every)?,
    };
    is_folder(&options.out)?;
    let stop = stop_on_signal("at the next checkpoint")?;
    note_substitute(profile.precision);
    let study = Study::plan(&profile, &options).map_err(|error| of_profile(origin, error))?;
    let display = Display::new();
    let trained = study.train(&display, &stop);
    display.close();
    if is_interrupted(trained)? {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let missing = study.missing()?;
    if !missing.is_empty() {
        eprintln!(
            "shard {} is done; {} of {} runs are missing:",
            options.shard,
            missing.len(),
            study.runs().len()
        );
        missing.iter().for_each(|run| eprintln!("  {run}"));
        return Ok(ExitCode::SUCCESS);
    }
    let finished = finish(&study, &options, &display, &stop, start);
    Ok(match is_interrupted(finished)? {
        true => ExitCode::from(INTERRUPTED),
        false => ExitCode::SUCCESS,
    })
}

/// An error in words, after the profile's name or path where it is about a value of the profile.
fn of_profile(origin: &str, error: StudyError) -> String {
    match error {
        StudyError::Setting { .. }
        | StudyError::InTable { .. }
        | StudyError::NoArtefacts { .. } => format!("{origin}: {error}"),
        other => other.to_string(),
    }
}

/// Whether a part of the study was stopped; says how to go on.
fn is_interrupted(outcome: Result<(), StudyError>) -> Result<bool, StudyError> {
    match outcome {
        Err(StudyError::Interrupted) => {
            eprintln!("stopped; the same command goes on from there");
            Ok(true)
        }
        other => other.map(|()| false),
    }
}

/// Collects the artefacts, writes the report and says where it is.
fn finish(
    study: &Study<'_>,
    options: &StudyOptions,
    display: &Display,
    stop: &StopFlag,
    start: Instant,
) -> Result<(), StudyError> {
    let artefacts = study.collect(display, stop)?;
    let written = study.publish(&artefacts, start.elapsed())?;
    say!("{}", terminal::summary(&artefacts));
    say!("{} files in {}", written.len(), options.out.display());
    say!("report: {}", options.out.join(report::PAGE).display());
    Ok(())
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Shows progress on a bar, or line by line where there is no terminal.
struct Display {
    bar: ProgressBar,
    /// Runs that this process finished.
    finished: AtomicUsize,
}

impl Display {
    fn new() -> Self {
        let bar = ProgressBar::new(1000);
        // A style that does not parse would leave indicatif's own, which will do as well.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent} % {elapsed} {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            finished: AtomicUsize::new(0),
        }
    }

    fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    fn show(&self, share: f64, left: Option<Duration>, message: &str) {
        let left = left.map(|left| format!("({} left) ", spell(left)));
        self.bar.set_position((1000.0 * share) as u64);
        self.bar
            .set_message(format!("{}{message}", left.unwrap_or_default()));
    }
}

impl Observer for Display {
    fn notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Planned {
                runs,
                finished,
                ours,
            } => self.line(&format!(
                "{runs} runs, {finished} finished before, {ours} to do here"
            )),
            Notice::Started { label, .. } => self.bar.set_message((*label).to_owned()),
            Notice::Epoch {
                run,
                epoch,
                of,
                loss,
                share,
                left,
            } => {
                let loss = loss.map(|loss| format!(", loss {loss:.4}"));
                let loss = loss.unwrap_or_default();
                self.show(*share, *left, &format!("{run}: epoch {epoch}/{of}{loss}"));
            }
            Notice::Finished {
                run,
                label,
                outcome,
                share,
                left,
            } => {
                self.finished.fetch_add(1, Ordering::Relaxed);
                self.show(*share, *left, "");
                let left = left.map(|left| format!(", {} left", spell(left)));
                let (left, percent) = (left.unwrap_or_default(), 100.0 * share);
                self.line(&format!("{percent:3.0} %{left}: {run} {label}: {outcome}"));
            }
            Notice::Trained {
                runs,
                spent,
                threads,
            } => {
                let ours = self.finished.load(Ordering::Relaxed);
                self.line(&trained(*runs, ours, spent, *threads));
            }
            Notice::Waiting { runs } => self
                .bar
                .set_message(format!("waiting for {runs} runs of other processes")),
            Notice::Collecting { artefact } => self.line(&format!("collecting {artefact}")),
            _ => {}
        }
    }
}

/// How long the runs took, who trained them where others did too, and which share of the threads' time was spent on a processor.
fn trained(runs: usize, ours: usize, spent: &Spent, threads: usize) -> String {
    let wall = spell(Duration::try_from_secs_f64(spent.wall).unwrap_or_default());
    let busy = spent.processor.map(|processor| {
        let share = 100.0 * processor / (spent.wall * threads as f64);
        format!(", {} {share:.0} % busy", count(threads, "thread"))
    });
    let others = match runs.saturating_sub(ours) {
        0 => String::new(),
        others => format!(" ({ours} by this process, {others} by others)"),
    };
    format!(
        "{}{others} in {wall}{}",
        count(runs, "run"),
        busy.unwrap_or_default()
    )
}

/// `1 h 02 min`, `3 min 20 s`, `5 s`.
fn spell(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_tells_how_busy_it_was() {
        let spent = |processor| Spent {
            wall: 200.0,
            processor,
        };
        assert_eq!(
            trained(9, 9, &spent(Some(390.0)), 2),
            "9 runs in 3 min 20 s, 2 threads 98 % busy"
        );
        assert_eq!(
            trained(1, 1, &spent(Some(200.0)), 1),
            "1 run in 3 min 20 s, 1 thread 100 % busy"
        );
        assert_eq!(trained(9, 9, &spent(None), 2), "9 runs in 3 min 20 s");
        assert_eq!(
            trained(9, 4, &spent(None), 2),
            "9 runs (4 by this process, 5 by others) in 3 min 20 s"
        );
    }

    #[test]
    fn times_are_spelled_for_people() {
        let spelled = [5, 200, 3720].map(|seconds| spell(Duration::from_secs(seconds)));
        assert_eq!(spelled, ["5 s", "3 min 20 s", "1 h 02 min"]);
    }
}
