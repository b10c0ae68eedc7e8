//! How the variants are related, and what must not change their output.

mod common;

use common::{Model, Weights, assert_close, awkward, download, images, model, upload, weights};
use srr_kernels::{AttentionOptions, Backend, Dropout};
use srr_layers::{
    AttentionStep, ClassifierConfig, Error, ForwardOptions, Gradients, Mode, Norms, ParameterKind,
    Pool, Variant,
};
use srr_random::Seed;
use std::collections::BTreeMap;

type State = BTreeMap<String, srr_layers::HostTensor>;

fn logits(model: &Model, weights: &Weights, options: &ForwardOptions) -> Vec<f64> {
    let images = images(model, 2);
    let pass = model
        .forward(weights, &upload(model, &images), options)
        .unwrap();
    download(model, &pass.logits)
}

fn gradients(model: &Model, weights: &Weights) -> State {
    let pass = model
        .forward(
            weights,
            &upload(model, &images(model, 2)),
            &ForwardOptions::default(),
        )
        .unwrap();
    let loss = model
        .backend()
        .cross_entropy(&pass.logits, &[1, 2], 0.0)
        .unwrap();
    let mut gradients = Gradients::zeros(model.backend(), weights).unwrap();
    model
        .backward(
            weights,
            &pass.tape,
            &loss.gradient,
            &[],
            &mut gradients,
            false,
        )
        .unwrap();
    let mut state = weights.to_host(model.backend()).unwrap();
    for (parameter, gradient) in weights.iter().zip(gradients.iter()) {
        state.get_mut(&parameter.name).unwrap().values = download(model, gradient);
    }
    state
}

fn transposed(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let at = |i: usize| values[(i % rows) * columns + i / rows];
    (0..values.len()).map(at).collect()
}

/// What W of CRATE must be, given the projection [K·p, d], for it to compute the same as a variant without a map of its own.
fn equivalent(variant: Variant, projection: &[f64], inner: usize, dim: usize) -> Vec<f64> {
    let tied = transposed(projection, inner, dim); // [d, K·p]
    match variant {
        Variant::Conceptual => tied,
        Variant::Negative => tied.iter().map(|v| -v).collect(),
        Variant::Transpose => projection.to_vec(),
        _ => (0..dim * inner)
            .map(|i| f64::from(u8::from(i / inner == i % inner)))
            .collect(),
    }
}

/// Each variant is CRATE with a certain W, and its gradient is CRATE's by the chain rule.
#[test]
fn variants_are_crate_with_a_certain_map() {
    for variant in [
        Variant::Conceptual,
        Variant::Negative,
        Variant::Transpose,
        Variant::Identity,
    ] {
        let config = awkward(variant);
        let own = model(&config);
        let (inner, dim) = (own.geometry().inner, config.dim);
        let own_weights = weights(&own, 3);
        let learned = model(&ClassifierConfig {
            variant: Variant::Crate,
            ..config.clone()
        });
        let mut state = weights(&learned, 3).to_host(learned.backend()).unwrap();
        for layer in 0..config.depth {
            let name = |end: &str| format!("transformer.layers.{layer}.0.fn.{end}");
            let map = equivalent(variant, &state[&name("qkv.weight")].values, inner, dim);
            state.get_mut(&name("to_out.0.weight")).unwrap().values = map;
            state
                .get_mut(&name("to_out.0.bias"))
                .unwrap()
                .values
                .fill(0.0);
        }
        let learned_weights = learned.parameters(&state).unwrap();
        let options = ForwardOptions::default();
        let (a, b) = (
            logits(&own, &own_weights, &options),
            logits(&learned, &learned_weights, &options),
        );
        assert_close(variant.name(), &a, &b, 1e-12, 0.0);

        let (own_gradients, learned_gradients) = (
            gradients(&own, &own_weights),
            gradients(&learned, &learned_weights),
        );
        for (name, gradient) in &own_gradients {
            let mut expected = learned_gradients[name].values.clone();
            if let Some(start) = name.strip_suffix("qkv.weight") {
                let map = &learned_gradients[&format!("{start}to_out.0.weight")].values;
                let through_map = match variant {
                    Variant::Conceptual => transposed(map, dim, inner),
                    Variant::Negative => transposed(map, dim, inner).iter().map(|v| -v).collect(),
                    Variant::Transpose => map.clone(),
                    _ => vec![0.0; map.len()],
                };
                expected
                    .iter_mut()
                    .zip(through_map)
                    .for_each(|(e, t)| *e += t);
            }
            assert_close(
                &format!("{variant}: {name}"),
                &gradient.values,
                &expected,
                1e-11,
                1e-15,
            );
        }
    }
}

