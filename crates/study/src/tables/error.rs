//! What can be wrong with a table and with what is asked of it.

use crate::report::words::count;
use std::path::PathBuf;

/// Errors of tables of models. Rows count from 1, the header left out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Something is wrong inside a file.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: Box<TableError>,
    },
    /// An extension that names no format that is read.
    #[error("{}: the extension says no format that is read; tables are .csv, .parquet or .jsonl", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// A file without content.
    #[error("the file is empty")]
    NothingThere,
    /// A table without rows.
    #[error("the table has a header and no rows")]
    NoRows,
    /// Bytes that are not of the format.
    #[error("{place}: {problem}")]
    Malformed {
        /// Where, such as `line 3`.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// A row or column that is not as long as the others.
    #[error("{place} has {} where there should be {expected}", count(*found, "cell"))]
    Ragged {
        /// Which row or column.
        place: String,
        /// Its cells.
        found: usize,
        /// The cells of the others.
        expected: usize,
    },
    /// Two columns of one name.
    #[error("two columns are named `{name}`")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A Parquet file, and no reader for it.
    #[error(
        "this program was built without the feature `parquet` of srr-study, and reads CSV and JSON lines alone"
    )]
    ParquetOff,
    /// The table has no such column.
    #[error("the table has no column `{name}`{}; it has {known}", hint(.nearest))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// All names, separated by commas.
        known: String,
    },
    /// The table is not of a known layout, and nothing says what its columns are.
    #[error(
        "what the columns mean is not known: {missing}. The table is neither laid out as the public table of Dziugaite et al. (`hp.*`, \
         `complexity.*`, `gen.gap`) nor a `zoo.csv` of a study; its columns are {columns}"
    )]
    Unrecognized {
        /// What has to be said.
        missing: String,
        /// All columns, separated by commas.
        columns: String,
    },
    /// A cell that should hold a number.
    #[error("column `{column}`, row {row} of the data: `{found}` is not a number")]
    NotANumber {
        /// Name of the column.
        column: String,
        /// Row, from 1.
        row: usize,
        /// What stands there.
        found: String,
    },
    /// A cell that should hold something.
    #[error("column `{column}`, row {row} of the data: {found}, and {needs}")]
    NoValue {
        /// Name of the column.
        column: String,
        /// Row, from 1.
        row: usize,
        /// What stands there, such as `the cell is empty`.
        found: &'static str,
        /// Why that will not do, such as `every model needs a generalization gap`.
        needs: &'static str,
    },
    /// A cell that should hold a truth value.
    #[error(
        "column `{column}`, row {row} of the data: `{found}` is neither true nor false (true, yes, 1; false, no, 0)"
    )]
    NoTruth {
        /// Name of the column.
        column: String,
        /// Row, from 1.
        row: usize,
        /// What stands there.
        found: String,
    },
    /// A column that is asked to be two things.
    #[error("column `{name}` is named as {first} and as {second}")]
    TwoRoles {
        /// The column.
        name: String,
        /// One role.
        first: String,
        /// Another.
        second: String,
    },
    /// A name that the results need for themselves.
    #[error(
        "a hyper-parameter cannot be named `{name}`, which stands for all of them together; rename the column"
    )]
    ReservedName {
        /// The name.
        name: String,
    },
    /// No measure to judge.
    #[error("there is no column to judge as a measure: {why}")]
    NoMeasure {
        /// Why there is none.
        why: String,
    },
    /// A baseline that is none of the measures.
    #[error("the baseline `{name}` is none of the measures{}; they are {known}", hint(.nearest))]
    UnknownBaseline {
        /// The name asked for.
        name: String,
        /// The nearest measure.
        nearest: Option<String>,
        /// All measures, separated by commas.
        known: String,
    },
    /// Fewer than two models.
    #[error(
        "a rank correlation needs at least 2 models: of {} {found} can be used{left_out}",
        count(*read, "row")
    )]
    TooFewModels {
        /// Rows of the table.
        read: usize,
        /// Rows that can be used.
        found: usize,
        /// Why others cannot, in words.
        left_out: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}
