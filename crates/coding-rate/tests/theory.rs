//! Facts that rates obey: invariances, concavity, identities between them, and the optimum of MCR².

mod common;

use common::random;
use ndarray::{Array2, Axis, s};
use srr_coding_rate::{
    Bases, Coding, Expansion, Precision, coding_rate, coding_rate_with_gradient, compressed_rate,
    compressed_rate_expansion, compressed_rate_of_projections, compressed_rate_with_gradient,
    labeled_rate, labeled_rate_reduction, labeled_rate_reduction_with_gradient, rate_reduction,
};
use srr_linalg::{Factorization, matmul, random_orthonormal};
use srr_random::Seed;

fn orthonormal(rows: usize, columns: usize, purpose: &str) -> Array2<f64> {
    random_orthonormal(rows, columns, &mut Seed::new(31).purpose(purpose).stream()).unwrap()
}

fn precision() -> Precision {
    Precision::from_epsilon(0.3).unwrap()
}

fn rate(tokens: &Array2<f64>) -> f64 {
    coding_rate(tokens.view(), precision(), 1).unwrap()
}

fn assert_same(left: f64, right: f64) {
    assert!(
        (left - right).abs() <= 1e-12 * right.abs().max(1.0),
        "{left} and {right}"
    );
}

#[test]
fn nothing_costs_nothing() {
    assert_eq!(rate(&Array2::zeros((4, 3))), 0.0);
    let (value, gradient) =
        coding_rate_with_gradient(Array2::<f64>::zeros((4, 3)).view(), precision(), 1).unwrap();
    assert_eq!((value, gradient), (0.0, Array2::zeros((4, 3))));
}

#[test]
fn the_rate_of_a_diagonal_is_known() {
    // Singular values 1, 2, 3 of 4 tokens in 3 dimensions at ε = 1: ½ Σ ln(1 + ¾ σ²).
    let mut z = Array2::zeros((4, 3));
    z.diag_mut().assign(&ndarray::array![1.0, 2.0, 3.0]);
    let expected: f64 = [1.0, 4.0, 9.0]
        .iter()
        .map(|square: &f64| 0.5 * (0.75 * square).ln_1p())
        .sum();
    assert_same(
        coding_rate(z.view(), Precision::from_epsilon(1.0).unwrap(), 9).unwrap(),
        expected,
    );
}

#[test]
fn turning_the_space_or_permuting_tokens_changes_nothing() {
    for (n, d) in [(3, 8), (8, 3), (20, 20), (1, 5), (5, 1)] {
        let z = random(n, d, "tokens");
        let turned = matmul(z.view(), orthonormal(d, d, "turn").view()).unwrap();
        assert_same(rate(&turned), rate(&z));
        let order = Seed::new(1).stream().permutation(n);
        let permuted = z.select(Axis(0), &order);
        assert_same(rate(&permuted), rate(&z));
        let bases = random(6, d, "bases");
        let bases = Bases::from_stacked(bases.view(), 3).unwrap();
        let of = |z: &Array2<f64>| compressed_rate(z.view(), &bases, precision()).unwrap();
        assert_same(of(&permuted), of(&z));
    }
}

#[test]
fn rates_grow_with_the_tokens_and_with_the_precision() {
    let z = random(6, 9, "tokens");
    assert!(rate(&(&z * 2.0)) > rate(&z));
    let coarse = coding_rate(z.view(), Precision::from_epsilon(1.0).unwrap(), 1).unwrap();
    let fine = coding_rate(z.view(), Precision::from_epsilon(0.1).unwrap(), 1).unwrap();
    assert!(fine > coarse && coarse > 0.0);
}

