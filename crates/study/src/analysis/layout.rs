//! Layouts of tables that are recognized by themselves, and what their columns mean.

use crate::tables::{RawCell, RawColumn, RawTable, Value};
use std::collections::BTreeSet;

/// How a table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The public table of Dziugaite et al. 2020: `hp.*`, `complexity.*`, `gen.gap` and what goes with them.
    Public,
    /// A `zoo.csv` that a study of this crate wrote.
    Zoo,
    /// Anything else.
    Other,
}

impl Layout {
    /// The layout of a table, by the names of its columns.
    ///
    /// ```
    /// use srr_study::{analysis::Layout, tables::{RawColumn, RawTable}};
    ///
    /// let column = |name: &&str| RawColumn { name: (*name).to_owned(), cells: Vec::new() };
    /// let named = |names: &[&str]| RawTable::new(names.iter().map(column).collect());
    /// assert_eq!(Layout::of(&named(&["hp.lr", "gen.gap", "complexity.l2"])?), Layout::Public);
    /// assert_eq!(Layout::of(&named(&["lr", "gap", "l2"])?), Layout::Other);
    /// # Ok::<(), srr_study::Error>(())
    /// ```
    #[must_use]
    pub fn of(table: &RawTable) -> Self {
        let starts = |prefix: &str| table.names().any(|name| name.starts_with(prefix));
        let all = |names: &[&str]| names.iter().all(|name| table.has(name));
        if table.has("gen.gap") && starts("hp.") && starts("complexity.") {
            Self::Public
        } else if all(&[
            "run",
            "seed",
            "status",
            "counted",
            "loss_gap",
            "test_accuracy",
        ]) {
            Self::Zoo
        } else {
            Self::Other
        }
    }

    /// Its name in `analysis.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Zoo => "zoo",
            Self::Other => "other",
        }
    }

    /// In words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Public => "the public table of Dziugaite et al. 2020",
            Self::Zoo => "the zoo of a study",
            Self::Other => "as the request names its columns",
        }
    }
}

/// Rows in which this column is false are left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flag {
    pub(super) column: String,
    /// Key of the count in `analysis.json`.
    pub(super) key: &'static str,
    /// What such a row did: `did not converge`.
    pub(super) words: &'static str,
}

impl Flag {
    pub(super) fn converged(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            key: "not_converged",
            words: "did not converge",
        }
    }
}

/// The gap in accuracy, which the robust sign error needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accuracy {
    /// It is not known.
    Unknown,
    /// The gap is one of accuracy.
    Gap,
    /// `train_accuracy` minus `test_accuracy`.
    Columns,
}

/// What a layout says of a table's columns.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    /// Columns that are made from others, or stand in the place of those of the same name.
    pub(super) derived: Vec<RawColumn>,
    pub(super) flags: Vec<Flag>,
    /// Whether rows with a missing or infinite number in *any* column are left out.
    pub(super) complete: bool,
    pub(super) gap: Option<String>,
    pub(super) hyper: Option<Vec<String>>,
    pub(super) measures: Option<Vec<String>>,
    pub(super) accuracy: Accuracy,
    /// Number of test images where the request says nothing.
    pub(super) test_size: Option<u64>,
    /// What all names begin with, and what figures leave out.
    pub(super) prefixes: [&'static str; 2],
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// What is known of a table from its layout.
    pub(super) fn of(table: &RawTable) -> Self {
        match Layout::of(table) {
            Layout::Public => public(table),
            Layout::Zoo => zoo(table),
            Layout::Other => Self::nothing(Layout::Other),
        }
    }

    fn nothing(layout: Layout) -> Self {
        Self {
            layout,
            derived: Vec::new(),
            flags: Vec::new(),
            complete: false,
            gap: None,
            hyper: None,
            measures: None,
            accuracy: Accuracy::Unknown,
            test_size: None,
            prefixes: ["", ""],
            notes: Vec::new(),
        }
    }
}

/// The column from which the axis `hp.train_size` is made, and the one that its makers delete.
const TRAIN_SIZE: (&str, &str, &str) = (
    "train_dataset_size",
    "hp.train_size",
    "hp.train_dataset_size",
);

/// The reading of the public code of Dziugaite et al. 2020.
fn public(table: &RawTable) -> Plan {
    let mut plan = Plan {
        complete: true,
        gap: Some("gen.gap".to_owned()),
        accuracy: Accuracy::Gap,
        test_size: Some(10_000),
        prefixes: ["hp.", "complexity."],
        ..Plan::nothing(Layout::Public)
    };
    let starting = |prefix: &str| -> Vec<String> {
        let names = table.names().filter(|name| name.starts_with(prefix));
        names.map(str::to_owned).collect()
    };
    let mut hyper = starting("hp.");
    hyper.retain(|name| name != TRAIN_SIZE.2);
    if let Ok(size) = table.column(TRAIN_SIZE.0) {
        let name = TRAIN_SIZE.1.to_owned();
        if !hyper.contains(&name) {
            hyper.push(name.clone());
        }
        let cells = size.cells.clone();
        plan.derived.push(RawColumn { name, cells });
    }
    if let Ok(rates) = table.column("hp.lr") {
        let rounded = rounded(rates);
        let distinct = |column: &RawColumn| {
            let levels = column.cells.iter().filter_map(RawCell::level);
            levels.collect::<BTreeSet<_>>().len()
        };
        let (before, after) = (distinct(rates), distinct(&rounded));
        if after < before {
            plan.notes.push(format!(
                "Rounding `hp.lr` to four decimals, as the public code does, leaves {after} of its {before} values."
            ));
        }
        plan.derived.push(rounded);
    }
    let flags = [
        Flag::converged("is.converged"),
        Flag {
            column: "is.high_train_accuracy".to_owned(),
            key: "low_train_accuracy",
            words: "missed the accuracy standard",
        },
    ];
    for flag in flags {
        if table.has(&flag.column) {
            plan.flags.push(flag);
        } else {
            plan.notes.push(format!(
                "The table has no column `{}`: no row is left out because it {}.",
                flag.column, flag.words
            ));
        }
    }
    plan.measures = Some(starting("complexity."));
    plan.hyper = Some(hyper);
    plan
}

