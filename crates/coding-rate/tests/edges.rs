//! Single precision, batches, threads, and input that is refused.

mod common;

use common::random;
use ndarray::{Array2, Array3, ArrayView2, Axis, array};
use srr_coding_rate::{
    Bases, ClassToken, Conventions, Error, LayerTokens, Location, Precision, SparseRateReduction,
    batch, coding_rate, coding_rate_with_gradient, compressed_rate_expansion,
    compressed_rate_of_projections, compressed_rate_with_gradient, labeled_rate,
    sparse_rate_reduction,
};

fn precision() -> Precision {
    Precision::from_epsilon(0.1).unwrap()
}

fn assert_f32(what: &str, narrow: ArrayView2<'_, f32>, wide: ArrayView2<'_, f64>) {
    let scale = wide.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let worst = narrow
        .iter()
        .zip(wide)
        .fold(0.0_f64, |m, (&n, &w)| m.max((f64::from(n) - w).abs()));
    assert!(worst <= 1e-4 * scale, "{what}: off by {:e}", worst / scale);
}

#[test]
fn single_precision_holds_where_heads_are_wider_than_tokens_are_many() {
    for (n, d, k, p) in [
        (8, 32, 2, 16),
        (8, 32, 1, 32),
        (3, 64, 1, 64),
        (17, 48, 2, 24),
        (40, 16, 2, 8),
    ] {
        let (z, w) = (random(n, d, "tokens"), random(k * p, d, "bases"));
        let (z32, w32) = (z.mapv(|x| x as f32), w.mapv(|x| x as f32));
        let wide = Bases::from_stacked(w.view(), k).unwrap();
        let narrow = Bases::from_stacked(w32.view(), k).unwrap();
        let wide = compressed_rate_with_gradient(z.view(), &wide, precision()).unwrap();
        let narrow = compressed_rate_with_gradient(z32.view(), &narrow, precision()).unwrap();
        assert_f32(
            "value",
            array![[narrow.value]].view(),
            array![[wide.value]].view(),
        );
        assert_f32("tokens", narrow.tokens.view(), wide.tokens.view());
        assert_f32(
            "bases",
            narrow.stacked_bases.view(),
            wide.stacked_bases.view(),
        );
        let wide = coding_rate_with_gradient(z.view(), precision(), p).unwrap();
        let narrow = coding_rate_with_gradient(z32.view(), precision(), p).unwrap();
        assert_f32("R", array![[narrow.0]].view(), array![[wide.0]].view());
        assert_f32("R's gradient", narrow.1.view(), wide.1.view());
    }
}

#[test]
fn single_precision_survives_tokens_that_drown_the_identity() {
    // Equal tokens of length 10⁴: I + γG is singular to single precision, whichever way the Gram matrix is taken.
    let z32 = Array2::from_shape_fn((6, 6), |(_, j)| 4e3 + j as f32);
    let z = z32.mapv(f64::from);
    let narrow = coding_rate_with_gradient(z32.view(), precision(), 1).unwrap();
    let wide = coding_rate_with_gradient(z.view(), precision(), 1).unwrap();
    assert_f32("value", array![[narrow.0]].view(), array![[wide.0]].view());
    assert!(narrow.1.iter().all(|x| x.is_finite()));
}

fn stack(images: usize, n: usize, d: usize) -> Array3<f64> {
    random(images * n, d, "batch")
        .into_shape_with_order((images, n, d))
        .unwrap()
}

