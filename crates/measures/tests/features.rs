//! Measures of activations and features against closed forms, direct sums and invariances.

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, Axis, array, concatenate};
use srr_coding_rate::MeasuredNorms;
use srr_linalg::{Factorization, random_matrix, random_orthonormal};
use srr_measures::measures::{FeatureRank, Nc1};
use srr_measures::{
    Answer, Features, Images, LayerBatch, LinearMap, Registry, Role, Scope, Split, Subject,
    TokenPass, Unavailable, Undefined, Value, When, evaluate, evaluate_all,
};
use srr_random::Seed;

/// Features of both splits, a head and logits, each where there is one.
#[derive(Clone)]
struct Net {
    train: Features,
    test: Option<Features>,
    head: Option<Array2<f64>>,
    logits: [Option<Array2<f64>>; 2],
}

impl Net {
    fn new(values: Array2<f64>, labels: &[usize]) -> Self {
        let labels = labels.to_vec();
        Self {
            train: Features { values, labels },
            test: None,
            head: None,
            logits: [None, None],
        }
    }

    fn with_head(mut self, head: Array2<f64>) -> Self {
        self.head = Some(head);
        self
    }

    /// The same with other training features.
    fn seen(&self, map: impl Fn(&Array2<f64>) -> Array2<f64>) -> Self {
        let mut other = self.clone();
        other.train.values = map(&self.train.values);
        other
    }
}

impl Subject for Net {
    fn maps(&self, _: When, _: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let layer = LinearMap {
            name: "layer".to_owned(),
            role: Role::Layer(0),
            offset: 0,
            matrix: array![[1.0]],
        };
        let head = self.head.iter().map(|matrix| LinearMap {
            name: "head".to_owned(),
            role: Role::Head,
            offset: 1,
            matrix: matrix.clone(),
        });
        Ok(Arc::new(std::iter::once(layer).chain(head).collect()))
    }

    fn features(&self, split: Split) -> Answer<Arc<Features>> {
        let features = match split {
            Split::Train => Some(&self.train),
            Split::Test => self.test.as_ref(),
        };
        let features = features.ok_or(Unavailable::capability("test images"))?;
        Ok(Arc::new(features.clone()))
    }

    fn labels(&self, split: Split) -> Answer<Arc<Vec<usize>>> {
        Ok(Arc::new(self.features(split)?.labels.clone()))
    }

    fn logits(&self, split: Split) -> Answer<Arc<Array2<f64>>> {
        let logits = self.logits[usize::from(split == Split::Test)].clone();
        logits
            .map(Arc::new)
            .ok_or(Unavailable::capability("logits"))
    }
}

fn found(name: &str, subject: &dyn Subject) -> Result<Value, Undefined> {
    let registry = Registry::built_in();
    evaluate(registry.get(name).unwrap(), subject).map(|found| found.value)
}

fn value(name: &str, subject: &dyn Subject) -> f64 {
    found(name, subject).unwrap().raw
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-10 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

fn orthogonal(n: usize, seed: u64) -> Array2<f64> {
    random_orthonormal(n, n, &mut Seed::new(seed).stream()).unwrap()
}

/// I − 11ᵀ/C: the corners of a simplex about 0, as rows.
fn simplex(classes: usize) -> Array2<f64> {
    Array2::eye(classes) - 1.0 / classes as f64
}

/// Twelve random images of three classes, five, four and three of them, with five features and a head.
fn random() -> Net {
    let mut stream = Seed::new(11).stream();
    let labels = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 0];
    let mut values = random_matrix(12, 5, &mut stream);
    for (mut row, &label) in values.rows_mut().into_iter().zip(&labels) {
        row[label] += 2.0;
    }
    let head = random_matrix(3, 5, &mut stream);
    Net::new(values, &labels).with_head(head)
}

#[test]
fn features_on_a_simplex_with_the_head_to_match_have_collapsed() {
    let classes = 4;
    let labels: Vec<usize> = (0..12).map(|i| i % classes).collect();
    // The simplex in six dimensions, turned, three times as large and off the origin; images are at their corners.
    let mut wide = Array2::zeros((classes, 6));
    wide.slice_mut(ndarray::s![.., ..classes])
        .assign(&simplex(classes));
    let corners = wide.dot(&orthogonal(6, 5));
    let offset = array![3.0, -1.0, 0.5, 2.0, 0.0, 1.0];
    let images = corners.select(Axis(0), &labels) * 3.0 + &offset;
    let mut net = Net::new(images, &labels).with_head(&corners * 0.1);
    let logits = corners.select(Axis(0), &labels).dot(&corners.t());
    net.test = Some(net.train.clone());
    net.logits = [Some(logits.clone()), Some(logits)];
    for name in ["nc1", "nc2", "nc3", "nc4"] {
        for name in [name.to_owned(), format!("{name}-test")] {
            let found = found(&name, &net).unwrap();
            assert!(found.raw.abs() < 1e-12, "{name} is {}", found.raw);
            assert_eq!(found.images, Some(12));
        }
    }
    assert_eq!(value("feature-rank", &net), 3.0);
    // A head that points the other way: the distance of a unit matrix from its negative.
    net.head = Some(-corners);
    close(value("nc3", &net), 2.0);
}

