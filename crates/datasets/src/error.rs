//! What can go wrong, with the facts.

use std::{io, path::PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every way in which a data set can fail to be read, built or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a data set is not there.
    #[error("data set {name}: {path} is missing; {hint}")]
    Missing {
        /// The data set.
        name: String,
        /// The file looked for.
        path: PathBuf,
        /// Which command gets the file.
        hint: String,
    },
    /// A file does not hold as many bytes as it should: truncated or over-long.
    #[error("{path}: expected {expected}, found {found} bytes{}", if *.more { " or more" } else { "" })]
    Size {
        /// The file.
        path: PathBuf,
        /// The bytes the layout or the file's own header calls for, in words.
        expected: String,
        /// The bytes found (after decompression).
        found: u64,
        /// True when reading stopped at `found` although more bytes follow.
        more: bool,
    },
    /// The first four bytes of an IDX file are not those of its kind.
    #[error("{path}: expected magic number {expected:#010x} ({kind}), found {found:#010x}")]
    Magic {
        /// The file.
        path: PathBuf,
        /// What the file should hold.
        kind: &'static str,
        /// The magic number of that kind.
        expected: u32,
        /// The one in the file.
        found: u32,
    },
    /// A header holds a number that cannot be.
    #[error("{path}: {field} should be {expected}, found {found}")]
    Header {
        /// The file.
        path: PathBuf,
        /// Which number.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The compressed stream of a file is damaged.
    #[error("{path}: expected a gzip stream, found damage: {source}")]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// A file is not the official one.
    #[error("{path}: expected SHA-256 {expected}, found {found}")]
    Digest {
        /// The file.
        path: PathBuf,
        /// The official digest.
        expected: String,
        /// That of the file.
        found: String,
    },
    /// A label is not one of the classes.
    #[error("{path}: label of image {index} should be below {classes}, found {found}")]
    Label {
        /// The file.
        path: PathBuf,
        /// Which image of the file, from 0.
        index: usize,
        /// The number of classes.
        classes: u32,
        /// The label found.
        found: u32,
    },
    /// A pixel is out of range.
    #[error("{path}: pixel {pixel} of image {index} should be at most {limit}, found {found}")]
    Pixel {
        /// The file.
        path: PathBuf,
        /// Which image of the file, from 0.
        index: usize,
        /// Which pixel of the image, from 0.
        pixel: usize,
        /// The largest value allowed.
        limit: u32,
        /// The value found.
        found: u32,
    },
    /// A line of a table is not what it should be.
    #[error("{path}, line {line}: expected {expected}, found {found}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the line should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// Images and labels are not equally many.
    #[error("{images_path} holds {images} images, {labels_path} {labels} labels")]
    Counts {
        /// File of the images.
        images_path: PathBuf,
        /// File of the labels.
        labels_path: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// No data set has that name.
    #[error("unknown data set {name:?}; known are {}", known.join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: Vec<&'static str>,
    },
    /// There is no folder to look for data in: neither `SRR_DATA` nor a home folder is set.
    #[error("no data folder: set SRR_DATA to a folder")]
    NoFolder,
    /// An argument is out of its range.
    #[error("{what} should be {expected}, found {found}")]
    Invalid {
        /// The argument.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

impl Error {
    pub(crate) fn invalid(
        what: &'static str,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        Self::Invalid {
            what,
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}
