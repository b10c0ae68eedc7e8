//! A trained classifier as measures see it: against direct passes, closed sums and central differences.

mod common;

use std::ops::ControlFlow;

use common::{Fixture, TEST, TRAIN, close, fixture};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use srr_coding_rate::{Bases, Conventions, LayerTokens, MeasuredNorms, sparse_rate_reduction};
use srr_kernels::{Backend, Cpu, Tensor};
use srr_layers::{Classifier, ClassifierConfig, ForwardOptions, Mode, Norms, Variant};
use srr_measures::measures::Srr;
use srr_measures::{
    Images, Output, ProbeInput, Registry, Role, Scope, Split, Subject, When, choices, evaluate,
};
use srr_random::Seed;
use srr_study::subject::TrainedSubject;
use srr_trainer::{TrainingData, first_images};

type HostTensor = <Cpu<f64> as Backend>::Tensor;

fn images(f: &Fixture, n: usize) -> HostTensor {
    first_images(&f.classifier, &f.data.train, &f.data.normalization, n).unwrap()
}

fn matrix(f: &Fixture, tensor: &HostTensor) -> Array2<f64> {
    let values = f.classifier.backend().download_f64(tensor).unwrap();
    let rows = tensor.shape()[0];
    Array2::from_shape_vec((rows, values.len() / rows), values).unwrap()
}

/// The mean over images and layers of the rates of the tokens that a pass of the classifier itself leaves.
fn srr_by_hand(f: &Fixture, conventions: &Conventions, n: usize) -> f64 {
    let norms = match conventions.norms {
        MeasuredNorms::Removed => Norms::Removed,
        MeasuredNorms::Kept => Norms::Kept,
    };
    let mode = Mode::Evaluate;
    let options = ForwardOptions { mode, norms };
    let pass = f
        .classifier
        .forward(&f.parameters, &images(f, n), &options)
        .unwrap();
    let (tokens, dim, depth) = (5, 6, f.classifier.depth());
    let mut sum = 0.0;
    for layer in 0..depth {
        let index = f.classifier.bases_index(layer).unwrap();
        let stacked = matrix(f, &f.parameters.get(index).unwrap().value);
        let bases = Bases::from_stacked(stacked.view(), 2).unwrap();
        let host = |tensor| {
            let all = matrix(f, tensor);
            all.into_shape_with_order((n, tokens, dim)).unwrap()
        };
        let output = host(pass.tape.output(layer).unwrap());
        let input = host(pass.tape.attention_input(layer).unwrap());
        for image in 0..n {
            let tokens = LayerTokens {
                output: output.index_axis(Axis(0), image),
                attention_input: Some(input.index_axis(Axis(0), image)),
            };
            let terms = sparse_rate_reduction(tokens, &bases, conventions).unwrap();
            sum += terms.value_under(conventions);
        }
    }
    sum / (n * depth) as f64
}

#[test]
fn its_srr_is_that_of_the_tokens_of_a_forward_pass_under_every_convention() {
    let f = fixture(Variant::Crate);
    for choice in choices::one_at_a_time().unwrap() {
        let srr = Srr {
            conventions: choice.conventions,
            images: Images::training(),
        };
        let found = evaluate(&srr, &f.subject).unwrap().value;
        close(
            found.raw,
            srr_by_hand(&f, &choice.conventions, TRAIN),
            1e-12,
        );
        assert_eq!(found.images, Some(TRAIN));
    }
}

#[test]
fn flat_weights_hold_the_maps_at_their_offsets() {
    for variant in [
        Variant::Crate,
        Variant::Fix,
        Variant::Conceptual,
        Variant::Vit,
    ] {
        let f = fixture(variant);
        for when in [When::Now, When::Start] {
            let flat = f.subject.parameters(when).unwrap();
            assert_eq!(flat.len() as u64, f.classifier.count().trainable);
            let maps = f.subject.maps(when, Scope::AllTrainable).unwrap();
            let mut end = 0;
            for map in maps.iter() {
                assert_eq!(map.offset, end, "{} follows the last", map.name);
                end += map.matrix.len();
                let values: Vec<f64> = map.matrix.iter().copied().collect();
                assert_eq!(values, flat[map.offset..end]);
            }
            assert_eq!(end, flat.len());
        }
        let maps = f.subject.maps(When::Now, Scope::Maps).unwrap();
        let output_map = maps.iter().any(|map| map.name.contains("to_out"));
        let expected = matches!(variant, Variant::Crate | Variant::Vit);
        assert_eq!(
            output_map, expected,
            "{variant}: frozen or tied maps do not count"
        );
        assert_eq!(maps[0].role, Role::Embedding);
        assert_eq!(maps[maps.len() - 1].role, Role::Head);
        assert!(maps.iter().any(|map| map.role == Role::Layer(1)));
        assert!(maps.iter().all(|map| !map.name.ends_with("bias")));
        let start = f.subject.maps(When::Start, Scope::Maps).unwrap();
        assert_ne!(maps[0].matrix, start[0].matrix);
    }
}

