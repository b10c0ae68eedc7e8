//! What becomes of every other measure under the options that its sources leave open.

use super::asked::Asked;
use crate::{
    Result,
    analysis::{coefficients::cell, words::with_interval},
    report::{
        Axis, Cell, Chart, Column, Mark, Panel, Point, Rule, Series, Table,
        words::{count, fixed, list},
    },
};
use srr_measures::statistics::{
    self, Analysis, Bootstrap, Difference, MeasureAnalysis, Repeats, Statistic,
};

/// One measure as the study takes it and, where a choice reaches it, in another way.
pub(super) struct Move<'a> {
    measure: &'a str,
    usual: &'a MeasureAnalysis,
    changed: Option<Changed<'a>>,
}

struct Changed<'a> {
    question: &'static str,
    answer: &'static str,
    found: &'a MeasureAnalysis,
    /// τ in this way minus the usual τ, on the models for which both are defined.
    difference: Option<Difference>,
}

impl Move<'_> {
    /// The usual τ and that in another way, where the two have opposite signs.
    fn turned(&self) -> bool {
        let other = self
            .changed
            .as_ref()
            .and_then(|changed| changed.found.tau_a);
        matches!((self.usual.tau_a, other), (Some(a), Some(b)) if a * b < 0.0)
    }

    /// How far τ moves with certainty: the size of a difference whose interval lies off zero.
    fn certain(&self) -> Option<f64> {
        let difference = self.changed.as_ref()?.difference.as_ref()?;
        let interval = difference.interval;
        (interval.low > 0.0 || interval.high < 0.0).then_some(difference.value)
    }
}

/// Every measure, each with a row of its own and one for every choice that reaches it.
pub(super) fn all<'a>(
    asked: &'a Asked,
    table: &statistics::Table,
    analysis: &'a Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Move<'a>>> {
    let found = |name: &str| {
        analysis
            .measures
            .iter()
            .find(|measure| measure.name == name)
    };
    let mut moves = Vec::new();
    for request in &asked.usual {
        let measure = request.measure.as_str();
        let Some(usual) = found(measure) else {
            continue;
        };
        moves.push(Move {
            measure,
            usual,
            changed: None,
        });
        for other in &asked.others {
            let column = other.column(measure);
            let Some(changed) = found(&column) else {
                continue;
            };
            let (statistic, repeats) = (Statistic::TauA, Repeats::default());
            let difference = bootstrap.difference(table, &column, measure, statistic, repeats)?;
            moves.push(Move {
                measure,
                usual,
                changed: Some(Changed {
                    question: other.question,
                    answer: other.answer,
                    found: changed,
                    difference,
                }),
            });
        }
    }
    Ok(moves)
}

