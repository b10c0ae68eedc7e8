//! The regularizer against central differences of an independent computation of the penalty, the stop-gradient modeled by holding
//! each penalized layer's input fixed.

mod common;

use common::{classifier, data, training, values};
use ndarray::{ArrayView2, s};
use srr_coding_rate::{
    Bases, ClassToken, Conventions, Precision, Sparsity, SparsityGradient, sparse_rate_reduction,
};
use srr_kernels::{Backend, Cpu, Tensor as _};
use srr_layers::{Classifier, ForwardOptions, Gradients, Parameters, Variant};
use srr_random::Seed;
use srr_trainer::{
    Classification, Error, Objective, PenalizedLayers, Regularizer, RegularizerConfig,
    TrainingConfig,
};

type C = Cpu<f64>;

/// μ of one layer, mean over the batch, from its fixed input tokens. Under the L1 surrogate ‖Z‖₁ stands for ‖Z‖₀.
fn penalty(
    classifier: &Classifier<C>,
    parameters: &Parameters<C>,
    layer: usize,
    input: &<C as Backend>::Tensor,
    options: ForwardOptions,
    config: &RegularizerConfig,
) -> f64 {
    let ctx = classifier.context(parameters, options);
    let block = classifier.block(layer).unwrap();
    let output = block.forward(&ctx, input).unwrap().output().clone();
    let &[images, n, d] = output.shape() else {
        panic!("rank")
    };
    let values = classifier.backend().download(&output).unwrap();
    let index = classifier.bases_index(layer).unwrap();
    let stacked = &parameters.get(index).unwrap().value;
    let weight = classifier.backend().download(stacked).unwrap();
    let weight = ArrayView2::from_shape((weight.len() / d, d), &weight).unwrap();
    let bases = Bases::from_stacked(weight, classifier.heads()).unwrap();
    let conventions = Conventions {
        precision: config.precision,
        unit_tokens: config.unit_tokens,
        sparsity: config.sparsity,
        class_token: config.class_token,
        lambda: config.lambda,
        ..Conventions::default()
    };
    let first = usize::from(config.class_token == ClassToken::LeftOut);
    let of_image = |values: &[f64]| {
        let tokens = ArrayView2::from_shape((n, d), values).unwrap();
        let terms = sparse_rate_reduction(tokens, &bases, &conventions).unwrap();
        if config.sparsity_gradient == SparsityGradient::Zero {
            return terms.value_under(&conventions);
        }
        let measured = tokens.slice(s![first.., ..]);
        let norm: f64 = measured.iter().map(|z| z.abs()).sum();
        let norm = match config.sparsity {
            Sparsity::Count => norm,
            Sparsity::Density => norm / measured.len() as f64,
        };
        config.lambda * norm + terms.compressed_rate - terms.coding_rate
    };
    values.chunks_exact(n * d).map(of_image).sum::<f64>() / images as f64
}

/// The gradient that the regularizer adds to that of the cross-entropy alone, and its value.
fn added_gradient(
    classifier: &Classifier<C>,
    parameters: &Parameters<C>,
    regularizer: &RegularizerConfig,
    step: Seed,
) -> (Vec<(String, Vec<f64>)>, f64) {
    let gradient = |regularizer: Option<RegularizerConfig>| {
        let config = TrainingConfig {
            regularizer,
            ..training()
        };
        let objective = Classification::new(classifier, &data(), &config, Seed::new(3)).unwrap();
        let batch = objective.batches(0, 0).next().unwrap();
        let mut gradients = Gradients::zeros(classifier.backend(), parameters).unwrap();
        let loss = objective.loss_and_gradient(parameters, &batch, step, &mut gradients);
        let loss = loss.unwrap().unwrap();
        (
            values(classifier.backend(), parameters, &gradients),
            loss.penalty,
        )
    };
    let (with, value) = gradient(Some(regularizer.clone()));
    let (without, zero) = gradient(None);
    assert_eq!(zero, 0.0);
    let difference = |(a, b): (&f64, &f64)| a - b;
    let added = with.into_iter().zip(without).map(|((name, a), (_, b))| {
        let values = a.iter().zip(&b).map(difference).collect();
        (name, values)
    });
    (added.collect(), value)
}