#[test]
fn fix_computes_what_crate_computes() {
    let (fix, learned) = (
        model(&awkward(Variant::Fix)),
        model(&awkward(Variant::Crate)),
    );
    let state = weights(&fix, 3).to_host(fix.backend()).unwrap();
    let options = ForwardOptions::default();
    let a = logits(&fix, &fix.parameters(&state).unwrap(), &options);
    let b = logits(&learned, &learned.parameters(&state).unwrap(), &options);
    assert_eq!(a, b);
}

#[test]
fn variants_share_what_they_share_at_the_start() {
    let config = |variant| ClassifierConfig::new(variant, [1, 8, 8], 2, 10, 24, 2, 3);
    let start = |variant| {
        let model = model(&config(variant));
        model
            .initialize(Seed::new(4))
            .unwrap()
            .to_host(model.backend())
            .unwrap()
    };
    let reference = start(Variant::Crate);
    for variant in Variant::ALL {
        for (name, tensor) in start(variant) {
            let frozen_bias = variant == Variant::Fix && name.ends_with("to_out.0.bias");
            if frozen_bias {
                assert!(tensor.values.iter().all(|&v| v == 0.0), "{name}");
            } else if let Some(shared) = reference.get(&name) {
                assert_eq!(&tensor, shared, "{variant}: {name}");
            } else {
                assert_eq!(variant, Variant::Vit, "{name}");
            }
        }
    }
    let other = model(&config(Variant::Crate))
        .initialize(Seed::new(5))
        .unwrap();
    let other = other.to_host(&srr_kernels::Cpu::<f64>::new()).unwrap();
    assert_ne!(other["cls_token"], reference["cls_token"]);
}

