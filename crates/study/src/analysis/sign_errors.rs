//! Conditional information and robust sign errors: tables and distribution functions.

use super::Star;
use crate::report::words::percent;
use crate::report::{Axis, Cell, Chart, Column, Heat, Ink, Mark, Panel, Series, Share, Table};
use srr_measures::statistics::{
    Analysis, MeasureAnalysis, SignErrorOptions, SignErrorSummary, SignErrors,
};

/// Stands for all hyper-parameters together.
const ALL: &str = "all";

/// K of every measure, and its sign errors over all hyper-parameters and along each.
/// `named` writes the name of a hyper-parameter.
pub(crate) fn summaries(analysis: &Analysis, named: fn(&str) -> String) -> Table {
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
        for (place, axis) in places(analysis) {
            let mut row = vec![
                measure.name.as_str().into(),
                information(),
                named(axis).into(),
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
pub(crate) enum Drawn {
    /// Those that qualify.
    Qualified,
    /// The pooled ones, as no pair of cells qualifies for any measure.
    Pooled,
    /// There is none: no pair of models reaches the weight, or no gap in accuracy is known.
    Nothing,
}

impl Drawn {
    /// The same choice for all measures, so that their curves can be compared.
    pub(crate) fn of(analysis: &Analysis) -> Self {
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

    /// Over all hyper-parameters (place 0) or along one (from 1).
    fn summary(self, errors: &SignErrors, place: usize) -> Option<&SignErrorSummary> {
        match self {
            Self::Qualified => at(&errors.all, &errors.per_axis, place),
            Self::Pooled => at(&errors.pooled, &errors.pooled_per_axis, place),
            Self::Nothing => None,
        }
    }

    /// How to read a figure of them; `None` where there is nothing to draw.
    fn caption(self) -> Option<&'static str> {
        match self {
            Self::Qualified => Some(
                "Share of environments with a sign error up to x; a good measure rises at the left.",
            ),
            Self::Pooled => Some(
                "No pair of cells qualifies; pooled over all matched pairs of cells that differ in the same two values.",
            ),
            Self::Nothing => None,
        }
    }
}

/// The difference of two gaps in accuracy above which a pair of models has any weight: the Hoeffding weight
/// (1 − 2 exp(−n Δ²/2))² is the least one at Δ = √(2/n · ln(2/(1 − √least))).
pub(crate) fn least_difference(options: &SignErrorOptions) -> f64 {
    let rest = 1.0 - options.least_weight.sqrt();
    (2.0 / options.test_size * (2.0 / rest).ln()).sqrt()
}

/// What there is to say where no pair of models has any weight; `None` where some have.
pub(crate) fn nothing_to_weigh(analysis: &Analysis, options: &SignErrorOptions) -> Option<String> {
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

/// Steps of a distribution function that are told at most: more cannot be seen.
const MOST_STEPS: usize = 200;

/// The steps of a distribution function: error, share of environments up to it. Of very many, those at evenly spaced places and the last.
fn steps(errors: &SignErrorSummary) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (place, &error) in errors.errors.iter().enumerate() {
        let share = (place + 1) as f64 / errors.errors.len() as f64;
        match steps.last_mut().filter(|last| last.0 == error) {
            Some(last) => last.1 = share,
            None => steps.push((error, share)),
        }
    }
    let all = steps.len();
    if all <= MOST_STEPS {
        return steps;
    }
    let told = (1..=MOST_STEPS).map(|place| steps[place * all / MOST_STEPS - 1]);
    told.collect()
}

/// The distribution function of the sign errors of every measure.
pub(crate) fn distribution(analysis: &Analysis) -> Table {
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
        let Some(errors) = errors.and_then(|errors| drawn.summary(errors, 0)) else {
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

/// The distribution functions, that of the measure that stands out in front; `None` where there is nothing to draw.
pub(crate) fn chart(analysis: &Analysis, star: &Star<'_>) -> Option<Chart> {
    let drawn = Drawn::of(analysis);
    let caption = drawn.caption()?;
    let chart = Chart::new(
        "correlation-sign-errors",
        "Distribution of robust sign errors",
        caption,
    );
    Some(chart.panel(panel(analysis, drawn, 0, "", &[star.name])))
}

/// The distribution functions over all hyper-parameters and along each, those of the `colored` measures in front; `None` where there is
/// nothing to draw.
pub(crate) fn chart_by_axis(analysis: &Analysis, colored: &[&str]) -> Option<Chart> {
    let drawn = Drawn::of(analysis);
    let mut chart = Chart::new(
        "correlation-sign-errors",
        "Distribution of robust sign errors, over all hyper-parameters and along each",
        drawn.caption()?,
    );
    for (place, title) in places(analysis) {
        let panel = panel(analysis, drawn, place, title, colored);
        if !panel.series.is_empty() {
            chart = chart.panel(panel);
        }
    }
    Some(chart.columns(3).share(Share::All, Share::All))
}

/// All hyper-parameters together, then each.
fn places(analysis: &Analysis) -> impl Iterator<Item = (usize, &str)> {
    let axes = analysis.axes.iter().map(String::as_str);
    std::iter::once(ALL).chain(axes).enumerate()
}

/// One panel: the measures in gray, and those that are `colored` before them, the first of these last of all.
fn panel(analysis: &Analysis, drawn: Drawn, place: usize, title: &str, colored: &[&str]) -> Panel {
    let mut panel = Panel::new(
        title,
        Axis::new("sign error").range(0.0, 1.0),
        Axis::new("share of environments").range(0.0, 1.0),
    );
    let rank = |measure: &MeasureAnalysis| colored.iter().position(|name| *name == measure.name);
    let of = |measure: &MeasureAnalysis| curve(drawn.summary(measure.sign_error.as_ref()?, place)?);
    let mut order: Vec<&MeasureAnalysis> = analysis.measures.iter().collect();
    order.sort_by_key(|measure| std::cmp::Reverse(rank(measure).unwrap_or(usize::MAX)));
    let mut named = false;
    for (measure, points) in order.into_iter().filter_map(|m| Some((m, of(m)?))) {
        let (name, ink) = match (rank(measure), named) {
            // The first has the color that it has in every figure, the others those that are left.
            (Some(0), _) => (measure.name.as_str(), Ink::Category(1)),
            (Some(1), _) => (measure.name.as_str(), Ink::Category(0)),
            (Some(rank), _) => (measure.name.as_str(), Ink::Category(rank)),
            (None, false) => ("other measures", Ink::Neutral),
            (None, true) => ("", Ink::Neutral),
        };
        named |= rank(measure).is_none();
        panel = panel.series(Series::new(name, ink, Mark::Line).points(points));
    }
    panel
}

/// Mean, 90th percentile and maximum of every measure's sign errors, over all hyper-parameters and along each; `None` where there are none.
pub(crate) fn heat(analysis: &Analysis) -> Option<Chart> {
    let drawn = Drawn::of(analysis);
    drawn.caption()?;
    type Pick = fn(&SignErrorSummary) -> Option<f64>;
    let parts: [(&str, Pick); 3] = [
        ("mean", |errors| errors.mean),
        ("90th percentile", |errors| errors.p90),
        ("maximum", |errors| errors.max),
    ];
    let mut chart = Chart::new(
        "correlation-sign-errors-summary",
        "Robust sign error of every measure",
        "Mean, 90th percentile and maximum over environments; 0 is a measure that is never wrong about the sign of a change, ½ one that \
         guesses. The fewer environments there are along a hyper-parameter, the less its column says.",
    );
    for (title, pick) in parts {
        let values = analysis.measures.iter().map(|measure| {
            let errors = measure.sign_error.as_ref();
            let at = |(place, _)| pick(drawn.summary(errors?, place)?);
            places(analysis).map(at).collect()
        });
        let mut heat = Heat::sequential("sign error", values.collect(), 0.0, 1.0);
        heat.diverging = true;
        let names = analysis.measures.iter().map(|m| m.name.as_str());
        chart = chart.panel(Panel::heat(
            title,
            Axis::categories("", places(analysis).map(|(_, name)| name)),
            Axis::categories("", names),
            heat,
        ));
    }
    Some(chart.columns(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_measures::statistics::{self, AnalysisOptions, analyse, hoeffding_weight};

    const SRR: &str = "srr";
    const STAR: Star<'_> = Star {
        name: SRR,
        title: "the sparse rate reduction",
    };

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
        assert_eq!(chart(&none, &STAR), None);
        assert!(distribution(&none).rows.is_empty());
        let said = nothing_to_weigh(&none, &options).unwrap();
        assert!(
            said.contains("1797 images") && said.contains("4.6 percentage points"),
            "{said}"
        );

        let some = analysis(0.05, options);
        let drawn = chart(&some, &STAR).unwrap();
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
        let drawn = chart(&analysis, &STAR).unwrap();
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