fn check(variant: Variant, config: &RegularizerConfig) {
    let classifier = classifier(variant);
    let backend = classifier.backend();
    let parameters = classifier.initialize(Seed::new(5)).unwrap();
    let step = Seed::new(17);
    let layers = config.layers.of_step(classifier.depth(), step);
    let (gradient, value) = added_gradient(&classifier, &parameters, config, step);

    let training = TrainingConfig {
        regularizer: None,
        ..training()
    };
    let objective = Classification::new(&classifier, &data(), &training, Seed::new(3)).unwrap();
    let batch = objective.batches(0, 0).next().unwrap();
    let images: Vec<f64> = batch.images.iter().map(|&v| f64::from(v)).collect();
    let images = backend.upload(&images, &[batch.len(), 1, 4, 4]).unwrap();
    let options = ForwardOptions::train(step.purpose("dropout"));
    let tape = classifier
        .forward(&parameters, &images, &options)
        .unwrap()
        .tape;
    let total = |parameters: &Parameters<C>| -> f64 {
        let of_layer = |&layer: &usize| {
            let input = tape.input(layer).unwrap();
            penalty(&classifier, parameters, layer, input, options, config)
        };
        config.strength * layers.iter().map(of_layer).sum::<f64>() / layers.len() as f64
    };
    if config.sparsity_gradient == SparsityGradient::Zero {
        assert!(
            (total(&parameters) - value).abs() < 1e-10 * value.abs(),
            "{value}"
        );
    }

    let h = 1e-6;
    let mut touched = 0;
    for (name, values) in &gradient {
        let trainable = parameters.named(name).unwrap().trainable;
        let penalized = layers
            .iter()
            .any(|l| name.starts_with(&format!("transformer.layers.{l}.")));
        if !penalized || !trainable {
            assert!(values.iter().all(|&g| g.abs() < 1e-14), "{name} is reached");
            continue;
        }
        // Every third entry: an odd stride through even sizes meets every row and column.
        for (i, &expected) in values.iter().enumerate().step_by(3) {
            let moved = |by: f64| {
                let change = |p: &srr_layers::Parameter<C>, v: &mut [f64]| {
                    if p.name == *name {
                        v[i] += by;
                    }
                };
                total(&parameters.map_values(backend, change).unwrap())
            };
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            let scale = expected
                .abs()
                .max(difference.abs())
                .max(1e-2 * config.strength);
            assert!(
                (difference - expected).abs() < 1e-5 * scale,
                "{name}[{i}]: {expected} vs {difference}"
            );
            touched += usize::from(expected != 0.0);
        }
    }
    assert!(touched > 20, "the penalty has a gradient");
}

fn regularizer() -> RegularizerConfig {
    RegularizerConfig {
        strength: 0.7,
        ..RegularizerConfig::default()
    }
}

#[test]
fn last_layer_of_every_white_box_variant() {
    for variant in Variant::ALL.into_iter().filter(|v| v.is_white_box()) {
        check(variant, &regularizer());
    }
}

#[test]
fn all_chosen_and_random_layers() {
    for layers in [
        PenalizedLayers::All,
        PenalizedLayers::Chosen(vec![0]),
        PenalizedLayers::Random,
    ] {
        check(
            Variant::Crate,
            &RegularizerConfig {
                layers,
                ..regularizer()
            },
        );
    }
}

#[test]
fn l1_surrogate_as_count_and_as_density() {
    for sparsity in [Sparsity::Count, Sparsity::Density] {
        let config = RegularizerConfig {
            sparsity,
            sparsity_gradient: SparsityGradient::L1,
            layers: PenalizedLayers::All,
            ..regularizer()
        };
        check(Variant::Conceptual, &config);
    }
}

#[test]
fn class_token_left_out_unit_tokens_and_another_precision() {
    let config = RegularizerConfig {
        class_token: ClassToken::LeftOut,
        precision: Precision::from_epsilon(0.5).unwrap(),
        ..regularizer()
    };
    check(Variant::Crate, &config);
    let config = RegularizerConfig {
        unit_tokens: true,
        sparsity: Sparsity::Density,
        ..config
    };
    check(Variant::Transpose, &config);
}

#[test]
fn random_layers_are_a_function_of_the_step_and_all_come() {
    let drawn = |step| PenalizedLayers::Random.of_step(5, Seed::new(2).index(step));
    let layers: Vec<_> = (0..60).map(drawn).collect();
    assert_eq!(layers, (0..60).map(drawn).collect::<Vec<_>>());
    for layer in 0..5 {
        assert!(layers.contains(&vec![layer]), "{layer}");
    }
}

#[test]
fn models_and_layers_that_cannot_be_penalized_are_refused() {
    let vit = Classifier::new(C::new(), common::config(Variant::Vit)).unwrap();
    let refused = Regularizer::new(regularizer(), &vit).unwrap_err();
    assert!(matches!(refused, Error::NoBases { .. }), "{refused}");
    let layers = PenalizedLayers::Chosen(vec![0, 2]);
    let config = RegularizerConfig {
        layers,
        ..regularizer()
    };
    let refused = Regularizer::new(config, &classifier(Variant::Crate)).unwrap_err();
    assert!(
        matches!(refused, Error::NoSuchLayer { layer: 2, depth: 2 }),
        "{refused}"
    );
    let layers = PenalizedLayers::Chosen(vec![1, 1]);
    let config = RegularizerConfig {
        layers,
        ..regularizer()
    };
    assert!(matches!(
        config.validate(),
        Err(Error::Configuration { .. })
    ));
}
