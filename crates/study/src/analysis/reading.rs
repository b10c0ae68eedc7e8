//! What a table is read as: which column is what, and the models that count.

use super::{
    Request, Rows,
    layout::{Accuracy, Flag, Layout, Plan},
    remarks::remarks,
    roles::{Roles, View},
};
use crate::{
    Error, Result,
    report::words::{count, list},
    tables::{RawCell, RawColumn, RawTable, TableError, Value},
};
use srr_measures::statistics::Table;

/// A table of models as the statistics want it, and how it came about.
#[derive(Clone, Debug)]
pub struct Reading {
    pub(super) layout: Layout,
    pub(super) rows: Rows,
    pub(super) gap: String,
    pub(super) table: Table,
    /// Number of test images behind the gap in accuracy; the robust sign error is computed where it is known.
    pub(super) test_size: Option<u64>,
    /// Why there is no robust sign error; empty where there is one.
    pub(super) no_sign_error: String,
    /// How the gap in accuracy came about.
    pub(super) accuracy: String,
    pub(super) prefixes: [&'static str; 2],
    pub(super) notes: Vec<String>,
}

impl Reading {
    /// Reads a table as its layout and the request say.
    ///
    /// # Errors
    /// [`TableError`] in [`Error::Table`]: a column that is not there, cells that are no numbers or empty where a value is needed, too few
    /// models, or a table of which nothing says what its columns are.
    pub fn new(raw: &RawTable, request: &Request) -> Result<Self> {
        if raw.rows() == 0 {
            return Err(TableError::NoRows.into());
        }
        let mut plan = Plan::of(raw);
        let mut notes = std::mem::take(&mut plan.notes);
        replace_converged(&mut plan, request);
        let accuracy = accuracy_of(&plan, request);
        let view = View {
            raw,
            derived: &plan.derived,
        };
        let roles = Roles::of(&view, &plan, request)?;
        let rows = Rows::of(raw, &plan)?;
        if rows.used.len() < 2 {
            return Err(TableError::TooFewModels {
                read: rows.read,
                found: rows.used.len(),
                left_out: rows.reasons(),
            }
            .into());
        }
        let reader = Reader { view, rows: &rows };
        let measures = reader.measures(&roles, &mut notes)?;
        let table = Table::new(&reader.gap(&roles.gap)?)?;
        let sized = sign_error(&plan, request, accuracy);
        let (mut table, judged) = reader.with_accuracy_gap(table, sized, &roles.gap)?;
        for name in &roles.hyper {
            table = table.with_axis(name, &reader.levels(name)?)?;
        }
        for (name, values) in measures {
            table = table.with_measure(&name, &values)?;
        }
        if table.measures().is_empty() {
            let why = "no column is left beside gap and hyper-parameters".to_owned();
            return Err(TableError::NoMeasure { why }.into());
        }
        notes.extend(remarks(&table, &rows));
        Ok(Self {
            layout: plan.layout,
            gap: roles.gap,
            prefixes: plan.prefixes,
            accuracy: judged.gap,
            rows,
            table,
            test_size: judged.test_size,
            no_sign_error: judged.why_not,
            notes,
        })
    }

    /// The layout that was recognized.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Which rows count, and why others do not.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The models that count, with hyper-parameters, measures and gaps.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is worth knowing about the table, in sentences.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A name as figures show it, without what all names of the layout begin with.
    pub(super) fn short<'a>(&self, name: &'a str) -> &'a str {
        let cut = self.prefixes.iter().find_map(|p| name.strip_prefix(*p));
        cut.filter(|rest| !rest.is_empty()).unwrap_or(name)
    }
}

/// A column of the request stands in the place of the layout's.
fn replace_converged(plan: &mut Plan, request: &Request) {
    if let Some(column) = &request.converged {
        plan.flags
            .retain(|flag| flag.key != Flag::converged("").key);
        plan.flags.insert(0, Flag::converged(column));
    }
}

/// What is known of the gap in accuracy: a gap that the request names is of accuracy if the request gives a test size, which says so.
fn accuracy_of(plan: &Plan, request: &Request) -> Accuracy {
    match (&request.gap, plan.accuracy) {
        (Some(gap), known) if plan.gap.as_ref() != Some(gap) || known == Accuracy::Unknown => {
            match request.test_size {
                Some(_) => Accuracy::Gap,
                None => Accuracy::Unknown,
            }
        }
        (_, known) => known,
    }
}

/// The size of the test set and where the gap in accuracy comes from, or why there is no robust sign error.
fn sign_error(
    plan: &Plan,
    request: &Request,
    accuracy: Accuracy,
) -> Result<(u64, Accuracy), String> {
    let size = request.test_size.map(u64::from);
    match (accuracy, size.or(plan.test_size)) {
        (Accuracy::Unknown, _) => Err(
            "The robust sign error was not computed: it weighs pairs by a bound on differences of accuracy, and nothing says that the gap \
             is one of accuracy, nor over how many test images (`--test-size`)."
                .to_owned(),
        ),
        (_, None) => Err(
            "The robust sign error was not computed: it is not known over how many test images accuracy was taken (`--test-size`)."
                .to_owned(),
        ),
        (accuracy, Some(size)) => Ok((size, accuracy)),
    }
}

