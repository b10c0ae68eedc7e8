//! A tiny model and tiny data for the trainer's tests.

#![allow(dead_code, unreachable_pub)]

use srr_datasets::{ImageSet, ImageSetParts, ImageShape};
use srr_kernels::{Backend, Cpu};
use srr_layers::{Classifier, ClassifierConfig, Gradients, Parameters, Variant};
use srr_random::Seed;
use srr_trainer::{TrainingConfig, TrainingData};

/// `n` images [1, 4, 4] of three classes, which differ in the brightness of their rows.
pub fn images(n: usize, seed: u64) -> ImageSet {
    let mut stream = Seed::new(seed).stream();
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
    let pixel = |label: u32, row: usize| if row == label as usize { 180 } else { 20 };
    let mut pixels = Vec::new();
    for &label in &labels {
        for position in 0..16 {
            pixels.push(pixel(label, position / 4) + stream.below(60) as u8);
        }
    }
    ImageSet::new(ImageSetParts {
        images: pixels,
        labels,
        shape: ImageShape::new(1, 4, 4),
        class_names: ["a", "b", "c"].map(String::from).to_vec(),
        scale: 255,
        name: "rows".into(),
        source: "made up".into(),
    })
    .unwrap()
}

pub fn data() -> TrainingData {
    let validation = std::sync::Arc::new(images(9, 2));
    TrainingData::new(images(20, 1), Some(validation)).unwrap()
}

pub fn config(variant: Variant) -> ClassifierConfig {
    ClassifierConfig {
        dropout: 0.1,
        ..ClassifierConfig::new(variant, [1, 4, 4], 2, 3, 6, 2, 2)
    }
}

pub fn classifier(variant: Variant) -> Classifier<Cpu<f64>> {
    Classifier::new(Cpu::new(), config(variant)).unwrap()
}

/// Three epochs of three batches.
pub fn training() -> TrainingConfig {
    TrainingConfig {
        batch_size: 8,
        epochs: 3,
        learning_rate: 5e-3,
        ..TrainingConfig::default()
    }
}

/// All values as bits, by name.
pub fn bits<B: Backend>(backend: &B, parameters: &Parameters<B>) -> Vec<(String, Vec<u64>)> {
    let host = parameters.to_host(backend).unwrap();
    let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect();
    host.into_iter()
        .map(|(name, t)| (name, bits(t.values)))
        .collect()
}

/// The values of every gradient, by the parameter's name.
pub fn values<B: Backend>(
    backend: &B,
    parameters: &Parameters<B>,
    gradients: &Gradients<B>,
) -> Vec<(String, Vec<f64>)> {
    let named = parameters.iter().zip(gradients.iter());
    named
        .map(|(p, g)| (p.name.clone(), backend.download_f64(g).unwrap()))
        .collect()
}
