//! Conditional information and robust sign errors of `correlation`.

use super::SRR;
use crate::report::{Axis, Cell, Chart, Column, Ink, Mark, Panel, Series, Table};
use srr_measures::statistics::{Analysis, MeasureAnalysis, SignErrorSummary, SignErrors};

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

/// The errors that a distribution is drawn of: those of the environments that qualify, else the pooled ones.
fn drawn(errors: &SignErrors) -> (&'static str, &SignErrorSummary) {
    if errors.all.errors.is_empty() {
        ("pooled", &errors.pooled)
    } else {
        ("qualified", &errors.all)
    }
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
        let Some(errors) = &measure.sign_error else {
            continue;
        };
        let (which, errors) = drawn(errors);
        for (error, share) in steps(errors) {
            table.push(vec![
                measure.name.as_str().into(),
                which.into(),
                error.into(),
                share.into(),
            ]);
        }
    }
    table
}

/// The distribution functions, that of the sparse rate reduction in front.
pub(super) fn chart(analysis: &Analysis) -> Chart {
    let curve = |measure: &MeasureAnalysis| {
        let mut points = vec![(0.0, 0.0)];
        for (error, share) in steps(drawn(measure.sign_error.as_ref()?).1) {
            let before = points.last().map_or(0.0, |last| last.1);
            points.extend([(error, before), (error, share)]);
        }
        points.push((1.0, 1.0));
        Some(points)
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
    for (place, measure) in others.into_iter().chain(srr).enumerate() {
        let (name, ink) = match (measure.name == SRR, place) {
            (true, _) => (SRR, Ink::Category(1)),
            (false, 0) => ("other measures", Ink::Neutral),
            (false, _) => ("", Ink::Neutral),
        };
        if let Some(points) = curve(measure) {
            panel = panel.series(Series::new(name, ink, Mark::Line).points(points));
        }
    }
    let which = analysis
        .measures
        .iter()
        .find_map(|measure| Some(drawn(measure.sign_error.as_ref()?).0));
    let caption = match which {
        Some("qualified") => {
            "Share of environments with a sign error up to x; a good measure rises at the left."
        }
        _ => {
            "No pair of cells qualifies; pooled over all matched pairs of cells that differ in the same two values."
        }
    };
    Chart::new(
        "correlation-sign-errors",
        "Distribution of robust sign errors",
        caption,
    )
    .panel(panel)
}

#[cfg(test)]
mod tests {
    use super::*;

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
