//! What is odd about a table of models, in sentences.

use super::Rows;
use crate::report::words::count;
use srr_measures::statistics::Table;

/// What is odd about a table, in sentences.
pub(super) fn remarks(table: &Table, rows: &Rows) -> Vec<String> {
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
