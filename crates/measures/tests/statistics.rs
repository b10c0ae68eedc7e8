//! Conditional information, sign errors and the bootstrap against hand-worked tables and brute force.

use std::collections::BTreeMap;

use srr_measures::Error;
use srr_measures::statistics::{
    AnalysisOptions, Bootstrap, Granulated, Repeats, SignErrorOptions, SignErrors, Statistic,
    Table, analyse, conditional_information, count_environments, hoeffding_weight, kendall,
    quantile,
};
use srr_random::Seed;

/// `n` models on three axes of 2, 3 and 2 levels, with ties everywhere and some values missing.
fn random_table(n: usize, seed: u64) -> Table {
    let mut stream = Seed::new(seed).stream();
    let mut levels =
        |top: u64| -> Vec<String> { (0..n).map(|_| stream.below(top).to_string()).collect() };
    let axes = [levels(2), levels(3), levels(2)];
    let gap: Vec<f64> = (0..n).map(|_| 0.01 * stream.below(15) as f64).collect();
    let mut measure = |missing: f64| -> Vec<Option<f64>> {
        let value =
            |g: &f64| (stream.uniform() >= missing).then(|| (10.0 * g + stream.normal()).round());
        gap.iter().map(value).collect()
    };
    let (a, b) = (measure(0.0), measure(0.2));
    Table::new(&gap)
        .unwrap()
        .with_accuracy_gap(&gap)
        .unwrap()
        .with_axis("first", &axes[0])
        .unwrap()
        .with_axis("second", &axes[1])
        .unwrap()
        .with_axis("third", &axes[2])
        .unwrap()
        .with_measure("a", &a)
        .unwrap()
        .with_measure("b", &b)
        .unwrap()
}

fn sign(d: f64) -> i8 {
    i8::from(d > 0.0) - i8::from(d < 0.0)
}

/// Two levels with two models each; the gaps are 1, 2 | 3, 4.
fn two_by_two(measure: [f64; 4]) -> Table {
    Table::new(&[1.0, 2.0, 3.0, 4.0])
        .unwrap()
        .with_axis("level", &["x", "x", "y", "y"])
        .unwrap()
        .with_measure("m", &measure.map(Some))
        .unwrap()
}

/// The measure knows the level and nothing else. Of the 12 ordered pairs, 8 lie between levels, where it gives the order of the
/// gaps; in the 4 within a level it is tied. So I = ln 2 − (4/12) ln 2 and H = ln 2 without conditions, a ratio of 2/3; given the
/// level, only the 4 pairs have any entropy, and the measure says nothing about them.
#[test]
fn a_measure_that_knows_only_a_hyper_parameter_has_no_conditional_information() {
    let table = two_by_two([0.0, 0.0, 5.0, 5.0]);
    let found = conditional_information(&table, table.measure("m").unwrap(), 2);
    let [none, level] = &found.conditionings[..] else {
        panic!("one axis has two subsets");
    };
    let ln2 = 2.0_f64.ln();
    assert!((none.information - ln2 * 2.0 / 3.0).abs() < 1e-15);
    assert!((none.entropy - ln2).abs() < 1e-15);
    assert_eq!(level.axes, ["level"]);
    assert_eq!(level.information, 0.0);
    assert!((level.entropy - ln2 / 3.0).abs() < 1e-15);
    assert_eq!(found.value, Some(0.0));
}

