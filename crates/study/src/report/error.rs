//! What can go wrong while a report is checked and rendered.

/// Error of the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A table could not be laid out as comma-separated values.
    #[error("table {table:?} cannot be laid out as comma-separated values: {source}")]
    Csv {
        /// Name of the table.
        table: String,
        /// What the writer said.
        source: ::csv::Error,
    },
    /// A name that becomes part of a file name or an anchor holds something else than lower-case letters, digits, hyphens and underscores.
    #[error(
        "the {kind} name {name:?} must be lower-case letters, digits, hyphens and underscores, beginning with a letter"
    )]
    BadName {
        /// "artefact", "table" or "chart".
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Two artefacts, tables or charts have the same name.
    #[error("two of the report's {kind}s are named {name:?}")]
    DuplicateName {
        /// "artefact", "table" or "chart".
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A row has too few or too many cells.
    #[error("table {table:?}, row {row}: {found} cells, but {expected} columns")]
    RaggedTable {
        /// Name of the table.
        table: String,
        /// Number of the row, from zero.
        row: usize,
        /// Number of columns.
        expected: usize,
        /// Number of cells.
        found: usize,
    },
    /// A column of a table has no key, or one that an earlier column already has in the file.
    #[error(
        "table {table:?}: column {column} would be named {key:?} in the file, which is empty or taken"
    )]
    BadKey {
        /// Name of the table.
        table: String,
        /// Number of the column, from zero.
        column: usize,
        /// The name in the file.
        key: String,
    },
    /// A column holds cells of two forms that have no common layout, such as intervals and means with a deviation.
    #[error("table {table:?}: column {column:?} mixes {first} and {second} cells")]
    MixedColumn {
        /// Name of the table.
        table: String,
        /// Key of the column.
        column: String,
        /// The column's form.
        first: &'static str,
        /// The other form.
        second: &'static str,
    },
    /// The cells of a heat map do not fit the categories of its axes.
    #[error(
        "chart {chart:?}, panel {panel}: the axes name {rows} rows and {columns} columns, but row {row} of {found_rows} has {found_columns} values"
    )]
    HeatShape {
        /// Name of the chart.
        chart: String,
        /// Number of the panel, from zero.
        panel: usize,
        /// Categories of the vertical axis.
        rows: usize,
        /// Categories of the horizontal axis.
        columns: usize,
        /// The first row that does not fit, from zero.
        row: usize,
        /// Rows of values.
        found_rows: usize,
        /// Values in that row.
        found_columns: usize,
    },
}

/// Result of the report.
pub type Result<T, E = ReportError> = std::result::Result<T, E>;