#[test]
fn a_batch_is_its_images() {
    let tokens = stack(5, 7, 6);
    let w = random(6, 6, "bases");
    let bases = Bases::from_stacked(w.view(), 3).unwrap();
    let together =
        batch::compressed_rate_with_gradient(tokens.view(), &bases, precision()).unwrap();
    assert_eq!(
        together.values,
        batch::compressed_rate(tokens.view(), &bases, precision()).unwrap()
    );
    let (rates, gradients) =
        batch::coding_rate_with_gradient(tokens.view(), precision(), 2).unwrap();
    assert_eq!(
        rates,
        batch::coding_rate(tokens.view(), precision(), 2).unwrap()
    );
    let conventions = Conventions {
        precision: precision(),
        ..Conventions::default()
    };
    let terms = batch::sparse_rate_reduction(tokens.view(), None, &bases, &conventions).unwrap();
    let mut summed = Array2::<f64>::zeros((6, 6));
    for (image, tokens) in tokens.axis_iter(Axis(0)).enumerate() {
        let one = compressed_rate_with_gradient(tokens, &bases, precision()).unwrap();
        assert_eq!(
            (
                together.values[image],
                together.tokens.index_axis(Axis(0), image)
            ),
            (one.value, one.tokens.view())
        );
        summed += &one.stacked_bases;
        let one = coding_rate_with_gradient(tokens, precision(), 2).unwrap();
        assert_eq!(
            (rates[image], gradients.index_axis(Axis(0), image)),
            (one.0, one.1.view())
        );
        assert_eq!(
            terms[image],
            sparse_rate_reduction(tokens, &bases, &conventions).unwrap()
        );
    }
    assert!(
        (&summed - &together.stacked_bases)
            .iter()
            .all(|x| x.abs() < 1e-12)
    );
    assert_eq!(together.bases().dim(), (3, 6, 2));
    let mean = SparseRateReduction::mean(&terms).unwrap();
    assert!((mean.coding_rate - rates.iter().sum::<f64>() / 5.0).abs() < 1e-12);
    assert_eq!((mean.nonzeros, mean.density), (42.0, 1.0));
    assert_eq!(SparseRateReduction::mean(&[]), None);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let tokens = stack(9, 17, 12).mapv(|x| x as f32);
    let w = random(12, 12, "bases").mapv(|x| x as f32);
    let bases = Bases::from_stacked(w.view(), 3).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let compressed =
                batch::compressed_rate_with_gradient(tokens.view(), &bases, precision()).unwrap();
            (
                compressed,
                batch::coding_rate_with_gradient(tokens.view(), precision(), 4).unwrap(),
            )
        })
    };
    let one = on(1);
    assert!((2..5).all(|threads| on(threads) == one));
}

#[test]
fn tokens_in_any_layout_will_do() {
    let tokens = stack(4, 5, 6);
    let view = tokens.slice(ndarray::s![..;2, 1.., ..;-1]);
    let owned = view.as_standard_layout().into_owned();
    let w = random(4, 6, "bases");
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let strided = batch::compressed_rate_with_gradient(view, &bases, precision()).unwrap();
    let plain = batch::compressed_rate_with_gradient(owned.view(), &bases, precision()).unwrap();
    let close = |a: &f64, b: &f64| (a - b).abs() < 1e-12 * b.abs().max(1.0);
    assert!(
        strided
            .values
            .iter()
            .zip(&plain.values)
            .all(|(a, b)| close(a, b))
    );
    assert!(
        strided
            .tokens
            .iter()
            .zip(&plain.tokens)
            .all(|(a, b)| close(a, b))
    );
    assert!(
        strided
            .stacked_bases
            .iter()
            .zip(&plain.stacked_bases)
            .all(|(a, b)| close(a, b))
    );
}

#[test]
fn what_is_not_finite_is_named() {
    let mut tokens = stack(3, 4, 6);
    let w = random(6, 6, "bases");
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    tokens[[1, 2, 5]] = f64::NAN;
    tokens[[2, 0, 0]] = f64::INFINITY;
    let error = |index: &[usize]| Error::NotFinite {
        what: "tokens",
        index: index.to_vec(),
    };
    let image = tokens.index_axis(Axis(0), 1);
    assert_eq!(
        coding_rate(image, precision(), 1).unwrap_err(),
        error(&[2, 5])
    );
    assert_eq!(
        compressed_rate_with_gradient(image, &bases, precision()).unwrap_err(),
        error(&[2, 5])
    );
    assert_eq!(
        labeled_rate(image, &[0; 4], precision()).unwrap_err(),
        error(&[2, 5])
    );
    assert_eq!(
        compressed_rate_of_projections(image, 2, precision()).unwrap_err(),
        error(&[2, 5])
    );
    assert_eq!(
        batch::coding_rate(tokens.view(), precision(), 1).unwrap_err(),
        error(&[1, 2, 5])
    );
    let gradient = batch::compressed_rate_with_gradient(tokens.view(), &bases, precision());
    assert_eq!(gradient.unwrap_err(), error(&[1, 2, 5]));
    let mut bad = w.clone();
    bad[[4, 1]] = f64::NAN;
    let found = Bases::from_stacked(bad.view(), 2).unwrap_err();
    assert_eq!(
        found,
        Error::NotFinite {
            what: "bases",
            index: vec![4, 1]
        }
    );
}

