//! What is said of settings.

use super::*;
use crate::{FORMAT, data::DataConfig};
use srr_coding_rate::Precision;
use srr_datasets::Augmentation;
use srr_layers::{Pool, Residual, Scale, Variant};
use srr_trainer::{ComputePrecision, Optimizer, Schedule, StopAt};

fn config() -> RunConfig {
    RunConfig {
        format: FORMAT,
        precision: ComputePrecision::Highest,
        seed: 0,
        data: DataConfig {
            name: "optdigits".to_owned(),
            train: 40,
            test: 20,
            held_out: false,
            train_digest: String::new(),
            test_digest: String::new(),
        },
        model: ClassifierConfig::new(Variant::Crate, [1, 8, 8], 2, 10, 48, 6, 4),
        training: TrainingConfig::default(),
    }
}

/// All words about some runs in one text.
fn said(configs: &[&RunConfig]) -> String {
    let words = words(configs).unwrap();
    let lines = words.iter().map(|(name, words)| format!("{name}: {words}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn with(change: impl FnOnce(&mut RunConfig)) -> RunConfig {
    let mut config = config();
    change(&mut config);
    config
}

#[test]
fn every_changed_setting_appears() {
    type Change = fn(&mut RunConfig);
    let changes: &[(Change, &str)] = &[
        (|c| c.model.head_dim = Some(7), "p = 7"),
        (|c| c.model.step_size = 0.25, "β = 0.25"),
        (|c| c.model.threshold = 0.5, "λ = 0.5"),
        (|c| c.model.dropout = 0.125, "dropout 0.125"),
        (
            |c| c.model.pool = Pool::Mean,
            "the head reads the mean over tokens",
        ),
        (
            |c| c.model.residual = Residual::Normalized,
            "the attention is added to normalized",
        ),
        (|c| c.model.scale = Scale::None, "factor of the scores none"),
        (|c| c.model.mlp_ratio = 3, "MLP ratio 3"),
        (|c| c.model.image = [3, 32, 32], "3×32×32"),
        (|c| c.training.label_smoothing = 0.1, "label smoothing 0.1"),
        (|c| c.training.clip_norm = Some(1.5), "clipped to norm 1.5"),
        (
            |c| c.training.stop = Some(StopAt::default()),
            "stop at cross-entropy 0.01; looked for where the running mean is below 0.1",
        ),
        (
            |c| c.training.evaluate_every = 5,
            "evaluations while training 5",
        ),
        (|c| c.training.learning_rate = 0.02, "learning rate 0.02"),
        (|c| c.training.batch_size = 33, "batch 33"),
        (|c| c.training.epochs = 77, "epochs at most 77"),
        (
            |c| {
                c.training.optimizer = Optimizer::Adam {
                    beta1: 0.8,
                    beta2: 0.999,
                    epsilon: 1e-8,
                    weight_decay: 0.25,
                };
            },
            "Adam with beta1 0.8 and weight decay 0.25",
        ),
        (
            |c| c.training.optimizer = Optimizer::sgd(0.9, true),
            "SGD with momentum 0.9 and nesterov true",
        ),
        (
            |c| {
                c.training.schedule = Schedule::WarmupCosine {
                    warmup: 3.0,
                    floor: 0.01,
                };
            },
            "cosine schedule after 3 epochs of warm-up, down to 0.01",
        ),
        (
            |c| {
                c.training.schedule = Schedule::WarmupCosine {
                    warmup: 1.0,
                    floor: 0.5,
                };
            },
            "after 1 epoch of warm-up, down to 0.5",
        ),
        (
            |c| {
                c.training.augmentation = vec![Augmentation::RandAugment {
                    operations: 1,
                    magnitude: 9,
                }];
            },
            "RandAugment with 1 operation of",
        ),
        (
            |c| c.training.augmentation = vec![Augmentation::Crop { padding: 2 }],
            "padding by 2 on each side",
        ),
        (
            |c| {
                c.training.augmentation = vec![Augmentation::RandAugment {
                    operations: 3,
                    magnitude: 9,
                }];
            },
            "RandAugment with 3 operations of magnitude 9",
        ),
        (
            |c| {
                c.training.rates = Some(RatesConfig {
                    images: 17,
                    ..RatesConfig::default()
                });
            },
            "Rates: recorded every epoch over the first 17 training images; ε^{2} = p/N, λ = 0.1",
        ),
        (
            |c| {
                c.training.regularizer = Some(RegularizerConfig {
                    strength: 0.5,
                    lambda: 0.75,
                    precision: Precision::from_epsilon_squared(0.01).unwrap(),
                    ..RegularizerConfig::default()
                });
            },
            "Penalty: η = 0.5; the last layer; λ = 0.75; ε^{2} = 0.01",
        ),
        (|c| c.precision = ComputePrecision::F64, "Element type: f64"),
        (
            |c| c.precision = ComputePrecision::Medium,
            "Element type: f32, matrix products of medium precision",
        ),
        (|c| c.model.variant = Variant::Fix, "variant CRATE-Fix"),
    ];
    let default = said(&[&config()]);
    for &(change, expected) in changes {
        let found = said(&[&with(change)]);
        assert!(found.contains(expected), "{expected}: {found}");
        assert!(!default.contains(expected), "{expected}");
    }
}

/// Whatever a configuration will hold one day: no number of it can change without the words changing.
#[test]
fn no_number_changes_in_silence() {
    let full = with(|c| {
        c.model.head_dim = Some(12);
        c.training.clip_norm = Some(1.0);
        c.training.stop = Some(StopAt::default());
        c.training.rates = Some(RatesConfig::default());
        c.training.regularizer = Some(RegularizerConfig::default());
        c.training.schedule = Schedule::WarmupCosine {
            warmup: 1.0,
            floor: 0.25,
        };
    });
    let value = serde_json::to_value(&full).unwrap();
    let (before, mut numbers) = (said(&[&full]), 0);
    for table in ["model", "training"] {
        let mut leaves = BTreeMap::new();
        flatten(&value[table], String::new(), &mut leaves);
        for (path, leaf) in leaves {
            let pointer = format!("/{table}/{}", path.replace('.', "/"));
            let changed = match leaf {
                Value::Number(number) if number.is_u64() => json!(number.as_u64().unwrap() + 1),
                Value::Number(number) => json!(number.as_f64().unwrap() * 0.5 + 0.03125),
                _ => continue,
            };
            let mut other = value.clone();
            *other.pointer_mut(&pointer).unwrap() = changed;
            let other: RunConfig = serde_json::from_value(other).unwrap();
            assert_ne!(said(&[&other]), before, "{pointer}");
            numbers += 1;
        }
    }
    assert!(numbers > 20, "{numbers}");
}

#[test]
fn settings_that_differ_between_runs_are_all_stated() {
    let other = with(|c| {
        c.model.heads = 6;
        c.model.depth = 2;
        c.training.stop = Some(StopAt::default());
    });
    let found = said(&[&config(), &other, &config()]);
    for expected in ["K = 4, 6", "L = 6, 2", "stop at cross-entropy none, 0.01"] {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn defaults_that_say_nothing_are_left_out() {
    let found = said(&[&config()]);
    for silent in [
        "smoothing",
        "clipped",
        "the head reads",
        "Penalty",
        "Rates",
        "none",
    ] {
        assert!(!found.contains(silent), "{silent}: {found}");
    }
}
