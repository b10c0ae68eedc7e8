//! The table of coefficients: τ, ψ, Ψ and p-values of every measure.

use crate::report::{Cell, Column, Table};
use srr_measures::statistics::{Analysis, Interval};

/// τ, ψ and Ψ of every measure.
pub(crate) fn table(analysis: &Analysis) -> Table {
    let psi = analysis.axes.iter().map(|axis| {
        Column::new(
            format!("psi_{axis}"),
            format!("ψ {}", axis.replace('_', " ")),
        )
        .interval()
        .decimals(2)
    });
    let columns = [
        Column::new("measure", "Measure"),
        Column::new("models", "Models"),
        Column::new("undefined", "Undefined"),
    ]
    .into_iter()
    .chain([Column::new("tau_a", "τ").interval().decimals(3)])
    .chain(psi)
    .chain([
        Column::new("granulated", "Ψ").interval().decimals(2),
        Column::new("tau_b", "τ-b").interval().decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    let mut table = Table::new(
        "correlation",
        "Rank correlation of every measure with the generalization gap",
    )
    .columns(columns);
    for measure in &analysis.measures {
        let mut row = vec![
            measure.name.as_str().into(),
            measure.models.into(),
            measure.left_out.into(),
            cell(measure.tau_a, measure.tau_a_interval),
        ];
        row.extend(
            measure
                .psi
                .iter()
                .map(|axis| cell(axis.value, axis.interval)),
        );
        row.extend([
            cell(measure.granulated, measure.granulated_interval),
            cell(measure.tau_b, measure.tau_b_interval),
            number(measure.p_value),
            number(measure.p_holm),
        ]);
        table.push(row);
    }
    table
}

/// τ, Ψ and K of every measure.
pub(crate) fn overall(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "correlation",
        "Rank correlation of every measure with the generalization gap",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("models", "Models"),
        Column::new("undefined", "Undefined"),
        Column::new("tau_a", "τ-a").interval().decimals(3),
        Column::new("tau_b", "τ-b").interval().decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
        Column::new("granulated", "Ψ").interval().decimals(3),
        Column::new("information", "K").decimals(3),
    ]);
    for measure in &analysis.measures {
        table.push(vec![
            measure.name.as_str().into(),
            measure.models.into(),
            measure.left_out.into(),
            cell(measure.tau_a, measure.tau_a_interval),
            cell(measure.tau_b, measure.tau_b_interval),
            number(measure.p_value),
            number(measure.p_holm),
            cell(measure.granulated, measure.granulated_interval),
            number(measure.information.value),
        ]);
    }
    table
}

/// ψ of every measure along every hyper-parameter, one a row: whatever the hyper-parameters are called.
pub(crate) fn by_axis(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "correlation-psi",
        "ψ of every measure along every hyper-parameter",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("hyper_parameter", "Along"),
        Column::new("psi", "ψ").interval().decimals(3),
        Column::new("settings", "Settings of the others"),
    ]);
    table.folded = true;
    for measure in &analysis.measures {
        for axis in &measure.psi {
            table.push(vec![
                measure.name.as_str().into(),
                axis.axis.as_str().into(),
                cell(axis.value, axis.interval),
                axis.settings.into(),
            ]);
        }
    }
    table
}

/// A number that may not exist.
pub(crate) fn number(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::missing("undefined"), Cell::Number)
}

/// A coefficient with its interval as a cell.
pub(crate) fn cell(value: Option<f64>, interval: Option<Interval>) -> Cell {
    match (value, interval) {
        (Some(value), Some(Interval { low, high, .. })) => Cell::Interval { value, low, high },
        (Some(value), None) => Cell::Number(value),
        (None, _) => Cell::missing("undefined"),
    }
}