#[test]
fn nc1_of_four_images_by_hand() {
    // Class means (2, 0) and (−2, 0) about 0: Σ_B = diag(4, 0), Σ_B^† = diag(1/4, 0). Deviations ±(1, 1) and ±(0, 3):
    // Σ_W = [[1/2, 1/2], [1/2, 5]], of which Σ_B^† sees the first entry alone: ½ · (1/2 · 1/4).
    let values = array![[3.0, 1.0], [1.0, -1.0], [-2.0, 3.0], [-2.0, -3.0]];
    let net = Net::new(values, &[0, 0, 1, 1]);
    close(value("nc1", &net), 1.0 / 16.0);
}

#[test]
fn nc1_is_the_trace_with_the_pseudo_inverse_written_out() {
    let net = random();
    let mean = |rows: &Array2<f64>| rows.mean_axis(Axis(0)).unwrap();
    let outer = |v: &Array1<f64>| {
        let column = v.view().insert_axis(Axis(1));
        column.dot(&column.t())
    };
    let mut means = Vec::new();
    let mut within = Array2::<f64>::zeros((5, 5));
    for class in 0..3 {
        let members: Vec<usize> = (0..12).filter(|&i| net.train.labels[i] == class).collect();
        let images = net.train.values.select(Axis(0), &members);
        let center = mean(&images);
        for image in images.rows() {
            within += &(outer(&(&image - &center)) / 12.0);
        }
        means.push(center);
    }
    let global = (&means[0] + &means[1] + &means[2]) / 3.0;
    let mut between = Array2::<f64>::zeros((5, 5));
    for center in &means {
        between += &(outer(&(center - &global)) / 3.0);
    }
    // Of five singular values two are not zero.
    let svd = Factorization::default().svd(between.view()).unwrap();
    assert!(svd.values[1] > 1e-3 && svd.values[2] < 1e-14);
    let mut inverse = Array2::<f64>::zeros((5, 5));
    for i in 0..2 {
        let (u, v) = (svd.u.column(i), svd.vt.row(i));
        inverse += &(v.insert_axis(Axis(1)).dot(&u.insert_axis(Axis(0))) / svd.values[i]);
    }
    let expected = within.dot(&inverse).diag().sum() / 3.0;
    close(value("nc1", &net), expected);
}

#[test]
fn nc2_of_three_means_on_a_line() {
    // M = (−1, 0, 1): MMᵀ/‖MMᵀ‖_F has ½ at four places; its product with (I − 11ᵀ/3)/√2 sums to 1/√2, and both have norm 1.
    let values = array![[-3.0, 1.0], [-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]];
    let net = Net::new(values, &[0, 0, 1, 2]);
    let expected = (2.0 - 2.0 / 2.0_f64.sqrt()).sqrt();
    let head = array![[-1.0, 9.0], [0.0, 9.0], [1.0, 9.0]];
    close(value("nc2", &net), expected);
    close(value("nc3", &net.with_head(head)), expected);
}

#[test]
fn rotations_shifts_scales_and_the_names_of_classes_do_not_matter() {
    let net = random();
    let names = ["nc1", "nc2", "nc3"];
    let before = names.map(|name| value(name, &net));
    let same = |other: &Net| {
        for (name, before) in names.iter().zip(before) {
            close(value(name, other), before);
        }
    };
    same(&net.seen(|values| values * 7.5));
    same(&net.seen(|values| values + &array![1.0, -2.0, 3.0, 0.0, 4.0]));
    let turn = orthogonal(5, 8);
    let mut turned = net.seen(|values| values.dot(&turn));
    close(value("nc1", &turned), before[0]);
    close(value("nc2", &turned), before[1]);
    assert!((value("nc3", &turned) - before[2]).abs() > 1e-3);
    turned.head = turned.head.map(|head| head.dot(&turn) * 0.25);
    same(&turned);
    let mut renamed = net.clone();
    for label in &mut renamed.train.labels {
        *label = [2, 0, 1][*label];
    }
    renamed.head = net
        .head
        .as_ref()
        .map(|head| head.select(Axis(0), &[1, 2, 0]));
    same(&renamed);
}

