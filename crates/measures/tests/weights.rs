//! Measures of spectra, sparsity and rotation of the weights, and of pruning, against closed forms and exhaustive search.

use std::sync::Arc;

use ndarray::{Array2, array};
use srr_linalg::random_orthonormal;
use srr_measures::measures::{LayerRotation, LossRise, PqIndex, PruningRobustness};
use srr_measures::{
    Answer, Evaluation, Images, LinearMap, Measure, Registry, Role, Scope, Split, Subject,
    Unavailable, Undefined, Value, When, evaluate,
};
use srr_random::Seed;

/// Maps with their roles, now and at the start.
struct Maps {
    now: Vec<(Role, Array2<f64>)>,
    start: Option<Vec<Array2<f64>>>,
}

impl Maps {
    /// One map.
    fn one(matrix: Array2<f64>) -> Self {
        Self {
            now: vec![(Role::Head, matrix)],
            start: None,
        }
    }

    /// With its start.
    fn from(mut self, start: &[Array2<f64>]) -> Self {
        self.start = Some(start.to_vec());
        self
    }
}

impl Subject for Maps {
    fn maps(&self, when: When, _: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let matrices: Vec<&Array2<f64>> = match (when, &self.start) {
            (When::Now, _) => self.now.iter().map(|(_, matrix)| matrix).collect(),
            (When::Start, Some(start)) => start.iter().collect(),
            _ => return Err(Unavailable::capability("weights at the start")),
        };
        let map = |(i, matrix): (usize, &Array2<f64>)| LinearMap {
            name: format!("map {i}"),
            role: self.now[i].0,
            offset: 0,
            matrix: matrix.clone(),
        };
        let maps = matrices.into_iter().enumerate().map(map);
        Ok(Arc::new(maps.collect()))
    }
}

fn value(name: &str, subject: &dyn Subject) -> Value {
    let registry = Registry::built_in();
    evaluate(registry.get(name).unwrap(), subject)
        .unwrap()
        .value
}

