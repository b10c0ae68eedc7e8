//! `regularization`: cross-entropy alone and with the sparse rate reduction (Hu, Zou and Xu 2024, Table 2).

use super::{
    Recipe,
    common::{deviation, fixed, list, mean, note_diverged, section, seeds, title},
    paired::Paired,
    settings::describe,
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::{LayerChoice, Profile},
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Series, Table},
    store::RunResult,
};
use srr_layers::Variant;
use srr_trainer::{PenalizedLayers, RegularizerConfig};

/// The artefact.
pub(super) struct Regularization;

/// The two runs of one variant and seed.
pub(super) struct Pair {
    pub(super) variant: Variant,
    pub(super) plain: (PlannedRun, RunResult),
    pub(super) regularized: (PlannedRun, RunResult),
}

impl Recipe for Regularization {
    fn name(&self) -> &'static str {
        "regularization"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.regularization.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let section = section(&context.profile.regularization, self.name())?;
        let setup = section.setup(context.profile);
        let mut runs = Vec::new();
        for &variant in &section.variants {
            for &seed in &section.seeds {
                let plain = context.run(&setup, variant, seed)?;
                runs.push(with_penalty(&plain, section.eta, section.layers)?);
                runs.push(plain);
            }
        }
        Ok(runs)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.regularization, self.name())?;
        let runs = self.plan(context)?;
        let mut pairs = Vec::new();
        for two in runs.chunks_exact(2) {
            pairs.push(Pair {
                variant: two[0].config.model.variant,
                regularized: (two[0].clone(), context.result(&two[0])?),
                plain: (two[1].clone(), context.result(&two[1])?),
            });
        }
        let rows = rows(&section.variants, &pairs);
        let artefact = Artefact::new("regularization", "Training with the sparse rate reduction as a penalty")
            .shows(SHOWS)
            .finding(finding(&rows))
            .paper(PAPER)
            .seeds(seeds(&section.seeds))
            .spread("Sample standard deviation over seeds; 95 % Student interval of the difference, paired by seed.")
            .chart(chart(&rows))
            .table(table(&rows));
        let results = pairs
            .iter()
            .flat_map(|pair| [&pair.plain, &pair.regularized]);
        Ok(note_diverged(
            describe(artefact, &runs)?,
            results.map(|(run, result)| (run, result)),
        ))
    }
}

const SHOWS: &str = "Whether adding η times the sparse rate reduction of a layer to the loss raises accuracy. Both runs of a pair have \
    the same seed, so the same initial weights and the same order of images. The penalty of a layer reaches that layer's own \
    parameters only.";

const PAPER: &str = "The paper reports η = 10^{−3} as the best of its grid (10^{−4} to 1) and uses the last layer only in its main \
    table.\n\nThe accuracies of its Table 2 are not recorded here.";

/// The same run with the penalty.
pub(super) fn with_penalty(
    plain: &PlannedRun,
    eta: f64,
    layers: LayerChoice,
) -> Result<PlannedRun> {
    let layers = match layers {
        LayerChoice::Last => PenalizedLayers::Last,
        LayerChoice::All => PenalizedLayers::All,
        LayerChoice::Random => PenalizedLayers::Random,
        LayerChoice::Layer(layer) if layer == plain.config.model.depth => PenalizedLayers::Last,
        LayerChoice::Layer(layer) => PenalizedLayers::Chosen(vec![layer - 1]),
    };
    let regularizer = RegularizerConfig {
        strength: eta,
        layers,
        ..RegularizerConfig::default()
    };
    regularizer.validate()?;
    PlannedRun::new(
        plain.config.clone().regularized(regularizer),
        plain.data.clone(),
    )
}

/// Test accuracies of one variant in percent, without and with the penalty, seed by seed.
struct Row {
    variant: Variant,
    pairs: Vec<(f64, f64)>,
    losses: Vec<(f64, f64)>,
}

impl Row {
    fn side(&self, second: bool) -> Vec<f64> {
        self.pairs
            .iter()
            .map(|pair| if second { pair.1 } else { pair.0 })
            .collect()
    }
}

