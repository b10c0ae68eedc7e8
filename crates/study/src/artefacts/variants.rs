//! `variants`: accuracy and size of every variant (Hu, Zou and Xu 2024, Table 3).

use super::{
    Recipe,
    common::{deviation, fixed, ink, leaders, list, mean, note_diverged, section, seeds, title},
    paired::Paired,
    settings::describe,
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
            .finding(finding(&rows.iter().map(Row::scored).collect::<Vec<_>>()))
            .paper(PAPER)
            .seeds(seeds(&section.seeds))
            .spread("Sample standard deviation over seeds; 95 % Student interval of differences, paired by seed.")
            .chart(chart(&rows))
            .table(table(&rows));
        let results = rows
            .iter()
            .flat_map(|row| row.runs.iter().map(|(run, result)| (run, result)));
        Ok(note_diverged(describe(artefact, &runs)?, results))
    }
}

const SHOWS: &str = "Top-1 accuracy and number of parameters of every way to write the attention half-step: the conceptual step \
    (CRATE-C), its negative (CRATE-N) and its transpose (CRATE-T), which have no output map of their own; the learned output map \
    (CRATE), a random one that is never trained (CRATE-Fix), none at all (CRATE-Identity); and an ordinary vision transformer in \
    the same frame (ViT).";

const PAPER: &str = "The paper's Table 3 has top-1 accuracies and parameter counts of CRATE-C, CRATE-N, CRATE-T, CRATE, CRATE-Fix and \
    CRATE-Identity. Its numbers are not at hand, so there is nothing to compare with.\n\n\
    At d = 384, L = 12 and ten classes, a size of the paper, its architecture has, by our count, CRATE 5,709,706 parameters and the tied variants 3,935,626.";

/// A variant with the test accuracies of its runs in percent, by seed.
type Scored = (Variant, Vec<(u64, f64)>);

impl Row {
    fn scored(&self) -> Scored {
        let of = |(run, result): &(PlannedRun, RunResult)| {
            Some((run.config.seed, 100.0 * result.test_accuracy()?))
        };
        (self.variant, self.runs.iter().filter_map(of).collect())
    }
}

/// Accuracies of `second` minus those of `first`, paired by seed.
fn paired(first: &Scored, second: &Scored) -> Option<Paired> {
    let of = |&(seed, accuracy): &(u64, f64)| {
        let (_, other) = second.1.iter().find(|(other, _)| *other == seed)?;
        Some((accuracy, *other))
    };
    Paired::new(&first.1.iter().filter_map(of).collect::<Vec<_>>())
}

fn accuracies(scored: &Scored) -> Vec<f64> {
    scored.1.iter().map(|(_, accuracy)| *accuracy).collect()
}

fn finding(scored: &[Scored]) -> String {
    let mut ranked: Vec<(&Scored, f64)> = scored
        .iter()
        .filter(|scored| !scored.1.is_empty())
        .map(|scored| (scored, mean(&accuracies(scored))))
        .collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let leading = leaders(&ranked);
    let reversed: Vec<(&Scored, f64)> = ranked.iter().map(|(row, mean)| (*row, -mean)).collect();
    let trailing = leaders(&reversed);
    let Some(&best) = leading.first() else {
        return "No run finished.".to_owned();
    };
    let names = |rows: &[&Scored]| list(&rows.iter().map(|row| title(row.0)).collect::<Vec<_>>());
    let with = |rows: &[&Scored]| match rows {
        [one] => format!("{}, {}", names(rows), spread(&accuracies(one))),
        rows => {
            let all: Vec<String> = rows.iter().map(|row| spread(&accuracies(row))).collect();
            format!("{} (tied), {}", names(rows), list(&all))
        }
    };
    let headline = if leading.len() == ranked.len() {
        format!("The mean accuracy is that of {}.", with(&leading))
    } else {
        format!(
            "The highest mean accuracy is that of {}; the lowest that of {}.",
            with(&leading),
            with(&trailing)
        )
    };
    let order: Vec<String> = ranked
        .iter()
        .map(|(row, mean)| format!("{} {}", title(row.0), fixed(*mean, 2)))
        .collect();
    let mut text = format!(
        "{headline}\n\nMeans from high to low: {}.",
        order.join(", ")
    );
    if ranked.len() > 1 {
        text.push_str(&format!(" {}", told_apart(best, &ranked)));
    }
    let of = |variant: Variant| {
        ranked
            .iter()
            .map(|item| item.0)
            .find(|row| row.0 == variant)
    };
    for other in [Variant::Fix, Variant::Identity, Variant::Vit] {
        if let (Some(full), Some(other)) = (of(Variant::Crate), of(other))
            && let Some(difference) = paired(other, full)
        {
            text.push_str(&format!(
                " CRATE against {}: {}.",
                title(other.0),
                difference.say()
            ));
        }
    }
    text
}

/// Which variants one is above by intervals of the difference paired by seed, and which it cannot be told apart from.
fn told_apart(best: &Scored, ranked: &[(&Scored, f64)]) -> String {
    let (mut below, mut open) = (Vec::new(), Vec::new());
    for (other, _) in ranked.iter().filter(|(other, _)| other.0 != best.0) {
        match paired(other, best).map_or(0, |difference| difference.sign()) {
            1 => &mut below,
            _ => &mut open,
        }
        .push(title(other.0));
    }
    let name = title(best.0);
    if below.is_empty() {
        return format!(
            "Paired by seed, {name} cannot be told apart from any other: no 95 % interval of a difference lies off zero."
        );
    }
    format!(
        "Paired by seed, {name} is above {} (95 % intervals of the difference off zero) and not told apart from {}.",
        list(&below),
        list(&open)
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(variant: Variant, accuracies: &[f64]) -> Scored {
        (variant, (0..).zip(accuracies.iter().copied()).collect())
    }

    #[test]
    fn ties_are_named_and_differences_within_the_spread_decide_nothing() {
        let said = finding(&[
            scored(Variant::Crate, &[96.0, 95.0, 94.0]),
            scored(Variant::Fix, &[95.9, 95.2, 93.9]),
            scored(Variant::Vit, &[94.0, 95.0, 95.5]),
        ]);
        for expected in [
            "The highest mean accuracy is that of CRATE and CRATE-Fix (tied)",
            "the lowest that of ViT",
            "CRATE cannot be told apart from any other",
            "CRATE against ViT: +0.17 points [",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }

    #[test]
    fn a_difference_beyond_the_spread_is_stated() {
        let said = finding(&[
            scored(Variant::Negative, &[90.0, 89.0, 88.1]),
            scored(Variant::Crate, &[96.0, 95.0, 94.0]),
        ]);
        assert!(
            said.starts_with("The highest mean accuracy is that of CRATE, 95.0 ± 1.0 % (3 seeds)")
                && said.contains("CRATE is above CRATE-N")
                && said.contains("not told apart from none"),
            "{said}"
        );
        let equal = finding(&[
            scored(Variant::Crate, &[95.0]),
            scored(Variant::Negative, &[95.0]),
        ]);
        assert!(
            equal.contains("CRATE and CRATE-N (tied)") && !equal.contains("lowest"),
            "{equal}"
        );
        assert_eq!(finding(&[]), "No run finished.");
    }
}