fn undefined(measure: &dyn Measure, subject: &dyn Subject) -> Undefined {
    evaluate(measure, subject).unwrap_err()
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

/// Orthonormal columns times `scale`.
fn frame(rows: usize, columns: usize, scale: f64, seed: u64) -> Array2<f64> {
    random_orthonormal(rows, columns, &mut Seed::new(seed).stream()).unwrap() * scale
}

#[test]
fn ranks_and_norms_have_their_closed_forms() {
    let outer = array![[1.0, 2.0], [2.0, 4.0], [-3.0, -6.0]]; // rank one, Frobenius norm √70
    let cases = [
        // matrix, stable rank, effective rank, nuclear norm
        (frame(7, 5, 3.0, 1), 5.0, 5.0, 15.0),
        (outer, 1.0, 1.0, 70.0_f64.sqrt()),
        // p = 3/7 and 4/7.
        (
            array![[3.0, 0.0], [0.0, 4.0]],
            25.0 / 16.0,
            (7.0 / 3.0_f64).powf(3.0 / 7.0) * (7.0 / 4.0_f64).powf(4.0 / 7.0),
            7.0,
        ),
        (Array2::zeros((2, 3)), 0.0, 0.0, 0.0),
        (array![[1e-200, 0.0], [0.0, 1e-200]], 2.0, 2.0, 2e-200),
    ];
    for (matrix, stable, effective, nuclear) in cases {
        let subject = Maps::one(matrix);
        close(value("stable-rank", &subject).raw, stable);
        close(value("effective-rank", &subject).raw, effective);
        close(value("nuclear-norm", &subject).raw, nuclear);
    }
}

#[test]
fn spectra_do_not_see_rotations_and_the_order_of_rows() {
    let matrix = array![[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 2.0, -1.0]];
    let permuted = array![[2.0, 2.0, -1.0], [1.0, -2.0, 0.5], [0.0, 3.0, 1.0]];
    let turned = frame(3, 3, 1.0, 2).dot(&matrix).dot(&frame(3, 3, 1.0, 3));
    for name in ["stable-rank", "effective-rank", "nuclear-norm"] {
        let expected = value(name, &Maps::one(matrix.clone())).raw;
        for other in [&permuted, &turned] {
            close(value(name, &Maps::one(other.clone())).raw, expected);
        }
    }
}

#[test]
fn values_of_maps_are_summed_up_by_layer() {
    let ranked = |rank| frame(6, rank, 2.0, rank as u64);
    let subject = Maps {
        now: vec![
            (Role::Embedding, ranked(1)),
            (Role::Layer(0), ranked(2)),
            (Role::Layer(0), ranked(5)),
            (Role::Layer(2), ranked(3)),
            (Role::Head, ranked(4)),
        ],
        start: None,
    };
    for (name, part) in [
        ("stable-rank", "stable_rank"),
        ("effective-rank", "effective_rank"),
    ] {
        let found = value(name, &subject);
        close(found.raw, 3.0);
        assert_eq!(found.parts.len(), 2);
        close(found.part(part, Some(0)).unwrap(), 3.5);
        close(found.part(part, Some(2)).unwrap(), 3.0);
    }
    let found = value("nuclear-norm", &subject);
    close(found.raw, 30.0);
    close(found.part("nuclear_norm", Some(0)).unwrap(), 14.0);
    close(found.part("nuclear_norm", Some(2)).unwrap(), 6.0);
}

#[test]
fn rotation_is_one_minus_the_cosine_to_the_start() {
    let start = array![[1.0, 2.0], [0.0, -2.0]];
    let cases = [
        (start.clone(), 0.0),
        (&start * 5.0, 0.0),
        (-&start, 2.0),
        (array![[2.0, -1.0], [7.0, 0.0]], 1.0),
        (array![[1.0, 0.0], [0.0, 0.0]], 1.0 - 1.0 / 3.0), // ⟨·,·⟩ = 1, norms 1 and 3
        // An angle of 1e-9, whose cosine rounds to 1: 1 − cos = angle²/2. Orthogonal to the start, of length 3.
        (
            &start + &(array![[2.0, -1.0], [2.0, 0.0]] * 1e-9),
            1e-18 / 2.0,
        ),
    ];
    for (now, expected) in cases {
        let found = value(
            "layer-rotation",
            &Maps::one(now).from(std::slice::from_ref(&start)),
        );
        assert!(
            (found.raw - expected).abs() <= 1e-6 * expected,
            "{} is not {expected}",
            found.raw
        );
    }
    let subject = Maps {
        now: vec![(Role::Layer(0), start.clone()), (Role::Layer(1), -&start)],
        start: None,
    };
    let found = value("layer-rotation", &subject.from(&[start.clone(), start]));
    close(found.raw, 1.0);
    close(found.part("rotation", Some(1)).unwrap(), 2.0);
}

#[test]
fn a_map_of_zeros_has_no_rotation_and_is_named() {
    let (map, zeros) = (array![[1.0, 2.0]], Array2::zeros((1, 2)));
    let at_start = Maps::one(map.clone()).from(std::slice::from_ref(&zeros));
    let now = Maps::one(zeros).from(std::slice::from_ref(&map));
    for (subject, expected) in [
        (
            at_start,
            "the norm of map 0 at the start is 0, not positive",
        ),
        (now, "the norm of map 0 is 0, not positive"),
    ] {
        let found = undefined(&LayerRotation::default(), &subject);
        assert_eq!(found.to_string(), expected);
    }
    let misfit = Maps::one(map.clone()).from(&[array![[1.0], [2.0]]]);
    let found = undefined(&LayerRotation::default(), &misfit);
    assert!(matches!(found, Undefined::Misfit(_)), "{found}");
    let found = undefined(&LayerRotation::default(), &Maps::one(map));
    assert_eq!(found.kind(), "missing capability");
}

#[test]
fn the_pq_index_goes_from_equal_entries_to_a_single_one() {
    let mut one_hot = Array2::zeros((5, 20));
    one_hot[(3, 7)] = -2.5;
    // ω = 100, p = ½ and q = 1: 1 − 100^(1 − 2).
    close(value("pq-index", &Maps::one(one_hot.clone())).raw, 0.99);
    let cubes = PqIndex {
        p: 1.0,
        q: 3.0,
        ..PqIndex::default()
    };
    let found = evaluate(&cubes, &Maps::one(one_hot)).unwrap().value.raw;
    close(found, 1.0 - 100.0_f64.powf(1.0 / 3.0 - 1.0));
    let constant = array![[1.5, -1.5], [-1.5, 1.5]];
    assert_eq!(value("pq-index", &Maps::one(constant)).raw, 0.0);
    // ‖w‖_½ = (1 + 2 + 0 + 3)² = 36, ‖w‖₁ = 14, over two maps: 1 − 36/(4·14). No scale matters, not even one whose sum overflows.
    for scale in [1.0, 1e-300, 1e307] {
        let pair = [array![[1.0, -4.0]] * scale, array![[0.0], [9.0]] * scale];
        let now = pair.into_iter().map(|matrix| (Role::Other, matrix));
        let subject = Maps {
            now: now.collect(),
            start: None,
        };
        close(value("pq-index", &subject).raw, 1.0 - 36.0 / 56.0);
    }
}

#[test]
fn the_pq_index_refuses_zeros_and_exponents_out_of_order() {
    let zeros = Maps::one(Array2::zeros((2, 2)));
    assert_eq!(
        undefined(&PqIndex::default(), &zeros).kind(),
        "not positive"
    );
    let ones = Maps::one(Array2::ones((2, 2)));
    for (p, q) in [
        (1.0, 0.5),
        (1.0, 1.0),
        (0.0, 1.0),
        (f64::NAN, 1.0),
        (1.0, f64::INFINITY),
    ] {
        let scope = Scope::Maps;
        let found = undefined(&PqIndex { scope, p, q }, &ones);
        assert!(found.to_string().ends_with("0 < p < q"), "{found}");
    }
}

#[test]
fn weights_that_are_not_finite_leave_measures_of_them_undefined() {
    let matrix = array![[1.0, f64::NAN]];
    let subject = Maps::one(matrix.clone()).from(&[matrix]);
    let registry = Registry::built_in();
    for name in [
        "stable-rank",
        "effective-rank",
        "nuclear-norm",
        "pq-index",
        "layer-rotation",
    ] {
        let found = undefined(registry.get(name).unwrap(), &subject);
        assert_eq!(found.kind(), "not finite", "{name}");
    }
}

type Loss = dyn Fn(&[f64]) -> f64 + Sync;

/// A network that is its flat vector, a bias followed by one map, and a loss.
struct Flat {
    parameters: Vec<f64>,
    loss: Box<Loss>,
}

impl Flat {
    /// A network whose loss depends on the number of weights kept.
    fn by_number_kept(losses: &'static [f64]) -> Self {
        let weights = (1..losses.len()).map(|i| i as f64);
        Self {
            parameters: std::iter::once(0.5).chain(weights).collect(),
            loss: Box::new(|parameters| {
                losses[parameters[1..].iter().filter(|&&w| w != 0.0).count()]
            }),
        }
    }
}

impl Subject for Flat {
    fn maps(&self, _: When, scope: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let map = |name: &str, offset: usize, end: usize| LinearMap {
            name: name.to_owned(),
            role: Role::Head,
            offset,
            matrix: Array2::from_shape_vec(
                (1, end - offset),
                self.parameters[offset..end].to_vec(),
            )
            .unwrap(),
        };
        let mut maps = vec![map("weights", 1, self.parameters.len())];
        if scope == Scope::AllTrainable {
            maps.push(map("bias", 0, 1));
        }
        Ok(Arc::new(maps))
    }

    fn parameters(&self, _: When) -> Answer<Arc<Vec<f64>>> {
        Ok(Arc::new(self.parameters.clone()))
    }

    fn evaluate_at(&self, parameters: &[f64], images: Images) -> Answer<Evaluation> {
        assert_eq!(images.split, Split::Train);
        Ok(Evaluation {
            loss: (self.loss)(parameters),
            accuracy: 1.0,
            images: images.limit.unwrap(),
        })
    }
}

/// Logistic loss of the input (1, 1, 1, 1, 0, 0, 0, 0): four weights of 1 carry it, four smaller ones do nothing.
fn half_of_the_weights_do_nothing() -> Flat {
    Flat {
        parameters: vec![0.01, 0.2, 1.0, 1.0, 0.1, 0.4, 1.0, 1.0, 0.3],
        loss: Box::new(|w| (-(w[0] + w[2] + w[3] + w[6] + w[7])).exp().ln_1p()),
    }
}

#[test]
fn pruning_stops_where_the_loss_has_risen_by_what_is_allowed() {
    let line = half_of_the_weights_do_nothing();
    let loss = |ones: f64| (-0.01 - ones).exp().ln_1p();
    // ln(1 + e^−4) = 0.018, ln(1 + e^−3) = 0.049 and ln(1 + e^−2) = 0.127: a rise of 0.1 lets one of the four go.
    let found = value("pruning-robustness", &line);
    assert_eq!((found.raw, found.images), (3.0 / 8.0, Some(512)));
    close(found.part("loss", None).unwrap(), loss(4.0));
    close(found.part("loss_pruned", None).unwrap(), loss(3.0));
    for (rise, kept) in [
        (LossRise::Relative(0.1), 4.0),
        (LossRise::Relative(2.0), 3.0),
        (LossRise::Absolute(0.0), 4.0),
        (LossRise::Absolute(0.12), 2.0),
        (LossRise::Absolute(1.0), 0.0),
    ] {
        let measure = PruningRobustness {
            rise,
            ..PruningRobustness::default()
        };
        let found = evaluate(&measure, &line).unwrap().value.raw;
        assert_eq!(found, kept / 8.0, "{rise:?}");
    }
}

#[test]
fn the_scope_decides_whether_a_bias_is_pruned() {
    let line = half_of_the_weights_do_nothing();
    let all = PruningRobustness {
        scope: Scope::AllTrainable,
        ..PruningRobustness::default()
    };
    // The bias is the smallest of nine and goes first.
    let found = evaluate(&all, &line).unwrap().value;
    assert_eq!(found.raw, 3.0 / 9.0);
    close(
        found.part("loss_pruned", None).unwrap(),
        (-3.0_f64).exp().ln_1p(),
    );
}

#[test]
fn bisection_finds_the_smallest_share_of_a_falling_loss_and_a_crossing_of_any_other() {
    const FALLING: [f64; 14] = [9., 8., 7., 6., 5., 4., 3., 2., 1., 0.5, 0.3, 0.2, 0.1, 0.0];
    for rise in [0.0, 0.1, 0.25, 1.0, 4.5, 9.0] {
        let measure = PruningRobustness {
            rise: LossRise::Absolute(rise),
            ..PruningRobustness::default()
        };
        let found = evaluate(&measure, &Flat::by_number_kept(&FALLING)).unwrap();
        let smallest = FALLING.iter().position(|&loss| loss <= rise).unwrap();
        assert_eq!(found.value.raw, smallest as f64 / 13.0, "{rise}");
    }
    // Two of eight would do, but four, tried first, do not: the crossing above is the answer.
    let valley = Flat::by_number_kept(&[9., 9., 0., 9., 9., 0., 0., 0., 0.]);
    assert_eq!(value("pruning-robustness", &valley).raw, 5.0 / 8.0);
    const NAN: f64 = f64::NAN;
    let broken = Flat::by_number_kept(&[NAN, NAN, NAN, NAN, NAN, NAN, 0.05, 0., 0.]);
    assert_eq!(value("pruning-robustness", &broken).raw, 6.0 / 8.0);
    for (steps, share) in [(0, 1.0), (1, 0.5), (2, 0.25)] {
        let measure = PruningRobustness {
            steps,
            ..PruningRobustness::default()
        };
        let idle = Flat::by_number_kept(&[0.0; 9]);
        assert_eq!(evaluate(&measure, &idle).unwrap().value.raw, share);
    }
}

#[test]
fn pruning_refuses_losses_weights_and_rises_that_are_none() {
    let default = PruningRobustness::default();
    let infinite = Flat::by_number_kept(&[0.0, f64::INFINITY]);
    assert_eq!(undefined(&default, &infinite).kind(), "not finite");
    let mut line = half_of_the_weights_do_nothing();
    line.parameters[3] = f64::NAN;
    assert_eq!(
        undefined(&default, &line).to_string(),
        "a weight of weights is not finite"
    );
    let line = half_of_the_weights_do_nothing();
    for rise in [
        LossRise::Absolute(-0.1),
        LossRise::Relative(f64::NAN),
        LossRise::Relative(f64::INFINITY),
    ] {
        let measure = PruningRobustness { rise, ..default };
        assert!(matches!(undefined(&measure, &line), Undefined::Misfit(_)));
    }
    let maps_alone = Maps::one(array![[1.0]]);
    let found = undefined(&default, &maps_alone);
    assert_eq!(found.to_string(), "the subject has no flat parameters");
}
