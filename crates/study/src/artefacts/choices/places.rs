//! The place of the sparse rate reduction among all measures, choice by choice.

use super::asked::{Asked, rate_column};
use crate::{
    Result,
    analysis::rivals::{self, Rival},
    report::{
        Cell, Column, Table,
        words::{TIE, count},
    },
};
use srr_measures::statistics::{self, Analysis, Bootstrap};

/// Where the sparse rate reduction stands under one choice.
pub(super) struct Place {
    question: String,
    answer: String,
    /// How many of the other measures the choice reaches.
    reached: usize,
    /// Its place by τ and among how many; `None` where it has no τ.
    place: Option<(usize, usize)>,
    /// It against every other measure, on the same bootstrap draws.
    rivals: Vec<Rival>,
}

impl Place {
    fn rivals(&self, sign: i8) -> usize {
        self.rivals
            .iter()
            .filter(|rival| rival.sign() == sign)
            .count()
    }
}

/// The reference, every way to take the sparse rate reduction, and every way to take the others.
pub(super) fn all(
    asked: &Asked,
    table: &statistics::Table,
    analysis: &Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    let usual: Vec<String> = asked
        .usual
        .iter()
        .map(|request| request.measure.clone())
        .collect();
    for (i, rate) in asked.rates.iter().enumerate() {
        let rivals = compare(table, &rate_column(i), &usual, bootstrap)?;
        places.push(Place {
            question: rate.question.clone(),
            answer: rate.answer.clone(),
            reached: 0,
            place: place(analysis, &rate_column(i), &usual),
            rivals,
        });
    }
    for other in &asked.others {
        let columns: Vec<String> = usual.iter().map(|name| other.column_of_all(name)).collect();
        let rivals = compare(table, &rate_column(0), &columns, bootstrap)?;
        places.push(Place {
            question: other.question.to_owned(),
            answer: other.answer.to_owned(),
            reached: other.requests.len(),
            place: place(analysis, &rate_column(0), &columns),
            rivals,
        });
    }
    Ok(places)
}

fn compare(
    table: &statistics::Table,
    star: &str,
    others: &[String],
    bootstrap: &Bootstrap,
) -> Result<Vec<Rival>> {
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    rivals::of(table, star, &others, bootstrap)
}

/// Place of a column by τ among itself and others, and how many of them have a τ.
fn place(analysis: &Analysis, star: &str, others: &[String]) -> Option<(usize, usize)> {
    let tau = |name: &str| {
        let found = analysis
            .measures
            .iter()
            .find(|measure| measure.name == name);
        found.and_then(|measure| measure.tau_a)
    };
    let own = tau(star)?;
    let taus: Vec<f64> = others.iter().filter_map(|name| tau(name)).collect();
    let before = taus.iter().filter(|other| **other > own + TIE).count();
    Some((1 + before, 1 + taus.len()))
}

pub(super) fn finding(places: &[Place]) -> String {
    let Some((reference, changed)) = places.split_first() else {
        return String::new();
    };
    let Some((place, of)) = reference.place else {
        return "The sparse rate reduction has no place among all measures.".to_owned();
    };
    let range = |chosen: &dyn Fn(&&Place) -> bool| {
        let found = changed.iter().filter(chosen);
        let found = found.filter_map(|changed| changed.place.map(|place| place.0));
        let (low, high) = found.fold((place, place), |(low, high), at| {
            (low.min(at), high.max(at))
        });
        match low == high {
            true => format!("place {low}"),
            false => format!("places {low} to {high}"),
        }
    };
    format!(
        "Among {of} measures the sparse rate reduction has place {place} by τ; {} by how it is taken itself, {} by how the others \
         are. After Holm's correction it is ahead of {} and behind {} at the reference, ahead of at most {} and behind at most {} \
         under any choice.",
        range(&|changed| changed.reached == 0),
        range(&|changed| changed.reached > 0),
        reference.rivals(1),
        reference.rivals(-1),
        most(places, 1),
        most(places, -1),
    )
}

fn most(places: &[Place], sign: i8) -> usize {
    let counts = places.iter().map(|place| place.rivals(sign));
    counts.max().unwrap_or(0)
}

pub(super) fn table(places: &[Place]) -> Table {
    let mut table = Table::new(
        "choices-places",
        "Place of the sparse rate reduction among all measures by τ; ahead and behind by paired bootstrap after Holm's correction",
    )
    .columns([
        Column::new("question", "Question"),
        Column::new("answer", "Answer"),
        Column::new("reaches", "Reaches"),
        Column::new("place", "Place"),
        Column::new("of", "Of"),
        Column::new("ahead", "Ahead of"),
        Column::new("behind", "Behind"),
        Column::new("not_told_apart", "Not told apart"),
    ]);
    for place in places {
        let reaches = match place.reached {
            0 => "srr".to_owned(),
            n => count(n, "other measure"),
        };
        let missing = || Cell::missing("no τ");
        table.push(vec![
            place.question.as_str().into(),
            place.answer.as_str().into(),
            reaches.into(),
            place.place.map_or_else(missing, |place| place.0.into()),
            place.place.map_or_else(missing, |place| place.1.into()),
            place.rivals(1).into(),
            place.rivals(-1).into(),
            place.rivals(0).into(),
        ]);
    }
    table
}
