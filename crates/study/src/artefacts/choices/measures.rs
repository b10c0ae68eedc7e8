//! What becomes of every other measure under the options that its sources leave open.

use super::{asked::Asked, found, rates::change_cells};
use crate::{
    Result,
    analysis::{
        charts::tau_point,
        coefficients::cell,
        rivals::{Rival, corrected, enough},
    },
    report::{
        Axis, Chart, Column, Mark, Panel, Point, Rule, Series, Table,
        words::{count, fixed, list},
    },
};
use srr_measures::statistics::{self, Analysis, Bootstrap, MeasureAnalysis, Repeats, Statistic};

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
    /// The usual way against this one, on the models for which both are defined; Holm's correction is over all changes.
    rival: Rival,
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

    /// By how much τ moves, where it does after Holm's correction.
    fn certain(&self) -> Option<f64> {
        let rival = &self.changed.as_ref()?.rival;
        (rival.sign() != 0).then_some(rival.change()?.0)
    }
}

/// Every measure, each with a row of its own and one for every choice that reaches it.
pub(super) fn all<'a>(
    asked: &'a Asked,
    table: &statistics::Table,
    analysis: &'a Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Move<'a>>> {
    let mut changed = changed(asked, table, analysis, bootstrap)?;
    let mut moves = Vec::new();
    for (place, judged) in asked.usual.iter().enumerate() {
        let measure = judged.name.as_str();
        let Some(usual) = found(analysis, measure) else {
            continue;
        };
        let row = |changed| Move {
            measure,
            usual,
            changed,
        };
        moves.push(row(None));
        let of_measure = changed.extract_if(.., |changed| changed.0 == place);
        moves.extend(of_measure.map(|(_, changed)| row(Some(changed))));
    }
    Ok(moves)
}

/// Every measure that a choice reaches, by its place among the usual ones.
fn changed<'a>(
    asked: &'a Asked,
    table: &statistics::Table,
    analysis: &'a Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<(usize, Changed<'a>)>> {
    let changes = asked.others.iter().map(|other| other.reached.len()).sum();
    let bootstrap = enough(bootstrap, table, changes);
    let (mut reached, mut differences) = (Vec::new(), Vec::new());
    for other in &asked.others {
        for (place, judged) in &other.reached {
            let (usual, changed) = (&asked.usual[*place].name, judged.name.as_str());
            let (statistic, repeats) = (Statistic::TauA, Repeats::default());
            let difference = bootstrap.difference(table, usual, changed, statistic, repeats)?;
            differences.push((changed.to_owned(), difference));
            reached.push((*place, other, changed));
        }
    }
    let reached = reached.into_iter().zip(corrected(differences));
    let changed = reached.filter_map(|((place, other, name), rival)| {
        let changed = Changed {
            question: other.question,
            answer: other.answer,
            found: found(analysis, name)?,
            rival,
        };
        Some((place, changed))
    });
    Ok(changed.collect())
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
    let comparisons = count(changed.len(), "change");
    let largest = largest.map_or_else(
        || format!("After Holm's correction over {comparisons} no τ moves for sure."),
        |(each, difference)| {
            let question = each.changed.as_ref().map_or("", |changed| changed.question);
            format!(
                "The largest move that stands Holm's correction over {comparisons} is that of {} by {question}: {}.",
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
        "τ of every other measure by option; the change by paired bootstrap, on the models for which both are defined, with Holm's \
         correction over all changes",
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
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    table.folded = true;
    for each in moves {
        let changed = each.changed.as_ref();
        let found = changed.map_or(each.usual, |changed| changed.found);
        let mut row = vec![
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
        ];
        row.extend(change_cells(changed.map(|changed| &changed.rival)));
        table.push(row);
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

/// A measure that a question reaches, with the other way.
type Reached<'a> = (&'a Move<'a>, &'a Changed<'a>);

fn panel(moves: &[Move<'_>], question: &str) -> Panel {
    let reached: Vec<Reached<'_>> = moves
        .iter()
        .filter_map(|each| Some((each, each.changed.as_ref()?)))
        .filter(|(_, changed)| changed.question == question)
        .collect();
    let answer = reached.first().map_or("", |(_, changed)| changed.answer);
    let names = reached.iter().map(|(each, _)| each.measure);
    let series = |name: &str, ink: usize, of: for<'a> fn(&Reached<'a>) -> &'a MeasureAnalysis| {
        let points = reached.iter().enumerate();
        let points = points.filter_map(|(place, each)| tau_point(of(each), each.0.measure, place));
        Series::new(name, ink, Mark::Forest).points(points.collect::<Vec<Point>>())
    };
    Panel::new(
        format!("{question}: {answer}"),
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""))
    .series(series("as usual", 0, |each| each.0.usual))
    .series(series("by the other answer", 1, |each| each.1.found))
}