/// Numbers rounded to four decimals as numpy does: scaled, rounded to the even neighbor at a half, scaled back.
fn rounded(column: &RawColumn) -> RawColumn {
    let round = |cell: &RawCell| match cell.value() {
        Value::Number(rate) => RawCell::Number((rate * 1e4).round_ties_even() / 1e4),
        _ => cell.clone(),
    };
    RawColumn {
        name: column.name.clone(),
        cells: column.cells.iter().map(round).collect(),
    }
}

/// The zoo of a study: hyper-parameters stand between `run` and `seed`; measures are the columns that are named as one of ours.
fn zoo(table: &RawTable) -> Plan {
    let names: Vec<&str> = table.names().collect();
    let place = |name: &str| names.iter().position(|other| *other == name).unwrap_or(0);
    let measured = names.get(place("test_accuracy") + 1..).unwrap_or(&[]);
    let is_value = |name: &&&str| !name.contains('.') && **name != "missing";
    let owned = |names: Vec<&&str>| names.into_iter().map(|name| (*name).to_owned()).collect();
    let between = names.get(place("run") + 1..place("seed")).unwrap_or(&[]);
    let has_accuracy = table.has("train_accuracy") && table.has("test_accuracy");
    Plan {
        flags: vec![Flag {
            column: "counted".to_owned(),
            key: "not_converged",
            words: "did not reach the stopping criterion",
        }],
        gap: Some("loss_gap".to_owned()),
        hyper: Some(owned(between.iter().collect())),
        measures: Some(owned(measured.iter().filter(is_value).collect())),
        accuracy: if has_accuracy {
            Accuracy::Columns
        } else {
            Accuracy::Unknown
        },
        ..Plan::nothing(Layout::Zoo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, &[&str])]) -> RawTable {
        let column = |(name, cells): &(&str, &[&str])| RawColumn {
            name: (*name).to_owned(),
            cells: cells.iter().map(|cell| RawCell::field(cell)).collect(),
        };
        RawTable::new(columns.iter().map(column).collect()).unwrap()
    }

    /// numpy: np.round([0.00005, 0.00015, 0.01005, 0.0100000002], 4) is [0., 0.0001, 0.01, 0.01]; 0.00015 is a little less than it says.
    #[test]
    fn learning_rates_are_rounded_as_by_numpy() {
        let rates = table(&[(
            "hp.lr",
            &["0.00005", "0.00015", "0.01005", "0.0100000002", ""],
        )]);
        let found = rounded(rates.column("hp.lr").unwrap());
        let levels: Vec<_> = found.cells.iter().map(RawCell::level).collect();
        let known = ["0", "0.0001", "0.01", "0.01"].map(|l| Some(l.to_owned()));
        assert_eq!(levels[..4], known);
        assert_eq!(levels[4], None);
    }

    #[test]
    fn the_public_layout_makes_its_axes() {
        let plan = Plan::of(&table(&[
            ("hp.lr", &["0.01", "0.010000001"]),
            ("hp.train_dataset_size", &["1", "2"]),
            ("train_dataset_size", &["5", "6"]),
            ("complexity.l2", &["1", "2"]),
            ("gen.gap", &["1", "2"]),
            ("is.converged", &["True", "True"]),
        ]));
        assert_eq!(plan.hyper.unwrap(), ["hp.lr", "hp.train_size"]);
        assert_eq!(plan.measures.unwrap(), ["complexity.l2"]);
        assert_eq!(plan.flags.len(), 1);
        assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
    }

    #[test]
    fn the_zoo_is_told_from_its_measures_and_their_terms() {
        let names = "run,variant,batch,seed,status,counted,epochs,loss_gap,train_accuracy,test_accuracy,srr,srr.images,l2,l2_dist,kurtosis,missing";
        let columns: Vec<(&str, &[&str])> = names.split(',').map(|name| (name, &[][..])).collect();
        let plan = Plan::of(&table(&columns));
        assert_eq!(plan.layout, Layout::Zoo);
        assert_eq!(plan.hyper.unwrap(), ["variant", "batch"]);
        assert_eq!(plan.measures.unwrap(), ["srr", "l2", "l2_dist", "kurtosis"]);
        assert_eq!(plan.accuracy, Accuracy::Columns);
    }
}
