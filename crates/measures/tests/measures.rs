//! Every measure against closed forms on networks of linear maps.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array1, Array2, array};
use srr_measures::measures::{
    FroDist, InverseMargin, L2, L2Dist, LogProdOfFro, ParamNorm, Params, PathNormOverMargin,
};
use srr_measures::{
    About, Answer, Cost, Error, Images, LayerBatch, LinearMap, Measure, NegativeMargin, Options,
    ProbeInput, Registry, Role, Scope, Split, Subject, TokenPass, Unavailable, Undefined, Value,
    When, evaluate, evaluate_all, margin,
};

/// A network of linear maps, optionally with rectifiers between them, trained on `logits.nrows()` images of class 0.
struct Network {
    now: Vec<Array2<f64>>,
    start: Option<Vec<Array2<f64>>>,
    bias: Option<Array2<f64>>,
    rectified: bool,
    logits: Array2<f64>,
    passes: AtomicUsize,
}

impl Network {
    fn new(now: Vec<Array2<f64>>) -> Self {
        Self {
            now,
            start: None,
            bias: None,
            rectified: false,
            logits: Array2::zeros((16, 2)),
            passes: AtomicUsize::new(0),
        }
    }

    /// Images of class 0 with these margins.
    fn with_margins(mut self, margins: &[f64]) -> Self {
        self.logits = Array2::from_shape_fn((margins.len(), 2), |(i, c)| {
            if c == 0 { margins[i] + 1.0 } else { 1.0 }
        });
        self
    }
}

impl Subject for Network {
    fn training_examples(&self) -> Answer<usize> {
        Ok(self.logits.nrows())
    }

    fn maps(&self, when: When, scope: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        self.passes.fetch_add(1, Ordering::Relaxed);
        let matrices = match when {
            When::Now => &self.now,
            When::Start => self
                .start
                .as_ref()
                .ok_or(Unavailable::capability("weights at the start"))?,
        };
        let bias = self.bias.iter().filter(|_| scope == Scope::AllTrainable);
        let map = |(i, matrix): (usize, &Array2<f64>)| LinearMap {
            name: format!("map {i}"),
            role: Role::Layer(i),
            offset: 0,
            matrix: matrix.clone(),
        };
        Ok(Arc::new(
            matrices.iter().chain(bias).enumerate().map(map).collect(),
        ))
    }

    fn logits(&self, split: Split) -> Answer<Arc<Array2<f64>>> {
        assert_eq!(split, Split::Train);
        self.passes.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(self.logits.clone()))
    }

    fn labels(&self, _: Split) -> Answer<Arc<Vec<usize>>> {
        Ok(Arc::new(vec![0; self.logits.nrows()]))
    }

    fn mapped_forward(
        &self,
        map: &(dyn Fn(f64) -> f64 + Sync),
        input: ProbeInput<'_>,
    ) -> Answer<Array1<f64>> {
        let ProbeInput::Constant(value) = input else {
            return Err(Unavailable::capability("input of that kind"));
        };
        let mut x = Array1::from_elem(self.now[0].ncols(), value);
        for matrix in &self.now {
            x = matrix.mapv(map).dot(&x);
            if self.rectified {
                x.mapv_inplace(|v| v.max(0.0));
            }
        }
        Ok(x)
    }
}

fn two_maps() -> Network {
    // Singular values 3, 4 and √5 (a row); squared Frobenius norms 25 and 5.
    Network::new(vec![array![[3.0, 0.0], [0.0, -4.0]], array![[1.0, 2.0]]])
}

fn raw(measure: &dyn Measure, subject: &dyn Subject) -> f64 {
    evaluate(measure, subject).unwrap().value.raw
}