/// Two hyper-parameters a and b of two values, two models each; the gaps are 1, 2 | 3, 4 | 5, 6 | 7, 8 in the cells (0,0), (0,1), (1,0) and
/// (1,1), and the measure knows the cell alone. Of 56 ordered pairs it ties 8, those within a cell.
///
/// - S = ∅: H = ln 2, I = (48/56) ln 2.
/// - S = {a}: the gaps of different a have one order; of the 12 pairs within each a, 4 are tied: 2/3, as above.
/// - S = {b}: 12 pairs within each b, of cells of different a: 2/3 of ln 2 as well. Of the 16 pairs with b = 0 before b = 1, 12 rise and 4
///   fall, and the measure tells which: I = H = h, h the entropy of ¼. So too for the 16 pairs of the other order.
/// - S = {a, b}: the 8 pairs within a cell alone have entropy, and the measure is silent on them: 0.
#[test]
fn two_conditions_at_once_worked_by_hand() {
    let measure = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0].map(Some);
    let table = Table::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
        .and_then(|table| table.with_axis("a", &["0", "0", "0", "0", "1", "1", "1", "1"]))
        .and_then(|table| table.with_axis("b", &["0", "0", "1", "1", "0", "0", "1", "1"]))
        .and_then(|table| table.with_measure("m", &measure))
        .unwrap();
    let found = conditional_information(&table, table.measure("m").unwrap(), 2);
    let ln2 = 2.0_f64.ln();
    let h = 0.25 * 4.0_f64.ln() + 0.75 * (4.0_f64 / 3.0).ln();
    let with_b = (24.0 * ln2 * 2.0 / 3.0 + 32.0 * h) / (24.0 * ln2 + 32.0 * h);
    let expected = [6.0 / 7.0, 2.0 / 3.0, with_b, 0.0];
    assert_eq!(found.conditionings.len(), 4);
    for (condition, expected) in found.conditionings.iter().zip(expected) {
        let ratio = condition.ratio.unwrap();
        assert!((ratio - expected).abs() < 1e-14, "{:?}", condition.axes);
    }
    assert_eq!(found.value, Some(0.0));
    let one = conditional_information(&table, table.measure("m").unwrap(), 1);
    assert!((one.value.unwrap() - 2.0 / 3.0).abs() < 1e-14);
}

#[test]
fn a_measure_that_orders_as_the_gap_or_against_it_has_all_the_information() {
    for measure in [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]] {
        let table = two_by_two(measure);
        let found = conditional_information(&table, table.measure("m").unwrap(), 2);
        assert_eq!(found.value, Some(1.0));
    }
}

#[test]
fn hyper_parameters_that_order_the_models_leave_no_ratio() {
    let table = Table::new(&[1.0, 2.0])
        .unwrap()
        .with_axis("level", &["x", "y"])
        .unwrap()
        .with_measure("m", &[Some(1.0), Some(2.0)])
        .unwrap();
    let found = conditional_information(&table, table.measure("m").unwrap(), 2);
    assert_eq!(found.value, Some(1.0), "from the empty set");
    assert_eq!(found.conditionings[1].ratio, None);
}

/// I and H by the definition: a table of counts per value of U_S, one pair after the other.
fn information_by_brute_force(table: &Table, measure: &str, axes: &[String]) -> (f64, f64) {
    let values = table.measure(measure).unwrap().values();
    let codes: Vec<&[usize]> = table
        .axes()
        .iter()
        .filter(|axis| axes.iter().any(|name| name == axis.name()))
        .map(|axis| axis.codes())
        .collect();
    let mut counts: BTreeMap<Vec<usize>, BTreeMap<(i8, i8), f64>> = BTreeMap::new();
    let mut pairs = 0.0;
    for i in 0..table.models() {
        for j in 0..table.models() {
            let (Some(a), Some(b), true) = (values[i], values[j], i != j) else {
                continue;
            };
            let u = codes.iter().flat_map(|c| [c[i], c[j]]).collect();
            let signs = (sign(a - b), sign(table.gap()[i] - table.gap()[j]));
            *counts.entry(u).or_default().entry(signs).or_default() += 1.0;
            pairs += 1.0;
        }
    }
    let (mut information, mut entropy) = (0.0, 0.0);
    for joint in counts.values() {
        let total: f64 = joint.values().sum();
        let sum = |keep: &dyn Fn(&(i8, i8)) -> bool| -> f64 {
            joint.iter().filter(|(k, _)| keep(k)).map(|(_, n)| n).sum()
        };
        for (&(m, g), n) in joint {
            let (of_m, of_g) = (sum(&|k| k.0 == m), sum(&|k| k.1 == g));
            information += n / pairs * (n * total / (of_m * of_g)).ln();
            entropy -= n / pairs * (of_g / total).ln();
        }
    }
    (information, entropy)
}

#[test]
fn conditional_information_equals_its_definition() {
    let table = random_table(90, 3);
    for name in ["a", "b"] {
        let found = conditional_information(&table, table.measure(name).unwrap(), 2);
        assert_eq!(found.conditionings.len(), 1 + 3 + 3);
        let mut least = f64::INFINITY;
        for c in &found.conditionings {
            let (information, entropy) = information_by_brute_force(&table, name, &c.axes);
            assert!((c.information - information).abs() < 1e-12, "{:?}", c.axes);
            assert!((c.entropy - entropy).abs() < 1e-12, "{:?}", c.axes);
            least = least.min(information / entropy);
        }
        assert!((found.value.unwrap() - least).abs() < 1e-12);
    }
}

