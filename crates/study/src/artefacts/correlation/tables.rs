//! The table of the zoo, every model with everything known of it, and that of the measures.

use super::super::zoo::{self, Model};
use crate::{
    Result,
    measuring::{MeasureRecord, MeasureRequest},
    plan::Context,
    report::{Cell, Column, Table},
};
use srr_measures::statistics::quantile;

/// What every measure is, how it was taken, and how sure its values are.
pub(super) fn measures(
    context: &Context<'_>,
    models: &[Model],
    requests: &[MeasureRequest],
) -> Result<Table> {
    let heads = [
        Column::new("measure", "Measure"),
        Column::new("source", "Source"),
        Column::new("cost", "Cost"),
        Column::new("settings", "Settings"),
        Column::new("images", "images"),
        Column::new("relative_error", "error / value"),
        Column::new("higher_is", "Higher is, its source says"),
    ];
    let mut table = Table::new("correlation-measures", "The measures").columns(heads);
    table.folded = true;
    for request in requests {
        let about = context.registry.get(&request.measure)?.about();
        let counted = models.iter().filter(|model| model.counts);
        let records = counted
            .map(|model| model.measured(request))
            .collect::<Result<Vec<_>>>()?;
        let better = if about.higher_is_better {
            "better"
        } else {
            "more complex"
        };
        table.push(vec![
            request.measure.as_str().into(),
            about.source.into(),
            about.cost.to_string().into(),
            request.settings.as_str().into(),
            records.iter().find_map(|record| record.images).into(),
            relative_error(&records).into(),
            better.into(),
        ]);
    }
    Ok(table)
}

/// The median over models of the standard error over the value; `None` where the measure is no estimate.
fn relative_error(records: &[&MeasureRecord]) -> Option<f64> {
    let ratio = |record: &&MeasureRecord| Some((record.standard_error? / record.value?).abs());
    let mut ratios: Vec<f64> = records.iter().filter_map(ratio).collect();
    ratios.retain(|ratio| ratio.is_finite());
    ratios.sort_unstable_by(f64::total_cmp);
    quantile(&ratios, 0.5)
}

/// Every model with everything known of it.
pub(super) fn zoo(models: &[Model], requests: &[MeasureRequest]) -> Result<Table> {
    let axes = zoo::varied(models);
    let details = zoo::details(models, requests)?;
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
