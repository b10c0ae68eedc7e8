//! Every gradient of every variant against central differences.

mod common;

use common::{
    Model, Weights, assert_close, awkward, download, images, model, normal, upload, weights,
};
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{
    ClassifierConfig, ForwardOptions, Gradients, LocalGradient, Mode, Norms, Pool, Residual, Scale,
    Variant,
};
use srr_random::Seed;

const LABELS: [u32; 2] = [2, 0];
const STEP: f64 = 1e-6;

/// A loss and which of the tokens of each layer are zero: where this pattern changes there is no derivative.
struct Evaluation {
    loss: f64,
    zeros: Vec<Vec<bool>>,
}

fn evaluate(
    model: &Model,
    weights: &Weights,
    images: &[f64],
    options: &ForwardOptions,
) -> Evaluation {
    let pass = model
        .forward(weights, &upload(model, images), options)
        .unwrap();
    let losses = model
        .backend()
        .cross_entropy(&pass.logits, &LABELS, 0.0)
        .unwrap()
        .losses;
    let losses = download(model, &losses);
    let zeros = |layer| {
        let tokens = download(model, pass.tape.output(layer).unwrap());
        tokens.iter().map(|&v| v == 0.0).collect()
    };
    Evaluation {
        loss: losses.iter().sum::<f64>() / losses.len() as f64,
        zeros: (0..model.depth()).map(zeros).collect(),
    }
}

/// The central difference, or nothing at a kink.
fn central(evaluate: impl Fn(f64) -> Evaluation) -> Option<f64> {
    let (high, low) = (evaluate(STEP), evaluate(-STEP));
    (high.zeros == low.zeros).then(|| (high.loss - low.loss) / (2.0 * STEP))
}

/// Compares a gradient with central differences where these exist; nearly everywhere they must.
fn compare(what: &str, gradient: &[f64], differences: &[Option<f64>]) {
    let smooth = |(&g, d): (&f64, &Option<f64>)| d.map(|d| (g, d));
    let (g, d): (Vec<f64>, Vec<f64>) = gradient.iter().zip(differences).filter_map(smooth).unzip();
    assert!(g.len() * 10 >= gradient.len() * 9, "{what}: too many kinks");
    assert_close(what, &g, &d, 1e-6, 2e-9);
}

fn nudged(model: &Model, weights: &Weights, index: usize, element: usize, by: f64) -> Weights {
    let mut nudged = weights.clone();
    let parameter = nudged.get_mut(index).unwrap();
    let mut values = download(model, &parameter.value);
    values[element] += by;
    parameter.value = model
        .backend()
        .upload_f64(&values, parameter.value.shape())
        .unwrap();
    nudged
}

fn check(config: &ClassifierConfig, options: ForwardOptions) {
    let what = format!("{config:?} {options:?}");
    let model = model(config);
    let weights = weights(&model, 5);
    let images = images(&model, LABELS.len());
    let pass = model
        .forward(&weights, &upload(&model, &images), &options)
        .unwrap();
    let loss = model
        .backend()
        .cross_entropy(&pass.logits, &LABELS, 0.0)
        .unwrap();
    let mut gradients = Gradients::zeros(model.backend(), &weights).unwrap();
    let d_images = model
        .backward(
            &weights,
            &pass.tape,
            &loss.gradient,
            &[],
            &mut gradients,
            true,
        )
        .unwrap()
        .unwrap();
    for (index, parameter) in weights.iter().enumerate() {
        let gradient = download(&model, gradients.get(index).unwrap());
        if !parameter.trainable {
            assert!(
                gradient.iter().all(|&g| g == 0.0),
                "{what}: {} is frozen",
                parameter.name
            );
            continue;
        }
        let difference = |element| {
            central(|by| {
                evaluate(
                    &model,
                    &nudged(&model, &weights, index, element, by),
                    &images,
                    &options,
                )
            })
        };
        let differences: Vec<_> = (0..gradient.len()).map(difference).collect();
        compare(
            &format!("{what}: {}", parameter.name),
            &gradient,
            &differences,
        );
    }
    let difference = |element: usize| {
        central(|by| {
            let mut images = images.clone();
            images[element] += by;
            evaluate(&model, &weights, &images, &options)
        })
    };
    let differences: Vec<_> = (0..images.len()).map(difference).collect();
    compare(
        &format!("{what}: images"),
        &download(&model, &d_images),
        &differences,
    );
}

