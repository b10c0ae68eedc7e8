//! What the tests of this crate share: random inputs and central differences.
#![allow(dead_code, reason = "each test program uses a part of it")]

use ndarray::{Array2, ArrayView2};
use srr_coding_rate::{ClassToken, Conventions, Location, Sparsity, SparsityGradient};
use srr_linalg::random_matrix;
use srr_random::Seed;

/// Standard normal tokens [n, d], always the same for the same purpose.
pub(crate) fn random(rows: usize, columns: usize, purpose: &str) -> Array2<f64> {
    random_matrix(rows, columns, &mut Seed::new(23).purpose(purpose).stream())
}

/// Conventions that between them take every choice on which a gradient depends.
pub(crate) fn conventions() -> [Conventions; 6] {
    let base = Conventions::default();
    [
        base,
        Conventions {
            sparsity_gradient: SparsityGradient::L1,
            ..base
        },
        Conventions {
            sparsity_gradient: SparsityGradient::L1,
            sparsity: Sparsity::Density,
            lambda: 3.0,
            ..base
        },
        Conventions {
            class_token: ClassToken::LeftOut,
            sparsity_gradient: SparsityGradient::L1,
            ..base
        },
        Conventions {
            location: Location::AttentionInput,
            ..base
        },
        Conventions {
            class_token: ClassToken::LeftOut,
            ..Conventions::official_hook(0.1).unwrap()
        },
    ]
}

/// Asserts that `gradient` is the derivative of `f` at `at`, by central differences, element by element.
pub(crate) fn assert_gradient(
    what: &str,
    at: &Array2<f64>,
    gradient: ArrayView2<'_, f64>,
    f: impl Fn(&Array2<f64>) -> f64,
) {
    assert_eq!(at.dim(), gradient.dim(), "{what}");
    let step = 1e-5;
    let scale = gradient
        .iter()
        .fold(1e-3_f64, |largest, g| largest.max(g.abs()));
    // What a few roundings within f make of a difference of two of its values.
    let rounding = 8.0 * f64::EPSILON * f(at).abs() / step;
    for (index, &expected) in gradient.indexed_iter() {
        let mut moved = at.clone();
        moved[index] += step;
        let above = f(&moved);
        moved[index] = at[index] - step;
        let difference = (above - f(&moved)) / (2.0 * step);
        assert!(
            (difference - expected).abs() < 1e-7 * scale + rounding,
            "{what} {index:?}: {expected}, by differences {difference}"
        );
    }
}
