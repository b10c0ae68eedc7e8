//! Tables of a report: one file of comma-separated values each, and one table on the page.

/// A table with named columns.
///
/// # Examples
/// ```
/// use srr_study::report::{Cell, Column, Table};
///
/// let mut table = Table::new("variants", "Accuracy by variant");
/// table.columns = vec![Column::new("variant", "Variant"), Column::new("top1", "top-1 (%)").spread()];
/// table.rows.push(vec![Cell::text("CRATE"), Cell::spread(&[95.0, 96.0, 97.0])]);
/// assert_eq!(table.rows[0][1], Cell::Spread { mean: 96.0, deviation: 1.0, n: 3 });
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Stem of the file: lower-case letters, digits, hyphens and underscores. Unique in the report.
    pub name: String,
    /// Caption on the page.
    pub caption: String,
    /// Columns from left to right.
    pub columns: Vec<Column>,
    /// Rows from top to bottom, each with one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Whether the page folds the table away behind a click (for long tables); the file is written all the same.
    pub folded: bool,
}

impl Table {
    /// An empty table.
    pub fn new(name: impl Into<String>, caption: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            caption: caption.into(),
            ..Self::default()
        }
    }

    /// Sets the columns.
    #[must_use]
    pub fn columns<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }
}

/// One column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in the file: lower-case letters, digits and underscores, such as `kendall_tau`.
    pub key: String,
    /// Heading on the page; may use [inline markup](super::markup).
    pub heading: String,
    /// How the column is laid out in the file; taken from its cells when absent.
    pub form: Option<Form>,
    /// Digits after the decimal point on the page; chosen from the column's cells when absent. The file always has all digits.
    pub decimals: Option<usize>,
}

impl Column {
    /// A column with a key for the file and a heading for the page.
    pub fn new(key: impl Into<String>, heading: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            heading: heading.into(),
            form: None,
            decimals: None,
        }
    }

    /// Lays the column out as `key`, `key_low`, `key_high` whatever its cells hold.
    #[must_use]
    pub fn interval(mut self) -> Self {
        self.form = Some(Form::Interval);
        self
    }

    /// Lays the column out as `key_mean`, `key_sd`, `key_n` whatever its cells hold.
    #[must_use]
    pub fn spread(mut self) -> Self {
        self.form = Some(Form::Spread);
        self
    }

    /// Fixes the digits after the decimal point on the page.
    #[must_use]
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = Some(decimals);
        self
    }
}

impl From<&str> for Column {
    /// A column with this heading; its key is the heading in lower case, everything but letters and digits as underscores.
    fn from(heading: &str) -> Self {
        Self::new(key_of(heading), heading)
    }
}

impl From<String> for Column {
    /// As from `&str`.
    fn from(heading: String) -> Self {
        Self::from(heading.as_str())
    }
}

/// A key made from a heading: `Top-1 (%)` becomes `top_1_percent`, `τ-b` becomes `tau_b`.
fn key_of(heading: &str) -> String {
    let mut spelled = String::new();
    for character in heading.chars() {
        match character {
            'τ' => spelled.push_str("tau"),
            'ψ' | 'Ψ' => spelled.push_str("psi"),
            'μ' => spelled.push_str("mu"),
            'λ' => spelled.push_str("lambda"),
            'η' => spelled.push_str("eta"),
            'ε' => spelled.push_str("epsilon"),
            'Δ' => spelled.push_str("delta"),
            '%' => spelled.push_str(" percent "),
            c if c.is_ascii_alphanumeric() => spelled.push(c.to_ascii_lowercase()),
            '^' | '{' | '}' | '`' => {}
            _ => spelled.push(' '),
        }
    }
    spelled.split_whitespace().collect::<Vec<_>>().join("_")
}

/// How a column is laid out in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One column: `key`.
    Plain,
    /// Three columns: `key`, `key_low`, `key_high`.
    Interval,
    /// Three columns: `key_mean`, `key_sd`, `key_n`.
    Spread,
}

/// One cell of a [`Table`]. A number that is not finite counts as missing, with the reason "not a number" or "infinite".
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text, set as it is (no markup).
    Text(String),
    /// A real number.
    Number(f64),
    /// A count.
    Integer(i64),
    /// No value, and why.
    Missing(String),
    /// An estimate and its interval.
    Interval {
        /// The estimate.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// A mean over repetitions and its spread.
    Spread {
        /// The mean.
        mean: f64,
        /// Sample standard deviation (division by n − 1); not a number when n is 1, and then left empty.
        deviation: f64,
        /// Number of repetitions.
        n: usize,
    },
}

impl Cell {
    /// A text cell.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A cell without a value, with the reason.
    pub fn missing(why: impl Into<String>) -> Self {
        Self::Missing(why.into())
    }

    /// Mean and sample standard deviation of repeated values; missing when there are none.
    pub fn spread(values: &[f64]) -> Self {
        let n = values.len();
        if n == 0 {
            return Self::missing("no repetitions");
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let deviation = if n > 1 {
            (squares / (n - 1) as f64).sqrt()
        } else {
            f64::NAN
        };
        Self::Spread { mean, deviation, n }
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or_else(|_| Self::missing("count out of range"), Self::Integer)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    /// The value, or missing with the reason "not recorded".
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::missing("not recorded"), Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_keys() {
        for (heading, key) in [
            ("Top-1 (%)", "top_1_percent"),
            ("τ-b", "tau_b"),
            ("R^{c}", "rc"),
            ("batch_size", "batch_size"),
        ] {
            assert_eq!(Column::from(heading).key, key);
        }
    }

    #[test]
    fn spread_is_the_sample_deviation() {
        assert_eq!(Cell::spread(&[]), Cell::missing("no repetitions"));
        assert!(
            matches!(Cell::spread(&[4.0]), Cell::Spread { mean: 4.0, deviation, n: 1 } if deviation.is_nan())
        );
        assert_eq!(
            Cell::spread(&[2.0, 4.0, 6.0]),
            Cell::Spread {
                mean: 4.0,
                deviation: 2.0,
                n: 3
            }
        );
    }
}