/// Bounds and moments of the initial distributions.
#[test]
fn weights_start_from_their_distributions() {
    let model = model(&ClassifierConfig::new(
        Variant::Crate,
        [3, 32, 32],
        4,
        10,
        48,
        1,
        4,
    ));
    let weights = model.initialize(Seed::new(9)).unwrap();
    let values = |name: &str| download(&model, &weights.named(name).unwrap().value);
    let uniform = |name: &str, bound: f64| {
        let values = values(name);
        let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        assert!(
            largest <= bound && largest > 0.9 * bound,
            "{name}: {largest} of {bound}"
        );
    };
    uniform("to_patch_embedding.2.weight", 48_f64.powf(-0.5));
    uniform("to_patch_embedding.2.bias", 48_f64.powf(-0.5));
    uniform("transformer.layers.0.0.fn.qkv.weight", 48_f64.powf(-0.5));
    uniform(
        "transformer.layers.0.0.fn.to_out.0.weight",
        48_f64.powf(-0.5),
    );
    uniform("transformer.layers.0.1.fn.weight", (6.0_f64 / 48.0).sqrt());
    let positions = values("pos_embedding");
    let n = positions.len() as f64;
    let variance = positions.iter().map(|v| v * v).sum::<f64>() / n;
    assert!(
        (variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "{variance}"
    );
    for parameter in &weights {
        let expected = match parameter.kind {
            ParameterKind::NormGain => 1.0,
            ParameterKind::NormBias => 0.0,
            _ => continue,
        };
        assert!(
            download(&model, &parameter.value)
                .iter()
                .all(|&v| v == expected)
        );
    }
}

/// The order of heads is a convention: permuted with their columns of the output map, they give the same.
#[test]
fn permuted_heads_change_nothing() {
    for variant in [
        Variant::Crate,
        Variant::Fix,
        Variant::Conceptual,
        Variant::Negative,
    ] {
        let mut config = awkward(variant);
        (config.heads, config.head_dim) = (3, Some(2));
        let model = model(&config);
        let weights = weights(&model, 6);
        let mut state = weights.to_host(model.backend()).unwrap();
        let order = [2, 0, 1].map(|head| [2 * head, 2 * head + 1]).concat();
        for (name, tensor) in &mut state {
            let old = tensor.values.clone();
            if name.ends_with("qkv.weight") {
                let row = |i: &usize| old[i * 6..(i + 1) * 6].to_vec();
                tensor.values = order.iter().flat_map(row).collect();
            } else if name.ends_with("to_out.0.weight") {
                let column = |i: usize| old[i / 6 * 6 + order[i % 6]];
                tensor.values = (0..36).map(column).collect();
            }
        }
        let permuted = model.parameters(&state).unwrap();
        let options = ForwardOptions::default();
        let (a, b) = (
            logits(&model, &permuted, &options),
            logits(&model, &weights, &options),
        );
        assert_close(variant.name(), &a, &b, 1e-13, 0.0);
        assert_ne!(state, weights.to_host(model.backend()).unwrap());
    }
}

#[test]
fn removed_norms_ignore_their_gains() {
    for variant in Variant::ALL {
        let model = model(&awkward(variant));
        let weights = weights(&model, 6);
        let changed = weights
            .map_values(model.backend(), |parameter, values| {
                if matches!(
                    parameter.kind,
                    ParameterKind::NormGain | ParameterKind::NormBias
                ) {
                    values.iter_mut().for_each(|v| *v = 3.0 - *v);
                }
            })
            .unwrap();
        let removed = ForwardOptions {
            norms: Norms::Removed,
            ..Default::default()
        };
        assert_eq!(
            logits(&model, &weights, &removed),
            logits(&model, &changed, &removed)
        );
        let kept = ForwardOptions::default();
        assert_ne!(
            logits(&model, &weights, &kept),
            logits(&model, &changed, &kept)
        );
        assert_ne!(
            logits(&model, &weights, &kept),
            logits(&model, &weights, &removed)
        );
    }
}

#[test]
fn dropout_acts_in_training_alone() {
    for variant in Variant::ALL {
        let plain = model(&awkward(variant));
        let dropping = model(&ClassifierConfig {
            dropout: 0.4,
            ..awkward(variant)
        });
        let weights = weights(&plain, 6);
        let train = |seed| ForwardOptions {
            mode: Mode::Train(Seed::new(seed)),
            ..Default::default()
        };
        let evaluated = logits(&plain, &weights, &ForwardOptions::default());
        assert_eq!(logits(&plain, &weights, &train(1)), evaluated);
        assert_eq!(
            logits(&dropping, &weights, &ForwardOptions::default()),
            evaluated
        );
        let (once, again, other) = (
            logits(&dropping, &weights, &train(1)),
            logits(&dropping, &weights, &train(1)),
            logits(&dropping, &weights, &train(2)),
        );
        assert_eq!(once, again);
        assert_ne!(once, other);
        assert_ne!(once, evaluated);
    }
}

/// Dropout acts after the positions, after the softmax and after the output map, each place of each layer with a mask of its own.
#[test]
fn dropout_acts_in_three_places() {
    let probability = 0.4;
    let step = Seed::new(1);
    let model = model(&ClassifierConfig {
        dropout: probability,
        ..awkward(Variant::Identity)
    });
    let weights = weights(&model, 6);
    let backend = model.backend();
    let options = ForwardOptions::train(step);
    let tape = model
        .forward(&weights, &upload(&model, &images(&model, 2)), &options)
        .unwrap()
        .tape;
    let ctx = model.context(&weights, options);
    let dropped = |values: &[f64]| values.iter().map(|&v| v == 0.0).collect::<Vec<_>>();
    let mut masks = vec![dropped(&download(&model, tape.tokens()))];
    for layer in 0..model.depth() {
        let AttentionStep::Subspace(attention) = model.block(layer).unwrap().attention() else {
            panic!()
        };
        let (branch, saved) = attention
            .forward(&ctx, tape.attention_input(layer).unwrap())
            .unwrap();
        let place = |name: &str| Dropout {
            probability,
            seed: step.purpose(name).index(layer as u64),
        };
        let scale = (model.head_dim() as f64).powf(-0.5);
        let heads = model.heads();
        let kernel = AttentionOptions {
            heads,
            scale,
            causal: false,
            dropout: Some(place("softmax")),
        };
        let mut expected = backend.mssa(&saved.projected, &kernel).unwrap();
        backend
            .dropout(&mut expected, &place("attention branch"))
            .unwrap();
        assert_eq!(download(&model, &branch), download(&model, &expected));
        masks.push(dropped(&download(&model, &branch)));
    }
    for (i, mask) in masks.iter().enumerate() {
        let share = mask.iter().filter(|&&d| d).count() as f64 / mask.len() as f64;
        assert!(
            (share - probability).abs() < 5.0 * (0.24 / mask.len() as f64).sqrt(),
            "{share}"
        );
        assert!(masks[..i].iter().all(|other| other != mask));
    }
}

#[test]
fn predictions_are_the_forward_pass() {
    for variant in Variant::ALL {
        let model = model(&ClassifierConfig {
            pool: Pool::Mean,
            ..awkward(variant)
        });
        let weights = weights(&model, 6);
        let predicted = model
            .predict(&weights, &upload(&model, &images(&model, 2)))
            .unwrap();
        assert_eq!(
            download(&model, &predicted),
            logits(&model, &weights, &ForwardOptions::default())
        );
    }
}

/// Each image is computed by itself.
#[test]
fn a_batch_is_its_images_one_by_one() {
    for variant in Variant::ALL {
        let model = model(&awkward(variant));
        let weights = weights(&model, 6);
        let images = images(&model, 3);
        let together = download(
            &model,
            &model.predict(&weights, &upload(&model, &images)).unwrap(),
        );
        let one = |image: &[f64]| {
            download(
                &model,
                &model.predict(&weights, &upload(&model, image)).unwrap(),
            )
        };
        let apart: Vec<f64> = images.chunks(images.len() / 3).flat_map(one).collect();
        assert_close(variant.name(), &together, &apart, 1e-13, 0.0);
    }
}

#[test]
fn wrong_input_is_refused() {
    let model = model(&awkward(Variant::Crate));
    let weights = weights(&model, 6);
    let options = ForwardOptions::default();
    let images = model.backend().zeros(&[2, 2, 4, 6]).unwrap();
    let error = model.forward(&weights, &images, &options).unwrap_err();
    assert!(
        matches!(&error, Error::ImageShape { expected: [2, 6, 4], found } if found[..] == [2, 2, 4, 6]),
        "{error}"
    );
    let one = model
        .backend()
        .upload_f64(&vec![1.0; 96], &[2, 2, 6, 4])
        .unwrap();
    let mut infinite = one.clone();
    model.backend().scale(&mut infinite, f64::INFINITY).unwrap();
    let error = model.forward(&weights, &infinite, &options).unwrap_err();
    assert!(matches!(error, Error::NonFinite { .. }), "{error}");

    let other = common::model(&awkward(Variant::Conceptual));
    let error = other.forward(&weights, &one, &options).unwrap_err();
    assert!(
        matches!(&error, Error::State(mismatch) if !mismatch.unexpected.is_empty()),
        "{error}"
    );

    let pass = model.forward(&weights, &one, &options).unwrap();
    let mut gradients = Gradients::zeros(model.backend(), &weights).unwrap();
    let local = [srr_layers::LocalGradient {
        layer: 2,
        d_tokens: pass.tape.tokens().clone(),
    }];
    let error = model
        .backward(
            &weights,
            &pass.tape,
            &pass.logits,
            &local,
            &mut gradients,
            false,
        )
        .unwrap_err();
    assert!(
        matches!(error, Error::NoSuchLayer { layer: 2, depth: 2 }),
        "{error}"
    );

    let vit = common::model(&awkward(Variant::Vit));
    let vit_weights = common::weights(&vit, 6);
    let mut gradients = Gradients::zeros(vit.backend(), &vit_weights).unwrap();
    let error = vit
        .backward(
            &vit_weights,
            &pass.tape,
            &pass.logits,
            &[],
            &mut gradients,
            false,
        )
        .unwrap_err();
    assert!(matches!(error, Error::ForeignTape), "{error}");
}
