//! The parts of the page of an analysis: coefficients, sign errors, environments, scatter, and the table itself.

use super::{LEVEL, Star, TableAnalysis, charts, coefficients, rivals, sign_errors, words};
use crate::report::{
    Artefact, Cell, Column, Table,
    words::{count, fixed, list},
};
use srr_measures::statistics::MeasureAnalysis;

impl TableAnalysis {
    /// All parts, in the order of the page.
    #[must_use]
    pub fn sections(&self) -> Vec<Artefact> {
        let mut sections = vec![self.correlation()];
        if self.sign_error.is_some() {
            sections.extend([self.errors(), self.environments()]);
        }
        sections.extend([self.scatters(), self.itself()]);
        sections.into_iter().map(Artefact::standalone).collect()
    }

    /// `B = 200 draws over models, 95 % intervals`.
    pub(super) fn bootstrap(&self) -> String {
        let fewer = match self.fewer_draws {
            true => "; fewer than the usual 2,000, for a table of this size",
            false => "",
        };
        format!(
            "B = {} draws over models, seed {}, {} % percentile intervals{fewer}",
            self.draws,
            self.seed,
            100.0 * LEVEL
        )
    }

    fn correlation(&self) -> Artefact {
        let shown = self.shown();
        let title = format!("`{}`", self.star());
        let star = Star {
            name: self.star(),
            title: &title,
        };
        let rivals: Vec<_> = self
            .rivals
            .iter()
            .map(|rival| rival.renamed(self.reading.short(&rival.name)))
            .collect();
        let mut artefact = Artefact::new("correlation", "Measures against the generalization gap")
            .shows(SHOWS)
            .finding(words::finding(&shown, &star, &rivals))
            .setting("Gap", format!("`{}`", self.reading.gap))
            .setting("Compared with every other", format!("`{}`", self.baseline))
            .spread(format!("{}.", self.bootstrap()))
            .chart(charts::heat(&shown))
            .chart(charts::forest(&shown, &star))
            .table(coefficients::overall(&self.analysis))
            .table(coefficients::by_axis(&self.analysis))
            .note(
                "τ is τ-a (ties count zero); τ-b and its p-value stand in the table, with Holm's correction over the measures. The p-values \
                 of the differences are corrected over the comparisons.",
            );
        if !self.rivals.is_empty() {
            let title = format!("`{}`", self.baseline);
            let star = Star {
                name: &self.baseline,
                title: &title,
            };
            artefact = artefact.table(rivals::table(&self.rivals, &star));
        }
        if !self.reading.no_sign_error.is_empty() {
            artefact = artefact.note(self.reading.no_sign_error.clone());
        }
        artefact
    }

    fn errors(&self) -> Artefact {
        let shown = self.shown();
        let nothing = self
            .sign_error
            .as_ref()
            .and_then(|options| sign_errors::nothing_to_weigh(&shown, options));
        let colored = self.colored(&shown.measures);
        let mut artefact = Artefact::new("sign-errors", "Robust sign errors")
            .shows(SHOWS_ERRORS)
            .finding(nothing.unwrap_or_else(|| self.fewest_errors(&shown.measures)))
            .setting("Gap in accuracy", self.reading.accuracy.clone())
            .table(sign_errors::summaries(&self.analysis, str::to_owned));
        for chart in [
            sign_errors::chart_by_axis(&shown, &colored),
            sign_errors::heat(&shown),
        ] {
            artefact.charts.extend(chart);
        }
        if !artefact.charts.is_empty() {
            artefact = artefact.table(sign_errors::distribution(&self.analysis));
        }
        if let Some(options) = &self.sign_error {
            artefact = artefact
                .setting("Test images", options.test_size.to_string())
                .setting(
                    "Environments that count",
                    format!(
                        "effective size (Σw)²/Σw² of at least {}",
                        options.least_effective_size
                    ),
                );
        }
        artefact
    }

