//! τ of the sparse rate reduction by every convention that its sources leave open.

use super::{
    super::common::{count, fixed, list},
    asked::{Asked, Rate},
    found,
};
use crate::{
    Result,
    analysis::{
        LEVEL,
        charts::tau_point,
        coefficients::{cell, number},
        rivals::{self, Rival},
        words::with_interval,
    },
    report::{Axis, Cell, Chart, Column, Mark, Panel, Rule, Series, Table},
};
use srr_measures::statistics::{self, Analysis, Bootstrap, MeasureAnalysis};

/// One way to take the sparse rate reduction, with what it gives.
pub(super) struct Taken<'a> {
    rate: &'a Rate,
    found: &'a MeasureAnalysis,
    /// The reference against it; `None` for the reference.
    change: Option<Rival>,
}

impl Taken<'_> {
    /// Whether τ differs from the reference's after Holm's correction over all changes.
    fn moved(&self) -> bool {
        self.change
            .as_ref()
            .is_some_and(|change| change.sign() != 0)
    }

    fn words(&self) -> String {
        format!("{}: {}", self.rate.question, self.rate.answer)
    }
}

/// All of them, the reference first, each against it on the same bootstrap draws.
pub(super) fn all<'a>(
    asked: &'a Asked,
    table: &statistics::Table,
    analysis: &'a Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Taken<'a>>> {
    let names: Vec<&str> = (asked.rates.iter().map(|rate| rate.judged.name.as_str())).collect();
    let Some((reference, changed)) = names.split_first() else {
        return Ok(Vec::new());
    };
    let changes = rivals::of(table, reference, changed, bootstrap)?.into_iter();
    let changes = std::iter::once(None).chain(changes.map(Some));
    let taken = asked
        .rates
        .iter()
        .zip(changes)
        .filter_map(|(rate, change)| {
            let found = found(analysis, &rate.judged.name)?;
            Some(Taken {
                rate,
                found,
                change,
            })
        });
    Ok(taken.collect())
}

pub(super) fn finding(taken: &[Taken<'_>]) -> String {
    let known: Vec<(&Taken<'_>, f64)> = taken
        .iter()
        .filter_map(|taken| Some((taken, taken.found.tau_a?)))
        .collect();
    let lowest = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let highest = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return "No choice has a τ: there are too few models.".to_owned();
    };
    let say = |entry: &(&Taken<'_>, f64)| format!("{} ({})", fixed(entry.1, 3), entry.0.words());
    format!(
        "By convention alone τ goes from {} to {}.\n\n{}",
        say(lowest),
        say(highest),
        against_reference(&known)
    )
}

/// What becomes of the reference's sign, and which changes move τ for sure.
fn against_reference(known: &[(&Taken<'_>, f64)]) -> String {
    let Some((reference, tau)) = known.iter().find(|entry| entry.0.change.is_none()) else {
        return "The reference has no τ.".to_owned();
    };
    let turns = known.iter().filter(|entry| entry.1 * tau < 0.0).count();
    let moved: Vec<String> = known
        .iter()
        .filter(|entry| entry.0.moved())
        .map(|entry| entry.0.words())
        .collect();
    let moved = match moved.is_empty() {
        true => "none".to_owned(),
        false => list(&moved),
    };
    format!(
        "The reference has {}. Of {}, {turns} turn{} the sign of τ; after Holm's correction, its difference from the reference is off zero \
         for {moved}.",
        with_interval(*tau, reference.found.tau_a_interval),
        count(known.len() - 1, "other choice"),
        if turns == 1 { "s" } else { "" },
    )
}

pub(super) fn table(taken: &[Taken<'_>]) -> Table {
    let mut table = Table::new(
        "choices",
        "τ of the sparse rate reduction by convention; its change from the reference by paired bootstrap, with Holm's correction",
    )
    .columns([
        Column::new("question", "Question"),
        Column::new("answer", "Answer"),
        Column::new("images", "Images"),
        Column::new("models", "Models"),
        Column::new("undefined", "Undefined"),
        Column::new("tau_a", "τ").interval().decimals(3),
        Column::new("granulated", "Ψ").interval().decimals(3),
        Column::new("difference", "Change of τ").interval().decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    for Taken {
        rate,
        found,
        change,
    } in taken
    {
        let mut row: Vec<Cell> = vec![
            rate.question.as_str().into(),
            rate.answer.as_str().into(),
            match rate.judged.request.images {
                0 => "all".into(),
                images => images.into(),
            },
            found.models.into(),
            found.left_out.into(),
            cell(found.tau_a, found.tau_a_interval),
            cell(found.granulated, found.granulated_interval),
        ];
        row.extend(change_cells(change.as_ref()));
        table.push(row);
    }
    table
}

/// Change of τ from the reference with its interval, p, and p after Holm's correction.
pub(super) fn change_cells(change: Option<&Rival>) -> [Cell; 3] {
    let Some(rival) = change else {
        return [(); 3].map(|()| Cell::missing("the reference"));
    };
    let change = rival.change();
    [
        cell(change.map(|change| change.0), change.map(|change| change.1)),
        number(rival.difference.map(|difference| difference.p_value)),
        number(rival.p_holm),
    ]
}

pub(super) fn chart(taken: &[Taken<'_>]) -> Chart {
    let mut panel = Panel::new(
        "",
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", taken.iter().map(Taken::words)),
    )
    .rule(Rule::vertical(0.0, ""));
    for (place, taken) in taken.iter().enumerate() {
        let point = tau_point(taken.found, &taken.words(), place);
        panel = panel.series(Series::new("", usize::from(place == 0), Mark::Forest).points(point));
    }
    Chart::new(
        "choices",
        format!("τ by convention, with {} % intervals", 100.0 * LEVEL),
        "Each row changes one answer; the first is the reference.",
    )
    .panel(panel)
}
