//! τ of the sparse rate reduction by every convention that its sources leave open.

use super::{
    super::common::fixed,
    asked::{Asked, Rate},
};
use crate::{
    analysis::{coefficients::cell, words::with_interval},
    report::{Axis, Chart, Column, Mark, Panel, Point, Rule, Series, Table},
};
use srr_measures::statistics::{Analysis, MeasureAnalysis};

pub(super) fn finding(asked: &Asked, analysis: &Analysis) -> String {
    let known: Vec<(&Rate, &MeasureAnalysis, f64)> = asked
        .rates
        .iter()
        .zip(&analysis.measures)
        .filter_map(|(choice, measure)| Some((choice, measure, measure.tau_a?)))
        .collect();
    let lowest = known.iter().min_by(|a, b| a.2.total_cmp(&b.2));
    let highest = known.iter().max_by(|a, b| a.2.total_cmp(&b.2));
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return format!("No choice has a τ: {} models are too few.", analysis.models);
    };
    let say = |entry: &(&Rate, &MeasureAnalysis, f64)| {
        format!(
            "{} ({}: {})",
            fixed(entry.2, 3),
            entry.0.question,
            entry.0.answer
        )
    };
    let first = asked.rates.first().map(|choice| &choice.question);
    let reference = known.iter().find(|entry| Some(&entry.0.question) == first);
    let against = match reference {
        Some((_, measure, tau)) => {
            let opposite = known.iter().filter(|entry| entry.2 * *tau < 0.0).count();
            let reference = with_interval(*tau, measure.tau_a_interval);
            let others = known.len() - 1;
            if *tau == 0.0 {
                format!(
                    "The reference has {reference}, no sign that one of the {others} other choices could turn."
                )
            } else {
                format!(
                    "The reference has {reference}; of the {others} other choices, {opposite} turn{s} the sign of τ.",
                    s = if opposite == 1 { "s" } else { "" }
                )
            }
        }
        None => "The reference has no τ.".to_owned(),
    };
    format!(
        "By convention alone τ goes from {} to {}.\n\n{against}",
        say(lowest),
        say(highest)
    )
}

pub(super) fn table(asked: &Asked, analysis: &Analysis) -> Table {
    let mut table =
        Table::new("choices", "τ of the sparse rate reduction by convention").columns([
            Column::new("question", "Question"),
            Column::new("answer", "Answer"),
            Column::new("images", "Images"),
            Column::new("models", "Models"),
            Column::new("undefined", "Undefined"),
            Column::new("tau_a", "τ").interval().decimals(3),
            Column::new("granulated", "Ψ").interval().decimals(3),
        ]);
    for (choice, measure) in asked.rates.iter().zip(&analysis.measures) {
        table.push(vec![
            choice.question.as_str().into(),
            choice.answer.as_str().into(),
            if choice.request.images == 0 {
                "all".into()
            } else {
                choice.request.images.into()
            },
            measure.models.into(),
            measure.left_out.into(),
            cell(measure.tau_a, measure.tau_a_interval),
            cell(measure.granulated, measure.granulated_interval),
        ]);
    }
    table
}

pub(super) fn chart(asked: &Asked, analysis: &Analysis) -> Chart {
    let names = asked
        .rates
        .iter()
        .map(|choice| format!("{}: {}", choice.question, choice.answer));
    let mut panel = Panel::new(
        "",
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""));
    for (place, measure) in analysis.measures.iter().enumerate() {
        let Some(tau) = measure.tau_a else { continue };
        let point =
            Point::at(tau, place as f64).labeled(with_interval(tau, measure.tau_a_interval));
        let point = match measure.tau_a_interval {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        };
        panel =
            panel.series(Series::new("", usize::from(place == 0), Mark::Forest).points([point]));
    }
    Chart::new(
        "choices",
        "τ by convention",
        "Each row changes one answer; the first is the reference.",
    )
    .panel(panel)
}
