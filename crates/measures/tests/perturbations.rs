//! PAC-Bayes and sharpness measures on a network whose accuracy under perturbations is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, array};
use srr_measures::measures::{PacBayesFlatness, SharpnessMagInit};
use srr_measures::search::{Magnitude, NoiseSearch, ReferenceNoise};
use srr_measures::{
    Answer, Evaluation, Images, LinearMap, Registry, Role, Scope, Subject, Undefined, When,
    evaluate, evaluate_all,
};
use srr_random::Seed;

/// One weight w = 2 that decides, and one of 0.5 that does nothing. Image i of 1,000 is answered rightly as long as w > 2 − i/1000 − 1/2000:
/// a weight that falls by δ < 1 loses a share δ of the images. The loss falls with w, without end.
struct Threshold {
    passes: AtomicUsize,
}

const WEIGHTS: [f64; 2] = [2.0, 0.5];
const START: [f64; 2] = [1.0, 0.0];
const M: f64 = 1000.0;

fn threshold() -> Threshold {
    Threshold {
        passes: AtomicUsize::new(0),
    }
}

impl Subject for Threshold {
    fn training_examples(&self) -> Answer<usize> {
        Ok(1000)
    }

    fn maps(&self, when: When, _: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let weights = self.parameters(when)?;
        let matrix: Array2<f64> = array![[weights[0], weights[1]]];
        Ok(Arc::new(vec![LinearMap {
            name: "w".to_owned(),
            role: Role::Head,
            offset: 0,
            matrix,
        }]))
    }

    fn parameters(&self, when: When) -> Answer<Arc<Vec<f64>>> {
        Ok(Arc::new(match when {
            When::Now => WEIGHTS.to_vec(),
            When::Start => START.to_vec(),
        }))
    }

    fn evaluate_at(&self, parameters: &[f64], _: Images) -> Answer<Evaluation> {
        self.passes.fetch_add(1, Ordering::Relaxed);
        let right = (0..1000).filter(|&i| parameters[0] > 2.0 - f64::from(i) / M - 0.5 / M);
        Ok(Evaluation {
            loss: -parameters[0],
            accuracy: right.count() as f64 / M,
            images: 1000,
        })
    }

    fn gradient_at(&self, parameters: &[f64], images: Images) -> Answer<(Evaluation, Vec<f64>)> {
        Ok((self.evaluate_at(parameters, images)?, vec![-1.0, 0.0]))
    }

    fn seed(&self) -> Answer<Seed> {
        Ok(Seed::new(11))
    }
}

/// The mean over the draws of how far the first weight falls for noise of deviation 1, as far as it does.
fn mean_fall() -> f64 {
    let seed = Seed::new(11).purpose("measures: noise");
    let draws = (0..10).map(|draw| seed.index(draw).stream().normal());
    draws.map(|z| (-z).max(0.0)).sum::<f64>() / 10.0
}

struct Searched {
    raw: f64,
    size: f64,
    drop: f64,
}

fn searched(name: &str) -> Searched {
    let registry = Registry::built_in();
    let value = evaluate(registry.get(name).unwrap(), &threshold())
        .unwrap()
        .value;
    assert_eq!(value.images, Some(1000));
    Searched {
        raw: value.raw,
        size: value.part("size", None).unwrap(),
        drop: value.part("drop", None).unwrap(),
    }
}

fn close(found: f64, expected: f64) {
    let size = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() <= 1e-12 * size,
        "{found} is not {expected}"
    );
}

#[test]
fn sigma_is_where_the_accuracy_falls_by_a_tenth() {
    let Searched { raw, size, drop } = searched("pacbayes-flatness");
    close(raw, size.powi(-2));
    assert!((drop - 0.1).abs() <= 0.01);
    // Images stand a thousandth apart.
    assert!((drop - size * mean_fall()).abs() < 1e-3, "{drop} {size}");
    // √(σ²w² + e²) with w = 2.
    let aware = searched("pacbayes-mag-flatness");
    let deviation = (4.0 * aware.size.powi(2) + 1e-6).sqrt();
    assert!((aware.drop - deviation * mean_fall()).abs() < 1e-3);
}

