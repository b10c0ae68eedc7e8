//! What several artefacts say in the same way.

use crate::{
    Error, Result, RunConfig,
    plan::PlannedRun,
    report::{Artefact, number},
    store::RunResult,
};
use srr_coding_rate::{ClassToken, Conventions, Location, MeasuredNorms, Sparsity};
use srr_layers::Variant;
use srr_trainer::{Optimizer, Schedule};

/// A table of the profile that must be there.
pub(super) fn section<'a, T>(section: &'a Option<T>, name: &str) -> Result<&'a T> {
    section.as_ref().ok_or_else(|| Error::Setting {
        key: name.to_owned(),
        found: "missing".to_owned(),
        expected: format!("a table `[{name}]`, be it empty"),
    })
}

/// A variant's name as the papers write it.
pub(super) const fn title(variant: Variant) -> &'static str {
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
pub(super) fn say(value: f64, digits: usize) -> String {
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
pub(super) fn count(n: usize, noun: &str) -> String {
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

/// Adds the settings that all runs of an artefact share, and a note when they were not judged on the test set.
pub(super) fn describe(artefact: Artefact, runs: &[PlannedRun]) -> Artefact {
    let Some(run) = runs.first() else {
        return artefact.note("No runs were asked for.");
    };
    let config = &run.config;
    let data = &config.data;
    let judged = run.data.judged_on();
    let artefact = artefact
        .setting(
            "Data",
            format!(
                "{}: {} training, {} {judged} images",
                data.name, data.train, data.test
            ),
        )
        .setting("Model", describe_model(runs, config))
        .setting("Training", describe_training(runs, config))
        .setting(
            "Element type",
            all_values(runs, |config| {
                format!("{:?}", config.element).to_lowercase()
            }),
        );
    if data.held_out {
        artefact
            .note("Models are judged on a held-out part of the training set, not on the test set.")
    } else {
        artefact
    }
}

/// The values that a setting takes over the runs, each once, in order.
fn all_values(runs: &[PlannedRun], get: impl Fn(&RunConfig) -> String) -> String {
    let mut values: Vec<String> = Vec::new();
    for value in runs.iter().map(|run| get(&run.config)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values.join(", ")
}

fn describe_model(runs: &[PlannedRun], config: &RunConfig) -> String {
    let model = &config.model;
    format!(
        "d = {}, L = {}, K = {}, patch {}, β = {}, λ = {}, dropout {}",
        all_values(runs, |config| config.model.dim.to_string()),
        model.depth,
        model.heads,
        model.patch,
        model.step_size,
        model.threshold,
        all_values(runs, |config| config.model.dropout.to_string()),
    )
}

fn describe_training(runs: &[PlannedRun], config: &RunConfig) -> String {
    let training = &config.training;
    let optimizer = match training.optimizer {
        Optimizer::Adam { .. } => "Adam",
        Optimizer::AdamW { .. } => "AdamW",
        Optimizer::Sgd { .. } => "SGD",
        Optimizer::Lion { .. } => "Lion",
    };
    let schedule = match training.schedule {
        Schedule::Constant => "constant learning rate".to_owned(),
        Schedule::Step { every, factor } => format!("× {factor} every {every} epochs"),
        Schedule::WarmupCosine { warmup, .. } => {
            format!("cosine schedule after {warmup} epochs of warm-up")
        }
    };
    let stop = match training.stop {
        Some(stop) => format!(", stop at cross-entropy {}", stop.cross_entropy),
        None => String::new(),
    };
    let augmentation = if training.augmentation.is_empty() {
        "no augmentation".to_owned()
    } else {
        let steps: Vec<String> = training
            .augmentation
            .iter()
            .map(|step| format!("{step:?}"))
            .collect();
        format!("augmentation {}", steps.join(", "))
    };
    format!(
        "{optimizer}, learning rate {}, batch {}, {schedule}, at most {} epochs{stop}, {augmentation}",
        all_values(runs, |config| config.training.learning_rate.to_string()),
        all_values(runs, |config| config.training.batch_size.to_string()),
        all_values(runs, |config| config.training.epochs.to_string()),
    )
}

/// The conventions of a rate in words.
pub(super) fn conventions(conventions: &Conventions) -> String {
    let precision = if conventions.precision.is_unit_gamma() {
        "ε^{2} = p/N".to_owned()
    } else {
        // Any sizes will do: this precision does not depend on them.
        format!(
            "ε^{{2}} = {}",
            say(conventions.precision.epsilon_squared(1, 1), 3)
        )
    };
    let mut words = vec![
        precision,
        format!("λ = {}", conventions.lambda),
        match conventions.sparsity {
            Sparsity::Count => "‖Z‖_{0} as a count".to_owned(),
            Sparsity::Density => "‖Z‖_{0} as a share".to_owned(),
        },
        match conventions.class_token {
            ClassToken::Counted => "class token counted".to_owned(),
            ClassToken::LeftOut => "class token left out".to_owned(),
        },
        match conventions.location {
            Location::LayerOutput => "R^{c} at the layer's output".to_owned(),
            Location::AttentionInput => "R^{c} at the attention's input".to_owned(),
        },
        match conventions.norms {
            MeasuredNorms::Removed => "LayerNorm removed".to_owned(),
            MeasuredNorms::Kept => "LayerNorm kept".to_owned(),
        },
    ];
    if conventions.unit_tokens {
        words.push("unit tokens".to_owned());
    }
    words.join(", ")
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
