//! `variants`: accuracy and size of every variant (Hu, Zou and Xu 2024, Table 3).

use super::{
    Recipe,
    common::{describe, deviation, fixed, ink, mean, note_diverged, section, seeds, title},
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Series, Table},
    store::RunResult,
};
use srr_layers::Variant;

/// The artefact.
pub(super) struct Variants;

/// All runs of one variant.
struct Row {
    variant: Variant,
    runs: Vec<(PlannedRun, RunResult)>,
}

impl Row {
    /// A number of each run that has one.
    fn each(&self, of: impl Fn(&RunResult) -> Option<f64>) -> Vec<f64> {
        self.runs
            .iter()
            .filter_map(|(_, result)| of(result))
            .collect()
    }

    /// Test accuracies in percent.
    fn accuracies(&self) -> Vec<f64> {
        self.each(|result| Some(100.0 * result.test_accuracy()?))
    }
}

impl Recipe for Variants {
    fn name(&self) -> &'static str {
        "variants"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.variants.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let section = section(&context.profile.variants, self.name())?;
        let setup = section.setup(context.profile);
        let mut runs = Vec::new();
        for &variant in &section.variants {
            for &seed in &section.seeds {
                runs.push(context.run(&setup, variant, seed)?);
            }
        }
        Ok(runs)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.variants, self.name())?;
        let runs = self.plan(context)?;
        let mut rows: Vec<Row> = section
            .variants
            .iter()
            .map(|&variant| Row {
                variant,
                runs: Vec::new(),
            })
            .collect();
        for run in &runs {
            let result = context.result(run)?;
            let row = rows
                .iter_mut()
                .find(|row| row.variant == run.config.model.variant);
            row.into_iter()
                .for_each(|row| row.runs.push((run.clone(), result.clone())));
        }
        let artefact = Artefact::new("variants", "Accuracy and size of the variants")
            .shows(SHOWS)
            .finding(finding(&rows))
            .paper(PAPER)
            .seeds(seeds(&section.seeds))
            .spread("Sample standard deviation over seeds.")
            .chart(chart(&rows))
            .table(table(&rows));
        let results = rows
            .iter()
            .flat_map(|row| row.runs.iter().map(|(run, result)| (run, result)));
        Ok(note_diverged(describe(artefact, &runs), results))
    }
}

const SHOWS: &str = "Top-1 accuracy and number of parameters of every way to write the attention half-step: the conceptual step \
    (CRATE-C), its negative (CRATE-N) and its transpose (CRATE-T), which have no output map of their own; the learned output map \
    (CRATE), a random one that is never trained (CRATE-Fix), none at all (CRATE-Identity); and an ordinary vision transformer in \
    the same frame (ViT).";

const PAPER: &str = "The accuracies of the paper's Table 3 (CIFAR-10) are not recorded here.\n\n\
    Its setting is d = 384, L = 12, where by exact counts CRATE has 5,709,706 parameters and the tied variants have 3,935,626.";

fn finding(rows: &[Row]) -> String {
    let mut ranked: Vec<(&Row, Vec<f64>)> = rows
        .iter()
        .map(|row| (row, row.accuracies()))
        .filter(|(_, all)| !all.is_empty())
        .collect();
    ranked.sort_by(|(_, a), (_, b)| mean(b).total_cmp(&mean(a)));
    let (Some((best, best_values)), Some((worst, worst_values))) = (ranked.first(), ranked.last())
    else {
        return "No run finished.".to_owned();
    };
    let mut text = format!(
        "{} is best with {}, {} last with {}.",
        title(best.variant),
        spread(best_values),
        title(worst.variant),
        spread(worst_values)
    );
    let order: Vec<String> = ranked
        .iter()
        .map(|(row, values)| format!("{} {}", title(row.variant), fixed(mean(values), 1)))
        .collect();
    text.push_str(&format!("\n\nFrom best to worst: {}.", order.join(", ")));
    let of = |variant: Variant| ranked.iter().find(|(row, _)| row.variant == variant);
    for other in [Variant::Fix, Variant::Identity, Variant::Vit] {
        if let (Some((_, full)), Some((_, values))) = (of(Variant::Crate), of(other)) {
            let difference = mean(full) - mean(values);
            text.push_str(&format!(
                " CRATE is {} points {} {}.",
                fixed(difference.abs(), 1),
                if difference >= 0.0 { "above" } else { "below" },
                title(other)
            ));
        }
    }
    text
}

/// `96.1 ± 0.2 % (3 seeds)`.
fn spread(values: &[f64]) -> String {
    match values.len() {
        1 => format!("{} % (one seed)", fixed(values[0], 1)),
        n => format!(
            "{} ± {} % ({n} seeds)",
            fixed(mean(values), 1),
            fixed(deviation(values), 1)
        ),
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new("variants", "Accuracy and size by variant").columns([
        Column::new("variant", "Variant"),
        Column::new("top1", "top-1 (%)").spread(),
        Column::new("train_top1", "training top-1 (%)").spread(),
        Column::new("loss", "loss").spread(),
        Column::new("gap", "loss gap").spread(),
        Column::new("trainable", "trainable parameters"),
        Column::new("total", "all parameters"),
        Column::new("epochs", "epochs").spread(),
    ]);
    for row in rows {
        let count = |of: fn(&RunResult) -> u64| {
            let count = row
                .runs
                .first()
                .and_then(|(_, result)| i64::try_from(of(result)).ok());
            Cell::from(count)
        };
        table.push(vec![
            title(row.variant).into(),
            Cell::spread(&row.accuracies()),
            Cell::spread(&row.each(|result| Some(100.0 * result.train?.accuracy?))),
            Cell::spread(&row.each(|result| Some(result.test?.loss))),
            Cell::spread(&row.each(RunResult::loss_gap)),
            count(|result| result.trainable),
            count(|result| result.total),
            Cell::spread(&row.each(|result| Some(result.epochs as f64))),
        ]);
    }
    table
}

fn chart(rows: &[Row]) -> Chart {
    let names = rows.iter().map(|row| title(row.variant));
    let mut panel = Panel::new("", Axis::categories("", names), Axis::new("top-1 (%)"));
    for (place, row) in rows.iter().enumerate() {
        let values = row.accuracies();
        if values.is_empty() {
            continue;
        }
        let center = Point::at(place as f64, mean(&values));
        let point = match deviation(&values) {
            spread if spread.is_finite() => {
                center.between(mean(&values) - spread, mean(&values) + spread)
            }
            _ => center,
        };
        panel = panel.series(
            Series::new("", ink(row.variant), Mark::Points)
                .points([point.labeled(spread(&values))]),
        );
    }
    Chart::new(
        "variants",
        "Top-1 accuracy by variant",
        "Means over seeds; bars are ± one standard deviation.",
    )
    .panel(panel)
}
