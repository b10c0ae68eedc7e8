//! `regularized-layers`: which layer the penalty is put on (Hu, Zou and Xu 2024, Table 6).

use super::{
    Recipe,
    common::{describe, fixed, ink, list, mean, note_diverged, section, seeds, title},
    paired::Paired,
    regularization::{Pair, accuracies, difference, error_bar, with_penalty},
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::{self, LayerChoice, Profile},
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Rule, Series, Table},
};
use srr_layers::Variant;

/// The artefact.
pub(super) struct RegularizedLayers;

/// All seeds of one variant and choice of layers.
struct Row {
    variant: Variant,
    choice: LayerChoice,
    pairs: Vec<Pair>,
}

impl Row {
    fn accuracies(&self) -> Vec<(f64, f64)> {
        self.pairs.iter().filter_map(accuracies).collect()
    }

    fn plain(&self) -> Vec<f64> {
        self.accuracies().into_iter().map(|pair| pair.0).collect()
    }

    fn regularized(&self) -> Vec<f64> {
        self.accuracies().into_iter().map(|pair| pair.1).collect()
    }
}

impl Recipe for RegularizedLayers {
    fn name(&self) -> &'static str {
        "regularized-layers"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.regularized_layers.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let mut runs = Vec::new();
        for (_, _, plain, regularized) in self.settings(context)? {
            runs.extend([plain, regularized]);
        }
        Ok(runs)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.regularized_layers, self.name())?;
        let mut rows: Vec<Row> = Vec::new();
        for (variant, choice, plain, regularized) in self.settings(context)? {
            let results = (context.result(&plain)?, context.result(&regularized)?);
            let pair = Pair {
                variant,
                plain: (plain, results.0),
                regularized: (regularized, results.1),
            };
            match rows
                .last_mut()
                .filter(|row| row.variant == variant && row.choice == choice)
            {
                Some(row) => row.pairs.push(pair),
                None => rows.push(Row {
                    variant,
                    choice,
                    pairs: vec![pair],
                }),
            }
        }
        let plain: Vec<PlannedRun> = rows
            .iter()
            .flat_map(|row| row.pairs.iter().map(|pair| pair.plain.0.clone()))
            .collect();
        let artefact = Artefact::new("regularized-layers", "Which layer the penalty is put on")
            .shows(SHOWS)
            .finding(finding(&rows))
            .paper(PAPER)
            .setting("Penalty", format!("η = {}, λ = 0.1, ε^{{2}} = p/N", section.eta))
            .seeds(seeds(&section.seeds))
            .spread("Sample standard deviation over seeds; 95 % Student interval of the difference, paired by seed.")
            .chart(chart(&rows))
            .table(table(&rows));
        let results = rows.iter().flat_map(|row| {
            row.pairs
                .iter()
                .flat_map(|pair| [&pair.plain, &pair.regularized])
        });
        Ok(note_diverged(
            describe(artefact, &plain),
            results.map(|(run, result)| (run, result)),
        ))
    }
}

impl RegularizedLayers {
    /// Variant, choice, and the runs without and with the penalty, in the order of the table.
    fn settings(
        &self,
        context: &Context<'_>,
    ) -> Result<Vec<(Variant, LayerChoice, PlannedRun, PlannedRun)>> {
        let section = section(&context.profile.regularized_layers, self.name())?;
        let setup = section.setup(context.profile);
        let mut settings = Vec::new();
        for &variant in &section.variants {
            for choice in choices(section, setup.model.depth.unwrap_or(0)) {
                for &seed in &section.seeds {
                    let plain = context.run(&setup, variant, seed)?;
                    let regularized = with_penalty(&plain, section.eta, choice)?;
                    settings.push((variant, choice, plain, regularized));
                }
            }
        }
        Ok(settings)
    }
}

const SHOWS: &str = "Accuracy when the penalty is put on one even layer, on a layer drawn anew at every step, or on all layers, beside \
    the same run without it.";