#[test]
fn features_through_the_head_are_the_logits() {
    let f = fixture(Variant::Crate);
    for (split, n) in [(Split::Train, TRAIN), (Split::Test, TEST)] {
        let features = f.subject.features(split).unwrap();
        let logits = f.subject.logits(split).unwrap();
        assert_eq!(logits.dim(), (n, 10));
        let parameter = |name: &str| &f.parameters.named(name).unwrap().value;
        let weight = matrix(&f, parameter("mlp_head.1.weight"));
        let bias = f
            .classifier
            .backend()
            .download_f64(parameter("mlp_head.1.bias"));
        let expected = features.values.dot(&weight.t()) + &Array1::from(bias.unwrap());
        for (found, expected) in logits.iter().zip(&expected) {
            close(*found, *expected, 1e-10);
        }
        assert_eq!(features.labels, *f.subject.labels(split).unwrap());
    }
}

#[test]
fn at_its_own_weights_the_loss_is_that_of_the_logits() {
    let f = fixture(Variant::Negative);
    let flat = f.subject.parameters(When::Now).unwrap();
    let found = f.subject.evaluate_at(&flat, Images::training()).unwrap();
    let logits = f.subject.logits(Split::Train).unwrap();
    let labels = f.subject.labels(Split::Train).unwrap();
    let margins = f.subject.margins(Split::Train).unwrap();
    let mut loss = 0.0;
    for (row, &label) in logits.rows().into_iter().zip(labels.iter()) {
        loss += row.iter().map(|l| l.exp()).sum::<f64>().ln() - row[label];
    }
    close(found.loss, loss / TRAIN as f64, 1e-12);
    let correct = margins.iter().filter(|&&margin| margin > 0.0).count();
    assert_eq!(found.accuracy, correct as f64 / TRAIN as f64);
    assert_eq!(found.images, TRAIN);
}

#[test]
fn the_gradient_equals_central_differences_of_the_loss() {
    let f = fixture(Variant::Crate);
    let chosen = Images::fixed(7);
    let flat = f.subject.parameters(When::Now).unwrap().to_vec();
    let (at, gradient) = f.subject.gradient_at(&flat, chosen).unwrap();
    assert_eq!(at, f.subject.evaluate_at(&flat, chosen).unwrap());
    assert_eq!((at.images, gradient.len()), (7, flat.len()));
    let mut stream = Seed::new(8).stream();
    for _ in 0..6 {
        let direction: Vec<f64> = flat.iter().map(|_| stream.normal()).collect();
        let loss = |step: f64| {
            let moved = flat.iter().zip(&direction).map(|(w, d)| w + step * d);
            let moved: Vec<f64> = moved.collect();
            f.subject.evaluate_at(&moved, chosen).unwrap().loss
        };
        let step = 1e-6;
        let expected = (loss(step) - loss(-step)) / (2.0 * step);
        let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        close(found, expected, 1e-6);
    }
}

