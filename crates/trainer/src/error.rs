//! What can go wrong in training.

use std::path::PathBuf;

/// Everything a training run can fail on. A run whose loss leaves the finite numbers is no error: its
/// [`Status`](crate::Status) is [`Diverged`](crate::Status::Diverged).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value out of its range.
    #[error("`{field}` is {value}, expected {expected}")]
    Configuration {
        /// The name of the key.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A text and what was given beside it say different things.
    #[error("`{key}` is {text} in the text, but {given} was asked for")]
    Disagreement {
        /// The name of the key.
        key: &'static str,
        /// What the text says.
        text: String,
        /// What was given beside it.
        given: String,
    },
    /// The model has no subspace bases, so that it has no compressed rate.
    #[error("`{variant}` has no subspace bases, which {needed_by} needs")]
    NoBases {
        /// The model's variant.
        variant: String,
        /// What asked for them.
        needed_by: &'static str,
    },
    /// A backend returned a rate without the gradient that was asked for.
    #[error("the backend returned a rate without its gradient")]
    MissingGradient,
    /// A layer that the model does not have.
    #[error("layer {layer} of a model of {depth} layers")]
    NoSuchLayer {
        /// The layer, counted from 0.
        layer: usize,
        /// The number of layers.
        depth: usize,
    },
    /// The data do not fit the model.
    #[error("{what}: expected {expected}, found {found}")]
    DataMismatch {
        /// What was compared.
        what: &'static str,
        /// What the model takes.
        expected: String,
        /// What the data hold.
        found: String,
    },
    /// A set without images.
    #[error("the {set} set is empty")]
    EmptySet {
        /// Which set.
        set: &'static str,
    },
    /// The checkpoint or folder belongs to another configuration.
    #[error("{} belongs to another configuration; choose another folder, or take back what differs: {}", path.display(), differences.join(", "))]
    OtherConfiguration {
        /// The file.
        path: PathBuf,
        /// `key (there: …, here: …)` of each difference.
        differences: Vec<String>,
    },
    /// A file that a run would write over stands in a folder that is no run's.
    #[error("{} is there, but no `config.toml` beside it says that it is a run's; choose another folder", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another worker of this one, is training in the folder.
    #[error("{} is in use by another process or worker", path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a whole study, not a single model.
    #[error("{} says that the folder holds a study, expected a folder for one model", path.display())]
    FolderOfStudy {
        /// The file that says so.
        path: PathBuf,
    },
    /// A file that is no valid checkpoint: truncated, altered, or of another format.
    #[error("{}: {reason}", path.display())]
    CorruptCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither the last checkpoint nor the one before it can be read.
    #[error("no readable checkpoint: {last}; {previous}")]
    NoReadableCheckpoint {
        /// What is wrong with the last one.
        last: String,
        /// What is wrong with the one before it.
        previous: String,
    },
    /// A checkpoint that holds no model description, with none beside it.
    #[error("{}: no model configuration in its metadata, nor in a `config.toml` beside it: heads and patch must be given", path.display())]
    NoModelConfiguration {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A configuration file that cannot be read as one.
    #[error("{}: {message}", path.display())]
    ConfigurationFile {
        /// The file.
        path: PathBuf,
        /// The parser's message: place, key, what was expected.
        message: String,
    },
    /// A value that cannot be written as, or read from, its text form.
    #[error("{what}: {message}")]
    Text {
        /// What was converted.
        what: &'static str,
        /// The converter's message.
        message: String,
    },
    /// A file operation failed.
    #[error("{operation} {}: {source}", path.display())]
    File {
        /// What was attempted, such as "writing".
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A kernel refused its operands.
    #[error(transparent)]
    Kernel(#[from] srr_kernels::Error),
    /// A layer or model refused its operands.
    #[error(transparent)]
    Layer(#[from] srr_layers::Error),
    /// A data set could not be read or batched.
    #[error(transparent)]
    Data(#[from] srr_datasets::Error),
    /// A rate is undefined for the given options.
    #[error(transparent)]
    Rate(#[from] srr_coding_rate::Error),
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Wraps an input/output error with what was attempted on which file.
    pub(crate) fn file(
        operation: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            operation,
            path,
            source,
        }
    }
}
