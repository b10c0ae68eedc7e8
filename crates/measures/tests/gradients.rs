//! Measures of gradients and of flatness against closed forms of a softmax regression.

mod common;

use common::Regression;
use ndarray::{Array2, array};
use srr_measures::measures::{AdaptiveSharpness, Gsnr, NtkAlignment, SamSharpness};
use srr_measures::{Images, Measure, Registry, Subject, Undefined, Value, When, evaluate};

fn found(measure: &dyn Measure, subject: &dyn Subject) -> Value {
    evaluate(measure, subject).unwrap().value
}

fn built_in(name: &str, subject: &dyn Subject) -> Value {
    found(Registry::built_in().get(name).unwrap(), subject)
}

fn close(found: f64, expected: f64) {
    let size = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() <= 1e-12 * size,
        "{found} is not {expected}"
    );
}

fn regression() -> Regression {
    Regression::random(3, 4, 48, 2)
}

/// ⟨w_s, w_t⟩ tr H_st summed over the blocks of the full Hessian.
#[test]
fn relative_flatness_is_that_of_the_full_hessian() {
    let subject = regression();
    let hessian = subject.full_hessian(Images::training());
    let mut expected = 0.0;
    for s in 0..3 {
        for t in 0..3 {
            let trace: f64 = (0..4).map(|k| hessian[[4 * s + k, 4 * t + k]]).sum();
            expected += subject.weights.row(s).dot(&subject.weights.row(t)) * trace;
        }
    }
    let value = built_in("relative-flatness", &subject);
    close(value.raw, expected);
    assert_eq!(value.images, Some(48));
}

/// Features from a linear map before the head: one by c, the other by 1/c, is the same network.
#[test]
fn rescaling_two_consecutive_maps_leaves_relative_flatness_and_adaptive_sharpness() {
    let subject = regression();
    let mut rescaled = regression();
    rescaled.inputs *= 3.0;
    rescaled.weights /= 3.0;
    close(
        built_in("relative-flatness", &rescaled).raw,
        built_in("relative-flatness", &subject).raw,
    );
    close(
        built_in("adaptive-sharpness", &rescaled).raw,
        built_in("adaptive-sharpness", &subject).raw,
    );
    let sam = |subject: &Regression| built_in("sam-sharpness", subject).raw;
    assert!((sam(&rescaled) - sam(&subject)).abs() > 1e-3);
}

/// Features max(Ax, 0) under a head W: with cA and W/c the network is the same one, and so is its relative flatness.
#[test]
fn rescaling_two_consecutive_maps_of_a_relu_network_leaves_relative_flatness() {
    let Regression {
        weights,
        inputs,
        labels,
    } = regression();
    let first = Regression::random(5, 4, 1, 9).weights;
    let relative = |scale: f64| {
        let features = inputs.dot(&(&first * scale).t()).mapv(|x: f64| x.max(0.0));
        let subject = Regression {
            weights: Regression::random(3, 5, 1, 10).weights / scale,
            inputs: features,
            labels: labels.clone(),
        };
        built_in("relative-flatness", &subject).raw
    };
    assert!(relative(1.0) > 0.1 && weights.ncols() == first.ncols());
    close(relative(7.5), relative(1.0));
}

#[test]
fn relative_flatness_of_numbers_that_are_not_finite_is_undefined() {
    let broken = |change: &dyn Fn(&mut Regression)| {
        let mut subject = regression();
        change(&mut subject);
        let registry = Registry::built_in();
        let measure = registry.get("relative-flatness").unwrap();
        evaluate(measure, &subject).unwrap_err()
    };
    let weight = broken(&|subject| subject.weights[[1, 2]] = f64::NAN);
    let feature = broken(&|subject| subject.inputs[[7, 0]] = f64::INFINITY);
    for undefined in [weight, feature] {
        assert_eq!(undefined.kind(), "not finite", "{undefined}");
    }
}

/// One parameter, one image: f(w) = ln(1 + e^{−2wx}) in w and −w (two rows moved apart).
#[test]
fn one_step_of_ascent_in_closed_form() {
    let subject = Regression {
        weights: array![[1.0], [-1.0]],
        inputs: array![[0.5]],
        labels: vec![0],
    };
    let loss = |apart: f64| (1.0 + (-apart * 0.5_f64).exp()).ln();
    // The gradient points along (−1, 1)/√2: ρ apart shrinks the distance 2 of the rows by ρ√2.
    let sam = SamSharpness {
        radius: 0.1,
        ..SamSharpness::default()
    };
    close(
        found(&sam, &subject).raw,
        loss(2.0 - 0.1 * 2.0_f64.sqrt()) - loss(2.0),
    );
    // |w| = 1 for both: T is the identity, and with an offset of 1 twice that: T²g/‖Tg‖ is twice as long.
    let adaptive = |offset| AdaptiveSharpness {
        radius: 0.1,
        offset,
        images: Images::training(),
    };
    close(
        found(&adaptive(0.0), &subject).raw,
        found(&sam, &subject).raw,
    );
    close(
        found(&adaptive(1.0), &subject).raw,
        loss(2.0 - 0.2 * 2.0_f64.sqrt()) - loss(2.0),
    );
    assert_eq!(found(&sam, &subject).standard_error, None);
}