#[test]
fn the_public_codes_noise_has_the_variance_for_deviation() {
    let measure = PacBayesFlatness {
        noise: NoiseSearch {
            reference: ReferenceNoise::Variance,
            ..NoiseSearch::default()
        },
    };
    let value = evaluate(&measure, &threshold()).unwrap().value;
    let sigma = value.part("size", None).unwrap();
    let drop = value.part("drop", None).unwrap();
    assert!((drop - sigma.powi(2) * mean_fall()).abs() < 1e-3);
}

#[test]
fn alpha_is_where_ascent_lowers_the_accuracy_by_a_tenth() {
    // Ascent walks to the edge of the box: the weight falls by α.
    let Searched { raw, size, drop } = searched("sharpness-flatness");
    close(raw, size.powi(-2));
    assert!(
        (drop - 0.1).abs() <= 0.01 && (drop - size).abs() < 1e-3,
        "{drop} {size}"
    );
    let aware = searched("sharpness-mag-flatness");
    assert!((aware.drop - (2.0 * aware.size + 1e-3)).abs() < 1e-3);
}

#[test]
fn bounds_have_their_closed_forms() {
    // ‖w − w⁰‖² = 1.25, ‖w‖² = 4.25, ω = 2.
    let sigma = searched("pacbayes-flatness").size;
    let alpha = searched("sharpness-flatness").size;
    let tail = (M / sigma).ln() + 10.0;
    for (kind, squared) in [("init", 1.25), ("orig", 4.25)] {
        let pacbayes = squared / (4.0 * sigma * sigma) + tail;
        close(searched(&format!("pacbayes-{kind}")).raw, pacbayes);
        let sharpness = squared * 4.0_f64.ln() / (4.0 * alpha * alpha) + tail;
        close(searched(&format!("sharpness-{kind}")).raw, sharpness);
    }
}

#[test]
fn bounds_aware_of_magnitudes_have_their_closed_forms() {
    let sigma = searched("pacbayes-mag-flatness").size;
    let alpha = searched("sharpness-mag-flatness").size;
    let tail = (M / sigma).ln() + 10.0;
    let e = 1e-6;
    // The weights went 1 and 0.5.
    let divergence = |spread: f64, scale: f64, squared: f64| {
        let numerator = e + spread * squared / 2.0;
        let term = |way: f64| (numerator / (e + scale * scale * way * way)).ln();
        (term(1.0) + term(0.5)) / 4.0
    };
    let width = 4.0 * (2.0 * 2.0 / 0.1_f64).ln();
    for (kind, squared) in [("init", 1.25), ("orig", 4.25)] {
        let pacbayes = divergence(sigma * sigma + 1.0, sigma, squared) + tail;
        close(searched(&format!("pacbayes-mag-{kind}")).raw, pacbayes);
        let sharpness = divergence(alpha * alpha + width, alpha, squared) + tail;
        close(searched(&format!("sharpness-mag-{kind}")).raw, sharpness);
    }
}

#[test]
fn searches_are_shared_and_the_same_every_time() {
    let registry = Registry::built_in();
    let names = ["pacbayes-init", "pacbayes-orig", "pacbayes-flatness"];
    let chosen = registry.select(&names).unwrap();
    let (one, all) = (threshold(), threshold());
    evaluate(chosen[2], &one).unwrap();
    let outcomes = evaluate_all(&chosen, &all);
    let passes = |subject: &Threshold| subject.passes.load(Ordering::Relaxed);
    assert_eq!(passes(&all), passes(&one));
    let again = evaluate_all(&chosen, &threshold());
    for (outcome, again) in outcomes.iter().zip(&again) {
        assert_eq!(outcome.result, again.result);
    }
}

#[test]
fn a_search_that_finds_nothing_leaves_the_measure_undefined() {
    // An offset of 1 alone loses all of the images.
    let mut measure = SharpnessMagInit::default();
    measure.ascent.magnitude = Magnitude::Aware(1.0);
    let undefined = evaluate(&measure, &threshold()).unwrap_err();
    assert_eq!(undefined.kind(), "search");
    let Undefined::Search { what, drop, .. } = undefined else {
        panic!("{undefined}");
    };
    assert_eq!(what, "α");
    assert!(drop > 0.11, "{drop}");
}