    /// The baseline and the measures of the smallest mean sign error beside it.
    fn colored<'a>(&self, measures: &'a [MeasureAnalysis]) -> Vec<&'a str> {
        let star = self.star().to_owned();
        let mut by_error: Vec<(&str, f64)> = measures
            .iter()
            .filter_map(|m| Some((m.name.as_str(), m.sign_error.as_ref()?.all.mean?)))
            .collect();
        by_error.sort_by(|a, b| a.1.total_cmp(&b.1));
        let first = measures
            .iter()
            .map(|m| m.name.as_str())
            .find(|name| *name == star);
        let others = by_error
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| *name != star);
        first.into_iter().chain(others.take(3)).collect()
    }

    fn fewest_errors(&self, measures: &[MeasureAnalysis]) -> String {
        let by = |pick: fn(&srr_measures::statistics::SignErrorSummary) -> Option<f64>| {
            let known = measures
                .iter()
                .filter_map(|m| Some((m.name.as_str(), pick(&m.sign_error.as_ref()?.all)?)));
            known.min_by(|a, b| a.1.total_cmp(&b.1))
        };
        let qualified = measures
            .iter()
            .filter_map(|m| m.sign_error.as_ref())
            .map(|e| e.all.environments);
        let (Some(mean), Some(max)) = (by(|e| e.mean), by(|e| e.max)) else {
            return "No pair of cells qualifies; the pooled form stands in its place.".to_owned();
        };
        let robust = measures
            .iter()
            .filter(|m| {
                m.sign_error
                    .as_ref()
                    .and_then(|e| e.all.max)
                    .is_some_and(|max| max < 0.5)
            })
            .count();
        format!(
            "Over {} environments {} has the smallest mean sign error, {}; the smallest maximum is that of {}, {}.\n\n{} right more \
             often than wrong in every environment.",
            qualified.max().unwrap_or(0),
            mean.0,
            fixed(mean.1, 3),
            max.0,
            fixed(max.1, 3),
            match robust {
                0 => "No measure is".to_owned(),
                1 => "One measure is".to_owned(),
                n => format!("{n} measures are"),
            }
        )
    }

    /// Every pair of values of a hyper-parameter, and how many of its pairs of cells count.
    fn environments_table(&self) -> Table {
        let axes = self.reading.table.axes();
        let mut table = Table::new(
            "environments",
            "Environments by the two values between which a hyper-parameter changes",
        )
        .columns([
            Column::new("hyper_parameter", "Hyper-parameter"),
            Column::new("from", "From"),
            Column::new("to", "To"),
            Column::new("cell_pairs", "Pairs of cells"),
            Column::new("weighted", "with a weight"),
            Column::new("qualified", "that count"),
            Column::new("median_size", "Median effective size").decimals(1),
        ]);
        for found in &self.environments {
            let axis = &axes[found.axis];
            table.push(vec![
                axis.name().into(),
                axis.levels()[found.levels.0].as_str().into(),
                axis.levels()[found.levels.1].as_str().into(),
                found.cell_pairs.into(),
                found.weighted.into(),
                found.qualified.into(),
                found
                    .median_size
                    .map_or_else(|| Cell::missing("no pair has a weight"), Cell::Number),
            ]);
        }
        table.folded = table.rows.len() > 30;
        table
    }

    fn environments(&self) -> Artefact {
        let axes = self.reading.table.axes();
        let sum = |of: &dyn Fn(&srr_measures::statistics::EnvironmentCount) -> usize| {
            self.environments.iter().map(of).sum::<usize>()
        };
        let per_axis: Vec<String> = axes
            .iter()
            .enumerate()
            .map(|(place, axis)| {
                let here = self.environments.iter().filter(|e| e.axis == place);
                format!(
                    "{} along {}",
                    here.map(|e| e.qualified).sum::<usize>(),
                    self.reading.short(axis.name())
                )
            })
            .collect();
        Artefact::new("environments", "Environments")
            .shows(
                "An environment is a pair of hyper-parameter cells that differ in exactly one hyper-parameter, with all pairs of their models. It \
                 counts where its weights are worth enough pairs. Here every pair of cells stands once; the sign errors take it in both orders, \
                 which doubles their numbers.",
            )
            .finding(format!(
                "{} of {} count: {}.",
                sum(&|e| e.qualified),
                count(sum(&|e| e.cell_pairs), "pair") + " of cells",
                list(&per_axis)
            ))
            .table(self.environments_table())
    }

    fn scatters(&self) -> Artefact {
        let charts = self.scatter();
        let mut artefact = Artefact::new("scatter", "Every measure against the gap").shows(
            "One panel per measure, the largest τ first; the axis of a measure that spans orders of magnitude is logarithmic, which changes no \
             rank.",
        );
        artefact.charts = charts;
        artefact
    }

    fn itself(&self) -> Artefact {
        let reading = &self.reading;
        let rows = &reading.rows;
        let mut artefact = Artefact::new("table", "The table")
            .shows("What the table was read as, and what is odd about it.")
            .finding(format!(
                "{} of {} count{}.",
                rows.used.len(),
                count(rows.read, "row"),
                rows.reasons()
            ))
            .setting("Layout", reading.layout.title())
            .setting("Gap", format!("`{}`", reading.gap))
            .setting("Measures", reading.table.measures().len().to_string())
            .setting("Bootstrap", self.bootstrap());
        for axis in reading.table.axes() {
            artefact = artefact.setting(format!("`{}`", axis.name()), levels(axis.levels()));
        }
        artefact.notes.clone_from(&reading.notes);
        artefact
    }
}

/// The parts of any page, without content: whose files an earlier analysis may have left.
pub(super) fn all_there_may_be() -> Vec<Artefact> {
    let names = [
        "correlation",
        "sign-errors",
        "environments",
        "scatter",
        "table",
    ];
    names.map(|name| Artefact::new(name, "")).into()
}

/// The levels of a hyper-parameter, or how many where they are many.
fn levels(levels: &[String]) -> String {
    const MOST: usize = 12;
    if levels.len() > MOST {
        return format!(
            "{} values from {} to {}",
            levels.len(),
            levels[0],
            levels[levels.len() - 1]
        );
    }
    levels.join(", ")
}

const SHOWS: &str = "Whether models with a larger value of a measure have a larger generalization gap, by Kendall's τ over all models; 1 is \
    the same order, −1 the opposite one, 0 none.\n\nψ is τ among models that differ in one hyper-parameter alone, Ψ the mean of the ψ. \
    Conditional information K asks what a measure says beyond any two hyper-parameters: 0 nothing, 1 everything.";

const SHOWS_ERRORS: &str = "How often a measure is wrong about the sign of a change of the gap when one hyper-parameter changes and all \
    others stay. Pairs of models weigh as much as their gaps differ beyond chance, by Hoeffding's bound for the size of the test set.";