#[test]
fn overflow_is_said_to_be_overflow() {
    let large = Array2::<f32>::from_elem((3, 2), 1e30);
    let whole = Array2::eye(2);
    let bases = Bases::from_stacked(whole.view(), 1).unwrap();
    assert_eq!(
        coding_rate(large.view(), precision(), 1).unwrap_err(),
        Error::Overflow {
            what: "tokens",
            element: "f32"
        }
    );
    for expansion in [
        srr_coding_rate::Expansion::FirstOrder,
        srr_coding_rate::Expansion::SecondOrder,
    ] {
        let error =
            compressed_rate_expansion(large.view(), &bases, precision(), expansion).unwrap_err();
        assert_eq!(
            error,
            Error::Overflow {
                what: "projected tokens",
                element: "f32"
            }
        );
    }
}

/// s a bᵀ with unit vectors a and b: one eigenvalue is s², the others are 0.
fn rank_one(size: f64, draw: usize) -> Array2<f64> {
    let unit = |side: &str| {
        let v = random(6, 1, &format!("{side} {draw}"));
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v / length
    };
    unit("left").dot(&unit("right").t()) * size
}

#[test]
fn rank_one_tokens_of_any_size_have_their_exact_rate_and_gradient() {
    let precision = Precision::from_epsilon(0.5).unwrap();
    for (draw, size) in (0..20).flat_map(|i| [1e-3, 1.0, 1e2, 1e4, 1e6].map(|size| (i, size))) {
        let z = rank_one(size, draw);
        let (rate, gradient) = coding_rate_with_gradient(z.view(), precision, 1).unwrap();
        // α = d/(Nε²) = 4.
        let expected = 0.5 * (4.0 * size * size).ln_1p();
        assert!((rate - expected).abs() <= 1e-9 * expected, "{size:e}");
        let factor = 4.0 / (1.0 + 4.0 * size * size);
        // The rounding of the tokens themselves leaves the line that they are on, where the gradient is α times what it finds.
        let rounding = 4.0 * f64::EPSILON * size;
        for (g, z) in gradient.iter().zip(&z) {
            let error = (g - factor * z).abs();
            assert!(error <= 1e-9 * factor * size + rounding, "{size:e}");
        }
    }
}

#[test]
fn single_precision_holds_for_rank_one_tokens_of_any_size() {
    for (draw, size) in (0..20).flat_map(|i| [1.0, 1e2, 1e3, 1e5].map(|size| (i, size))) {
        let z32 = rank_one(size, draw).mapv(|x| x as f32);
        let z = z32.mapv(f64::from);
        let (wide, wide_gradient) = coding_rate_with_gradient(z.view(), precision(), 1).unwrap();
        let (rate, gradient) = coding_rate_with_gradient(z32.view(), precision(), 1).unwrap();
        assert!((f64::from(rate) - wide).abs() <= 1e-4 * wide, "{size:e}");
        assert_f32("gradient", gradient.view(), wide_gradient.view());
    }
}

