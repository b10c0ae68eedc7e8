//! Conditional information and robust sign errors of `correlation`.

use super::{super::common::percent, SRR};
use crate::report::{Axis, Cell, Chart, Column, Ink, Mark, Panel, Series, Table};
use srr_measures::statistics::{
    Analysis, MeasureAnalysis, SignErrorOptions, SignErrorSummary, SignErrors,
};

/// Stands for all hyper-parameters together.
const ALL: &str = "all";

/// K of every measure, and its sign errors over all hyper-parameters and along each.
pub(super) fn summaries(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "correlation-beyond",
        "Conditional information K and robust sign errors; pooled: over all matched pairs of cells that differ in the same two values",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("information", "K").decimals(3),
        Column::new("hyper_parameter", "Along"),
        Column::new("environments", "Environments"),
        Column::new("sign_error_mean", "Sign error, mean"),
        Column::new("sign_error_p90", "90th percentile"),
        Column::new("sign_error_max", "Maximum"),
        Column::new("pooled_environments", "Pooled environments"),
        Column::new("pooled_mean", "Pooled, mean"),
        Column::new("pooled_p90", "Pooled, 90th percentile"),
        Column::new("pooled_max", "Pooled, maximum"),
    ]);
    table.folded = true;
    for measure in &analysis.measures {
        let information = measure.information.value;
        let information = || information.map_or_else(|| Cell::missing("undefined"), Cell::Number);
        for (place, axis) in std::iter::once(ALL)
            .chain(analysis.axes.iter().map(String::as_str))
            .enumerate()
        {
            let mut row = vec![
                measure.name.as_str().into(),
                information(),
                axis.replace('_', " ").into(),
            ];
            let errors = measure.sign_error.as_ref();
            row.extend(summary(
                errors.and_then(|errors| at(&errors.all, &errors.per_axis, place)),
            ));
            row.extend(summary(errors.and_then(|errors| {
                at(&errors.pooled, &errors.pooled_per_axis, place)
            })));
            table.push(row);
        }
    }
    table
}

/// The summary over all hyper-parameters (place 0) or along one (from 1).
fn at<'a>(
    all: &'a SignErrorSummary,
    per_axis: &'a [SignErrorSummary],
    place: usize,
) -> Option<&'a SignErrorSummary> {
    match place.checked_sub(1) {
        None => Some(all),
        Some(axis) => per_axis.get(axis),
    }
}

fn summary(errors: Option<&SignErrorSummary>) -> [Cell; 4] {
    let number =
        |value: Option<f64>| value.map_or_else(|| Cell::missing("none qualifies"), Cell::Number);
    match errors {
        Some(errors) => [
            errors.environments.into(),
            number(errors.mean),
            number(errors.p90),
            number(errors.max),
        ],
        None => std::array::from_fn(|_| Cell::missing("no gap in accuracy")),
    }
}

/// Which environments the distributions are drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Those that qualify.
    Qualified,
    /// The pooled ones, as no pair of cells qualifies for any measure.
    Pooled,
    /// There is none: no pair of models reaches the weight, or no gap in accuracy is known.
    Nothing,
}

impl Drawn {
    /// The same choice for all measures, so that their curves can be compared.
    pub(super) fn of(analysis: &Analysis) -> Self {
        let any = |of: fn(&SignErrors) -> &SignErrorSummary| {
            let errors = analysis
                .measures
                .iter()
                .filter_map(|m| m.sign_error.as_ref());
            errors.map(of).any(|summary| !summary.errors.is_empty())
        };
        if any(|errors| &errors.all) {
            Self::Qualified
        } else if any(|errors| &errors.pooled) {
            Self::Pooled
        } else {
            Self::Nothing
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Qualified => "qualified",
            Self::Pooled => "pooled",
            Self::Nothing => "none",
        }
    }