fn built_in(name: &str, subject: &dyn Subject) -> Result<(f64, f64), Undefined> {
    let registry = Registry::built_in();
    let found = evaluate(registry.get(name).unwrap(), subject)?;
    Ok((found.value.raw, found.reported))
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

#[test]
fn measures_of_the_weights_have_their_closed_forms() {
    let mut network = two_maps(); // m = 16
    network.start = Some(vec![array![[3.0, 0.0], [0.0, 0.0]], array![[1.0, -1.0]]]);
    let bound = |raw: f64| (raw / 16.0).sqrt();
    let log_bound = |raw: f64| (raw - 16.0_f64.ln()) / 2.0;
    let cases = [
        ("params", 6.0, bound as fn(f64) -> f64),
        ("l2", 30.0_f64.sqrt(), bound),
        ("l2-dist", 5.0, bound),
        ("param-norm", 30.0, bound),
        ("fro-dist", 25.0, bound),
        ("log-prod-of-spec", 16.0_f64.ln() + 5.0_f64.ln(), log_bound),
        ("log-prod-of-fro", 25.0_f64.ln() + 5.0_f64.ln(), log_bound),
        // Squared weights on ones: 9, 16, then 9 + 4·16.
        ("path-norm", 73.0, bound),
    ];
    for (name, expected, transform) in cases {
        let (raw, reported) = built_in(name, &network).unwrap();
        close(raw, expected);
        close(reported, transform(expected));
    }
}

#[test]
fn sums_ratios_and_margins_have_their_closed_forms() {
    // Squared spectral norms 16 and 5, Frobenius 25 and 5; the ways from the start have 16 and 9 of both; g = ½.
    let mut network = two_maps().with_margins(&[0.5; 16]);
    network.start = Some(vec![array![[3.0, 0.0], [0.0, 0.0]], array![[1.0, -1.0]]]);
    let bound = |raw: f64| (raw / 16.0).sqrt();
    let log_bound = |raw: f64| (raw - 16.0_f64.ln()) / 2.0;
    let (spec, fro, margin) = (80.0_f64.ln(), 125.0_f64.ln(), 4.0_f64.ln());
    let two = 2.0_f64.ln();
    let cases = [
        ("dist-spec-init", 25.0, bound as fn(f64) -> f64),
        ("fro-over-spec", 25.0 / 16.0 + 1.0, bound),
        ("log-sum-of-spec", two + spec / 2.0, log_bound),
        ("log-sum-of-fro", two + fro / 2.0, log_bound),
        ("log-prod-of-spec-over-margin", spec + margin, log_bound),
        ("log-prod-of-fro-over-margin", fro + margin, log_bound),
        (
            "log-sum-of-spec-over-margin",
            two + (spec + margin) / 2.0,
            log_bound,
        ),
        (
            "log-sum-of-fro-over-margin",
            two + (fro + margin) / 2.0,
            log_bound,
        ),
        (
            "log-spec-init-main",
            spec + margin + (1.0 + 9.0 / 5.0_f64).ln(),
            log_bound,
        ),
        (
            "log-spec-orig-main",
            spec + margin + (25.0 / 16.0 + 1.0_f64).ln(),
            log_bound,
        ),
        ("path-norm-over-margin", 73.0 * 4.0, bound),
    ];
    for (name, expected, transform) in cases {
        let (raw, reported) = built_in(name, &network).unwrap();
        close(raw, expected);
        close(reported, transform(expected));
    }
}

#[test]
fn every_measure_over_the_margin_needs_it_positive() {
    let mut network = two_maps().with_margins(&[-1.0; 16]);
    network.start = Some(network.now.iter().map(|map| map * 2.0).collect());
    let names = Registry::built_in();
    let over_margin = |name: &&str| name.contains("margin") || name.ends_with("-main");
    let names: Vec<&str> = names.names().filter(over_margin).collect();
    assert_eq!(names.len(), 8);
    for name in names {
        let undefined = built_in(name, &network).unwrap_err();
        assert_eq!(undefined.kind(), "margin", "{name}");
    }
    let quirk = PathNormOverMargin {
        negative: NegativeMargin::AbsoluteValue,
    };
    close(raw(&quirk, &network), 73.0);
}

#[test]
fn the_scope_decides_whether_biases_count() {
    let mut network = two_maps();
    network.bias = Some(array![[2.0, 0.0, 1.0]]);
    let scope = Scope::AllTrainable;
    close(raw(&Params { scope }, &network), 9.0);
    close(raw(&L2 { scope }, &network), 35.0_f64.sqrt());
    close(raw(&ParamNorm { scope }, &network), 35.0);
    close(
        raw(&LogProdOfFro { scope }, &network),
        (25.0 * 5.0 * 5.0_f64).ln(),
    );
    close(raw(&Params::default(), &network), 6.0);
}

#[test]
fn distances_need_the_start_and_say_so() {
    let network = two_maps();
    for measure in [&L2Dist::default() as &dyn Measure, &FroDist::default()] {
        let undefined = evaluate(measure, &network).unwrap_err();
        assert_eq!(undefined.kind(), "missing capability");
        assert_eq!(
            undefined.to_string(),
            "the subject has no weights at the start"
        );
    }
}

#[test]
fn weights_that_do_not_fit_their_start_are_refused() {
    let mut network = two_maps();
    network.start = Some(vec![array![[3.0, 0.0]], array![[1.0, -1.0]]]);
    let undefined = evaluate(&FroDist::default(), &network).unwrap_err();
    assert!(matches!(undefined, Undefined::Misfit(_)), "{undefined}");
}

#[test]
fn rescaling_consecutive_maps_leaves_the_path_norm_but_not_the_other_norms() {
    for rectified in [false, true] {
        let mut network = two_maps();
        network.rectified = rectified;
        let before = built_in("path-norm", &network).unwrap().0;
        let norm = built_in("param-norm", &network).unwrap().0;
        network.now[0] *= 8.0;
        network.now[1] /= 8.0;
        close(built_in("path-norm", &network).unwrap().0, before);
        assert!((built_in("param-norm", &network).unwrap().0 - norm).abs() > 1.0);
        // Scaling the maps by constants moves the product of norms by their squares alone.
        close(
            built_in("log-prod-of-spec", &network).unwrap().0,
            built_in("log-prod-of-spec", &two_maps()).unwrap().0,
        );
    }
}

#[test]
fn a_path_norm_that_is_not_positive_is_undefined() {
    let mut network = two_maps();
    network.now[1].fill(0.0);
    let undefined = built_in("path-norm", &network).unwrap_err();
    assert_eq!(undefined.kind(), "not positive");
    let undefined = built_in("log-prod-of-fro", &network).unwrap_err();
    assert_eq!(undefined.kind(), "not positive");
}

#[test]
fn the_margin_is_the_tenth_smallest_in_a_hundred() {
    // 25 images: ⌊25/10⌋ = 2nd smallest. Their order must not matter.
    let mut margins: Vec<f64> = (0..25).map(|i| f64::from(i) - 0.5).collect();
    margins.reverse();
    let network = two_maps().with_margins(&margins);
    assert_eq!(margin(&network), Ok(0.5));
    let (raw, reported) = built_in("inverse-margin", &network).unwrap();
    close(raw, 4.0);
    close(reported, (4.0_f64 / 25.0).sqrt());
    let few = two_maps().with_margins(&[3.0, 2.0, 4.0]);
    assert_eq!(margin(&few), Ok(2.0));
}

#[test]
fn a_negative_margin_leaves_the_measure_undefined_unless_the_quirk_is_asked_for() {
    let network = two_maps().with_margins(&[-0.5, -0.25, 1.0, 1.0]);
    let undefined = built_in("inverse-margin", &network).unwrap_err();
    assert_eq!(undefined, Undefined::Margin { margin: -0.5 });
    let quirk = InverseMargin {
        negative: NegativeMargin::AbsoluteValue,
    };
    close(raw(&quirk, &network), 4.0);
    let zero = two_maps().with_margins(&[0.0, 1.0]);
    assert_eq!(
        evaluate(&quirk, &zero).unwrap_err(),
        Undefined::Margin { margin: 0.0 }
    );
}

#[test]
fn what_is_not_finite_is_undefined_and_never_nan() {
    let network = two_maps().with_margins(&[f64::NAN, 1.0]);
    assert_eq!(
        built_in("inverse-margin", &network).unwrap_err().kind(),
        "not finite"
    );
    let mut network = two_maps();
    network.now[0][(0, 0)] = f64::NAN;
    for outcome in Registry::built_in().evaluate_all(&network) {
        if let Ok(found) = outcome.result {
            assert!(found.reported.is_finite(), "{}", outcome.name);
        }
    }
    assert_eq!(
        built_in("log-prod-of-spec", &network).unwrap_err().kind(),
        "not finite"
    );
    let mut network = two_maps();
    network.now[0] *= 1e200;
    assert_eq!(
        built_in("path-norm", &network).unwrap_err().kind(),
        "not finite"
    );
}

#[test]
fn measures_of_one_model_share_their_passes() {
    let network = two_maps().with_margins(&[1.0; 20]);
    let names = [
        "params",
        "l2",
        "param-norm",
        "log-prod-of-spec",
        "log-prod-of-fro",
        "inverse-margin",
    ];
    let registry = Registry::built_in();
    let measures = registry.select(&names).unwrap();
    let outcomes = evaluate_all(&measures, &network);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(
        network.passes.load(Ordering::Relaxed),
        2,
        "maps once and logits once"
    );
    // Without the wrapper every measure asks again, and finds the same.
    for (outcome, name) in outcomes.iter().zip(names) {
        assert_eq!(outcome.name, name);
        let alone = built_in(name, &network).unwrap();
        assert_eq!(outcome.result.as_ref().unwrap().reported, alone.1);
    }
}

#[test]
fn a_subject_without_anything_has_no_measure_and_says_why() {
    struct Nothing;
    impl Subject for Nothing {}
    for outcome in Registry::built_in().evaluate_all(&Nothing) {
        let undefined = outcome.result.unwrap_err();
        assert_eq!(undefined.kind(), "missing capability", "{}", outcome.name);
    }
}

#[test]
fn names_are_unique_and_unknown_ones_are_answered_with_the_nearest() {
    let registry = Registry::built_in();
    assert_eq!(
        registry.with(Box::new(L2::default())).unwrap_err(),
        Error::NameTaken {
            name: "l2".to_owned()
        }
    );
    let registry = Registry::built_in();
    let unknown = registry.select(&["srr", "log-prod-of-spek"]).err().unwrap();
    assert_eq!(
        unknown.to_string(),
        "no measure is named `log-prod-of-spek`; did you mean `log-prod-of-spec`?"
    );
    let unknown = registry.get("zzz").err().unwrap();
    assert_eq!(unknown.to_string(), "no measure is named `zzz`");
    for measure in registry.iter() {
        let about = measure.about();
        assert!(!about.source.is_empty() && !about.definition.is_empty());
    }
}

#[test]
fn a_name_that_tables_cannot_carry_is_refused() {
    struct Named(&'static str);
    impl Measure for Named {
        fn about(&self) -> About<'_> {
            About::new(self.0, "this test", "0", Cost::Weights)
        }
        fn evaluate(&self, _: &dyn Subject) -> Result<Value, Undefined> {
            Ok(Value::new(0.0))
        }
    }
    let with = |name| Registry::built_in().with(Box::new(Named(name)));
    assert!(with("my-measure-2").is_ok());
    for name in ["", "a.b", "a_b", "A", "-a", "a--b", "a b", "τ"] {
        let message = with(name).unwrap_err().to_string();
        assert!(
            message.contains(&format!("`{name}` is no name")),
            "{message}"
        );
    }
}

/// Every option that decides a value is in the settings under which studies keep it.
#[test]
fn settings_tell_every_option() {
    let settings = |name: &str, options: &Options| {
        let registry = Registry::with_options(options);
        registry.get(name).unwrap().settings()
    };
    let usual = Options::default();
    let blocks = Options {
        per_layer: true,
        ..usual
    };
    assert_ne!(
        settings("lambda-max", &blocks),
        settings("lambda-max", &usual)
    );
    assert_ne!(
        settings("pacbayes-mag-flatness", &usual),
        settings("pacbayes-flatness", &usual)
    );
    assert_ne!(
        settings("sharpness-mag-flatness", &usual),
        settings("sharpness-flatness", &usual)
    );
    let sparsity = settings("activation-sparsity", &usual);
    assert_eq!(sparsity, Images::fixed(512).to_string());
}

#[test]
fn a_pass_over_tokens_that_a_subject_lacks_is_missing_in_srr() {
    struct Breaks;
    impl Subject for Breaks {
        fn layer_tokens(
            &self,
            _: &TokenPass,
            _: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
        ) -> Answer<()> {
            Err(Unavailable::failed("tokens", "the disk is full"))
        }
    }
    let undefined = built_in("srr", &Breaks).unwrap_err();
    assert_eq!(undefined.kind(), "failed");
    assert_eq!(
        undefined.to_string(),
        "the subject's tokens failed: the disk is full"
    );
}
