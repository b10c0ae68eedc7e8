//! The place of the sparse rate reduction among all measures, choice by choice.

use super::{asked::Asked, found};
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
    /// How many others it is ahead of (1), behind (−1), or not told apart from (0).
    fn rivals(&self, sign: i8) -> usize {
        let compared = self
            .rivals
            .iter()
            .filter(|rival| rival.difference.is_some());
        compared.filter(|rival| rival.sign() == sign).count()
    }

    /// How many others cannot be compared: one of the two has no τ.
    fn undefined(&self) -> usize {
        let without = self
            .rivals
            .iter()
            .filter(|rival| rival.difference.is_none());
        without.count()
    }
}

/// The reference, every way to take the sparse rate reduction, and every way to take the others.
pub(super) fn all(
    asked: &Asked,
    table: &statistics::Table,
    analysis: &Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Place>> {
    let place = |star: &str, others: &[&str]| -> Result<_> {
        Ok((
            place(analysis, star, others),
            rivals::of(table, star, others, bootstrap)?,
        ))
    };
    let mut places = Vec::new();
    for rate in &asked.rates {
        let (place, rivals) = place(&rate.judged.name, &asked.names())?;
        places.push(Place {
            question: rate.question.clone(),
            answer: rate.answer.clone(),
            reached: 0,
            place,
            rivals,
        });
    }
    for other in &asked.others {
        let (place, rivals) = place(&asked.rates[0].judged.name, &asked.names_by(other))?;
        places.push(Place {
            question: other.question.to_owned(),
            answer: other.answer.to_owned(),
            reached: other.reached.len(),
            place,
            rivals,
        });
    }
    Ok(places)
}

/// Place of a column by τ among itself and others, and how many of them have a τ.
fn place(analysis: &Analysis, star: &str, others: &[&str]) -> Option<(usize, usize)> {
    let tau = |name: &str| found(analysis, name)?.tau_a;
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
        Column::new("undefined", "No τ to compare"),
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
            place.undefined().into(),
        ]);
    }
    table
}
