//! What can be wrong with a request to this crate.

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of registries, tables and statistics.
///
/// A measure that has no value for one model is not an error: see [`Undefined`](crate::Undefined).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No measure of this name is registered.
    #[error("no measure is named `{name}`{}", suggestion(.nearest))]
    UnknownMeasure {
        /// The name asked for.
        name: String,
        /// The known name that is closest to it, where one is close.
        nearest: Option<String>,
    },
    /// Two measures, axes or columns share a name.
    #[error("the name `{name}` is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A measure's name is not one that files, columns and profiles can carry.
    #[error(
        "`{name}` is no name for a measure: expected lower-case letters, digits and single hyphens between them, as in `path-norm`"
    )]
    InvalidName {
        /// The name.
        name: String,
    },
    /// The table has no such column.
    #[error("the table has no column `{name}`{}", suggestion(.nearest))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The known name that is closest to it, where one is close.
        nearest: Option<String>,
    },
    /// A column is not as long as the table.
    #[error("column `{column}` has {found} values where the table has {expected} models")]
    Length {
        /// Name of the column.
        column: String,
        /// Number of models of the table.
        expected: usize,
        /// Length of the column.
        found: usize,
    },
    /// A value that must be a finite number is not.
    #[error("column `{column}` holds {value} for model {row}")]
    NonFinite {
        /// Name of the column.
        column: String,
        /// Index of the model, from 0.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A statistic of pairs needs two models.
    #[error("a rank correlation needs at least 2 models and got {found}")]
    TooFewModels {
        /// How many there were.
        found: usize,
    },
    /// The Hoeffding weight of the robust sign error bounds a difference of accuracies.
    #[error("the robust sign error needs a generalization gap in accuracy, and the table has none")]
    NoAccuracyGap,
    /// A setting of a statistic is out of its range.
    #[error("{setting} is {value}, which is not {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
}

fn suggestion(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The known name nearest to `name` by edit distance, unless all are far off.
///
/// ```
/// let known = ["path-norm", "params"];
/// assert_eq!(srr_measures::nearest_name("path-nrom", known).as_deref(), Some("path-norm"));
/// assert_eq!(srr_measures::nearest_name("sharpness", known), None);
/// ```
#[must_use]
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() + 1) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}
