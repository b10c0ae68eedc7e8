//! What several artefacts say in the same way.

pub(super) use crate::report::words::{TIE, count, fixed, list, percent, say};
use crate::{Error, Result, plan::PlannedRun, report::Artefact, store::RunResult};
use srr_layers::Variant;

/// A table of the profile that must be there.
pub(super) fn section<'a, T>(section: &'a Option<T>, name: &str) -> Result<&'a T> {
    section.as_ref().ok_or_else(|| Error::Setting {
        key: name.to_owned(),
        found: "missing".to_owned(),
        expected: format!("a table `[{name}]`, be it empty"),
    })
}

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
    fn seeds_are_counted_and_named() {
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
