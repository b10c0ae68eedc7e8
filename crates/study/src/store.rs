//! The folder of a study and the folders of its runs.
//!
//! ```text
//! OUT/study.json            which profile the folder belongs to
//! OUT/runs/RUN/config.json  the run, fully resolved; RUN is its digest
//!              log.jsonl        one record per epoch
//!              initial.safetensors, weights.safetensors
//!              checkpoint*.safetensors   while it is being trained
//!              result.json      how it ended
//!              measures.json    what was measured on it
//!              timings.json     how long it took
//!              lock             held by who works on it
//! ```

use crate::{
    Error, FORMAT, Result, RunConfig,
    clock::Spent,
    files::{self, canonical_json, read_json, read_text, write_atomically, write_json},
    measuring::MeasureRecord,
};
use serde::{Deserialize, Serialize};
use srr_layers::ParameterCount;
use srr_trainer::{EpochRecord, FolderLock, Reason, Scores, Status};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How a run ended, as `result.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// [`FORMAT`].
    pub format: u64,
    /// Version of this crate that trained it.
    pub version: String,
    /// Finished or diverged.
    pub status: Status,
    /// Epochs trained.
    pub epochs: usize,
    /// Steps taken.
    pub steps: u64,
    /// The final model on the training set, in evaluation mode.
    pub train: Option<Scores>,
    /// The final model on the test set (or what was held out), in evaluation mode.
    pub test: Option<Scores>,
    /// Trainable parameters.
    pub trainable: u64,
    /// All parameters, frozen ones too.
    pub total: u64,
}

impl RunResult {
    /// Of a run that ended with these records.
    #[must_use]
    pub fn new(status: Status, last: Option<&EpochRecord>, count: ParameterCount) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            status,
            epochs: last.map_or(0, |record| record.epoch),
            steps: last.map_or(0, |record| record.steps),
            train: last.and_then(|record| record.train),
            test: last.and_then(|record| record.validation),
            trainable: count.trainable,
            total: count.total,
        }
    }

    /// Whether the run ended because it met the stopping criterion.
    #[must_use]
    pub fn at_target(&self) -> bool {
        self.status
            == Status::Finished {
                reason: Reason::Target,
            }
    }

    /// Whether a value left the finite numbers.
    #[must_use]
    pub fn diverged(&self) -> bool {
        matches!(self.status, Status::Diverged { .. })
    }

    /// Test loss minus training loss.
    #[must_use]
    pub fn loss_gap(&self) -> Option<f64> {
        Some(self.test?.loss - self.train?.loss)
    }

    /// Training accuracy minus test accuracy.
    #[must_use]
    pub fn accuracy_gap(&self) -> Option<f64> {
        Some(self.train?.accuracy? - self.test?.accuracy?)
    }

    /// Share of the test images whose label is predicted.
    #[must_use]
    pub fn test_accuracy(&self) -> Option<f64> {
        self.test?.accuracy
    }
}

/// The folder of a study.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    profile: String,
}

/// What `study.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    format: u64,
    profile: String,
}

impl Store {
    /// The folder of the study of this name, which need not be there yet.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] when it belongs to a study of another name or to a single model, [`Error::FormatVersion`] when
    /// another version wrote it.
    pub fn open(root: &Path, profile: &str) -> Result<Self> {
        let path = root.join("study.json");
        check_format(&path)?;
        let foreign = |path, found| Error::ForeignFolder {
            path,
            found,
            expected: format!("the study `{profile}`"),
        };
        match read_json::<Owner>(&path)? {
            Some(owner) if owner.profile != profile => {
                return Err(foreign(path, format!("the study `{}`", owner.profile)));
            }
            None if root.join("config.toml").exists() => {
                let path = root.join("config.toml");
                return Err(foreign(path, "a single model".to_owned()));
            }
            None => {
                if let Some(other) = files::first_besides(root, &["runs"])? {
                    return Err(foreign(root.to_path_buf(), format!("`{other}`")));
                }
            }
            Some(_) => {}
        }
        Ok(Self {
            root: root.to_path_buf(),
            profile: profile.to_owned(),
        })
    }

