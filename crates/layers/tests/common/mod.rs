//! Small models with generic weights, shared by the tests.
#![allow(dead_code)] // each test file uses its part

use srr_kernels::{Backend, Cpu, Tensor as _};
use srr_layers::{Classifier, ClassifierConfig, Parameters, Variant};
use srr_random::Seed;

pub(crate) type Model = Classifier<Cpu<f64>>;
pub(crate) type Weights = Parameters<Cpu<f64>>;

/// Two channels, a grid of 3x2 patches, batch size left open; K·p = d only where the variant needs it.
pub(crate) fn awkward(variant: Variant) -> ClassifierConfig {
    let mut config = ClassifierConfig::new(variant, [2, 6, 4], 2, 3, 6, 2, 2);
    if !variant.needs_square() {
        config.head_dim = Some(5);
    }
    config.mlp_ratio = 2;
    config
}

pub(crate) fn model(config: &ClassifierConfig) -> Model {
    Classifier::new(Cpu::<f64>::new(), config.clone()).unwrap()
}

/// Initial weights with noise on every one, so that no gain is one and no bias zero.
pub(crate) fn weights(model: &Model, seed: u64) -> Weights {
    let seed = Seed::new(seed);
    let initial = model.initialize(seed).unwrap();
    let noisy = initial.map_values(model.backend(), |parameter, values| {
        let mut stream = seed.purpose("noise").purpose(&parameter.name).stream();
        values
            .iter_mut()
            .for_each(|value| *value += 0.2 * stream.normal());
    });
    noisy.unwrap()
}

pub(crate) fn normal(seed: u64, len: usize) -> Vec<f64> {
    let mut stream = Seed::new(seed).stream();
    (0..len).map(|_| stream.normal()).collect()
}

pub(crate) fn images(model: &Model, batch: usize) -> Vec<f64> {
    normal(77, batch * model.config().image.iter().product::<usize>())
}

pub(crate) fn upload(model: &Model, images: &[f64]) -> <Cpu<f64> as Backend>::Tensor {
    let [c, h, w] = model.config().image;
    let batch = images.len() / (c * h * w);
    model
        .backend()
        .upload_f64(images, &[batch, c, h, w])
        .unwrap()
}

pub(crate) fn download(model: &Model, tensor: &<Cpu<f64> as Backend>::Tensor) -> Vec<f64> {
    assert!(!tensor.is_empty());
    model.backend().download_f64(tensor).unwrap()
}

pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// ‖a − b‖ ≤ relative·‖b‖ + absolute.
#[track_caller]
pub(crate) fn assert_close(what: &str, a: &[f64], b: &[f64], relative: f64, absolute: f64) {
    assert_eq!(a.len(), b.len(), "{what}");
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let (error, scale) = (norm(&difference), norm(b));
    assert!(
        error <= relative * scale + absolute,
        "{what}: off by {error:e} where the norm is {scale:e}"
    );
}
