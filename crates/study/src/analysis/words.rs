//! What the numbers of an analysis say, in words.

use super::{
    LEVEL, Star,
    rivals::{self, Rival},
};
use crate::report::words::{TIE, fixed, list};
use srr_measures::statistics::{Analysis, Interval, MeasureAnalysis};

/// What the numbers say about the measure that stands out.
pub(crate) fn finding(analysis: &Analysis, star: &Star<'_>, rivals: &[Rival]) -> String {
    let title = capitalized(star.title);
    if analysis.constant_gap && analysis.models > 1 {
        return format!(
            "All {} models have the same gap: there is nothing to order. τ-a is 0 for every measure, and τ-b, p-values and K do not \
             exist.",
            analysis.models
        );
    }
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
    let headline = headline(&title, found, tau, &ranked);
    let zero = match found.tau_a_interval {
        Some(interval) if interval.low > 0.0 => "Its interval lies above zero.",
        Some(interval) if interval.high < 0.0 => "Its interval lies below zero.",
        Some(_) => "Its interval includes zero.",
        None => "It has no interval.",
    };
    format!(
        "{headline}\n\n{zero} {} {}\n\n{}",
        against(rivals),
        granulated(found),
        beyond_chance(analysis)
    )
}

/// τ of the measure that stands out and its place among all, which come with the largest first.
fn headline(title: &str, found: &MeasureAnalysis, tau: f64, ranked: &[(&str, f64)]) -> String {
    let before = ranked.iter().filter(|(_, other)| *other > tau + TIE);
    let place = 1 + before.count();
    let equal: Vec<&str> = ranked
        .iter()
        .filter(|(name, other)| *name != found.name && (*other - tau).abs() <= TIE)
        .map(|(name, _)| *name)
        .collect();
    let (models, of) = (found.models, ranked.len());
    let tau = with_interval(tau, found.tau_a_interval);
    match (place, equal.is_empty()) {
        (1, true) => {
            format!("{title} has the largest τ of {of} measures, {tau}, over {models} models.")
        }
        (1, false) => format!(
            "{title} shares the largest τ of {of} measures, {tau}, over {models} models, with {}.",
            list(&equal)
        ),
        _ => {
            let (best, best_tau) = ranked[0];
            let best_tau = fixed(best_tau, 3);
            format!(
                "{title} has τ = {tau} over {models} models, place {place} of {of}; the largest is that of {best}, {best_tau}."
            )
        }
    }
}

/// Measures whose ψ along a hyper-parameter has an interval above zero, by name, and how many chance would give.
fn alone(analysis: &Analysis) -> String {
    if analysis.axes.is_empty() {
        return String::new();
    }
    let along = |axis: usize| {
        let off_zero = |measure: &&MeasureAnalysis| {
            let interval = measure.psi[axis].interval;
            interval.is_some_and(|interval| interval.low > 0.0)
        };
        let above: Vec<&str> = (analysis.measures.iter().filter(off_zero))
            .map(|measure| measure.name.as_str())
            .collect();
        let name = analysis.axes[axis].replace('_', " ");
        format!("along {name} that of {}", brief(&above))
    };
    let axes: Vec<String> = (0..analysis.axes.len()).map(along).collect();
    format!(
        " With all else equal, the interval of ψ lies above zero {}; these intervals are not corrected, and chance alone would give about \
         {} of {} along each.",
        axes.join(", "),
        fixed((1.0 - LEVEL) / 2.0 * analysis.measures.len() as f64, 1),
        analysis.measures.len()
    )
}

/// Which measures order the models at all, and along which hyper-parameters they do so with all else equal.
pub(crate) fn beyond_chance(analysis: &Analysis) -> String {
    let sure = |measure: &&MeasureAnalysis| measure.p_holm.is_some_and(|p| p <= 1.0 - LEVEL);
    let with_sign = |sign: f64| -> Vec<&str> {
        let sure = analysis.measures.iter().filter(sure);
        let chosen = sure.filter(|measure| measure.tau_a.is_some_and(|tau| tau * sign > 0.0));
        chosen.map(|measure| measure.name.as_str()).collect()
    };
    let tested = analysis.measures.iter().filter(|m| m.p_holm.is_some());
    format!(
        "What follows: after Holm's correction over {} measures, a larger gap goes with larger values of {} and with smaller values of \
         {}.{} What does not follow: that any of these orders models of another data set, size or range of hyper-parameters; \
         that a measure which orders all models does so where one hyper-parameter alone changes; and that changing it would change \
         the gap.",
        tested.count(),
        brief(&with_sign(1.0)),
        brief(&with_sign(-1.0)),
        alone(analysis),
    )
}

/// The names, or how many there are where that would fill the page.
fn brief(names: &[&str]) -> String {
    const MOST: usize = 8;
    if names.len() <= MOST {
        return list(names);
    }
    format!("{} measures", names.len())
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
    let floor = rivals::floor(rivals).filter(|floor| *floor > 1.0 - LEVEL);
    let too_few = floor.map_or_else(String::new, |floor| {
        format!(
            " So few draws cannot tell one: no p is below {} after that correction.",
            fixed(floor, 2)
        )
    });
    format!(
        "In paired bootstraps it is ahead of {}, behind {}, and not told apart from {}{undefined}; to be told apart takes p ≤ {} after \
         Holm's correction over {} comparisons.{too_few}",
        brief(&names(1)),
        brief(&names(-1)),
        brief(&names(0)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use srr_measures::statistics::{AnalysisOptions, Bootstrap, Table, analyse};
    use srr_random::Seed;

    /// Twelve models of two widths: one measure follows the gap, one runs against it, one alternates.
    #[test]
    fn what_follows_goes_by_the_numbers() {
        let gap: Vec<f64> = (0..12).map(f64::from).collect();
        let column = |f: &dyn Fn(f64) -> f64| gap.iter().map(|&g| Some(f(g))).collect::<Vec<_>>();
        let widths: Vec<&str> = (0..12).map(|i| ["8", "16"][i % 2]).collect();
        let pairs: Vec<String> = (0..12).map(|i| (i / 2).to_string()).collect();
        let table = Table::new(&gap)
            .and_then(|table| table.with_axis("width", &widths))
            .and_then(|table| table.with_axis("batch_size", &pairs))
            .and_then(|table| table.with_measure("follows", &column(&|g| g)))
            .and_then(|table| table.with_measure("runs-against", &column(&|g| -g)))
            .and_then(|table| table.with_measure("alternates", &column(&|g| g % 2.0)))
            .unwrap();
        let options = AnalysisOptions {
            bootstrap: Some(Bootstrap::new(200, LEVEL, Seed::new(1)).unwrap()),
            ..AnalysisOptions::default()
        };
        let said = beyond_chance(&analyse(&table, &options).unwrap());
        assert!(said.contains("over 3 measures"), "{said}");
        let both = "larger values of follows and with smaller values of runs-against.";
        assert!(said.contains(both), "{said}");
        // Along the width the alternating one follows the gap too.
        assert!(
            said.contains(
                "along width that of follows and alternates, along batch size that of follows"
            ),
            "{said}"
        );
        let names = ["a"; 9];
        assert_eq!(brief(&names), "9 measures");
        assert_eq!(brief(&names[..2]), "a and a");
    }
}