/// One rate of two values, four seeds each; the gaps of the second are larger beyond doubt, so all 16 pairs weigh ½. The measure
/// gets one pair wrong (3.5 < 4) and ties in one (4 = 4): (1 + ½)/16.
#[test]
fn a_sign_error_worked_by_hand() {
    let gap = [0.10, 0.11, 0.12, 0.13, 0.50, 0.51, 0.52, 0.53];
    let measure = [1.0, 2.0, 3.0, 4.0, 3.5, 4.0, 7.0, 8.0].map(Some);
    let table = Table::new(&gap)
        .unwrap()
        .with_accuracy_gap(&gap)
        .unwrap()
        .with_axis("rate", &["a", "a", "a", "a", "b", "b", "b", "b"])
        .unwrap()
        .with_measure("m", &measure)
        .unwrap();
    let column = table.measure("m").unwrap();
    let found = SignErrors::new(&table, column, &SignErrorOptions::new(1e6)).unwrap();
    assert_eq!(
        found.all.environments, 2,
        "both orders of one pair of cells"
    );
    for value in [
        found.all.mean,
        found.all.p90,
        found.all.max,
        found.pooled.mean,
    ] {
        assert_eq!(value, Some(1.5 / 16.0));
    }
    assert_eq!(found.pooled_environments[0].effective_size, 16.0);
    assert_eq!(found.all.share_up_to(0.09), Some(0.0));
    assert_eq!(found.all.share_up_to(0.1), Some(1.0));
}

/// Two settings with one model per cell: no environment has 12 pairs. Pooled over the settings, one of two pairs is wrong.
#[test]
fn where_none_qualifies_the_pooled_form_still_speaks() {
    let gap = [0.1, 0.5, 0.2, 0.6];
    let table = Table::new(&gap)
        .unwrap()
        .with_accuracy_gap(&gap)
        .unwrap()
        .with_axis("rate", &["a", "b", "a", "b"])
        .unwrap()
        .with_axis("width", &["8", "8", "16", "16"])
        .unwrap()
        .with_measure("m", &[1.0, 2.0, 2.0, 1.0].map(Some))
        .unwrap();
    let column = table.measure("m").unwrap();
    let found = SignErrors::new(&table, column, &SignErrorOptions::new(1e6)).unwrap();
    assert_eq!((found.all.environments, found.all.mean), (0, None));
    assert_eq!(found.pooled_per_axis[0].mean, Some(0.5));
    // Along the width the gap rises by 0.1 twice; the measure rises once.
    assert_eq!(found.pooled_per_axis[1].mean, Some(0.5));
    assert_eq!(found.pooled_environments[0].effective_size, 2.0);
}

/// The public code's way: every ordered pair of models, sums by ordered pair of cells.
#[test]
fn sign_errors_equal_those_of_all_ordered_pairs_of_models() {
    let table = random_table(400, 8);
    let options = SignErrorOptions::new(2000.0);
    for name in ["a", "b"] {
        let column = table.measure(name).unwrap();
        let values = column.values();
        let gap = table.accuracy_gap().unwrap();
        let cell = |i: usize| -> Vec<usize> { table.axes().iter().map(|a| a.codes()[i]).collect() };
        let mut sums: BTreeMap<(Vec<usize>, Vec<usize>), [f64; 3]> = BTreeMap::new();
        for i in 0..table.models() {
            for j in 0..table.models() {
                let (Some(ci), Some(cj)) = (values[i], values[j]) else {
                    continue;
                };
                let (u, v) = (cell(i), cell(j));
                if u.iter().zip(&v).filter(|(a, b)| a != b).count() != 1 {
                    continue;
                }
                let weight = (hoeffding_weight(gap[i] - gap[j], 2000.0) - 0.5).max(0.0);
                let error = f64::from(1 - sign(ci - cj) * sign(gap[i] - gap[j])) / 2.0;
                let sum = sums.entry((u, v)).or_default();
                sum[0] += weight;
                sum[1] += weight * weight;
                sum[2] += weight * error;
            }
        }
        let found = SignErrors::new(&table, column, &options).unwrap();
        for axis in 0..3 {
            let mut expected: Vec<f64> = sums
                .iter()
                .filter(|((u, v), s)| {
                    u[axis] != v[axis] && s[0] * s[0] >= 12.0 * s[1] && s[0] > 0.0
                })
                .map(|(_, s)| s[2] / s[0])
                .collect();
            expected.sort_by(f64::total_cmp);
            let summary = &found.per_axis[axis];
            assert!(expected.len() > 4, "the table is large enough to test on");
            assert_eq!(summary.environments, expected.len());
            let mean = expected.iter().sum::<f64>() / expected.len() as f64;
            assert!((summary.mean.unwrap() - mean).abs() < 1e-12);
            let p90 = quantile(&expected, 0.9).unwrap();
            assert!((summary.p90.unwrap() - p90).abs() < 1e-12);
            assert!((summary.max.unwrap() - expected[expected.len() - 1]).abs() < 1e-12);
        }
        let environments: usize = found.per_axis.iter().map(|s| s.environments).sum();
        assert_eq!(found.all.environments, environments);
    }
}