#[test]
fn the_mean_of_per_example_gradients_is_the_gradient() {
    let f = fixture(Variant::Fix);
    let chosen = Images::fixed(5);
    let flat = f.subject.parameters(When::Now).unwrap();
    let (_, expected) = f.subject.gradient_at(&flat, chosen).unwrap();
    let mut sum = vec![0.0; flat.len()];
    let mut seen = Vec::new();
    let mut add = |image: usize, gradient: ArrayView1<'_, f64>| {
        seen.push(image);
        sum.iter_mut()
            .zip(gradient)
            .for_each(|(s, g)| *s += g / 5.0);
        ControlFlow::Continue(())
    };
    f.subject
        .example_gradients(Output::Loss, chosen, &mut add)
        .unwrap();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    for (found, expected) in sum.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12);
    }
    let mut calls = 0;
    let mut stop = |_: usize, _: ArrayView1<'_, f64>| {
        calls += 1;
        ControlFlow::Break(())
    };
    f.subject
        .example_gradients(Output::Logit(3), chosen, &mut stop)
        .unwrap();
    assert!(
        f.subject
            .example_gradients(Output::Logit(10), chosen, &mut stop)
            .is_err()
    );
    assert_eq!(calls, 1, "a visitor that has enough is not called again");
}

/// The gradient of a logit with respect to the head's bias is the unit vector of its class.
#[test]
fn gradients_of_logits_are_of_the_class_asked_for() {
    let f = fixture(Variant::Crate);
    let labels = f.subject.labels(Split::Train).unwrap();
    for (output, class) in [(Output::Logit(3), Some(3)), (Output::CorrectLogit, None)] {
        let mut images = 0;
        let mut check = |image: usize, gradient: ArrayView1<'_, f64>| {
            let bias = gradient.slice(s![gradient.len() - 10..]);
            let expected = class.unwrap_or(labels[image]);
            let unit = Array1::from_shape_fn(10, |c| f64::from(u8::from(c == expected)));
            assert_eq!(bias, unit);
            images += 1;
            ControlFlow::Continue(())
        };
        f.subject
            .example_gradients(output, Images::training(), &mut check)
            .unwrap();
        assert_eq!(images, TRAIN);
    }
}

#[test]
fn input_jacobians_equal_central_differences_of_the_logits() {
    let f = fixture(Variant::Transpose);
    let backend = f.classifier.backend();
    let all = images(&f, 2);
    let pixels = matrix(&f, &all);
    let logits = |pixels: ArrayView2<'_, f64>| {
        let values: Vec<f64> = pixels.iter().copied().collect();
        let images = backend.upload_f64(&values, all.shape()).unwrap();
        matrix(&f, &f.classifier.predict(&f.parameters, &images).unwrap())
    };
    let mut seen = 0;
    let mut check = |image: usize, jacobian: ArrayView2<'_, f64>| {
        assert_eq!(jacobian.dim(), (10, 64));
        for pixel in [0, 19, 63] {
            let step = 1e-6;
            let (mut more, mut less) = (pixels.clone(), pixels.clone());
            more[(image, pixel)] += step;
            less[(image, pixel)] -= step;
            let expected = (logits(more.view()) - logits(less.view())) / (2.0 * step);
            for class in 0..10 {
                let error = jacobian[(class, pixel)] - expected[(image, class)];
                assert!(
                    error.abs() < 1e-7,
                    "class {class}, pixel {pixel}: {error:e}"
                );
            }
        }
        seen += 1;
        if seen == 2 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    f.subject
        .input_jacobians(Images::training(), &mut check)
        .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn a_fixed_choice_of_images_is_balanced_and_never_larger_than_the_set() {
    let f = fixture(Variant::Crate);
    let labels = f.subject.labels(Split::Train).unwrap();
    let mut counts = [0; 10];
    let mut count = |_: usize, gradient: ArrayView1<'_, f64>| {
        // Of the correct logit, the gradient at the head's bias is the unit vector of the label.
        let bias = gradient.slice(s![gradient.len() - 10..]);
        counts[bias.iter().position(|&v| v == 1.0).unwrap()] += 1;
        ControlFlow::Continue(())
    };
    let chosen = Images::fixed(10);
    f.subject
        .example_gradients(Output::CorrectLogit, chosen, &mut count)
        .unwrap();
    let present = (0..10).filter(|class| labels.contains(class)).count();
    assert!(
        counts.iter().all(|&n| n <= 10_usize.div_ceil(present)),
        "{counts:?}"
    );
    assert_eq!(counts.iter().filter(|&&n| n > 0).count(), present);
    assert_eq!(counts.iter().sum::<usize>(), 10);
    let flat = f.subject.parameters(When::Now).unwrap();
    let whole = f.subject.evaluate_at(&flat, Images::fixed(1000)).unwrap();
    assert_eq!(whole.images, TRAIN);
}

