//! What the numbers of an analysis say, in words.

use super::{LEVEL, Star, rivals::Rival};
use crate::report::words::{TIE, fixed, list};
use srr_measures::statistics::{Analysis, Interval, MeasureAnalysis};

/// What the numbers say about the measure that stands out.
pub(crate) fn finding(analysis: &Analysis, star: &Star<'_>, rivals: &[Rival]) -> String {
    let title = capitalized(star.title);
    let mut ranked: Vec<(&str, f64)> = analysis
        .measures
        .iter()
        .filter_map(|measure| Some((measure.name.as_str(), measure.tau_a?)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(&(best, best_tau)) = ranked.first() else {
        return format!(
            "No measure has a τ: {} models are too few.",
            analysis.models
        );
    };
    let found = analysis.measures.iter().find(|m| m.name == star.name);
    let Some((found, tau)) = found.and_then(|found| Some((found, found.tau_a?))) else {
        return format!(
            "The largest τ is that of {best}, {}. {title} has none.",
            fixed(best_tau, 3)
        );
    };
    let place = 1 + ranked
        .iter()
        .filter(|(_, other)| *other > tau + TIE)
        .count();
    let equal: Vec<&str> = ranked
        .iter()
        .filter(|(name, other)| *name != star.name && (*other - tau).abs() <= TIE)
        .map(|(name, _)| *name)
        .collect();
    let headline = if place == 1 && !equal.is_empty() {
        format!(
            "{title} shares the largest τ of {} measures, {}, over {} models, with {}.",
            ranked.len(),
            with_interval(tau, found.tau_a_interval),
            found.models,
            list(&equal)
        )
    } else if place == 1 {
        format!(
            "{title} has the largest τ of {} measures, {}, over {} models.",
            ranked.len(),
            with_interval(tau, found.tau_a_interval),
            found.models
        )
    } else {
        format!(
            "{title} has τ = {} over {} models, place {place} of {}; the largest is that of {best}, {}.",
            with_interval(tau, found.tau_a_interval),
            found.models,
            ranked.len(),
            fixed(best_tau, 3)
        )
    };
    let zero = match found.tau_a_interval {
        Some(interval) if interval.low > 0.0 => "Its interval lies above zero.",
        Some(interval) if interval.high < 0.0 => "Its interval lies below zero.",
        Some(_) => "Its interval includes zero.",
        None => "It has no interval.",
    };
    format!(
        "{headline}\n\n{zero} {} {}",
        against(rivals),
        granulated(found)
    )
}

/// Which measures it beats, which beat it, and which cannot be told apart.
pub(crate) fn against(rivals: &[Rival]) -> String {
    if rivals.is_empty() {
        return "There is no other measure to compare it with.".to_owned();
    }
    let names = |sign: i8| {
        let chosen = rivals.iter().filter(|rival| rival.sign() == sign);
        chosen.map(|rival| rival.name.as_str()).collect::<Vec<_>>()
    };
    let all_undefined = rivals.iter().filter(|rival| rival.difference.is_none());
    let undefined = match all_undefined.count() {
        0 => String::new(),
        n => format!(" ({n} of these have no τ to compare)"),
    };
    format!(
        "In paired bootstraps it is ahead of {}, behind {}, and not told apart from {}{undefined}; to be told apart takes p ≤ {} after \
         Holm's correction over {} comparisons.",
        list(&names(1)),
        list(&names(-1)),
        list(&names(0)),
        fixed(1.0 - LEVEL, 2),
        rivals.len()
    )
}

fn granulated(found: &MeasureAnalysis) -> String {
    let axes: Vec<String> = found
        .psi
        .iter()
        .filter_map(|axis| {
            Some(format!(
                "{} {}",
                axis.axis.replace('_', " "),
                fixed(axis.value?, 2)
            ))
        })
        .collect();
    match found.granulated {
        Some(mean) => format!("Its Ψ is {}: ψ along {}.", fixed(mean, 2), list(&axes)),
        None => "It has no Ψ.".to_owned(),
    }
}

/// `0.445 [0.21, 0.63]`.
pub(crate) fn with_interval(value: f64, interval: Option<Interval>) -> String {
    match interval {
        Some(interval) => format!(
            "{} [{}, {}]",
            fixed(value, 3),
            fixed(interval.low, 2),
            fixed(interval.high, 2)
        ),
        None => fixed(value, 3),
    }
}

fn capitalized(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