#[test]
fn the_sign_error_refuses_a_gap_that_is_not_of_accuracy() {
    let table = two_by_two([1.0; 4]);
    let column = table.measure("m").unwrap();
    let found = SignErrors::new(&table, column, &SignErrorOptions::new(100.0));
    assert_eq!(found, Err(Error::NoAccuracyGap));
}

/// A bootstrap of one draw is the statistic of that sample, computed here on the models written out one by one.
#[test]
fn a_draw_is_the_statistic_of_the_resampled_models() {
    let table = random_table(80, 21);
    for name in ["a", "b"] {
        let column = table.measure(name).unwrap();
        for seed in 0..5 {
            let seed = Seed::new(seed);
            let bootstrap = Bootstrap::new(1, 0.9, seed).unwrap();
            let found = bootstrap.intervals(&table, column, Repeats::Across);
            let mut stream = seed.purpose("bootstrap").index(0).stream();
            let drawn: Vec<usize> = (0..80).map(|_| stream.below(80) as usize).collect();
            let kept: Vec<usize> = drawn
                .into_iter()
                .filter(|&i| column.values()[i].is_some())
                .collect();
            let pick = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
                kept.iter().map(|&i| values(i)).collect()
            };
            let gap = pick(&|i| table.gap()[i]);
            let values = pick(&|i| column.values()[i].unwrap());
            // Two copies of one model are no pair: they are taken out of the denominator of τ-a. τ-b leaves ties out anyway.
            let mut copies = 0;
            for (place, i) in kept.iter().enumerate() {
                copies += kept[..place].iter().filter(|j| *j == i).count();
            }
            let pairs = (kept.len() * (kept.len() - 1) / 2) as f64;
            let tau = kendall(&values, &gap).unwrap();
            let tau_a = tau.tau_a * pairs / (pairs - copies as f64);
            let (a, b) = (found.tau_a.unwrap(), found.tau_b.unwrap());
            assert!(copies > 10, "the sample has copies");
            assert!((a.low - tau_a).abs() < 1e-14 && a.high == a.low && a.draws == 1);
            assert!((b.low - tau.tau_b.unwrap()).abs() < 1e-14);

            let values: Vec<Option<f64>> = values.into_iter().map(Some).collect();
            let mut sample = Table::new(&gap)
                .unwrap()
                .with_measure("m", &values)
                .unwrap();
            for axis in table.axes() {
                let codes: Vec<String> =
                    kept.iter().map(|&i| axis.codes()[i].to_string()).collect();
                sample = sample.with_axis(axis.name(), &codes).unwrap();
            }
            let expected = Granulated::new(&sample, sample.measure("m").unwrap(), Repeats::Across);
            for (interval, psi) in found.psi.iter().zip(&expected.psi) {
                assert!((interval.unwrap().low - psi.unwrap()).abs() < 1e-14);
            }
            assert!((found.overall.unwrap().low - expected.overall.unwrap()).abs() < 1e-14);
        }
    }
}

#[test]
fn the_bootstrap_does_not_depend_on_the_number_of_threads() {
    let table = random_table(60, 4);
    let options = AnalysisOptions {
        bootstrap: Some(Bootstrap::new(50, 0.95, Seed::new(9)).unwrap()),
        sign_error: Some(SignErrorOptions::new(1000.0)),
        ..Default::default()
    };
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| analyse(&table, &options).unwrap())
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(3));
    assert_eq!(one.measures[0].left_out, 0);
    assert!(one.measures[1].left_out > 5);
    let interval = one.measures[0].tau_a_interval.unwrap();
    let tau = one.measures[0].tau_a.unwrap();
    assert!(interval.low < tau && tau < interval.high);
}

