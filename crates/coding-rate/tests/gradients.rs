//! Every gradient against central differences in `f64`, at awkward sizes.

mod common;

use common::{assert_gradient, conventions, random};
use ndarray::{Array2, s};
use srr_coding_rate::{
    Bases, ClassToken, Coding, Conventions, Expansion, LayerTokens, Location, Precision, Sparsity,
    SparsityGradient, coding_rate, coding_rate_with_gradient, compressed_rate,
    compressed_rate_expansion, compressed_rate_with_gradient, labeled_rate, labeled_rate_reduction,
    labeled_rate_reduction_with_gradient, labeled_rate_with_gradient, rate_reduction,
    rate_reduction_with_gradient, sparse_rate_reduction, sparse_rate_reduction_with_gradient,
};

/// [N, d, K, p]: fewer and more tokens than dimensions, p > N, one token, one dimension, one head, K·p ≠ d.
const SIZES: [[usize; 4]; 8] = [
    [5, 8, 2, 4],
    [11, 6, 3, 2],
    [3, 12, 2, 6],
    [1, 6, 2, 3],
    [7, 1, 1, 1],
    [1, 1, 1, 1],
    [4, 6, 1, 6],
    [6, 5, 3, 4],
];

fn codings() -> Vec<Coding> {
    let precisions = [
        Precision::from_epsilon(0.5).unwrap(),
        Precision::from_epsilon_squared(0.02).unwrap(),
        Precision::unit_gamma(),
    ];
    let plain = precisions.map(Coding::from);
    plain
        .into_iter()
        .chain([
            Coding {
                unit_tokens: true,
                ..plain[0]
            },
            Coding::official_hook(0.1).unwrap(),
        ])
        .collect()
}

#[test]
fn of_the_coding_rate() {
    for ([n, d, _, p], coding) in SIZES
        .into_iter()
        .flat_map(|size| codings().into_iter().map(move |c| (size, c)))
    {
        let z = random(n, d, "tokens");
        let (value, gradient) = coding_rate_with_gradient(z.view(), coding, p).unwrap();
        assert_eq!(value, coding_rate(z.view(), coding, p).unwrap());
        let what = format!("R {n}×{d} {coding:?}");
        assert_gradient(&what, &z, gradient.view(), |z| {
            coding_rate(z.view(), coding, p).unwrap()
        });
    }
}

#[test]
fn of_the_compressed_rate() {
    for ([n, d, k, p], coding) in SIZES
        .into_iter()
        .flat_map(|size| codings().into_iter().map(move |c| (size, c)))
    {
        let (z, w) = (random(n, d, "tokens"), random(k * p, d, "bases"));
        let at = |z: &Array2<f64>, w: &Array2<f64>| {
            compressed_rate(z.view(), &Bases::from_stacked(w.view(), k).unwrap(), coding).unwrap()
        };
        let bases = Bases::from_stacked(w.view(), k).unwrap();
        let found = compressed_rate_with_gradient(z.view(), &bases, coding).unwrap();
        assert_eq!(found.value, at(&z, &w));
        let what = format!("R^c {n}×{d}, {k} heads of {p}, {coding:?}");
        assert_gradient(&what, &z, found.tokens.view(), |z| at(z, &w));
        assert_gradient(&what, &w, found.stacked_bases.view(), |w| at(&z, w));
        // The two layouts of the bases' gradient hold the same numbers.
        let last = found.bases();
        assert_eq!(last.dim(), (k, d, p));
        assert_eq!(
            last.slice(s![k - 1, .., ..]),
            found.stacked_bases.slice(s![(k - 1) * p.., ..]).t()
        );
    }
}

#[test]
fn of_the_rate_reduction() {
    for ([n, d, k, p], coding) in SIZES
        .into_iter()
        .flat_map(|size| codings().into_iter().map(move |c| (size, c)))
    {
        let (z, w) = (random(n, d, "tokens"), random(k * p, d, "bases"));
        let at = |z: &Array2<f64>, w: &Array2<f64>| {
            rate_reduction(z.view(), &Bases::from_stacked(w.view(), k).unwrap(), coding).unwrap()
        };
        let bases = Bases::from_stacked(w.view(), k).unwrap();
        let found = rate_reduction_with_gradient(z.view(), &bases, coding).unwrap();
        assert_eq!(found.value, at(&z, &w));
        let what = format!("ΔR {n}×{d}, {k} heads of {p}, {coding:?}");
        assert_gradient(&what, &z, found.tokens.view(), |z| at(z, &w));
        assert_gradient(&what, &w, found.stacked_bases.view(), |w| at(&z, w));
        assert_eq!(found.bases().dim(), (k, d, p));
    }
}