#[test]
fn nc4_counts_answers_that_are_not_the_nearest_training_mean() {
    // Means 1 and 11: images below 6 are nearest to class 0. Labels of the test images do not come in.
    let mut net = Net::new(array![[0.0], [2.0], [10.0], [12.0]], &[0, 0, 1, 1]);
    net.logits[0] = Some(array![[1.0, 0.0], [0.0, 1.0], [-3.0, 2.0], [0.0, 5.0]]);
    close(value("nc4", &net), 1.0 / 4.0);
    net.test = Some(Features {
        values: array![[5.0], [7.0]],
        labels: vec![1, 1],
    });
    net.logits[1] = Some(array![[2.0, 1.0], [2.0, 1.0]]);
    close(value("nc4-test", &net), 1.0 / 2.0);
    // The answer may be a class that no training image has.
    net.logits[1] = Some(array![[0.0, 1.0, 9.0], [0.0, 1.0, 0.5]]);
    close(value("nc4-test", &net), 1.0 / 2.0);
}

#[test]
fn what_has_not_collapsed_onto_classes_says_why() {
    let two = || Net::new(array![[0.0, 1.0], [1.0, 0.0], [4.0, 4.0]], &[0, 0, 1]);
    let cases = [
        (
            "nc1",
            Net::new(two().train.values, &[0, 0, 2]),
            "class 1 has no image",
        ),
        (
            "nc1",
            Net::new(two().train.values, &[0, 0, 0]),
            "there is a single class",
        ),
        (
            "nc2",
            Net::new(two().train.values, &[0, 1, 3]),
            "3 images cannot show 4 classes",
        ),
        (
            "nc2",
            Net::new(two().train.values, &[0, 1]),
            "features (3, 2) for 2 labels",
        ),
        (
            "nc2",
            Net::new(Array2::zeros((0, 2)), &[]),
            "features (0, 2) for 0 labels",
        ),
        (
            "nc1",
            Net::new(two().train.values, &[0, 1, 2]),
            "3 images of 3 classes have no scatter within them",
        ),
        (
            "nc1",
            Net::new(array![[0.1], [0.3], [0.3], [0.1]], &[0, 0, 1, 1]),
            "the scatter between classes is 0, not positive",
        ),
        ("nc3", two(), "the head is not a single linear map"),
        (
            "nc3",
            two().with_head(array![[1.0, 2.0]]),
            "head is (1, 2), classes and features are (2, 2)",
        ),
        (
            "nc3",
            two().with_head(Array2::zeros((2, 2))),
            "the product of head and class means is 0, not positive",
        ),
        (
            "nc3",
            two().with_head(Array2::from_elem((2, 2), f64::NAN)),
            "a weight of head is not finite",
        ),
        ("nc4", two(), "the subject has no logits"),
        ("nc1-test", two(), "the subject has no test images"),
        (
            "nc2",
            two().seen(|values| values / 0.0),
            "a feature is not finite",
        ),
    ];
    for (name, net, expected) in cases {
        assert_eq!(found(name, &net).unwrap_err().to_string(), expected);
    }
    let mut logits = two();
    logits.logits[0] = Some(array![[0.0, 1.0], [0.0, f64::NAN], [0.0, 0.0]]);
    assert_eq!(found("nc4", &logits).unwrap_err().kind(), "not finite");
    logits.logits[0] = Some(array![[0.0, 1.0]]);
    assert_eq!(found("nc4", &logits).unwrap_err().kind(), "failed");
    // A class that the training images show and the test images do not.
    let mut partial = two();
    partial.test = Some(Features {
        values: array![[0.0, 1.0], [1.0, 0.0]],
        labels: vec![0, 0],
    });
    let reason = found("nc1-test", &partial).unwrap_err().to_string();
    assert_eq!(reason, "class 1 has no image");
}

#[test]
fn directions_that_classes_do_not_differ_in_are_left_out_of_the_pseudo_inverse() {
    let net = random();
    // Three classes, the last two with the same images: Σ_B has one eigenvalue of rounding, which must not be inverted.
    let values = concatenate![Axis(0), net.train.values, net.train.values];
    let labels: Vec<usize> = net.train.labels.iter().map(|l| l % 2).collect();
    let twin: Vec<usize> = labels.iter().map(|l| if *l == 0 { 0 } else { 2 }).collect();
    let merged = Net::new(net.train.values.clone(), &labels);
    let tripled = [&labels[..], &twin[..]].concat();
    let split = Net::new(values, &tripled);
    // With v = a − b, means a, b, b have Σ_B = (2/9) vvᵀ, and a, b have ¼ vvᵀ: the factors 1/(C·Σ_B) are 3/2 and 2.
    close(value("nc1", &split), value("nc1", &merged) * 0.75);
}

