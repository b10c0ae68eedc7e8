//! Tables of models as others write them: CSV, JSON lines and Parquet, each read into the same columns of cells.
//!
//! A file is read by its extension. Whatever the format, the same values make the same [`RawTable`]: numbers as `f64`, an empty cell,
//! `null` and not-a-number as [`RawCell::Empty`] or as a cell that [counts as missing](RawCell::value). Nothing is guessed about what a column
//! means; that is [`analysis`](crate::analysis)'s part.

mod cell;
mod csv;
mod error;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;

pub use cell::{RawCell, Value};
pub use error::TableError;

use crate::{Error, Result};
use srr_measures::nearest_name;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Extensions of the formats that are read.
const KNOWN: [&str; 4] = ["csv", "parquet", "jsonl", "ndjson"];

/// One column of a [`RawTable`].
#[derive(Clone, Debug, PartialEq)]
pub struct RawColumn {
    /// Its name in the file.
    pub name: String,
    /// One cell per row.
    pub cells: Vec<RawCell>,
}

/// A table as a file holds it: named columns of equally many cells.
///
/// ```
/// use srr_study::tables::{RawCell, RawColumn, RawTable};
///
/// let column = |name: &str, cells: &[f64]| RawColumn {
///     name: name.to_owned(),
///     cells: cells.iter().map(|&x| RawCell::Number(x)).collect(),
/// };
/// let table = RawTable::new(vec![column("gap", &[0.1, 0.2]), column("l2", &[3.0, 4.0])])?;
/// assert_eq!((table.rows(), table.column("l2")?.cells.len()), (2, 2));
/// assert!(table.column("l3").unwrap_err().to_string().contains("did you mean `l2`?"));
/// # Ok::<(), srr_study::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RawTable {
    columns: Vec<RawColumn>,
    rows: usize,
}

impl RawTable {
    /// A table of these columns.
    ///
    /// # Errors
    /// [`TableError::DuplicateColumn`], [`TableError::Ragged`] for a column of another length than the first.
    pub fn new(columns: Vec<RawColumn>) -> Result<Self> {
        let rows = columns.first().map_or(0, |column| column.cells.len());
        let mut names = BTreeSet::new();
        for column in &columns {
            if !names.insert(column.name.as_str()) {
                return Err(TableError::DuplicateColumn {
                    name: column.name.clone(),
                }
                .into());
            }
            if column.cells.len() != rows {
                return Err(TableError::Ragged {
                    place: format!("column `{}`", column.name),
                    found: column.cells.len(),
                    expected: rows,
                }
                .into());
            }
        }
        Ok(Self { columns, rows })
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[RawColumn] {
        &self.columns
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`TableError::UnknownColumn`] with the nearest name and all there are.
    pub fn column(&self, name: &str) -> Result<&RawColumn> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| {
            TableError::UnknownColumn {
                name: name.to_owned(),
                nearest: nearest_name(name, self.names()),
                known: self.names().collect::<Vec<_>>().join(", "),
            }
            .into()
        })
    }

    /// The names of the columns, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

/// Reads a table by the extension of its file: `csv`, `jsonl` (or `ndjson`), or `parquet`.
///
/// # Errors
/// [`TableError`] in [`Error::Table`]: another extension, a file without content, or content that is not well formed, with its place;
/// [`TableError::ParquetOff`] for a Parquet file where the crate was built without its feature `parquet`. [`Error::Io`] for a file that
/// cannot be read.
///
/// ```
/// use srr_study::tables::{RawCell, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("models.csv");
/// std::fs::write(&path, "gap,l2\n0.1,3\n0.2,\n")?;
/// let table = read(&path)?;
/// assert_eq!(table.column("l2")?.cells[1], RawCell::Empty);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: &Path) -> Result<RawTable> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    if !KNOWN.contains(&extension.as_str()) {
        return Err(Error::Table(TableError::Extension {
            path: path.to_path_buf(),
        }));
    }
    let size = fs::metadata(path).map_err(Error::io("read", path))?;
    if size.is_file() && size.len() == 0 {
        return Err(in_file(path)(TableError::NothingThere.into()));
    }
    let table = match extension.as_str() {
        "csv" => csv::read(&bytes(path)?),
        "parquet" => read_parquet(path),
        _ => jsonl::read(&bytes(path)?),
    };
    table.map_err(in_file(path))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}

#[cfg(feature = "parquet")]
fn read_parquet(path: &Path) -> Result<RawTable> {
    parquet::read(fs::File::open(path).map_err(Error::io("read", path))?)
}

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: &Path) -> Result<RawTable> {
    Err(TableError::ParquetOff.into())
}

/// Says in which file something is wrong.
fn in_file(path: &Path) -> impl FnOnce(Error) -> Error {
    let path: PathBuf = path.to_path_buf();
    move |error| match error {
        Error::Table(problem) => Error::Table(TableError::File {
            path,
            problem: Box::new(problem),
        }),
        other => other,
    }
}
