//! `regularized-layers`: which layer the penalty is put on (Hu, Zou and Xu 2024, Table 6).

use super::{
    Recipe,
    common::{fixed, ink, leaders, list, mean, note_diverged, section, seeds, title},
    layerwise::with_rates,
    paired::Paired,
    regularization::{Pair, accuracies, difference, error_bar, with_penalty},
    settings::describe,
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
        let pairs = rows.iter().flat_map(|row| &row.pairs);
        let runs: Vec<PlannedRun> = pairs
            .flat_map(|pair| [pair.plain.0.clone(), pair.regularized.0.clone()])
            .collect();
        let artefact = Artefact::new("regularized-layers", "Which layer the penalty is put on")
            .shows(SHOWS)
            .finding(finding(&rows))
            .paper(PAPER)
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
            describe(artefact, &runs)?,
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
                    settings.push((variant, choice, with_rates(context, plain)?, regularized));
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

/// Accuracies of one choice: its name and its pairs without and with the penalty in percent.
type Compared = (String, Vec<(f64, f64)>);

fn finding(rows: &[Row]) -> String {
    let paragraphs: Vec<String> = variants(rows)
        .into_iter()
        .filter_map(|variant| {
            let of = rows.iter().filter(|row| row.variant == variant);
            let choices: Vec<Compared> =
                of.map(|row| (name(row.choice), row.accuracies())).collect();
            Some(format!("{}: {}", title(variant), compared(&choices)?))
        })
        .collect();
    if paragraphs.is_empty() {
        "No pair of runs finished.".to_owned()
    } else {
        paragraphs.join("\n\n")
    }
}

/// What can be told of the choices of one variant; `None` without any pair.
fn compared(choices: &[Compared]) -> Option<String> {
    let known: Vec<(&str, f64, Paired)> = choices
        .iter()
        .filter_map(|(name, pairs)| {
            let with: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
            Some((name.as_str(), mean(&with), Paired::new(pairs)?))
        })
        .collect();
    let means: Vec<(&str, f64)> = known.iter().map(|(name, mean, _)| (*name, *mean)).collect();
    let highest = means.iter().map(|item| item.1).reduce(f64::max)?;
    let names = |sign: i8| {
        let chosen = known.iter().filter(|(_, _, paired)| paired.sign() == sign);
        chosen.map(|(name, _, _)| *name).collect::<Vec<_>>()
    };
    let verdict = match (names(1), names(-1)) {
        (up, down) if up.is_empty() && down.is_empty() => {
            "none of the choices can be told apart from training without the penalty (no difference has an interval that lies off zero)"
                .to_owned()
        }
        (up, down) => format!(
            "the penalty raises accuracy on {} and lowers it on {}, with intervals of the difference off zero",
            list(&up),
            list(&down)
        ),
    };
    let leaders = leaders(&means);
    let tie = if leaders.len() > 1 { " (tied)" } else { "" };
    let details: Vec<String> = known
        .iter()
        .map(|(name, _, paired)| format!("{name} {}", paired.say()))
        .collect();
    Some(format!(
        "{verdict}; the highest mean, {} %, is that with the penalty on {}{tie}.\n\nAgainst the same runs without it: {}.",
        fixed(highest, 2),
        list(&leaders),
        list(&details)
    ))
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
        "Means over seeds; bars are ± one standard deviation, the line is the mean without the penalty.",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, pairs: &[(f64, f64)]) -> Compared {
        (name.to_owned(), pairs.to_vec())
    }

    #[test]
    fn a_tie_is_named_and_no_choice_is_best_by_rounding() {
        let plain = [96.0, 95.0, 94.0];
        let up = |by: [f64; 3]| -> Vec<(f64, f64)> {
            plain
                .iter()
                .zip(by)
                .map(|(&plain, by)| (plain, plain + by))
                .collect()
        };
        let said = compared(&[
            choice("layer 2", &up([0.3, -0.2, 0.2])),
            // The same mean, but for rounding.
            choice("all layers", &up([0.1, 0.1 + 0.2, -0.1])),
            choice("a random layer", &up([0.0, 0.0, 0.0])),
            choice("layer 4", &[]),
        ])
        .unwrap();
        assert!(
            said.contains("none of the choices can be told apart")
                && said.contains("the highest mean, 95.10 %, is that with the penalty on layer 2 and all layers (tied)"),
            "{said}"
        );
        let said = compared(&[
            choice("layer 2", &up([1.0, 1.1, 0.9])),
            choice("layer 4", &up([-1.0, -1.1, -0.9])),
            choice("all layers", &up([0.3, -0.2, 0.2])),
        ])
        .unwrap();
        assert!(
            said.contains("raises accuracy on layer 2 and lowers it on layer 4")
                && !said.contains("tied"),
            "{said}"
        );
        assert_eq!(compared(&[choice("layer 2", &[])]), None);
    }
}