/// What the robust sign error goes by.
struct Judged {
    /// Number of test images; `None` where there is no sign error.
    test_size: Option<u64>,
    /// Why there is none; empty where there is one.
    why_not: String,
    /// How the gap in accuracy came about.
    gap: String,
}

/// Cells of the rows that count.
struct Reader<'a> {
    view: View<'a>,
    rows: &'a Rows,
}

impl Reader<'_> {
    fn cells<'b>(&'b self, column: &'b RawColumn) -> impl Iterator<Item = (usize, &'b RawCell)> {
        self.rows.used.iter().map(|&row| (row, &column.cells[row]))
    }

    /// The table with the gap in accuracy that the robust sign error weighs, where there is one.
    fn with_accuracy_gap(
        &self,
        table: Table,
        sized: Result<(u64, Accuracy), String>,
        gap: &str,
    ) -> Result<(Table, Judged)> {
        let (size, accuracy) = match sized {
            Ok(sized) => sized,
            Err(why_not) => {
                let judged = Judged {
                    test_size: None,
                    why_not,
                    gap: String::new(),
                };
                return Ok((table, judged));
            }
        };
        let (gaps, gap) = match accuracy {
            Accuracy::Columns => (
                self.accuracy_gap()?,
                "`train_accuracy` − `test_accuracy`".to_owned(),
            ),
            _ => (table.gap().to_vec(), format!("`{gap}`")),
        };
        let judged = Judged {
            test_size: Some(size),
            why_not: String::new(),
            gap,
        };
        Ok((table.with_accuracy_gap(&gaps)?, judged))
    }

    /// The column's numbers, all of which must be there and finite.
    fn gap(&self, name: &str) -> Result<Vec<f64>> {
        let column = self.view.column(name)?;
        let number = |(row, cell): (usize, &RawCell)| {
            let found = match cell.value() {
                Value::Number(number) if number.is_finite() => return Ok(number),
                Value::Number(_) => "the number is infinite",
                Value::Missing => "there is no number",
                Value::NoNumber => return Err(not_a_number(column, row)),
            };
            Err(Error::Table(TableError::NoValue {
                column: column.name.clone(),
                row: row + 1,
                found,
                needs: "every model needs a finite one to be judged by",
            }))
        };
        self.cells(column).map(number).collect()
    }

    fn accuracy_gap(&self) -> Result<Vec<f64>> {
        let (train, test) = (self.gap("train_accuracy")?, self.gap("test_accuracy")?);
        Ok(train
            .iter()
            .zip(&test)
            .map(|(train, test)| train - test)
            .collect())
    }

    /// The level of every model.
    fn levels(&self, name: &str) -> Result<Vec<String>> {
        let column = self.view.column(name)?;
        let level = |(row, cell): (usize, &RawCell)| {
            cell.level().ok_or_else(|| {
                Error::Table(TableError::NoValue {
                    column: column.name.clone(),
                    row: row + 1,
                    found: "the cell is empty",
                    needs: "every model needs a value of every hyper-parameter",
                })
            })
        };
        self.cells(column).map(level).collect()
    }

    /// The values of every measure; what is missing or infinite is undefined. Of columns that nobody named, those without any number are no
    /// measures.
    fn measures(
        &self,
        roles: &Roles,
        notes: &mut Vec<String>,
    ) -> Result<Vec<(String, Vec<Option<f64>>)>> {
        let (mut found, mut passed_over) = (Vec::new(), Vec::new());
        for name in &roles.measures {
            let column = self.view.column(name)?;
            let is_number = |(_, cell): (usize, &RawCell)| matches!(cell.value(), Value::Number(_));
            if !roles.named && !self.cells(column).any(is_number) {
                passed_over.push(format!("`{name}`"));
                continue;
            }
            found.push((name.clone(), self.values(column)?));
        }
        if !roles.named {
            let taken: Vec<String> = found.iter().map(|(name, _)| format!("`{name}`")).collect();
            notes.push(format!(
                "Nobody named the measures: they are the columns beside gap and hyper-parameters that hold numbers, {}.",
                list(&taken)
            ));
        }
        if !passed_over.is_empty() {
            notes.push(format!(
                "{} without any number: {}.",
                count(passed_over.len(), "column")
                    + if passed_over.len() == 1 {
                        " is"
                    } else {
                        " are"
                    }
                    + " no measure",
                list(&passed_over)
            ));
        }
        Ok(found)
    }

    fn values(&self, column: &RawColumn) -> Result<Vec<Option<f64>>> {
        let value = |(row, cell): (usize, &RawCell)| match cell.value() {
            Value::Number(number) => Ok(Some(number).filter(|number| number.is_finite())),
            Value::Missing => Ok(None),
            Value::NoNumber => Err(not_a_number(column, row)),
        };
        self.cells(column).map(value).collect()
    }
}

fn not_a_number(column: &RawColumn, row: usize) -> Error {
    TableError::NotANumber {
        column: column.name.clone(),
        row: row + 1,
        found: column.cells[row].shown(),
    }
    .into()
}