#[test]
fn measures_of_collapse_share_the_means_of_the_classes() {
    let mut net = random();
    net.logits[0] = net
        .head
        .as_ref()
        .map(|head| net.train.values.dot(&head.t()));
    let registry = Registry::built_in();
    let names = ["nc1", "nc2", "nc3", "nc4", "feature-rank"];
    let measures = registry.select(&names).unwrap();
    for (outcome, name) in evaluate_all(&measures, &net).into_iter().zip(names) {
        assert_eq!(outcome.result.unwrap().value, found(name, &net).unwrap());
    }
    let test = Nc1 { split: Split::Test };
    let about = srr_measures::Measure::about(&test);
    assert!(about.assumptions.contains("diagnostic") && about.name == "nc1-test");
}

#[test]
fn the_feature_rank_counts_the_components_that_hold_the_variance() {
    // Variances 50 and ½ along two directions of three: the first holds 100/101 = 99.0099 %.
    let axes = array![
        [10.0, 0.0, 0.0],
        [-10.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, -1.0, 0.0]
    ];
    let net = Net::new(axes, &[0; 4]);
    let turned = net.seen(|values| values.dot(&orthogonal(3, 1)) + &array![5.0, -6.0, 7.0]);
    for net in [&net, &turned] {
        assert_eq!(value("feature-rank", net), 1.0);
        let finer = FeatureRank { share: 0.991 };
        assert_eq!(evaluate(&finer, net).unwrap().value.raw, 2.0);
    }
    for share in [0.0, -1.0, 1.5, f64::NAN] {
        let refused = evaluate(&FeatureRank { share }, &net).unwrap_err();
        assert!(matches!(refused, Undefined::Misfit(_)), "{refused}");
    }
    let constant = Net::new(Array2::from_elem((3, 4), 0.1), &[0, 1, 2]);
    let undefined = found("feature-rank", &constant).unwrap_err();
    assert_eq!(undefined.kind(), "not positive");
}

/// Layers' outputs [image, token, dimension], shown two images at a time.
struct Tokens(Vec<Array3<f64>>);

impl Subject for Tokens {
    fn layer_tokens(
        &self,
        pass: &TokenPass,
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<()> {
        assert_eq!(pass.norms, MeasuredNorms::Kept);
        assert_eq!(pass.images, Images::fixed(512));
        let images = self.0.first().map_or(0, |output| output.dim().0);
        for first_image in (0..images).step_by(2) {
            for (layer, output) in self.0.iter().enumerate() {
                let end = (first_image + 2).min(images);
                let batch = LayerBatch {
                    first_image,
                    layer,
                    output: output.slice(ndarray::s![first_image..end, .., ..]),
                    attention_input: None,
                    bases: None,
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
fn activation_sparsity_is_the_share_of_exact_zeros() {
    // Three images of two tokens in four dimensions: 24 entries a layer, of which 6 and 0 are zero.
    let mut sparse = Array3::ones((3, 2, 4));
    sparse.slice_mut(ndarray::s![.., 0, ..2]).fill(0.0);
    let mut dense = Array3::ones((3, 2, 4));
    dense[(0, 0, 0)] = 1e-300;
    let tokens = Tokens(vec![sparse, dense.clone()]);
    let found_both = found("activation-sparsity", &tokens).unwrap();
    close(found_both.raw, 0.125);
    assert_eq!(found_both.images, Some(3));
    close(found_both.part("sparsity", Some(0)).unwrap(), 0.25);
    close(found_both.part("sparsity", Some(1)).unwrap(), 0.0);
    assert_eq!(
        value("activation-sparsity", &Tokens(vec![dense.clone()])),
        0.0
    );
    dense[(2, 1, 3)] = f64::NAN;
    let undefined = found("activation-sparsity", &Tokens(vec![dense])).unwrap_err();
    assert_eq!(undefined.to_string(), "an output of layer 0 is not finite");
    for empty in [vec![], vec![Array3::zeros((0, 2, 4))]] {
        let undefined = found("activation-sparsity", &Tokens(empty)).unwrap_err();
        assert_eq!(undefined.to_string(), "no image, or no layer");
    }
}