#[test]
fn of_the_expansions() {
    for [n, d, k, p] in SIZES {
        for (expansion, coding) in [Expansion::FirstOrder, Expansion::SecondOrder]
            .into_iter()
            .flat_map(|expansion| codings().into_iter().map(move |c| (expansion, c)))
        {
            let (z, w) = (random(n, d, "tokens"), random(k * p, d, "bases"));
            let at = |z: &Array2<f64>, w: &Array2<f64>| {
                let bases = Bases::from_stacked(w.view(), k).unwrap();
                compressed_rate_expansion(z.view(), &bases, coding, expansion).unwrap()
            };
            let found = at(&z, &w);
            let what = format!("{expansion:?} {n}×{d}, {k} heads of {p}, {coding:?}");
            assert_gradient(&what, &z, found.tokens.view(), |z| at(z, &w).value);
            assert_gradient(&what, &w, found.stacked_bases.view(), |w| at(&z, w).value);
        }
    }
}

#[test]
fn of_labeled_rates() {
    for (n, d, labels) in [
        (7, 4, &[2, 0, 2, 2, 9, 0, 2][..]),
        (5, 9, &[1, 1, 1, 0, 0]),
        (3, 2, &[0, 1, 2]),
        (1, 1, &[4]),
    ] {
        let z = random(n, d, "tokens");
        for coding in codings() {
            let what = format!("{n}×{d} {labels:?} {coding:?}");
            let rate = |z: &Array2<f64>| labeled_rate(z.view(), labels, coding).unwrap();
            let (value, gradient) = labeled_rate_with_gradient(z.view(), labels, coding).unwrap();
            assert_eq!(value, rate(&z));
            assert_gradient(&what, &z, gradient.view(), rate);
            let reduction =
                |z: &Array2<f64>| labeled_rate_reduction(z.view(), labels, coding).unwrap();
            let (value, gradient) =
                labeled_rate_reduction_with_gradient(z.view(), labels, coding).unwrap();
            assert_eq!(value, reduction(&z));
            assert_gradient(&what, &z, gradient.view(), reduction);
        }
    }
}

/// μ under conventions whose sparsity is differentiable: ‖Z‖₁ in the place of ‖Z‖₀.
fn surrogate(tokens: LayerTokens<'_, f64>, w: &Array2<f64>, conventions: &Conventions) -> f64 {
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let terms = sparse_rate_reduction(tokens, &bases, conventions).unwrap();
    let skipped = usize::from(conventions.class_token == ClassToken::LeftOut);
    let measured = tokens.output.slice_move(s![skipped.., ..]);
    let length: f64 = measured.iter().map(|x| x.abs()).sum();
    let sparsity = match (conventions.sparsity_gradient, conventions.sparsity) {
        (SparsityGradient::Zero, _) => 0.0,
        (SparsityGradient::L1, Sparsity::Count) => length,
        (SparsityGradient::L1, Sparsity::Density) => length / measured.len() as f64,
    };
    conventions.lambda * sparsity + terms.compressed_rate - terms.coding_rate
}

#[test]
fn of_the_sparse_rate_reduction_under_every_convention() {
    let (z, input, w) = (
        random(5, 6, "tokens"),
        random(5, 6, "input"),
        random(6, 6, "bases"),
    );
    for conventions in conventions() {
        let what = format!("{conventions:?}");
        let tokens = LayerTokens {
            output: z.view(),
            attention_input: Some(input.view()),
        };
        let bases = Bases::from_stacked(w.view(), 2).unwrap();
        let found = sparse_rate_reduction_with_gradient(tokens, &bases, &conventions).unwrap();
        assert_eq!(
            found.terms,
            sparse_rate_reduction(tokens, &bases, &conventions).unwrap()
        );
        assert_gradient(&what, &z, found.output.view(), |z| {
            surrogate(
                LayerTokens {
                    output: z.view(),
                    attention_input: Some(input.view()),
                },
                &w,
                &conventions,
            )
        });
        assert_gradient(&what, &w, found.stacked_bases.view(), |w| {
            surrogate(tokens, w, &conventions)
        });
        assert_eq!(
            found.attention_input.is_some(),
            conventions.location == Location::AttentionInput
        );
        if let Some(gradient) = found.attention_input {
            assert_gradient(&what, &input, gradient.view(), |input| {
                surrogate(
                    LayerTokens {
                        attention_input: Some(input.view()),
                        output: z.view(),
                    },
                    &w,
                    &conventions,
                )
            });
        }
    }
}