#[test]
fn an_identity_lost_in_rounding_is_said_to_be_lost() {
    // The other eigenvalues of I + αZᵀZ are 1, far below the rounding of the tokens themselves.
    for draw in 0..20 {
        let z = rank_one(1e100, draw);
        let error = coding_rate(z.view(), precision(), 1).unwrap_err();
        let lost = Error::Resolution {
            what: "tokens",
            element: "f64",
        };
        assert_eq!(error, lost);
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let (z, w) = (random(4, 6, "tokens"), random(6, 5, "bases"));
    assert_eq!(
        Bases::from_stacked(w.view(), 4).unwrap_err(),
        Error::Heads {
            shape: vec![6, 5],
            heads: 4
        }
    );
    assert_eq!(
        Bases::from_stacked(w.view(), 0).unwrap_err(),
        Error::Heads {
            shape: vec![6, 5],
            heads: 0
        }
    );
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let error = compressed_rate_with_gradient(z.view(), &bases, precision()).unwrap_err();
    assert!(
        matches!(error, Error::ShapeMismatch { tokens, other, .. } if tokens == [4, 6] && other == [6, 5])
    );
    assert!(matches!(
        labeled_rate(z.view(), &[0; 3], precision()).unwrap_err(),
        Error::ShapeMismatch { .. }
    ));
    let none = Array2::<f64>::zeros((0, 6));
    assert_eq!(
        coding_rate(none.view(), precision(), 1).unwrap_err(),
        Error::Empty { shape: vec![0, 6] }
    );
}

#[test]
fn a_layer_must_bring_what_its_convention_reads() {
    let (z, w) = (random(4, 6, "tokens"), random(6, 6, "bases"));
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let hook = Conventions {
        location: Location::AttentionInput,
        ..Conventions::default()
    };
    assert_eq!(
        sparse_rate_reduction(z.view(), &bases, &hook).unwrap_err(),
        Error::MissingAttentionInput
    );
    let tokens = LayerTokens {
        output: z.view(),
        attention_input: Some(z.view()),
    };
    let plain = sparse_rate_reduction(z.view(), &bases, &Conventions::default()).unwrap();
    assert_eq!(sparse_rate_reduction(tokens, &bases, &hook).unwrap(), plain);
    let rest = Conventions {
        class_token: ClassToken::LeftOut,
        ..Conventions::default()
    };
    let without = sparse_rate_reduction(
        z.view().split_at(Axis(0), 1).1,
        &bases,
        &Conventions::default(),
    )
    .unwrap();
    assert_eq!(
        sparse_rate_reduction(z.view(), &bases, &rest).unwrap(),
        without
    );
    let alone = z.view().split_at(Axis(0), 1).0;
    assert_eq!(
        sparse_rate_reduction(alone, &bases, &rest).unwrap_err(),
        Error::OnlyClassToken
    );
}

#[test]
fn a_precision_says_which_it_is() {
    assert_eq!(
        Precision::from_epsilon(0.5).unwrap().epsilon_squared(4, 9),
        0.25
    );
    assert_eq!(
        Precision::from_epsilon_squared(0.5)
            .unwrap()
            .epsilon_squared(4, 9),
        0.5
    );
    assert_eq!(Precision::from_epsilon(0.5).unwrap().alpha(12, 3, 4), 16.0);
    assert_eq!(Precision::from_epsilon(0.5).unwrap().gamma(4, 2), 8.0);
    let unit = Precision::unit_gamma();
    assert_eq!(
        (
            unit.gamma(4, 9),
            unit.alpha(12, 9, 4),
            unit.epsilon_squared(4, 8)
        ),
        (1.0, 3.0, 0.5)
    );
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-200] {
        assert!(matches!(
            Precision::from_epsilon(bad).unwrap_err(),
            Error::Precision {
                name: "epsilon",
                ..
            }
        ));
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            Precision::from_epsilon_squared(bad).unwrap_err(),
            Error::Precision {
                name: "epsilon squared",
                ..
            }
        ));
    }
}

#[cfg(feature = "serde")]
#[test]
fn conventions_are_written_by_name() {
    let text = r#"{"precision": {"epsilon": 0.5}, "sparsity": "density", "location": "attention_input", "lambda": 0.2}"#;
    let read: Conventions = serde_json::from_str(text).unwrap();
    assert_eq!(
        read.precision,
        Precision::from_epsilon_squared(0.25).unwrap()
    );
    assert_eq!(
        (read.location, read.lambda),
        (Location::AttentionInput, 0.2)
    );
    let again: Conventions = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    let unit: Precision = serde_json::from_str("\"unit_gamma\"").unwrap();
    assert_eq!(unit, Precision::unit_gamma());
    assert!(serde_json::from_str::<Precision>(r#"{"epsilon": 0}"#).is_err());
    assert!(serde_json::from_str::<Conventions>(r#"{"epsilon": 0.5}"#).is_err());
}