#[test]
fn folds_are_disjoint_and_together_the_choice() {
    let f = fixture(Variant::Crate);
    let flat = f.subject.parameters(When::Now).unwrap();
    for chosen in [Images::fixed(11), Images::training()] {
        let (whole, gradient) = f.subject.gradient_at(&flat, chosen).unwrap();
        let (mut images, mut loss, mut sum) = (0, 0.0, vec![0.0; flat.len()]);
        let mut labels = vec![0; whole.images];
        for index in 0..3 {
            let fold = chosen.fold(index, 3);
            let (part, gradient) = f.subject.gradient_at(&flat, fold).unwrap();
            let share = part.images as f64 / whole.images as f64;
            images += part.images;
            loss += share * part.loss;
            sum.iter_mut()
                .zip(&gradient)
                .for_each(|(s, g)| *s += share * g);
            let of_fold = f.subject.labels_of(fold).unwrap();
            for (i, &label) in of_fold.iter().enumerate() {
                labels[index + 3 * i] = label;
            }
        }
        assert_eq!(images, whole.images);
        close(loss, whole.loss, 1e-12);
        for (found, expected) in sum.iter().zip(&gradient) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert_eq!(labels, *f.subject.labels_of(chosen).unwrap());
    }
}

#[test]
fn mapped_parameters_run_without_norms() {
    let f = fixture(Variant::Crate);
    let found = f
        .subject
        .mapped_forward(&|w| 2.0 * w, ProbeInput::Constant(0.5))
        .unwrap();
    let backend = f.classifier.backend();
    let doubled = f.parameters.map_values(backend, |_, values| {
        values.iter_mut().for_each(|value| *value *= 2.0);
    });
    let images = backend.upload_f64(&[0.5; 64], &[1, 1, 8, 8]).unwrap();
    let options = ForwardOptions {
        mode: Mode::Evaluate,
        norms: Norms::Removed,
    };
    let pass = f
        .classifier
        .forward(&doubled.unwrap(), &images, &options)
        .unwrap();
    assert_eq!(found, matrix(&f, &pass.logits).row(0));
    let same = f
        .subject
        .mapped_forward(&|w| 2.0 * w, ProbeInput::Values(&[0.5; 64]));
    assert_eq!(found, same.unwrap());
    assert!(
        f.subject
            .mapped_forward(&|w| w, ProbeInput::Values(&[0.5; 63]))
            .is_err()
    );
}

#[test]
fn every_measure_of_a_crate_has_a_value_and_vit_says_what_it_lacks() {
    let f = fixture(Variant::Crate);
    let mut values = 0;
    for outcome in Registry::built_in().evaluate_all(&f.subject) {
        match outcome.result {
            Ok(_) => values += 1,
            // Random weights fit no tenth of the images, and have no accuracy to lose.
            Err(undefined) => assert!(
                ["margin", "search"].contains(&undefined.kind()),
                "{}: {undefined}",
                outcome.name
            ),
        }
    }
    assert!(values >= 24, "{values}");
    let vit = fixture(Variant::Vit);
    let undefined = evaluate(&Srr::default(), &vit.subject).unwrap_err();
    assert_eq!(undefined.to_string(), "layer 0 has no subspace bases");
}

#[test]
fn what_was_not_given_is_missing_and_misfits_are_refused() {
    let f = fixture(Variant::Crate);
    let train_only = TrainingData {
        validation: None,
        ..f.data.clone()
    };
    let bare = TrainedSubject::new(f.classifier.clone(), f.parameters.clone(), train_only).unwrap();
    for missing in [
        bare.parameters(When::Start).unwrap_err(),
        bare.learning_rate().unwrap_err(),
        bare.seed().unwrap_err(),
        bare.logits(Split::Test).unwrap_err(),
    ] {
        assert!(
            missing.to_string().starts_with("the subject has no "),
            "{missing}"
        );
    }
    assert!(bare.evaluate_at(&[0.0], Images::training()).is_err());
    let config = ClassifierConfig::new(Variant::Crate, [3, 8, 8], 4, 10, 6, 2, 2);
    let colored = Classifier::new(Cpu::<f64>::new(), config).unwrap();
    let parameters = colored.initialize(Seed::new(1)).unwrap();
    assert!(TrainedSubject::new(colored, parameters, f.data.clone()).is_err());
}