/// Every pool, residual and treatment of norms, each with and without dropout.
fn check_variant(variant: Variant) {
    for bits in 0..16 {
        let mut config = awkward(variant);
        let mut options = ForwardOptions::default();
        if bits & 1 != 0 {
            config.dropout = 0.3;
            options.mode = Mode::Train(Seed::new(11));
        }
        if bits & 2 != 0 {
            config.pool = Pool::Mean;
        }
        if bits & 4 != 0 {
            config.residual = Residual::Normalized;
        }
        if bits & 8 != 0 {
            options.norms = Norms::Removed;
        }
        check(&config, options);
    }
}

#[test]
fn crate_learned_map() {
    check_variant(Variant::Crate);
}

#[test]
fn crate_conceptual() {
    check_variant(Variant::Conceptual);
}

#[test]
fn crate_negative() {
    check_variant(Variant::Negative);
}

#[test]
fn crate_transpose() {
    check_variant(Variant::Transpose);
}

#[test]
fn crate_fix() {
    check_variant(Variant::Fix);
}

#[test]
fn crate_identity() {
    check_variant(Variant::Identity);
}

#[test]
fn vision_transformer() {
    check_variant(Variant::Vit);
}

#[test]
fn one_head_as_wide_as_the_tokens_and_no_scale() {
    for variant in [Variant::Crate, Variant::Transpose, Variant::Vit] {
        let mut config = awkward(variant);
        (config.heads, config.head_dim, config.scale) = (1, None, Scale::None);
        let model = model(&config);
        assert!(
            !model
                .layout()
                .specs()
                .iter()
                .any(|spec| spec.name.contains("to_out"))
        );
        config.dropout = 0.2;
        check(&config, ForwardOptions::train(Seed::new(3)));
    }
}

/// A local gradient is that of a loss of the layer's output alone with the layer's input held fixed.
#[test]
fn local_gradients_stay_in_their_layer() {
    for variant in Variant::ALL {
        let mut config = awkward(variant);
        config.dropout = 0.25;
        config.depth = 3;
        let options = ForwardOptions::train(Seed::new(21));
        let model = model(&config);
        let weights = weights(&model, 8);
        let pass = model
            .forward(&weights, &upload(&model, &images(&model, 2)), &options)
            .unwrap();
        let backend = model.backend();
        let shape = pass.tape.tokens().shape().to_vec();
        let coefficients = normal(13, shape.iter().product());
        let d_tokens = backend.upload_f64(&coefficients, &shape).unwrap();
        let none = backend.zeros(pass.logits.shape()).unwrap();
        for layer in 0..config.depth {
            let local = [LocalGradient {
                layer,
                d_tokens: d_tokens.clone(),
            }];
            let mut gradients = Gradients::zeros(backend, &weights).unwrap();
            model
                .backward(&weights, &pass.tape, &none, &local, &mut gradients, false)
                .unwrap();
            let input = pass.tape.input(layer).unwrap();
            let loss = |weights: &Weights| {
                let ctx = model.context(weights, options);
                let tape = model.block(layer).unwrap().forward(&ctx, input).unwrap();
                let out = download(&model, tape.output());
                Evaluation {
                    loss: out.iter().zip(&coefficients).map(|(o, c)| o * c).sum(),
                    zeros: vec![out.iter().map(|&v| v == 0.0).collect()],
                }
            };
            for (index, parameter) in weights.iter().enumerate() {
                let what = format!("{variant}, layer {layer}: {}", parameter.name);
                let gradient = download(&model, gradients.get(index).unwrap());
                let own = parameter
                    .name
                    .starts_with(&format!("transformer.layers.{layer}."));
                if !own || !parameter.trainable {
                    assert!(gradient.iter().all(|&g| g == 0.0), "{what}");
                    continue;
                }
                let difference =
                    |element| central(|by| loss(&nudged(&model, &weights, index, element, by)));
                let differences: Vec<_> = (0..gradient.len()).map(difference).collect();
                assert!(gradient.iter().any(|&g| g != 0.0), "{what}");
                compare(&what, &gradient, &differences);
            }
        }
    }
}