#[test]
fn paired_differences() {
    let gap: Vec<f64> = (0..20).map(f64::from).collect();
    let with = |sign: f64| -> Vec<Option<f64>> { gap.iter().map(|g| Some(sign * g)).collect() };
    let table = Table::new(&gap)
        .unwrap()
        .with_measure("up", &with(1.0))
        .unwrap()
        .with_measure("down", &with(-1.0))
        .unwrap()
        .with_measure("constant", &[Some(0.0); 20])
        .unwrap();
    let bootstrap = Bootstrap::new(99, 0.95, Seed::new(2)).unwrap();
    let compare = |a: &str, b: &str, statistic| {
        bootstrap.difference(&table, a, b, statistic, Repeats::Across)
    };
    let same = compare("up", "up", Statistic::TauA).unwrap().unwrap();
    assert_eq!(
        (same.value, same.interval.low, same.interval.high),
        (0.0, 0.0, 0.0)
    );
    assert_eq!(same.p_value, 1.0);
    let apart = compare("up", "down", Statistic::TauB).unwrap().unwrap();
    assert_eq!(apart.value, 2.0);
    assert!((apart.interval.low - 2.0).abs() < 1e-12);
    assert_eq!(apart.p_value, 2.0 / 100.0);
    assert_eq!(compare("up", "constant", Statistic::TauB).unwrap(), None);
    assert!(matches!(
        compare("upp", "down", Statistic::TauA),
        Err(Error::UnknownColumn { nearest: Some(name), .. }) if name == "up"
    ));
}

#[test]
fn comparisons_with_several_measures_are_those_with_each() {
    let table = random_table(60, 12);
    let bootstrap = Bootstrap::new(20, 0.95, Seed::new(4)).unwrap();
    for statistic in [Statistic::TauA, Statistic::Granulated] {
        let one = |other| {
            let found = bootstrap.difference(&table, "a", other, statistic, Repeats::Across);
            found.unwrap()
        };
        let all = bootstrap.differences(&table, "a", &["b", "a", "b"], statistic, Repeats::Across);
        assert_eq!(all.unwrap(), [one("b"), one("a"), one("b")]);
    }
}

/// Fractions that differ by rounding are one value of a hyper-parameter; whole numbers that lie as close are two.
#[test]
fn levels_that_are_one_fraction_make_no_environment() {
    let gap: Vec<f64> = (0..8).map(|i| if i < 4 { 0.1 } else { 0.5 }).collect();
    let values: Vec<Option<f64>> = (0..8).map(|i| Some(f64::from(i))).collect();
    for (levels, environments) in [
        (["0.1", "0.1000001"], 0),
        (["0", "1e-8"], 0),
        (["0.1", "0.2"], 2),
        (["100000", "100001"], 2),
        (["a", "b"], 2),
    ] {
        let axis: Vec<&str> = (0..8).map(|i| levels[i / 4]).collect();
        let table = Table::new(&gap)
            .and_then(|table| table.with_accuracy_gap(&gap))
            .and_then(|table| table.with_axis("rate", &axis))
            .and_then(|table| table.with_measure("m", &values))
            .unwrap();
        let options = SignErrorOptions::new(1e4);
        let found = SignErrors::new(&table, table.measure("m").unwrap(), &options).unwrap();
        assert_eq!(found.all.environments, environments, "{levels:?}");
        let counts = count_environments(&table, &options).unwrap();
        let qualified: usize = counts.iter().map(|count| count.qualified).sum();
        assert_eq!(2 * qualified, environments, "{levels:?}");
    }
}

#[test]
fn bad_settings_and_columns_are_refused() {
    assert!(Bootstrap::new(0, 0.95, Seed::new(0)).is_err());
    assert!(Bootstrap::new(10, 1.0, Seed::new(0)).is_err());
    assert!(Bootstrap::new(10, f64::NAN, Seed::new(0)).is_err());
    assert!(matches!(
        Table::new(&[1.0, f64::INFINITY]),
        Err(Error::NonFinite { row: 1, .. })
    ));
    let table = Table::new(&[1.0, 2.0]).unwrap();
    assert!(matches!(
        table.clone().with_measure("m", &[Some(1.0)]),
        Err(Error::Length {
            expected: 2,
            found: 1,
            ..
        })
    ));
    assert!(matches!(
        table
            .clone()
            .with_measure("m", &[Some(1.0), Some(f64::NAN)]),
        Err(Error::NonFinite { row: 1, .. })
    ));
    let taken = table.with_axis("m", &["1", "2"]).unwrap();
    assert!(matches!(
        taken.with_measure("m", &[None, None]),
        Err(Error::NameTaken { .. })
    ));
}