fn rows(variants: &[Variant], pairs: &[Pair]) -> Vec<Row> {
    let of = |variant: Variant| pairs.iter().filter(move |pair| pair.variant == variant);
    let row = |&variant: &Variant| Row {
        variant,
        pairs: of(variant).filter_map(accuracies).collect(),
        losses: of(variant)
            .filter_map(|pair| Some((pair.plain.1.test?.loss, pair.regularized.1.test?.loss)))
            .collect(),
    };
    variants.iter().map(row).collect()
}

/// Test accuracies of a pair in percent.
pub(super) fn accuracies(pair: &Pair) -> Option<(f64, f64)> {
    let percent = |result: &RunResult| Some(100.0 * result.test_accuracy()?);
    Some((percent(&pair.plain.1)?, percent(&pair.regularized.1)?))
}

fn finding(rows: &[Row]) -> String {
    let mut verdicts: [Vec<&str>; 3] = Default::default();
    let mut details = Vec::new();
    for row in rows {
        let Some(paired) = Paired::new(&row.pairs) else {
            continue;
        };
        verdicts[(paired.sign() + 1) as usize].push(title(row.variant));
        details.push(format!(
            "{}: {} % without and {} % with the penalty, {}.",
            title(row.variant),
            fixed(mean(&row.side(false)), 2),
            fixed(mean(&row.side(true)), 2),
            paired.say()
        ));
    }
    if details.is_empty() {
        return "No pair of runs finished.".to_owned();
    }
    let [down, open, up] = &verdicts;
    let headline = if up.is_empty() && down.is_empty() {
        format!(
            "With and without the penalty cannot be told apart: no difference has an interval that lies off zero ({}).",
            list(open)
        )
    } else {
        format!(
            "The penalty raises accuracy for {}, lowers it for {}; for {} the interval of the difference includes zero or there is none.",
            list(up),
            list(down),
            list(open)
        )
    };
    format!("{headline}\n\n{}", details.join(" "))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        "regularization",
        "Top-1 accuracy (%) without and with the penalty",
    )
    .columns([
        Column::new("variant", "Variant"),
        Column::new("plain", "cross-entropy").spread(),
        Column::new("regularized", "with the penalty").spread(),
        Column::new("difference", "difference")
            .interval()
            .decimals(2),
        Column::new("loss_plain", "loss, cross-entropy").spread(),
        Column::new("loss_regularized", "loss, with the penalty").spread(),
    ]);
    for row in rows {
        let (plain, regularized): (Vec<f64>, Vec<f64>) = row.losses.iter().copied().unzip();
        table.push(vec![
            title(row.variant).into(),
            Cell::spread(&row.side(false)),
            Cell::spread(&row.side(true)),
            difference(Paired::new(&row.pairs)),
            Cell::spread(&plain),
            Cell::spread(&regularized),
        ]);
    }
    table
}

/// A paired difference as a cell.
pub(super) fn difference(paired: Option<Paired>) -> Cell {
    match paired {
        Some(Paired {
            difference,
            interval: Some((low, high)),
            ..
        }) => Cell::Interval {
            value: difference,
            low,
            high,
        },
        Some(Paired { difference, .. }) => Cell::Number(difference),
        None => Cell::missing("no pair finished"),
    }
}

fn chart(rows: &[Row]) -> Chart {
    let axis = Axis::categories("", rows.iter().map(|row| title(row.variant)));
    let mut panel = Panel::new("", axis, Axis::new("top-1 (%)"));
    for (second, name) in [(false, "cross-entropy"), (true, "with the penalty")] {
        let points = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.pairs.is_empty())
            .map(|(place, row)| {
                let values = row.side(second);
                error_bar(place as f64, &values)
            });
        panel = panel.series(Series::new(name, usize::from(second), Mark::Points).points(points));
    }
    Chart::new(
        "regularization",
        "Top-1 with and without the penalty",
        "Means over seeds; bars are ± one standard deviation.",
    )
    .panel(panel)
}

/// The mean with one standard deviation on both sides, where there is one.
pub(super) fn error_bar(x: f64, values: &[f64]) -> Point {
    let (center, spread) = (mean(values), deviation(values));
    let point = Point::at(x, center);
    if spread.is_finite() {
        point.between(center - spread, center + spread)
    } else {
        point
    }
}