pub(super) fn finding(moves: &[Move<'_>]) -> String {
    let changed: Vec<&Move<'_>> = moves.iter().filter(|each| each.changed.is_some()).collect();
    let names = |chosen: &dyn Fn(&Move<'_>) -> bool| {
        let mut names: Vec<&str> = Vec::new();
        for each in changed.iter().filter(|each| chosen(each)) {
            if !names.contains(&each.measure) {
                names.push(each.measure);
            }
        }
        names
    };
    let open = names(&|_| true).len();
    if open == 0 {
        return "No other measure here has an open convention.".to_owned();
    }
    let certain = changed
        .iter()
        .filter_map(|each| Some((each, each.certain()?)));
    let largest = certain.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let largest = largest.map_or_else(
        || "No change of τ has an interval that lies off zero.".to_owned(),
        |(each, difference)| {
            let question = each.changed.as_ref().map_or("", |changed| changed.question);
            format!(
                "The largest move whose interval lies off zero is that of {} by {question}: {}.",
                each.measure,
                fixed(difference, 3)
            )
        },
    );
    let turned = names(&|each: &Move<'_>| each.turned());
    let turned = match turned.len() {
        0 => "no choice turns the sign of τ".to_owned(),
        _ => format!("a choice turns the sign of τ of {}", list(&turned)),
    };
    format!(
        "Of the other measures {open} of {} have a convention that sources leave open; {turned}. {largest}",
        moves.iter().filter(|each| each.changed.is_none()).count()
    )
}

pub(super) fn table(moves: &[Move<'_>]) -> Table {
    let mut table = Table::new(
        "choices-measures",
        "τ of every other measure by option; the difference by paired bootstrap, on the models for which both are defined",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("question", "Question"),
        Column::new("answer", "Answer"),
        Column::new("models", "Models"),
        Column::new("undefined", "Undefined"),
        Column::new("tau_a", "τ").interval().decimals(3),
        Column::new("granulated", "Ψ").interval().decimals(3),
        Column::new("difference", "Change of τ").interval().decimals(3),
    ]);
    table.folded = true;
    for each in moves {
        let changed = each.changed.as_ref();
        let found = changed.map_or(each.usual, |changed| changed.found);
        let difference = match changed {
            None => Cell::missing("the reference"),
            Some(changed) => {
                let difference = changed.difference.as_ref();
                cell(difference.map(|d| d.value), difference.map(|d| d.interval))
            }
        };
        table.push(vec![
            each.measure.into(),
            changed
                .map_or("reference", |changed| changed.question)
                .into(),
            changed
                .map_or("as in `correlation`", |changed| changed.answer)
                .into(),
            found.models.into(),
            found.left_out.into(),
            cell(found.tau_a, found.tau_a_interval),
            cell(found.granulated, found.granulated_interval),
            difference,
        ]);
    }
    table
}

/// A panel per question: every measure it reaches, as usual and in the other way. `None` where none is reached.
pub(super) fn chart(moves: &[Move<'_>]) -> Option<Chart> {
    let mut questions: Vec<&'static str> = Vec::new();
    for changed in moves.iter().filter_map(|each| each.changed.as_ref()) {
        if !questions.contains(&changed.question) {
            questions.push(changed.question);
        }
    }
    let (first, rest) = questions.split_first()?;
    let chart = Chart::new(
        "choices-measures",
        "τ of the other measures by option",
        format!(
            "A panel for each of {}: every measure that it reaches, as usual and by the other answer.",
            count(questions.len(), "question")
        ),
    )
    .columns(2)
    .panel(panel(moves, first));
    Some(
        rest.iter()
            .fold(chart, |chart, question| chart.panel(panel(moves, question))),
    )
}

fn panel(moves: &[Move<'_>], question: &str) -> Panel {
    let reached: Vec<(&Move<'_>, &Changed<'_>)> = moves
        .iter()
        .filter_map(|each| Some((each, each.changed.as_ref()?)))
        .filter(|(_, changed)| changed.question == question)
        .collect();
    let answer = reached.first().map_or("", |(_, changed)| changed.answer);
    let names = reached.iter().map(|(each, _)| each.measure);
    let series = |name: &str, ink: usize, of: &dyn Fn(&Move<'_>, &Changed<'_>) -> Option<Point>| {
        let points = reached
            .iter()
            .enumerate()
            .filter_map(|(place, (each, changed))| {
                let mut point = of(each, changed)?;
                point.y = place as f64;
                Some(point)
            });
        Series::new(name, ink, Mark::Forest).points(points.collect::<Vec<Point>>())
    };
    Panel::new(
        format!("{question}: {answer}"),
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""))
    .series(series("as usual", 0, &|each, _| {
        point(each.measure, each.usual)
    }))
    .series(series("by the other answer", 1, &|each, changed| {
        point(each.measure, changed.found)
    }))
}

fn point(measure: &str, found: &MeasureAnalysis) -> Option<Point> {
    let tau = found.tau_a?;
    let label = format!("{measure}: {}", with_interval(tau, found.tau_a_interval));
    let point = Point::at(tau, 0.0).labeled(label);
    Some(match found.tau_a_interval {
        Some(interval) => point.between(interval.low, interval.high),
        None => point,
    })
}
