//! Values of settings that are more than a number, in words.

use super::{distinct, leaves_of, text};
use crate::{
    Error, Result,
    artefacts::common::{count, say},
};
use serde_json::json;
use srr_coding_rate::{
    ClassToken, Conventions, Location, MeasuredNorms, Precision, Sparsity, SparsityGradient,
};
use srr_datasets::Augmentation;
use srr_kernels::MatmulPrecision;
use srr_layers::Pool;
use srr_trainer::{
    ComputePrecision, Optimizer, PenalizedLayers, RatesConfig, RegularizerConfig, Schedule,
};

/// The rule, and what of it is not its default.
pub(super) fn optimizer(optimizer: &Optimizer) -> Result<String> {
    let name = match optimizer {
        Optimizer::Adam { .. } => "Adam",
        Optimizer::AdamW { .. } => "AdamW",
        Optimizer::Sgd { .. } => "SGD",
        Optimizer::Lion { .. } => "Lion",
    };
    let found = leaves_of(optimizer)?;
    let kind = json!({ "kind": found.get("kind") });
    let default: Optimizer = serde_json::from_value(kind).map_err(|error| Error::Invalid {
        what: "describing an optimizer".to_owned(),
        problem: error.to_string(),
    })?;
    let default = leaves_of(&default)?;
    let changed: Vec<String> = found
        .iter()
        .filter(|(key, value)| default.get(*key) != Some(value))
        .map(|(key, value)| format!("{} {}", key.replace('_', " "), text(Some(value))))
        .collect();
    Ok(if changed.is_empty() {
        name.to_owned()
    } else {
        format!("{name} with {}", changed.join(" and "))
    })
}

pub(super) const fn pool(pool: Pool) -> &'static str {
    match pool {
        Pool::ClassToken => "the class token",
        Pool::Mean => "the mean over tokens",
    }
}

pub(super) fn schedule(schedule: &Schedule) -> String {
    match *schedule {
        Schedule::Constant => "constant learning rate".to_owned(),
        Schedule::Step { every, factor } => {
            format!("learning rate × {factor} after every {every} epochs")
        }
        Schedule::WarmupCosine { warmup, floor } => format!(
            "cosine schedule after {warmup} {} of warm-up, down to {floor} of the learning rate",
            if warmup == 1.0 { "epoch" } else { "epochs" }
        ),
    }
}

/// `f32` or `f64`, and the precision of matrix products where it is lower than that of the type.
pub(super) fn element_type(precision: ComputePrecision) -> String {
    match precision.matmul() {
        None => "f64".to_owned(),
        Some(MatmulPrecision::Highest) => "f32".to_owned(),
        Some(lower) => format!("f32, matrix products of {lower} precision"),
    }
}

pub(super) fn augmentations(steps: &[Augmentation]) -> String {
    if steps.is_empty() {
        return "no augmentation".to_owned();
    }
    let steps: Vec<String> = steps.iter().map(augmentation).collect();
    format!("augmentation: {}", steps.join(", then "))
}

fn augmentation(step: &Augmentation) -> String {
    match *step {
        Augmentation::Flip { probability } => format!("mirrored with probability {probability}"),
        Augmentation::Crop { padding } => {
            format!("a random piece of the original size after padding by {padding} on each side")
        }
        Augmentation::ResizedCrop {
            height,
            width,
            area: [least, most],
            ratio: [narrow, wide],
        } => format!(
            "a random piece resized to {height}×{width} (area {} to {}, aspect {} to {})",
            say(least, 3),
            say(most, 3),
            say(narrow, 3),
            say(wide, 3)
        ),
        Augmentation::Resize { height, width } => format!("resized to {height}×{width}"),
        Augmentation::RandAugment {
            operations,
            magnitude,
        } => format!(
            "RandAugment with {} of magnitude {magnitude}",
            count(operations, "operation")
        ),
    }
}

pub(super) fn rates(rates: &RatesConfig) -> String {
    let RatesConfig {
        images,
        every,
        conventions,
    } = rates;
    let every = match every {
        1 => "every epoch".to_owned(),
        every => format!("every {every} epochs"),
    };
    format!(
        "recorded {every} over the first {images} training images; {}",
        self::conventions(conventions)
    )
}

/// Everything that decides a penalty, with all values where they differ.
pub(super) fn penalty(penalties: &[&RegularizerConfig]) -> String {
    let parts: Vec<[String; 7]> = penalties
        .iter()
        .map(|config| penalty_parts(config))
        .collect();
    let part = |place: usize| distinct(parts.iter().map(|parts| parts[place].clone()));
    (0..7).map(part).collect::<Vec<_>>().join("; ")
}

fn penalty_parts(config: &RegularizerConfig) -> [String; 7] {
    let RegularizerConfig {
        strength,
        layers,
        lambda,
        precision,
        unit_tokens,
        sparsity,
        sparsity_gradient,
        class_token,
    } = config;
    let gradient = match sparsity_gradient {
        SparsityGradient::Zero => "its gradient taken as zero",
        SparsityGradient::L1 => "its gradient taken as that of λ‖Z‖_{1}",
    };
    let coded = if *unit_tokens {
        "unit tokens"
    } else {
        "tokens as they are"
    };
    [
        format!("η = {strength}"),
        penalized(layers),
        format!("λ = {lambda}"),
        self::precision(*precision),
        format!("{}, {gradient}", self::sparsity(*sparsity)),
        self::class_token(*class_token).to_owned(),
        coded.to_owned(),
    ]
}

fn penalized(layers: &PenalizedLayers) -> String {
    match layers {
        PenalizedLayers::All => "all layers".to_owned(),
        PenalizedLayers::Last => "the last layer".to_owned(),
        PenalizedLayers::Random => "a layer drawn at each step".to_owned(),
        PenalizedLayers::Chosen(layers) => {
            let layers: Vec<String> = layers.iter().map(|layer| (layer + 1).to_string()).collect();
            format!("layer {}", layers.join(" and "))
        }
    }
}

fn precision(precision: Precision) -> String {
    if precision.is_unit_gamma() {
        "ε^{2} = p/N".to_owned()
    } else {
        // Any sizes will do: this precision does not depend on them.
        format!("ε^{{2}} = {}", say(precision.epsilon_squared(1, 1), 3))
    }
}

const fn sparsity(sparsity: Sparsity) -> &'static str {
    match sparsity {
        Sparsity::Count => "‖Z‖_{0} as a count",
        Sparsity::Density => "‖Z‖_{0} as a share",
    }
}

const fn class_token(class_token: ClassToken) -> &'static str {
    match class_token {
        ClassToken::Counted => "class token counted",
        ClassToken::LeftOut => "class token left out",
    }
}

/// The conventions of a measured rate in words. The gradient of the sparsity is none of them: no measured value depends on it.
pub fn conventions(conventions: &Conventions) -> String {
    let mut words = vec![
        precision(conventions.precision),
        format!("λ = {}", conventions.lambda),
        sparsity(conventions.sparsity).to_owned(),
        class_token(conventions.class_token).to_owned(),
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
