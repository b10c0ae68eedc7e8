//! A small classifier with random weights as a subject.

#![allow(dead_code, reason = "not every test file uses all of it")]

use std::sync::Arc;

use srr_datasets::{ImageSet, optdigits};
use srr_kernels::Cpu;
use srr_layers::{Classifier, ClassifierConfig, Parameters, Variant};
use srr_random::Seed;
use srr_study::subject::TrainedSubject;
use srr_trainer::TrainingData;

pub(crate) const TRAIN: usize = 23;
pub(crate) const TEST: usize = 11;

pub(crate) struct Fixture {
    pub(crate) subject: TrainedSubject<Cpu<f64>>,
    pub(crate) classifier: Classifier<Cpu<f64>>,
    pub(crate) parameters: Parameters<Cpu<f64>>,
    pub(crate) data: TrainingData,
}

/// A small model with random weights on a few digits; biases and norms are random too, so that nothing is zero by chance.
pub(crate) fn fixture(variant: Variant) -> Fixture {
    let config = ClassifierConfig::new(variant, [1, 8, 8], 4, 10, 6, 2, 2);
    let classifier = Classifier::new(Cpu::<f64>::new(), config).unwrap();
    let digits = optdigits().unwrap();
    let part = |set: &ImageSet, n: usize| set.subset(&(0..n).collect::<Vec<_>>()).unwrap();
    let test = Arc::new(part(&digits.test, TEST));
    let data = TrainingData::new(part(&digits.train, TRAIN), Some(test)).unwrap();
    let initial = classifier.initialize(Seed::new(3)).unwrap();
    let mut stream = Seed::new(4).stream();
    let parameters = initial.map_values(classifier.backend(), |_, values| {
        values
            .iter_mut()
            .for_each(|value| *value += 0.2 * stream.normal());
    });
    let parameters = parameters.unwrap();
    let subject = TrainedSubject::new(classifier.clone(), parameters.clone(), data.clone())
        .unwrap()
        .with_initial(initial)
        .with_training(0.01, 8, Seed::new(3));
    Fixture {
        subject,
        classifier,
        parameters,
        data,
    }
}

pub(crate) fn close(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-3);
    assert!(error <= tolerance, "{found:e} is not {expected:e}");
}
