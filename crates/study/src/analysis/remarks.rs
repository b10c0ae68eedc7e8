//! What is odd about a table of models, in sentences.

use super::Rows;
use crate::report::words::count;
use srr_measures::statistics::{Column, Table};

/// What is odd about a table, in sentences.
pub(super) fn remarks(table: &Table, rows: &Rows) -> Vec<String> {
    let mut said = of_gaps(table);
    said.extend(of_axes(table));
    said.extend(table.measures().iter().flat_map(of_measure));
    said.extend(of_repeated_rows(rows.repeated));
    said
}

fn of_gaps(table: &Table) -> Vec<String> {
    let mut said = Vec::new();
    if is_constant(table.gap().iter().copied()) {
        said.push(
            "All models have the same generalization gap: τ-a is 0 for every measure, and τ-b, p-values, K and sign errors do not exist."
                .to_owned(),
        );
    }
    let no_share = |gaps: &[f64]| gaps.iter().any(|gap| gap.abs() > 1.0);
    if table.accuracy_gap().is_some_and(no_share) {
        said.push(
            "Some gaps in accuracy lie beyond ±1, which no share does: is the gap one of accuracy, as a share? The weights of the robust \
             sign error mean nothing otherwise."
                .to_owned(),
        );
    }
    said
}

fn of_axes(table: &Table) -> Vec<String> {
    if table.axes().is_empty() {
        let said = "There are no hyper-parameters: ψ, Ψ and sign errors do not exist, and K has the empty condition alone.";
        return vec![said.to_owned()];
    }
    let alone = table.axes().iter().filter(|axis| axis.levels().len() == 1);
    let said = alone.map(|axis| {
        format!(
            "`{}` is {} for every model: no two differ in it, and there is no ψ along it.",
            axis.name(),
            axis.levels()[0]
        )
    });
    said.collect()
}

fn of_measure(measure: &Column) -> Vec<String> {
    let mut said = Vec::new();
    let defined = measure.values().iter().flatten().count();
    if defined > 1 && is_constant(measure.values().iter().copied().flatten()) {
        said.push(format!(
            "`{}` has one value for all models: it orders nothing.",
            measure.name()
        ));
    }
    let missing = measure.values().len() - defined;
    if missing > 0 {
        said.push(format!(
            "`{}` is undefined (empty or not finite) for {}, which {} left out for it.",
            measure.name(),
            count(missing, "model"),
            if missing == 1 { "is" } else { "are" },
        ));
    }
    said
}

fn of_repeated_rows(repeated: usize) -> Option<String> {
    let (verb, they) = match repeated {
        0 => return None,
        1 => ("repeats", "it is"),
        _ => ("repeat", "they are"),
    };
    let rows = count(repeated, "row");
    Some(format!(
        "{rows} {verb} an earlier one in every column; {they} kept, as any other."
    ))
}

fn is_constant(mut values: impl Iterator<Item = f64>) -> bool {
    let first = values.next();
    first.is_some_and(|first| values.all(|value| value == first))
}