    fn summary(self, errors: &SignErrors) -> Option<&SignErrorSummary> {
        match self {
            Self::Qualified => Some(&errors.all),
            Self::Pooled => Some(&errors.pooled),
            Self::Nothing => None,
        }
    }
}

/// The difference of two gaps in accuracy above which a pair of models has any weight: the Hoeffding weight
/// (1 − 2 exp(−n Δ²/2))² is the least one at Δ = √(2/n · ln(2/(1 − √least))).
pub(super) fn least_difference(options: &SignErrorOptions) -> f64 {
    let rest = 1.0 - options.least_weight.sqrt();
    (2.0 / options.test_size * (2.0 / rest).ln()).sqrt()
}

/// What there is to say where no pair of models has any weight; `None` where some have.
pub(super) fn nothing_to_weigh(analysis: &Analysis, options: &SignErrorOptions) -> Option<String> {
    if Drawn::of(analysis) != Drawn::Nothing {
        return None;
    }
    if analysis.measures.iter().all(|m| m.sign_error.is_none()) {
        return Some(
            "There is no robust sign error: the gap in accuracy is not known for every model."
                .to_owned(),
        );
    }
    Some(format!(
        "There is no robust sign error: of the models that differ in one hyper-parameter, no pair reaches the Hoeffding weight. With \
         {} images to judge on, the accuracy gaps of two models have to differ by more than {}.",
        options.test_size,
        percent(least_difference(options)).replace(" %", " percentage points"),
    ))
}

/// The steps of a distribution function: error, share of environments up to it.
fn steps(errors: &SignErrorSummary) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (place, &error) in errors.errors.iter().enumerate() {
        let share = (place + 1) as f64 / errors.errors.len() as f64;
        match steps.last_mut().filter(|last| last.0 == error) {
            Some(last) => last.1 = share,
            None => steps.push((error, share)),
        }
    }
    steps
}

/// The distribution function of the sign errors of every measure.
pub(super) fn distribution(analysis: &Analysis) -> Table {
    let drawn = Drawn::of(analysis);
    let mut table = Table::new(
        "correlation-sign-errors",
        "Distribution of sign errors over environments",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("environments", "Environments"),
        Column::new("sign_error", "Sign error"),
        Column::new("share", "share up to it"),
    ]);
    table.folded = true;
    for measure in &analysis.measures {
        let errors = measure.sign_error.as_ref();
        let Some(errors) = errors.and_then(|errors| drawn.summary(errors)) else {
            continue;
        };
        for (error, share) in steps(errors) {
            table.push(vec![
                measure.name.as_str().into(),
                drawn.name().into(),
                error.into(),
                share.into(),
            ]);
        }
    }
    table
}

/// The corners of a distribution function from (0, 0) to (1, 1); `None` without environments.
fn curve(errors: &SignErrorSummary) -> Option<Vec<(f64, f64)>> {
    if errors.errors.is_empty() {
        return None;
    }
    let mut points = vec![(0.0, 0.0)];
    for (error, share) in steps(errors) {
        let before = points.last().map_or(0.0, |last| last.1);
        points.extend([(error, before), (error, share)]);
    }
    points.push((1.0, 1.0));
    Some(points)
}

