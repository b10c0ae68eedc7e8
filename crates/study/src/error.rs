//! What can go wrong in a study, with the facts.

use std::path::{Path, PathBuf};

/// Everything this crate can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No embedded profile of this name, and no such file.
    #[error(
        "there is no profile `{name}`{}; profiles are {known}, or the path of a TOML file",
        hint(nearest)
    )]
    UnknownProfile {
        /// The name asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
        /// All known names, separated by commas.
        known: String,
    },
    /// A key of the profile that means nothing.
    #[error("{profile}, line {line}: unknown key `{key}`{}", hint(nearest))]
    UnknownKey {
        /// Name or path of the profile.
        profile: String,
        /// Line, from 1.
        line: usize,
        /// The key with the tables it stands in, such as `correlation.training.lr`.
        key: String,
        /// The nearest key that is known there.
        nearest: Option<String>,
    },
    /// A name in the profile (a measure, a variant, a data set, an artefact, …) that is not known.
    #[error("{profile}, line {line}: there is no {kind} `{name}`{}", hint(nearest))]
    UnknownName {
        /// Name or path of the profile.
        profile: String,
        /// Line, from 1.
        line: usize,
        /// What the name should have been.
        kind: String,
        /// The name found.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// A profile that is not TOML, or a value of the wrong type.
    #[error("{profile}, line {line}: {problem}")]
    Profile {
        /// Name or path of the profile.
        profile: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A setting that is read well but cannot be used.
    #[error("the profile's `{key}` is {found}, expected {expected}")]
    Setting {
        /// The key with its tables.
        key: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A value of a profile's table that no model or training can have.
    #[error("[{table}] {source}")]
    InTable {
        /// The table.
        table: String,
        /// What is wrong with the value.
        source: Box<Error>,
    },
    /// A profile without a table of an artefact.
    #[error("there is no table of an artefact, expected at least one of {}", known.join(", "))]
    NoArtefacts {
        /// The tables that there may be.
        known: Vec<String>,
    },
    /// Reading, writing or locking failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// An artefact that the profile does not have.
    #[error(
        "the profile `{profile}` has no artefact `{name}`{}; it has {known}",
        hint(nearest)
    )]
    UnknownArtefact {
        /// The name asked for.
        name: String,
        /// The profile.
        profile: String,
        /// The nearest artefact it has.
        nearest: Option<String>,
        /// All it has, separated by commas.
        known: String,
    },
    /// A file of ours that does not read as one.
    #[error("{}: {problem}; {}", path.display(), mended(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A folder that belongs to another run or to another study.
    #[error("{} holds {found}, expected {expected}; {}", path.display(), replaced(path))]
    ForeignFolder {
        /// The file that says so.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// A file written by another version of the format.
    #[error("{} has format version {found}, expected {expected}", path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// The version it states.
        found: u64,
        /// The version this crate writes.
        expected: u64,
    },
    /// A shard `i/n` that is none.
    #[error("`{found}` is not a shard: expected i/n with 1 <= i <= n, such as 2/4")]
    Shard {
        /// The text given.
        found: String,
    },
    /// Artefacts were asked for before all their runs were there.
    #[error("{} of {total} runs are not there yet: {}", missing.len(), missing.join(", "))]
    MissingRuns {
        /// Folder names of the runs that are missing.
        missing: Vec<String>,
        /// Number of runs wanted.
        total: usize,
    },
    /// The stop flag was raised; what was under way is in its checkpoint.
    #[error("stopped on request; start again to go on from the last checkpoint")]
    Interrupted,
    /// A data set could not be read or cut.
    #[error(transparent)]
    Data(#[from] srr_datasets::Error),
    /// A model's configuration or parameters are refused.
    #[error(transparent)]
    Layers(#[from] srr_layers::Error),
    /// A kernel refused its operands.
    #[error(transparent)]
    Kernels(#[from] srr_kernels::Error),
    /// A rate is undefined for the given options.
    #[error(transparent)]
    Rates(#[from] srr_coding_rate::Error),
    /// Training failed.
    #[error(transparent)]
    Trainer(#[from] srr_trainer::Error),
    /// A measure or statistic failed.
    #[error(transparent)]
    Measures(#[from] srr_measures::Error),
    /// The report could not be written.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// A table of models, or what is asked of it, cannot be worked with.
    #[error(transparent)]
    Table(#[from] crate::tables::TableError),
    /// A value that the artefacts cannot work with.
    #[error("{what}: {problem}")]
    Invalid {
        /// What was being computed or drawn.
        what: String,
        /// Why it cannot be.
        problem: String,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Wraps an input-output error with what was being done to which path.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// What to do about a file of ours that does not read as one.
fn mended(path: &Path) -> String {
    if path.ends_with("study.json") {
        return format!(
            "write {{\"format\": {}, \"profile\": \"NAME\"}} into it, with the name of the folder's profile, or choose another folder",
            crate::FORMAT
        );
    }
    "if this is a run's, remove its folder and the run is trained again".to_owned()
}

/// What to do about a file that is not the expected one.
fn replaced(path: &Path) -> String {
    match path.parent() {
        Some(run) if path.ends_with("config.json") => format!(
            "remove the folder {} and the run is trained again",
            run.display()
        ),
        _ => "choose another folder".to_owned(),
    }
}

/// `, did you mean …?` where there is a near name.
fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}
