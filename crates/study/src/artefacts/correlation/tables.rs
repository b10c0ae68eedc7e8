//! The table of the zoo, every model with everything known of it.

use super::super::zoo::{self, Model};
use crate::{
    Result,
    measuring::MeasureRequest,
    report::{Cell, Column, Table},
};

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
