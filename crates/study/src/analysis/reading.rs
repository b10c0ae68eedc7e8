//! What a table is read as: which column is what, and the models that count.

use super::{
    Request, Rows,
    layout::{Accuracy, Flag, Layout, Plan},
};
use crate::{
    Error, Result,
    report::words::{count, list},
    tables::{RawCell, RawColumn, RawTable, TableError, Value},
};
use srr_measures::statistics::Table;
use std::collections::BTreeSet;

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
        let mut table = Table::new(&reader.gap(&roles.gap)?)?;
        let (test_size, no_sign_error, of) = match sign_error(&plan, request, accuracy) {
            Ok((size, Accuracy::Columns)) => {
                let gaps = reader.accuracy_gap()?;
                table = table.with_accuracy_gap(&gaps)?;
                (
                    Some(size),
                    String::new(),
                    "`train_accuracy` − `test_accuracy`".to_owned(),
                )
            }
            Ok((size, _)) => {
                let gap = table.gap().to_vec();
                table = table.with_accuracy_gap(&gap)?;
                (Some(size), String::new(), format!("`{}`", roles.gap))
            }
            Err(why) => (None, why, String::new()),
        };
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
            accuracy: of,
            rows,
            table,
            test_size,
            no_sign_error,
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

/// Columns of a table, those that were made from others first.
struct View<'a> {
    raw: &'a RawTable,
    derived: &'a [RawColumn],
}

impl<'a> View<'a> {
    fn column(&self, name: &str) -> Result<&'a RawColumn> {
        match self.derived.iter().find(|column| column.name == name) {
            Some(column) => Ok(column),
            None => self.raw.column(name),
        }
    }
}

/// Which column is what.
struct Roles {
    gap: String,
    hyper: Vec<String>,
    /// The measures, and whether somebody named them or they are what is left.
    measures: Vec<String>,
    named: bool,
}

impl Roles {
    fn of(view: &View<'_>, plan: &Plan, request: &Request) -> Result<Self> {
        let or = |asked: &Option<Vec<String>>, known: &Option<Vec<String>>| {
            asked.clone().or_else(|| known.clone()).map(distinct)
        };
        let gap = request.gap.clone().or_else(|| plan.gap.clone());
        let hyper = or(&request.hyper, &plan.hyper);
        let measures = or(&request.measures, &plan.measures);
        for name in gap
            .iter()
            .chain(hyper.iter().flatten())
            .chain(measures.iter().flatten())
        {
            view.column(name)?;
        }
        let flagged = |name: &str| plan.flags.iter().any(|flag| flag.column == name);
        let (gap, hyper, measures, named) = match (gap, hyper, measures) {
            (Some(gap), hyper, Some(measures)) => (gap, hyper.unwrap_or_default(), measures, true),
            (Some(gap), Some(hyper), None) => {
                let free = |name: &&str| {
                    *name != gap && !hyper.iter().any(|h| h == name) && !flagged(name)
                };
                let rest = view.raw.names().filter(free).map(str::to_owned).collect();
                (gap, hyper, rest, false)
            }
            (gap, _, measures) => {
                return Err(unrecognized(view, gap.is_some(), measures.is_some()));
            }
        };
        let roles = Self {
            gap,
            hyper,
            measures,
            named,
        };
        roles.check()?;
        Ok(roles)
    }

    /// No column is two things, and none takes a name that the results need.
    fn check(&self) -> Result<()> {
        let twice = |name: &String, first: &str, second: &str| {
            Err(Error::Table(TableError::TwoRoles {
                name: name.clone(),
                first: first.to_owned(),
                second: second.to_owned(),
            }))
        };
        for name in &self.hyper {
            if *name == self.gap {
                return twice(name, "the gap", "a hyper-parameter");
            }
            if name == "all" {
                return Err(TableError::ReservedName { name: name.clone() }.into());
            }
        }
        for name in &self.measures {
            if *name == self.gap {
                return twice(name, "the gap", "a measure");
            }
            if self.hyper.contains(name) {
                return twice(name, "a hyper-parameter", "a measure");
            }
        }
        Ok(())
    }
}

/// The names, each once.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = |name: &String| seen.insert(name.clone());
    names.into_iter().filter(first).collect()
}

fn unrecognized(view: &View<'_>, gap: bool, measures: bool) -> Error {
    let flags = [
        (gap, "the generalization gap (`--gap COL`)"),
        (measures, "the measures (`--measures COL,…`)"),
    ];
    let missing: Vec<&str> = flags
        .iter()
        .filter(|(known, _)| !known)
        .map(|f| f.1)
        .collect();
    TableError::Unrecognized {
        missing: format!(
            "name {}; hyper-parameters go with `--hyper COL,…`",
            list(&missing)
        ),
        columns: view.raw.names().collect::<Vec<_>>().join(", "),
    }
    .into()
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

/// What is odd about a table, in sentences.
fn remarks(table: &Table, rows: &Rows) -> Vec<String> {
    let mut said = Vec::new();
    if is_constant(table.gap().iter().copied()) {
        said.push(
            "All models have the same generalization gap: τ-a is 0 for every measure, and τ-b, p-values, K and sign errors do not exist."
                .to_owned(),
        );
    }
    if table
        .accuracy_gap()
        .is_some_and(|gaps| gaps.iter().any(|gap| gap.abs() > 1.0))
    {
        said.push(
            "Some gaps in accuracy lie beyond ±1, which no share does: is the gap one of accuracy, as a share? The weights of the robust \
             sign error mean nothing otherwise."
                .to_owned(),
        );
    }
    if table.axes().is_empty() {
        said.push(
            "There are no hyper-parameters: ψ, Ψ and sign errors do not exist, and K has the empty condition alone."
                .to_owned(),
        );
    }
    for axis in table.axes().iter().filter(|axis| axis.levels().len() == 1) {
        said.push(format!(
            "`{}` is {} for every model: no two differ in it, and there is no ψ along it.",
            axis.name(),
            axis.levels()[0]
        ));
    }
    for measure in table.measures() {
        let defined = measure.values().iter().flatten().count();
        if defined > 1 && is_constant(measure.values().iter().copied().flatten()) {
            said.push(format!(
                "`{}` has one value for all models: it orders nothing.",
                measure.name()
            ));
        }
        if defined < table.models() {
            said.push(format!(
                "`{}` is undefined (empty or not finite) for {}, which {} left out for it.",
                measure.name(),
                count(table.models() - defined, "model"),
                if table.models() - defined == 1 {
                    "is"
                } else {
                    "are"
                },
            ));
        }
    }
    if rows.repeated > 0 {
        said.push(format!(
            "{} an earlier one in every column; {} kept, as any other.",
            count(rows.repeated, "row")
                + if rows.repeated == 1 {
                    " repeats"
                } else {
                    " repeat"
                },
            if rows.repeated == 1 {
                "it is"
            } else {
                "they are"
            }
        ));
    }
    said
}

fn is_constant(mut values: impl Iterator<Item = f64>) -> bool {
    let first = values.next();
    first.is_some_and(|first| values.all(|value| value == first))
}
