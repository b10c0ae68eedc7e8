//! The table of models that every statistic reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result, nearest_name};

/// A hyper-parameter that varies between models: the level of every model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    name: String,
    levels: Vec<String>,
    codes: Vec<usize>,
}

impl Axis {
    /// An axis from the value of every model. Levels are sorted, as numbers where all of them are numbers, so that the order
    /// of models does not matter.
    pub fn new<S: AsRef<str>>(name: &str, values: &[S]) -> Self {
        let distinct: BTreeSet<&str> = values.iter().map(AsRef::as_ref).collect();
        let mut levels: Vec<&str> = distinct.into_iter().collect();
        let number = |level: &str| level.parse::<f64>().ok();
        if levels.iter().all(|level| number(level).is_some()) {
            levels.sort_by(|a, b| {
                number(a)
                    .partial_cmp(&number(b))
                    .unwrap_or_else(|| a.cmp(b))
            });
        }
        let code: BTreeMap<&str, usize> = levels.iter().copied().zip(0..).collect();
        let codes = values.iter().map(|value| code[value.as_ref()]).collect();
        Self {
            name: name.to_owned(),
            levels: levels.into_iter().map(str::to_owned).collect(),
            codes,
        }
    }

    /// Name of the hyper-parameter.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its distinct values, sorted.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// For every model, the position of its value in [`levels`](Self::levels).
    pub fn codes(&self) -> &[usize] {
        &self.codes
    }
}

/// One measure: its value for every model, `None` where it is undefined.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    name: String,
    values: Vec<Option<f64>>,
}

impl Column {
    /// Name of the measure.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of every model.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// The models for which the measure is defined, and its values there.
    pub(crate) fn defined(&self) -> (Vec<usize>, Vec<f64>) {
        let defined = self.values.iter().enumerate();
        defined.filter_map(|(i, v)| v.map(|v| (i, v))).unzip()
    }
}

/// Models in rows: hyper-parameters, measures and the generalization gap.
///
/// ```
/// use srr_measures::statistics::Table;
///
/// let table = Table::new(&[0.1, 0.3, 0.2, 0.4])?
///     .with_axis("width", &["8", "8", "16", "16"])?
///     .with_measure("l2", &[Some(1.0), Some(3.0), None, Some(4.0)])?;
/// assert_eq!(table.models(), 4);
/// assert_eq!(table.axes()[0].levels(), ["8", "16"]);
/// # Ok::<(), srr_measures::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    axes: Vec<Axis>,
    measures: Vec<Column>,
    gap: Vec<f64>,
    accuracy_gap: Option<Vec<f64>>,
}

impl Table {
    /// A table of models with these generalization gaps (of the loss or of the accuracy: whichever measures are to predict).
    ///
    /// # Errors
    /// A gap that is not finite.
    pub fn new(gap: &[f64]) -> Result<Self> {
        check_finite("gap", gap.iter().copied().enumerate())?;
        Ok(Self {
            axes: Vec::new(),
            measures: Vec::new(),
            gap: gap.to_vec(),
            accuracy_gap: None,
        })
    }

    /// Adds the generalization gap in accuracy (training minus test), which the robust sign error needs.
    ///
    /// # Errors
    /// A column of another length, or a value that is not finite.
    pub fn with_accuracy_gap(mut self, gap: &[f64]) -> Result<Self> {
        self.check_length("accuracy gap", gap.len())?;
        check_finite("accuracy gap", gap.iter().copied().enumerate())?;
        self.accuracy_gap = Some(gap.to_vec());
        Ok(self)
    }

    /// Adds a hyper-parameter, given by its value for every model.
    ///
    /// # Errors
    /// A column of another length, or a name that is taken.
    pub fn with_axis<S: AsRef<str>>(mut self, name: &str, values: &[S]) -> Result<Self> {
        self.check_length(name, values.len())?;
        self.check_free(name)?;
        self.axes.push(Axis::new(name, values));
        Ok(self)
    }

    /// Adds a measure, given by its value for every model; `None` where it is undefined.
    ///
    /// # Errors
    /// A column of another length, a name that is taken, or a value that is not finite.
    pub fn with_measure(mut self, name: &str, values: &[Option<f64>]) -> Result<Self> {
        self.check_length(name, values.len())?;
        self.check_free(name)?;
        let defined = values.iter().enumerate();
        check_finite(name, defined.filter_map(|(i, v)| v.map(|v| (i, v))))?;
        let values = values.to_vec();
        let name = name.to_owned();
        self.measures.push(Column { name, values });
        Ok(self)
    }

    /// Number of models.
    pub fn models(&self) -> usize {
        self.gap.len()
    }

    /// The hyper-parameters.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The measures.
    pub fn measures(&self) -> &[Column] {
        &self.measures
    }

    /// The measure of this name.
    ///
    /// # Errors
    /// No such measure; the error names the nearest one.
    pub fn measure(&self, name: &str) -> Result<&Column> {
        let found = self.measures.iter().find(|column| column.name == name);
        found.ok_or_else(|| Error::UnknownColumn {
            name: name.to_owned(),
            nearest: nearest_name(name, self.measures.iter().map(Column::name)),
        })
    }

    /// The generalization gap of every model.
    pub fn gap(&self) -> &[f64] {
        &self.gap
    }

    /// The generalization gap in accuracy, if known.
    pub fn accuracy_gap(&self) -> Option<&[f64]> {
        self.accuracy_gap.as_deref()
    }

    fn check_length(&self, column: &str, found: usize) -> Result<()> {
        if found == self.models() {
            return Ok(());
        }
        Err(Error::Length {
            column: column.to_owned(),
            expected: self.models(),
            found,
        })
    }

    fn check_free(&self, name: &str) -> Result<()> {
        let axes = self.axes.iter().map(Axis::name);
        if axes
            .chain(self.measures.iter().map(Column::name))
            .any(|taken| taken == name)
        {
            return Err(Error::NameTaken {
                name: name.to_owned(),
            });
        }
        Ok(())
    }
}

pub(crate) fn check_finite(column: &str, values: impl Iterator<Item = (usize, f64)>) -> Result<()> {
    for (row, value) in values {
        if !value.is_finite() {
            return Err(Error::NonFinite {
                column: column.to_owned(),
                row,
                value,
            });
        }
    }
    Ok(())
}