/// The distribution functions, that of the sparse rate reduction in front; `None` where there is nothing to draw.
pub(super) fn chart(analysis: &Analysis) -> Option<Chart> {
    let drawn = Drawn::of(analysis);
    let caption = match drawn {
        Drawn::Qualified => {
            "Share of environments with a sign error up to x; a good measure rises at the left."
        }
        Drawn::Pooled => {
            "No pair of cells qualifies; pooled over all matched pairs of cells that differ in the same two values."
        }
        Drawn::Nothing => return None,
    };
    let mut panel = Panel::new(
        "",
        Axis::new("sign error").range(0.0, 1.0),
        Axis::new("share of environments").range(0.0, 1.0),
    );
    let (srr, others): (Vec<_>, Vec<_>) = analysis
        .measures
        .iter()
        .partition(|measure| measure.name == SRR);
    let of = |measure: &MeasureAnalysis| curve(drawn.summary(measure.sign_error.as_ref()?)?);
    let mut named = false;
    for (measure, points) in others
        .into_iter()
        .chain(srr)
        .filter_map(|measure| Some((measure, of(measure)?)))
    {
        let (name, ink) = match (measure.name == SRR, named) {
            (true, _) => (SRR, Ink::Category(1)),
            (false, false) => ("other measures", Ink::Neutral),
            (false, true) => ("", Ink::Neutral),
        };
        named = true;
        panel = panel.series(Series::new(name, ink, Mark::Line).points(points));
    }
    Some(
        Chart::new(
            "correlation-sign-errors",
            "Distribution of robust sign errors",
            caption,
        )
        .panel(panel),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_measures::statistics::{self, AnalysisOptions, analyse, hoeffding_weight};

    /// Four models whose accuracy gaps differ by `step` between the levels of the one hyper-parameter.
    fn analysis(step: f64, options: SignErrorOptions) -> Analysis {
        let gap = [0.1, 0.1, 0.1 + step, 0.1 + step];
        let table = statistics::Table::new(&gap)
            .and_then(|table| table.with_accuracy_gap(&gap))
            .and_then(|table| table.with_axis("width", &["8", "8", "16", "16"]))
            .and_then(|table| table.with_measure(SRR, &[1.0, 2.0, 3.0, 4.0].map(Some)))
            .and_then(|table| table.with_measure("params", &[8.0, 8.0, 16.0, 16.0].map(Some)));
        let options = AnalysisOptions {
            sign_error: Some(options),
            ..AnalysisOptions::default()
        };
        analyse(&table.unwrap(), &options).unwrap()
    }

    #[test]
    fn without_environments_there_is_no_curve_and_the_threshold_is_stated() {
        let options = SignErrorOptions::new(1797.0);
        let none = analysis(0.04, options);
        assert!(none.measures.iter().all(|m| {
            let errors = m.sign_error.as_ref().unwrap();
            curve(&errors.all).is_none() && curve(&errors.pooled).is_none()
        }));
        assert_eq!(chart(&none), None);
        assert!(distribution(&none).rows.is_empty());
        let said = nothing_to_weigh(&none, &options).unwrap();
        assert!(
            said.contains("1797 images") && said.contains("4.6 percentage points"),
            "{said}"
        );

        let some = analysis(0.05, options);
        let drawn = chart(&some).unwrap();
        assert_eq!(drawn.panels[0].series.len(), 2);
        assert!(drawn.caption.contains("pooled"));
        assert_eq!(nothing_to_weigh(&some, &options), None);
    }

    #[test]
    fn a_measure_without_environments_has_no_curve_beside_one_that_has() {
        let options = SignErrorOptions::new(1797.0);
        let mut analysis = analysis(0.05, options);
        let errors = analysis.measures[1].sign_error.as_mut().unwrap();
        errors.pooled.errors.clear();
        let drawn = chart(&analysis).unwrap();
        let names: Vec<_> = drawn.panels[0]
            .series
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        assert_eq!(names, [SRR]);
    }

    #[test]
    fn the_weight_reaches_its_least_at_the_stated_difference() {
        for n in [100.0, 1797.0, 10_000.0] {
            let options = SignErrorOptions::new(n);
            let at = least_difference(&options);
            let weight = hoeffding_weight(at, n);
            assert!((weight - options.least_weight).abs() < 1e-12, "{weight}");
        }
    }

    #[test]
    fn steps_end_at_one_and_join_equal_errors() {
        let summary = SignErrorSummary {
            environments: 8,
            mean: None,
            p90: None,
            max: None,
            errors: vec![0.0, 0.5, 0.5, 1.0],
        };
        assert_eq!(steps(&summary), [(0.0, 0.25), (0.5, 0.75), (1.0, 1.0)]);
    }
}
