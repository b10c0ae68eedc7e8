//! Figures of coefficients: τ of every measure, and ψ along every hyper-parameter.

use super::{Star, words::with_interval};
use crate::report::{Axis, Chart, Heat, Mark, Panel, Point, Rule, Series};
use srr_measures::statistics::{Analysis, Interval, MeasureAnalysis};

/// τ of every measure with its interval, largest first.
pub(crate) fn forest(analysis: &Analysis, star: &Star<'_>) -> Chart {
    let mut ranked: Vec<&MeasureAnalysis> = analysis
        .measures
        .iter()
        .filter(|measure| measure.tau_a.is_some())
        .collect();
    ranked.sort_by(|a, b| b.tau_a.unwrap_or(0.0).total_cmp(&a.tau_a.unwrap_or(0.0)));
    let names = ranked.iter().map(|measure| measure.name.as_str());
    let mut panel = Panel::new(
        "",
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""));
    for (place, measure) in ranked.iter().enumerate() {
        let Some(point) = tau_point(measure, &measure.name, place) else {
            continue;
        };
        let ink = usize::from(measure.name == star.name);
        panel = panel.series(Series::new("", ink, Mark::Forest).points([point]));
    }
    Chart::new(
        "correlation",
        "Overall τ of every measure",
        format!(
            "Points are τ, lines its bootstrap interval; {} stands out.",
            star.title
        ),
    )
    .panel(panel)
}

/// τ of a measure with its interval in row `place` of a forest; `None` where it has none.
pub(crate) fn tau_point(measure: &MeasureAnalysis, label: &str, place: usize) -> Option<Point> {
    let tau = measure.tau_a?;
    let label = format!("{label}: {}", with_interval(tau, measure.tau_a_interval));
    let point = Point::at(tau, place as f64).labeled(label);
    Some(match measure.tau_a_interval {
        Some(interval) => point.between(interval.low, interval.high),
        None => point,
    })
}

/// An axis for the values of a measure: logarithmic where all are positive and the largest is many times the smallest.
pub(crate) fn axis_of(values: impl Iterator<Item = f64>) -> Axis {
    const WIDE: f64 = 30.0;
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low > 0.0 && high > WIDE * low {
        true => Axis::new("").log(),
        false => Axis::new(""),
    }
}

/// ψ of every measure along every hyper-parameter, with the bootstrap interval under every value.
pub(crate) fn heat(analysis: &Analysis) -> Chart {
    let interval = |interval: Option<Interval>| interval.map(|i| (i.low, i.high));
    let intervals = analysis.measures.iter().map(|measure| {
        let psi = measure.psi.iter().map(|axis| interval(axis.interval));
        let last = [measure.granulated_interval, measure.tau_a_interval];
        psi.chain(last.map(interval)).collect()
    });
    let measures = analysis
        .measures
        .iter()
        .map(|measure| measure.name.as_str());
    let axes = analysis
        .axes
        .iter()
        .map(|axis| axis.replace('_', " "))
        .chain(["Ψ".to_owned(), "τ".to_owned()]);
    let values = analysis
        .measures
        .iter()
        .map(|measure| {
            let psi = measure.psi.iter().map(|axis| axis.value);
            psi.chain([measure.granulated, measure.tau_a]).collect()
        })
        .collect();
    let mut heat = Heat::diverging("τ", values, 1.0);
    heat.intervals = intervals.collect();
    let panel = Panel::heat(
        "",
        Axis::categories("", axes),
        Axis::categories("", measures),
        heat,
    );
    Chart::new(
        "correlation-axes",
        "τ along each hyper-parameter",
        "ψ per hyper-parameter, their mean Ψ, and the overall τ, each above its bootstrap interval; – where it does not exist.",
    )
    .panel(panel)
}
