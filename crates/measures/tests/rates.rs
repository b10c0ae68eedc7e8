//! The sparse rate reduction of a network against the rates of its layers, one image at a time.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, Array4, Axis, s};
use srr_coding_rate::{Bases, Conventions, LayerTokens, MeasuredNorms, sparse_rate_reduction};
use srr_measures::measures::Srr;
use srr_measures::{
    Answer, Images, LayerBatch, Subject, SubspaceBases, TokenPass, Undefined, choices, evaluate,
    network_rates,
};
use srr_random::Seed;

const LAYERS: usize = 3;
const IMAGES: usize = 5;
const HEADS: usize = 2;

/// Random tokens of 3 layers × 5 images, shown in batches of 2; those without norms are three times as large.
struct Tokens {
    /// [layer, image, token, dimension]
    output: Array4<f64>,
    input: Array4<f64>,
    bases: Vec<Array2<f64>>,
    batches_seen: AtomicUsize,
}

impl Tokens {
    fn new(seed: u64) -> Self {
        let mut stream = Seed::new(seed).stream();
        let shape = (LAYERS, IMAGES, 7, 6);
        let output = Array4::from_shape_simple_fn(shape, || stream.normal().max(0.0));
        let input = Array4::from_shape_simple_fn(shape, || stream.normal());
        let bases = (0..LAYERS).map(|_| Array2::from_shape_simple_fn((6, 6), || stream.normal()));
        Self {
            output,
            input,
            bases: bases.collect(),
            batches_seen: AtomicUsize::new(0),
        }
    }

    fn scale(norms: MeasuredNorms) -> f64 {
        if norms == MeasuredNorms::Removed {
            3.0
        } else {
            1.0
        }
    }

    /// The mean of μ over layers and images, by definition.
    fn by_hand(&self, conventions: &Conventions) -> f64 {
        let scale = Self::scale(conventions.norms);
        let mut sum = 0.0;
        for layer in 0..LAYERS {
            let bases = Bases::from_stacked(self.bases[layer].view(), HEADS).unwrap();
            for image in 0..IMAGES {
                let output = &self.output.slice(s![layer, image, .., ..]) * scale;
                let input = &self.input.slice(s![layer, image, .., ..]) * scale;
                let tokens = LayerTokens {
                    output: output.view(),
                    attention_input: Some(input.view()),
                };
                let terms = sparse_rate_reduction(tokens, &bases, conventions).unwrap();
                sum += terms.value_under(conventions);
            }
        }
        sum / (LAYERS * IMAGES) as f64
    }
}

impl Subject for Tokens {
    fn layer_tokens(
        &self,
        pass: &TokenPass,
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let scale = Self::scale(pass.norms);
        let images = pass.images.limit.unwrap_or(IMAGES).min(IMAGES);
        for first in (0..images).step_by(2) {
            for layer in 0..LAYERS {
                let rows = first..(first + 2).min(images);
                let part = |all: &Array4<f64>| {
                    &all.index_axis(Axis(0), layer)
                        .slice(s![rows.clone(), .., ..])
                        * scale
                };
                let (output, input) = (part(&self.output), part(&self.input));
                self.batches_seen.fetch_add(1, Ordering::Relaxed);
                let batch = LayerBatch {
                    first_image: first,
                    layer,
                    output: output.view(),
                    attention_input: pass.attention_inputs.then(|| input.view()),
                    bases: self.bases.get(layer).map(|bases| SubspaceBases {
                        stacked: bases.view(),
                        heads: HEADS,
                    }),
                };
                if visit(&batch).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

#[test]
fn every_choice_alone_and_together_equals_the_definition() {
    let subject = Tokens::new(1);
    let mut choices = choices::one_at_a_time().unwrap();
    choices.extend(choices::every_combination().unwrap());
    let conventions: Vec<Conventions> = choices.iter().map(|c| c.conventions).collect();
    let found = network_rates(&subject, &conventions, Images::training());
    let passes = subject.batches_seen.load(Ordering::Relaxed) / (3 * LAYERS);
    assert_eq!(passes, 2, "one with norms and one without");
    for (choice, rates) in choices.iter().zip(found) {
        let rates = rates.unwrap();
        let (found, expected) = (
            rates.mean(&choice.conventions),
            subject.by_hand(&choice.conventions),
        );
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs(),
            "{choice:?}"
        );
        assert_eq!(rates.images, IMAGES);
    }
}

#[test]
fn the_measure_lists_its_terms() {
    let subject = Tokens::new(2);
    let srr = Srr::default();
    let value = evaluate(&srr, &subject).unwrap().value;
    let part = |name: &str, layer| value.part(name, layer).unwrap();
    let mu = |layer| {
        0.1 * part("nonzeros", layer) + part("compressed_rate", layer) - part("coding_rate", layer)
    };
    assert!((value.raw - mu(None)).abs() < 1e-12);
    let mean = (0..LAYERS).map(|l| part("mu", Some(l))).sum::<f64>() / LAYERS as f64;
    assert!((value.raw - mean).abs() < 1e-12);
    for layer in 0..LAYERS {
        assert!((part("mu", Some(layer)) - mu(Some(layer))).abs() < 1e-12);
        assert!(
            (part("density", Some(layer)) - part("nonzeros", Some(layer)) / 42.0).abs() < 1e-12
        );
    }
    assert_eq!(value.images, Some(IMAGES));
    let first = Srr {
        images: Images::fixed(2),
        ..srr
    };
    assert_eq!(evaluate(&first, &subject).unwrap().value.images, Some(2));
}

#[test]
fn the_order_of_heads_does_not_matter() {
    let mut subject = Tokens::new(3);
    let before = evaluate(&Srr::default(), &subject).unwrap().value.raw;
    for bases in &mut subject.bases {
        let heads = bases.clone();
        bases
            .slice_mut(s![..3, ..])
            .assign(&heads.slice(s![3.., ..]));
        bases
            .slice_mut(s![3.., ..])
            .assign(&heads.slice(s![..3, ..]));
    }
    let after = evaluate(&Srr::default(), &subject).unwrap().value.raw;
    assert!((before - after).abs() < 1e-12 * before.abs());
}

#[test]
fn tokens_that_are_not_finite_end_the_pass_and_leave_it_undefined() {
    let mut subject = Tokens::new(4);
    subject.output[(0, 1, 2, 3)] = f64::INFINITY;
    let undefined = evaluate(&Srr::default(), &subject).unwrap_err();
    assert_eq!(undefined.kind(), "not finite", "{undefined}");
    assert_eq!(subject.batches_seen.load(Ordering::Relaxed), 1);
}

#[test]
fn layers_without_bases_have_no_sparse_rate_reduction() {
    let mut subject = Tokens::new(5);
    subject.bases.clear();
    let undefined = evaluate(&Srr::default(), &subject).unwrap_err();
    assert_eq!(
        undefined,
        Undefined::Misfit("layer 0 has no subspace bases".to_owned())
    );
}

#[test]
fn no_convention_has_no_rates() {
    assert!(network_rates(&Tokens::new(6), &[], Images::training()).is_empty());
}
