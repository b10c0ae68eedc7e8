//! What several artefacts say in the same way.

use crate::{
    Error, Result,
    plan::PlannedRun,
    report::{Artefact, number},
    store::RunResult,
};
use srr_layers::Variant;

/// A table of the profile that must be there.
pub(super) fn section<'a, T>(section: &'a Option<T>, name: &str) -> Result<&'a T> {
    section.as_ref().ok_or_else(|| Error::Setting {
        key: name.to_owned(),
        found: "missing".to_owned(),
        expected: format!("a table `[{name}]`, be it empty"),
    })
}

/// Two results that differ by less are the same: what is left is rounding.
pub(super) const TIE: f64 = 1e-9;

/// A variant's name as the papers write it.
pub(crate) const fn title(variant: Variant) -> &'static str {
    match variant {
        Variant::Crate => "CRATE",
        Variant::Conceptual => "CRATE-C",
        Variant::Negative => "CRATE-N",
        Variant::Transpose => "CRATE-T",
        Variant::Fix => "CRATE-Fix",
        Variant::Identity => "CRATE-Identity",
        Variant::Vit => "ViT",
    }
}

/// A variant's color, the same in every chart.
pub(super) fn ink(variant: Variant) -> usize {
    Variant::ALL
        .iter()
        .position(|&other| other == variant)
        .unwrap_or(0)
}

/// A number in running text, with so many digits that count.
pub(crate) fn say(value: f64, digits: usize) -> String {
    number::significant(value, digits)
}

/// A number in running text, with so many digits after the point.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    number::fixed(value, decimals)
}

/// A share as a percentage with one digit after the point.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", fixed(100.0 * share, 1))
}

/// `a, b and c`.
pub(super) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `1 run`, `2 runs`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// `3 (0, 1, 2)`.
pub(super) fn seeds(seeds: &[u64]) -> String {
    let all: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("{} ({})", seeds.len(), all.join(", "))
}

/// The mean; not a number of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample standard deviation; not a number of less than two values.
pub(super) fn deviation(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// Those with the largest value, all that are equal to it but for rounding.
pub(super) fn leaders<T: Copy>(items: &[(T, f64)]) -> Vec<T> {
    let largest = items.iter().map(|item| item.1).fold(f64::MIN, f64::max);
    let leading = items.iter().filter(|item| item.1 >= largest - TIE);
    leading.map(|item| item.0).collect()
}

/// Adds a note for every run that diverged.
pub(super) fn note_diverged<'a>(
    mut artefact: Artefact,
    runs: impl IntoIterator<Item = (&'a PlannedRun, &'a RunResult)>,
) -> Artefact {
    for (run, result) in runs {
        if result.diverged() {
            artefact = artefact.note(format!(
                "{}: {}; it is left out.",
                run.config.label(),
                result.status
            ));
        }
    }
    artefact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_counts_read_as_english() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            (count(1, "run"), count(2, "run")),
            ("1 run".to_owned(), "2 runs".to_owned())
        );
        assert_eq!(seeds(&[4, 7]), "2 (4, 7)");
    }

    #[test]
    fn leaders_are_all_that_differ_by_rounding_alone() {
        // 0.1 + 0.2 is above 0.3 by one unit in the last place.
        let items = [("a", 0.3), ("b", 0.1 + 0.2), ("c", 0.299)];
        assert_eq!(leaders(&items), ["a", "b"]);
        assert_eq!(leaders::<&str>(&[]), [""; 0]);
    }

    #[test]
    fn mean_and_deviation_are_the_known_ones() {
        assert_eq!(mean(&[95.0, 96.0, 97.0]), 96.0);
        assert_eq!(deviation(&[95.0, 96.0, 97.0]), 1.0);
        assert!(deviation(&[95.0]).is_nan());
    }

    #[test]
    fn every_variant_has_its_own_ink_and_title() {
        for (place, variant) in Variant::ALL.into_iter().enumerate() {
            assert_eq!(ink(variant), place);
            assert_eq!(title(variant).to_lowercase(), variant.name());
        }
    }
}