/// The global gradient and several local ones add up.
#[test]
fn local_gradients_add_to_the_global_one() {
    let model = model(&awkward(Variant::Conceptual));
    let weights = weights(&model, 2);
    let backend = model.backend();
    let pass = model
        .forward(
            &weights,
            &upload(&model, &images(&model, 2)),
            &ForwardOptions::default(),
        )
        .unwrap();
    let loss = backend.cross_entropy(&pass.logits, &LABELS, 0.0).unwrap();
    let none = backend.zeros(&[2, 3]).unwrap();
    let shape = pass.tape.tokens().shape().to_vec();
    let local = |layer: usize| LocalGradient {
        layer,
        d_tokens: backend
            .upload_f64(&normal(layer as u64, shape.iter().product()), &shape)
            .unwrap(),
    };
    let locals = [local(1), local(0), local(1)];
    let run = |d_logits, locals: &[LocalGradient<_>], gradients: &mut Gradients<_>| {
        model
            .backward(&weights, &pass.tape, d_logits, locals, gradients, false)
            .unwrap();
    };
    let mut together = Gradients::zeros(backend, &weights).unwrap();
    run(&loss.gradient, &locals, &mut together);
    let mut apart = Gradients::zeros(backend, &weights).unwrap();
    run(&loss.gradient, &[], &mut apart);
    for local in locals {
        run(&none, &[local], &mut apart);
    }
    for (a, b) in together.iter().zip(apart.iter()) {
        assert_close(
            "sum",
            &download(&model, a),
            &download(&model, b),
            1e-13,
            0.0,
        );
    }
}

/// After one step every trainable tensor of every variant got a gradient and moved; frozen ones did not.
#[test]
fn every_trainable_tensor_is_trained() {
    for variant in Variant::ALL {
        let mut config = ClassifierConfig::new(variant, [3, 8, 8], 4, 4, 12, 3, 3);
        config.pool = Pool::ClassToken;
        let model = model(&config);
        let backend = model.backend();
        let mut weights = model.initialize(Seed::new(1)).unwrap();
        let before = weights.to_host(backend).unwrap();
        let pass = model
            .forward(
                &weights,
                &upload(&model, &images(&model, 4)),
                &ForwardOptions::default(),
            )
            .unwrap();
        let loss = backend
            .cross_entropy(&pass.logits, &[0, 1, 2, 3], 0.0)
            .unwrap();
        let mut gradients = Gradients::zeros(backend, &weights).unwrap();
        model
            .backward(
                &weights,
                &pass.tape,
                &loss.gradient,
                &[],
                &mut gradients,
                false,
            )
            .unwrap();
        for (parameter, gradient) in weights.iter_mut().zip(gradients.iter()) {
            backend
                .add_scaled(&mut parameter.value, -0.1, gradient)
                .unwrap();
        }
        let frozen = weights.iter().filter(|p| !p.trainable).count();
        assert_eq!(
            frozen,
            if variant == Variant::Fix {
                2 * config.depth
            } else {
                0
            }
        );
        for parameter in &weights {
            let moved = before[&parameter.name].values != download(&model, &parameter.value);
            assert_eq!(moved, parameter.trainable, "{variant}: {}", parameter.name);
        }
        gradients.clear(backend).unwrap();
        assert!(
            gradients
                .iter()
                .all(|g| download(&model, g).iter().all(|&v| v == 0.0))
        );
    }
}