#[test]
fn the_rate_is_concave_in_the_gram_matrix() {
    // (ZZᵀ + YYᵀ)/2 is the Gram matrix of Z and Y side by side, divided by √2; N in the scale is brought back by ε².
    for (n, d) in [(3, 7), (7, 3), (6, 6)] {
        let (z, y) = (random(n, d, "tokens"), random(n, d, "others") * 3.0);
        let both = ndarray::concatenate![Axis(0), z, y] / 2.0_f64.sqrt();
        let halved =
            Precision::from_epsilon_squared(precision().epsilon_squared(1, n) / 2.0).unwrap();
        let middle = coding_rate(both.view(), halved, 1).unwrap();
        assert!(middle > (rate(&z) + rate(&y)) / 2.0 + 1e-6, "{n}×{d}");
        let same = ndarray::concatenate![Axis(0), z, z] / 2.0_f64.sqrt();
        assert_same(coding_rate(same.view(), halved, 1).unwrap(), rate(&z));
    }
}

#[test]
fn one_complete_orthonormal_head_compresses_nothing() {
    for (n, d) in [(5, 8), (8, 5), (1, 4)] {
        let (z, u) = (random(n, d, "tokens"), orthonormal(d, d, "basis"));
        let bases = Bases::from_stacked(u.view(), 1).unwrap();
        assert_same(
            compressed_rate(z.view(), &bases, precision()).unwrap(),
            rate(&z),
        );
        assert!(rate_reduction(z.view(), &bases, precision()).unwrap().abs() < 1e-12);
    }
}

#[test]
fn the_rate_reduction_has_either_sign() {
    // γ of K blocks is 1/K of α: tokens within one block compress well below R, as γ < α; tokens spread
    // over all blocks along one direction pay once for each block.
    let whole = Array2::<f64>::eye(8);
    let blocks = Bases::from_stacked(whole.view(), 4).unwrap();
    let mut within = Array2::zeros((6, 8));
    within
        .slice_mut(s![.., ..2])
        .assign(&random(6, 2, "within"));
    assert!(rate_reduction(within.view(), &blocks, precision()).unwrap() > 0.1);
    let along = Array2::<f64>::ones((6, 8)) * 3.0;
    assert!(rate_reduction(along.view(), &blocks, precision()).unwrap() < -0.1);
}

#[test]
fn stacked_and_separate_bases_are_the_same() {
    let (z, w) = (random(5, 7, "tokens"), random(6, 7, "bases"));
    let separate = w
        .view()
        .into_shape_with_order((3, 2, 7))
        .unwrap()
        .permuted_axes([0, 2, 1])
        .to_owned();
    let stacked = compressed_rate_with_gradient(
        z.view(),
        &Bases::from_stacked(w.view(), 3).unwrap(),
        precision(),
    )
    .unwrap();
    let other =
        compressed_rate_with_gradient(z.view(), &Bases::new(separate.view()).unwrap(), precision())
            .unwrap();
    assert_eq!(stacked, other);
    assert_eq!(other.bases().dim(), separate.dim());
    let projected = matmul(z.view(), w.t()).unwrap();
    assert_eq!(
        compressed_rate_of_projections(projected.view(), 3, precision()).unwrap(),
        stacked.value
    );
}

#[test]
fn expansions_hold_for_small_tokens_and_bound_the_rate() {
    // x − x²/2 ≤ log(1 + x) ≤ x, and the error is of third and second order.
    let (z, w) = (random(9, 6, "tokens"), random(6, 6, "bases"));
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let error = |scale: f64, expansion| {
        let z = &z * scale;
        let exact = compressed_rate_with_gradient(z.view(), &bases, precision()).unwrap();
        let expanded = compressed_rate_expansion(z.view(), &bases, precision(), expansion).unwrap();
        let gradient = (&exact.tokens - &expanded.tokens)
            .mapv(|x| x * x)
            .sum()
            .sqrt();
        (expanded.value - exact.value, gradient)
    };
    for (expansion, order, sign) in [
        (Expansion::FirstOrder, 2, 1.0),
        (Expansion::SecondOrder, 3, -1.0),
    ] {
        let (coarse, fine) = (error(1e-2, expansion), error(5e-3, expansion));
        assert!(sign * coarse.0 > 0.0 && sign * fine.0 > 0.0);
        // Values are of order x^order in x ~ scale², gradients one power of the scale less.
        assert!(
            (coarse.0 / fine.0 / 4.0_f64.powi(order) - 1.0).abs() < 0.05,
            "{}",
            coarse.0 / fine.0
        );
        assert!(
            (coarse.1 / fine.1 / 2.0_f64.powi(2 * order - 1) - 1.0).abs() < 0.05,
            "{}",
            coarse.1 / fine.1
        );
    }
}