#[test]
fn gradient_norm_and_signal_to_noise_ratio_from_the_gradients_themselves() {
    let subject = regression();
    let weights = subject.parameters(When::Now).unwrap();
    let single: Vec<Vec<f64>> = (0..48)
        .map(|i| {
            let one = Images::training().fold(i, 48);
            subject.gradient_at(&weights, one).unwrap().1
        })
        .collect();
    let mean = |j: usize| single.iter().map(|g| g[j]).sum::<f64>() / 48.0;
    let norm: f64 = (0..12).map(|j| mean(j).powi(2)).sum::<f64>().sqrt();
    close(built_in("gradient-norm", &subject).raw, norm);
    let ratio = |j: usize| {
        let variance = single.iter().map(|g| (g[j] - mean(j)).powi(2)).sum::<f64>() / 47.0;
        mean(j).powi(2) / variance
    };
    let value = built_in("gsnr", &subject);
    close(value.raw, (0..12).map(ratio).sum::<f64>() / 12.0);
    assert_eq!(value.part("without_variance", None), Some(0.0));
    // Each eighth of the images left out in turn.
    let without = |fold: usize| {
        let kept: Vec<&Vec<f64>> = (0..48)
            .filter(|i| i % 8 != fold)
            .map(|i| &single[i])
            .collect();
        let ratio = |j: usize| {
            let mean = kept.iter().map(|g| g[j]).sum::<f64>() / 42.0;
            mean.powi(2) / (kept.iter().map(|g| (g[j] - mean).powi(2)).sum::<f64>() / 41.0)
        };
        (0..12).map(ratio).sum::<f64>() / 12.0
    };
    let without: Vec<f64> = (0..8).map(without).collect();
    let center = without.iter().sum::<f64>() / 8.0;
    let squares: f64 = without.iter().map(|ratio| (ratio - center).powi(2)).sum();
    close(value.standard_error.unwrap(), (squares * 7.0 / 8.0).sqrt());
    // One image twice: no variance at all.
    let twice = Regression {
        inputs: array![[1.0], [1.0]],
        labels: vec![0, 0],
        weights: array![[1.0], [0.0]],
    };
    let undefined = evaluate(&Gsnr::default(), &twice).unwrap_err();
    assert_eq!(undefined.kind(), "not positive");
}

#[test]
fn a_linear_network_has_its_weights_for_jacobian() {
    let subject = regression();
    let value = built_in("geometric-complexity", &subject);
    close(value.raw, subject.weights.iter().map(|w| w * w).sum());
    close(value.standard_error.unwrap(), 0.0);
}

/// The tangent kernel of a linear network is C times the Gram matrix of the inputs.
#[test]
fn tangent_kernels_of_linear_networks() {
    let aligned = |inputs: Array2<f64>, labels: Vec<usize>| {
        let subject = Regression {
            weights: Array2::ones((2, inputs.ncols())),
            inputs,
            labels,
        };
        evaluate(&NtkAlignment::default(), &subject).map(|found| found.value.raw)
    };
    // Inputs that are the labels: both kernels are the same.
    let labels = vec![0, 1, 0, 1];
    let same = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
    close(aligned(same, labels.clone()).unwrap(), 1.0);
    // Inputs that say the other half: centered kernels ±1 by (1 2 | 3 4) and by (1 3 | 2 4), orthogonal.
    let other = array![[1.0], [1.0], [-1.0], [-1.0]];
    close(aligned(other, labels.clone()).unwrap(), 0.0);
    // Half and half: K = A + B of equal size, ⟨A + B, A⟩/(‖A + B‖‖A‖) = 1/√2.
    let both = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    close(aligned(both, labels).unwrap(), 0.5_f64.sqrt());
    // Of two halves each has two images of its own; their alignments are 1 and 1.
    let value = evaluate(
        &NtkAlignment::default(),
        &Regression {
            weights: Array2::ones((2, 2)),
            inputs: array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
            labels: vec![0, 0, 1, 1],
        },
    );
    close(value.unwrap().value.standard_error.unwrap(), 0.0);
    let one_class = aligned(array![[1.0], [2.0]], vec![0, 0]);
    assert!(matches!(one_class, Err(Undefined::NotPositive { .. })));
}
