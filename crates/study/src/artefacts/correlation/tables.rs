//! Tables of `correlation`: coefficients, differences, and the zoo itself.

use super::{
    super::zoo::{self, Model},
    Rival, cell,
};
use crate::{
    Result,
    measuring::MeasureRequest,
    report::{Cell, Column, Table},
};
use srr_measures::statistics::Analysis;

/// τ, ψ and Ψ of every measure.
pub(super) fn coefficients(analysis: &Analysis) -> Table {
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

/// A number that may not exist.
fn number(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::missing("undefined"), Cell::Number)
}

/// τ of the sparse rate reduction minus that of every other measure.
pub(super) fn differences(rivals: &[Rival]) -> Table {
    let mut table = Table::new(
        "correlation-differences",
        "τ of the sparse rate reduction minus τ of another measure, paired bootstrap; Holm's correction over these comparisons",
    )
    .columns([
        Column::new("measure", "Other measure"),
        Column::new("models", "Models"),
        Column::new("difference", "Difference of τ")
            .interval()
            .decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    for rival in rivals {
        let found = rival.difference.as_ref();
        table.push(vec![
            rival.name.as_str().into(),
            found.map_or_else(|| Cell::missing("undefined"), |found| found.models.into()),
            cell(
                found.map(|found| found.value),
                found.map(|found| found.interval),
            ),
            number(found.map(|found| found.p_value)),
            number(rival.p_holm),
        ]);
    }
    table
}

/// Every model with everything known of it.
pub(super) fn zoo(models: &[Model], columns: &[(String, MeasureRequest)]) -> Result<Table> {
    let axes = zoo::varied(models);
    let details = zoo::details(models, columns)?;
    let heads = [Column::new("run", "Run")]
        .into_iter()
        .chain(
            axes.iter()
                .map(|(name, _)| Column::new(*name, name.replace('_', " "))),
        )
        .chain([
            Column::new("seed", "seed"),
            Column::new("status", "status"),
            Column::new("counted", "counted"),
            Column::new("epochs", "epochs"),
            Column::new("train_loss", "training loss"),
            Column::new("test_loss", "test loss"),
            Column::new("loss_gap", "loss gap"),
            Column::new("train_accuracy", "training accuracy"),
            Column::new("test_accuracy", "test accuracy"),
        ])
        .chain(details.iter().map(|detail| detail.column()));
    let mut table = Table::new("zoo", "The models of the zoo").columns(heads);
    table.folded = true;
    for model in models {
        let config = &model.run.config;
        let result = &model.result;
        let mut row: Vec<Cell> = vec![model.run.id.as_str().into()];
        row.extend(axes.iter().map(|(_, of)| Cell::from(of(config))));
        row.extend([
            Cell::from(config.seed.to_string()),
            result.status.to_string().into(),
            if model.counts { "yes" } else { "no" }.into(),
            result.epochs.into(),
            result.train.map(|scores| scores.loss).into(),
            result.test.map(|scores| scores.loss).into(),
            result.loss_gap().into(),
            result.train.and_then(|scores| scores.accuracy).into(),
            result.test_accuracy().into(),
        ]);
        for detail in &details {
            row.push(detail.cell(model)?);
        }
        table.push(row);
    }
    Ok(table)
}