#[test]
fn unit_tokens_do_not_see_the_length() {
    let (z, w) = (random(5, 6, "tokens"), random(6, 6, "bases"));
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let coding = Coding {
        precision: precision(),
        unit_tokens: true,
    };
    let mut scaled = z.clone();
    scaled.row_mut(2).mapv_inplace(|x| x * 1e3);
    scaled.row_mut(4).mapv_inplace(|x| x * 1e-3);
    let of = |z: &Array2<f64>| {
        [
            compressed_rate(z.view(), &bases, coding).unwrap(),
            coding_rate(z.view(), coding, 3).unwrap(),
            labeled_rate(z.view(), &[0, 1, 0, 1, 1], coding).unwrap(),
        ]
    };
    for (left, right) in of(&scaled).into_iter().zip(of(&z)) {
        assert_same(left, right);
    }
    // A zero token stays zero and has a finite gradient.
    scaled.row_mut(0).fill(0.0);
    let found = compressed_rate_with_gradient(scaled.view(), &bases, coding).unwrap();
    assert!(found.tokens.iter().all(|x| x.is_finite()));
}

#[test]
fn one_class_is_the_whole_and_classes_never_cost_more() {
    let z = random(12, 5, "tokens");
    assert_same(
        labeled_rate(z.view(), &[3; 12], precision()).unwrap(),
        rate(&z),
    );
    let labels: Vec<u32> = (0..12).map(|i| i % 3).collect();
    // Concavity: ΔR is not negative for any partition (MCR², Lemma A.4).
    assert!(labeled_rate_reduction(z.view(), &labels, precision()).unwrap() > 0.0);
}

/// Two classes of three tokens in six dimensions, climbing ΔR from a random start; each class is held at the Frobenius norm √N_j,
/// and its rank cannot exceed d_j = 3.
fn climb_rate_reduction(precision: Precision) -> Array2<f64> {
    let normalized = |mut z: Array2<f64>| {
        for mut class in z.exact_chunks_mut((3, 6)) {
            let scale = (3.0 / class.iter().map(|x| x * x).sum::<f64>()).sqrt();
            class.mapv_inplace(|x| x * scale);
        }
        z
    };
    let labels = [0, 0, 0, 1, 1, 1];
    let mut z = normalized(random(6, 6, "optimum"));
    let mut best = f64::NEG_INFINITY;
    for step in 0..6000 {
        let (value, gradient) =
            labeled_rate_reduction_with_gradient(z.view(), &labels, precision).unwrap();
        if step % 1000 == 0 {
            assert!(value > best - 1e-12, "ΔR climbs: {best} then {value}");
            best = value;
        }
        z = normalized(z + gradient * 0.1);
    }
    z
}

#[test]
fn at_the_optimum_of_mcr2_classes_are_orthogonal_and_spread_evenly() {
    // ε⁴ is below min_j (N_j/N) (d/d_j)² = 2 (MCR², Theorem 1), so that the leading d_j − 1 singular values are equal.
    let z = climb_rate_reduction(Precision::from_epsilon(0.5).unwrap());
    let (first, second) = z.view().split_at(Axis(0), 3);
    let overlap = matmul(first, second.t()).unwrap();
    assert!(
        overlap.iter().all(|x| x.abs() < 1e-4),
        "classes are orthogonal: {overlap}"
    );
    for class in [first, second] {
        let values = Factorization::default().singular_values(class).unwrap();
        assert!(
            (values[0] / values[1] - 1.0).abs() < 1e-4,
            "leading d_j − 1 values are equal: {values}"
        );
        assert!(values[2] > 0.0 && values[2] <= values[1], "{values}");
    }
}
