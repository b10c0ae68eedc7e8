//! Kendall's τ against the definition: all pairs, one by one.

use srr_measures::statistics::{PValueMethod, Repeats, Table, kendall, kendall_with};
use srr_measures::{Error, statistics::Granulated};
use srr_random::Seed;

fn sign(d: f64) -> f64 {
    f64::from(i8::from(d > 0.0) - i8::from(d < 0.0))
}

/// (Σ sgn·sgn, pairs, pairs tied in x, pairs tied in y) over i < j.
fn all_pairs(x: &[f64], y: &[f64]) -> (f64, f64, f64, f64) {
    let mut sums = (0.0, 0.0, 0.0, 0.0);
    for i in 0..x.len() {
        for j in 0..i {
            let (a, b) = (sign(x[i] - x[j]), sign(y[i] - y[j]));
            sums.0 += a * b;
            sums.1 += 1.0;
            sums.2 += 1.0 - a.abs();
            sums.3 += 1.0 - b.abs();
        }
    }
    sums
}

#[test]
fn tau_equals_the_count_of_all_pairs_with_and_without_ties() {
    let mut stream = Seed::new(11).stream();
    for (n, levels) in [
        (2, 9),
        (5, 3),
        (24, 5),
        (25, 5),
        (40, 1000),
        (301, 7),
        (301, 100),
    ] {
        let x: Vec<f64> = (0..n).map(|_| stream.below(levels) as f64 - 3.0).collect();
        let y: Vec<f64> = (0..n).map(|_| stream.below(levels) as f64 * 0.1).collect();
        let (difference, pairs, x_ties, y_ties) = all_pairs(&x, &y);
        let tau = kendall(&x, &y).unwrap();
        assert_eq!(tau.tau_a, difference / pairs, "n = {n}");
        let denominator = ((pairs - x_ties) * (pairs - y_ties)).sqrt();
        if denominator > 0.0 {
            let expected = difference / denominator;
            assert!((tau.tau_b.unwrap() - expected).abs() < 1e-14, "n = {n}");
        } else {
            assert_eq!(tau.tau_b, None);
        }
    }
}

#[test]
fn a_constant_has_tau_a_zero_and_neither_tau_b_nor_p_value() {
    let tau = kendall(&[2.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    assert_eq!((tau.tau_a, tau.tau_b, tau.p_value), (0.0, None, None));
}

#[test]
fn zeros_of_either_sign_tie() {
    let tau = kendall(&[0.0, -0.0, 1.0], &[1.0, 2.0, 3.0]).unwrap();
    assert_eq!(tau.tau_a, 2.0 / 3.0);
}

/// scipy.stats.kendalltau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]): the example of its documentation.
#[test]
fn the_example_of_scipys_documentation() {
    let tau = kendall(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]).unwrap();
    assert!((tau.tau_b.unwrap() + 0.471_404_520_791_031_7).abs() < 1e-15);
    assert!((tau.p_value.unwrap() - 0.282_745_459_932_774_8).abs() < 1e-12);
}

/// Five items in order: 2/5! of all orders are as extreme.
#[test]
fn exact_p_value_of_five_items_in_order() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let p = kendall(&x, &x).unwrap().p_value.unwrap();
    assert!((p - 2.0 / 120.0).abs() < 1e-16);
    let tied = [1.0, 1.0, 3.0, 4.0, 5.0];
    assert_eq!(
        kendall_with(&x, &tied, PValueMethod::Exact)
            .unwrap()
            .p_value,
        None
    );
}

#[test]
fn bad_samples_are_named() {
    assert_eq!(
        kendall(&[1.0], &[1.0]),
        Err(Error::TooFewModels { found: 1 })
    );
    assert!(matches!(
        kendall(&[1.0, 2.0], &[1.0]),
        Err(Error::Length {
            expected: 2,
            found: 1,
            ..
        })
    ));
    assert!(matches!(
        kendall(&[1.0, f64::NAN], &[1.0, 2.0]),
        Err(Error::NonFinite { row: 1, .. })
    ));
}

/// Three widths × two rates, worked by hand. The gap rises with the width in both settings.
///
/// | width | rate | gap | m  |
/// | 1     | a    | 1   | 10 |
/// | 2     | a    | 2   | 20 |
/// | 4     | a    | 3   | 15 |  along width at a: +, +, − → τ = 1/3
/// | 1     | b    | 6   | 30 |
/// | 2     | b    | 7   | 20 |
/// | 4     | b    | 8   | 20 |  along width at b: −, −, 0 → τ = −2/3
///
/// Along the rate: width 1 up (+1), width 2 tied (0), width 4 up (+1) → ψ = 2/3.
#[test]
fn granulated_coefficients_worked_by_hand() {
    let table = Table::new(&[1.0, 2.0, 3.0, 6.0, 7.0, 8.0])
        .unwrap()
        .with_axis("width", &["1", "2", "4", "1", "2", "4"])
        .unwrap()
        .with_axis("rate", &["a", "a", "a", "b", "b", "b"])
        .unwrap()
        .with_measure("m", &[10.0, 20.0, 15.0, 30.0, 20.0, 20.0].map(Some))
        .unwrap();
    let found = Granulated::new(&table, table.measure("m").unwrap(), Repeats::Across);
    let psi: Vec<f64> = found.psi.iter().map(|psi| psi.unwrap()).collect();
    assert!((psi[0] - (1.0 / 3.0 - 2.0 / 3.0) / 2.0).abs() < 1e-15);
    assert!((psi[1] - 2.0 / 3.0).abs() < 1e-15);
    assert!((found.overall.unwrap() - (psi[0] + psi[1]) / 2.0).abs() < 1e-15);
    assert_eq!(found.settings, [2, 3]);
}

/// Two widths, two seeds each: gap 1, 2 | 3, 4 and m 1, 2 | 4, 1. Across widths the pairs are +, 0, +, −: 1/4. With the pairs
/// within a width, + and −, it is 1/6.
#[test]
fn seeds_of_a_cell_do_not_count_unless_asked_for() {
    let table = Table::new(&[1.0, 2.0, 3.0, 4.0])
        .unwrap()
        .with_axis("width", &["8", "8", "16", "16"])
        .unwrap()
        .with_measure("m", &[1.0, 2.0, 4.0, 1.0].map(Some))
        .unwrap();
    let measure = table.measure("m").unwrap();
    let across = Granulated::new(&table, measure, Repeats::Across);
    assert_eq!(across.psi, [Some(0.25)]);
    let all = Granulated::new(&table, measure, Repeats::AllPairs);
    assert_eq!(all.psi, [Some(1.0 / 6.0)]);
}

#[test]
fn an_axis_of_one_level_has_no_psi() {
    let table = Table::new(&[1.0, 2.0])
        .unwrap()
        .with_axis("width", &["8", "8"])
        .unwrap()
        .with_measure("m", &[Some(1.0), Some(2.0)])
        .unwrap();
    let found = Granulated::new(&table, table.measure("m").unwrap(), Repeats::Across);
    assert_eq!((found.psi, found.overall), (vec![None], None));
}