    /// Makes the folder if it is not there yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn found(&self) -> Result<()> {
        files::make_folder(&self.root.join("runs"))?;
        let path = self.root.join("study.json");
        if path.exists() {
            return Ok(());
        }
        let owner = Owner {
            format: FORMAT,
            profile: self.profile.clone(),
        };
        write_json(&path, &owner)
    }

    /// The study's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a run, which may not be there yet.
    #[must_use]
    pub fn run(&self, id: &str) -> RunFolder {
        RunFolder::at(&self.root.join("runs").join(id))
    }
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder at a path, which may not be a run's.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the folder if need be and takes its lock; `None` when somebody else holds it.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] when it holds another configuration, [`Error::FormatVersion`] when another version wrote it.
    pub fn claim(&self, config: &RunConfig) -> Result<Option<FolderLock>> {
        files::make_folder(&self.path)?;
        let Some(lock) = FolderLock::try_take(&self.path)? else {
            return Ok(None);
        };
        lock.sweep(&self.path)?;
        if !self.check_config(config)? {
            write_atomically(
                &self.file("config.json"),
                canonical_json(config)?.as_bytes(),
            )?;
        }
        Ok(Some(lock))
    }

    /// Whether the folder has its configuration, which must be this one.
    fn check_config(&self, config: &RunConfig) -> Result<bool> {
        let path = self.file("config.json");
        check_format(&path)?;
        let Some(found) = read_text(&path)? else {
            return Ok(false);
        };
        let expected = canonical_json(config)?;
        if found == expected {
            return Ok(true);
        }
        let (found, expected) = first_difference(&found, &expected);
        Err(Error::ForeignFolder {
            path,
            found,
            expected,
        })
    }

    /// How the run ended; `None` while it has not.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] when the folder holds another configuration, [`Error::FormatVersion`] when another version
    /// wrote it, [`Error::Corrupt`] when it cannot be read.
    pub fn result(&self, config: &RunConfig) -> Result<Option<RunResult>> {
        if !self.check_config(config)? {
            return Ok(None);
        }
        let path = self.file("result.json");
        check_format(&path)?;
        read_json(&path)
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_result(&self, result: &RunResult) -> Result<()> {
        write_json(&self.file("result.json"), result)
    }

    /// What was measured, by digest of the request.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file cannot be read.
    pub fn measures(&self) -> Result<BTreeMap<String, MeasureRecord>> {
        Ok(read_json(&self.file("measures.json"))?.unwrap_or_default())
    }

    /// Writes what was measured.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_measures(&self, measures: &BTreeMap<String, MeasureRecord>) -> Result<()> {
        write_json(&self.file("measures.json"), measures)
    }

    /// The records of all epochs, that of the start first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the number of the line that does not read.
    pub fn log(&self) -> Result<Vec<EpochRecord>> {
        let path = self.file("log.jsonl");
        let text = read_text(&path)?.unwrap_or_default();
        let mut records = Vec::new();
        for (number, line) in text.lines().enumerate() {
            // The last line says how the run ended.
            if serde_json::from_str::<Status>(line).is_ok() {
                break;
            }
            let record = serde_json::from_str(line).map_err(|error| Error::Corrupt {
                path: path.clone(),
                problem: format!("line {}: {error}", number + 1),
            })?;
            records.push(record);
        }
        Ok(records)
    }

    /// Time spent on the run so far, over all sessions.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file cannot be read.
    pub fn timings(&self) -> Result<Timings> {
        Ok(read_json(&self.file("timings.json"))?.unwrap_or_default())
    }

    /// Adds to the time spent.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add_timings(&self, more: Timings) -> Result<()> {
        let before = self.timings()?;
        let mut sum = Timings {
            training: before.training.plus(more.training),
            measuring: before.measuring.plus(more.measuring),
            sessions: before.sessions + more.sessions,
            measures: before.measures,
        };
        for (measure, seconds) in more.measures {
            *sum.measures.entry(measure).or_default() += seconds;
        }
        write_json(&self.file("timings.json"), &sum)
    }
}

/// Time spent on a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// On training, killed sessions left out.
    pub training: Spent,
    /// On measuring.
    pub measuring: Spent,
    /// Number of sessions that ended by themselves.
    pub sessions: u64,
    /// Seconds of every measure, by name, without the passes that another had paid for.
    #[serde(default)]
    pub measures: BTreeMap<String, f64>,
}

/// Refuses a file of ours that states another format version.
fn check_format(path: &Path) -> Result<()> {
    let Some(value) = read_json::<serde_json::Value>(path)? else {
        return Ok(());
    };
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(Error::FormatVersion {
            path: path.to_path_buf(),
            found,
            expected: FORMAT,
        }),
        None => Err(Error::Corrupt {
            path: path.to_path_buf(),
            problem: "states no format version".to_owned(),
        }),
    }
}

/// The first line in which two texts differ, from each.
fn first_difference(found: &str, expected: &str) -> (String, String) {
    let mut expected = expected.lines();
    for line in found.lines() {
        let other = expected.next().unwrap_or_default();
        if line != other {
            return (format!("`{}`", line.trim()), format!("`{}`", other.trim()));
        }
    }
    (
        "fewer lines".to_owned(),
        format!("`{}`", expected.next().unwrap_or_default().trim()),
    )
}