const PAPER: &str = "In the paper the random layer is worse; its main table uses the last layer only.\n\n\
    The accuracies of its Table 6 are not recorded here.";

/// The choices of the section, or 2, 4, …, L, random and all.
fn choices(section: &profile::RegularizedLayers, depth: usize) -> Vec<LayerChoice> {
    if !section.layers.is_empty() {
        return section.layers.clone();
    }
    let even = (2..=depth).step_by(2).map(LayerChoice::Layer);
    even.chain([LayerChoice::Random, LayerChoice::All])
        .collect()
}

fn finding(rows: &[Row]) -> String {
    let mut paragraphs = Vec::new();
    for variant in variants(rows) {
        let of = || {
            rows.iter()
                .filter(move |row| row.variant == variant && !row.accuracies().is_empty())
        };
        let best = of().max_by(|a, b| mean(&a.regularized()).total_cmp(&mean(&b.regularized())));
        let Some(best) = best else { continue };
        let details: Vec<String> = of()
            .filter_map(|row| {
                Some(format!(
                    "{} {}",
                    name(row.choice),
                    Paired::new(&row.accuracies())?.say()
                ))
            })
            .collect();
        paragraphs.push(format!(
            "{}: best with the penalty on {}, {} %, against {} % without it.\n\nAgainst the same runs without it: {}.",
            title(variant),
            name(best.choice),
            fixed(mean(&best.regularized()), 2),
            fixed(mean(&best.plain()), 2),
            list(&details)
        ));
    }
    if paragraphs.is_empty() {
        "No pair of runs finished.".to_owned()
    } else {
        paragraphs.join("\n\n")
    }
}

fn name(choice: LayerChoice) -> String {
    match choice {
        LayerChoice::Last => "the last layer".to_owned(),
        LayerChoice::All => "all layers".to_owned(),
        LayerChoice::Random => "a random layer".to_owned(),
        LayerChoice::Layer(layer) => format!("layer {layer}"),
    }
}

fn variants(rows: &[Row]) -> Vec<Variant> {
    let mut found: Vec<Variant> = rows.iter().map(|row| row.variant).collect();
    found.dedup();
    found
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        "regularized-layers",
        "Top-1 accuracy (%) by penalized layers",
    )
    .columns([
        Column::new("variant", "Variant"),
        Column::new("layers", "Penalized"),
        Column::new("top1", "top-1 (%)").spread(),
        Column::new("plain", "without the penalty (%)").spread(),
        Column::new("difference", "difference")
            .interval()
            .decimals(2),
    ]);
    for row in rows {
        table.push(vec![
            title(row.variant).into(),
            Cell::from(row.choice.to_string()),
            Cell::spread(&row.regularized()),
            Cell::spread(&row.plain()),
            difference(Paired::new(&row.accuracies())),
        ]);
    }
    table
}

fn chart(rows: &[Row]) -> Chart {
    let mut chart = Chart::new(
        "regularized-layers",
        "Top-1 by penalized layers",
        "Means over seeds; the line is the mean without the penalty.",
    );
    for variant in variants(rows) {
        let of: Vec<&Row> = rows
            .iter()
            .filter(|row| row.variant == variant && !row.accuracies().is_empty())
            .collect();
        let axis = Axis::categories(
            "penalized layers",
            of.iter().map(|row| row.choice.to_string()),
        );
        let points = of
            .iter()
            .enumerate()
            .map(|(place, row)| error_bar(place as f64, &row.regularized()));
        let series = Series::new("", ink(variant), Mark::Points).points(points);
        let mut panel = Panel::new(title(variant), axis, Axis::new("top-1 (%)")).series(series);
        let plain: Vec<f64> = of.iter().flat_map(|row| row.plain()).collect();
        if !plain.is_empty() {
            panel = panel.rule(Rule::horizontal(mean(&plain), "without the penalty"));
        }
        chart = chart.panel(panel);
    }
    chart
}
