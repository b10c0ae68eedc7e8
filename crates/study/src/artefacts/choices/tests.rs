//! Three ways to take the rate, and two other measures of which one can be taken in another way.

use super::{
    super::zoo::Judged,
    asked::{Asked, Other, Rate},
    measures, places, rates,
};
use crate::{
    analysis::LEVEL,
    measuring::MeasureRequest,
    profile,
    report::{
        Cell, Table,
        svg::{Size, Theme, render},
    },
};
use srr_measures::statistics::{self, Analysis, AnalysisOptions, Bootstrap, analyse};
use srr_random::Seed;

const MODELS: usize = 40;

fn asked() -> Asked {
    let request = MeasureRequest::srr(&profile::Measure::default());
    let judged = |name: &str| Judged::plain(name, &request);
    let rate = |answer: &str| Rate {
        question: "how".to_owned(),
        answer: answer.to_owned(),
        judged: judged(&format!("srr {answer}")),
    };
    Asked {
        rates: ["as usual", "alike", "reversed"].map(rate).into(),
        usual: ["other", "empty"].map(judged).into(),
        others: vec![Other {
            question: "what",
            answer: "turned",
            reached: vec![(0, judged("other turned"))],
        }],
    }
}

/// Gaps 0 … 39. The usual rate orders them but for neighbours in eights, "alike" exactly as it does.
fn table() -> statistics::Table {
    let gap: Vec<f64> = (0..MODELS).map(|i| i as f64).collect();
    let column = |f: &dyn Fn(usize) -> f64| (0..MODELS).map(|i| Some(f(i))).collect::<Vec<_>>();
    let rough = |i: usize| (i / 8 * 8 + 7 - i % 8) as f64;
    let columns = [
        ("srr as usual", column(&rough)),
        ("srr alike", column(&|i| 2.0 * rough(i))),
        ("srr reversed", column(&|i| -rough(i))),
        ("other", column(&|i| i as f64)),
        ("empty", vec![None; MODELS]),
        ("other turned", column(&|i| -(i as f64))),
    ];
    let table = statistics::Table::new(&gap).unwrap();
    columns.iter().fold(table, |table, (name, values)| {
        table.with_measure(name, values).unwrap()
    })
}

struct Case {
    asked: Asked,
    table: statistics::Table,
    analysis: Analysis,
    bootstrap: Bootstrap,
}

fn case() -> Case {
    let bootstrap = Bootstrap::new(200, LEVEL, Seed::new(1)).unwrap();
    let table = table();
    let options = AnalysisOptions {
        bootstrap: Some(bootstrap),
        largest_conditioning: 0,
        ..AnalysisOptions::default()
    };
    Case {
        asked: asked(),
        analysis: analyse(&table, &options).unwrap(),
        table,
        bootstrap,
    }
}

/// The cells of a column.
fn cells<'a>(table: &'a Table, key: &str) -> Vec<&'a Cell> {
    let place = table.columns.iter().position(|column| column.key == key);
    let place = place.unwrap_or_else(|| panic!("no column {key}"));
    table.rows.iter().map(|row| &row[place]).collect()
}

fn numbers(table: &Table, key: &str) -> Vec<Option<f64>> {
    let number = |cell: &&Cell| match cell {
        Cell::Number(number) => Some(*number),
        Cell::Integer(number) => Some(*number as f64),
        Cell::Interval { value, .. } => Some(*value),
        _ => None,
    };
    cells(table, key).iter().map(number).collect()
}

#[test]
fn every_way_to_take_the_rate_has_its_row_and_its_change_from_the_reference() {
    let case = case();
    let taken = rates::all(&case.asked, &case.table, &case.analysis, &case.bootstrap).unwrap();
    let table = rates::table(&taken);
    // 780 pairs, of which 5 · 28 are turned round: τ = (640 − 140)/780.
    let tau = 500.0 / 780.0;
    assert_eq!(numbers(&table, "tau_a"), [Some(tau), Some(tau), Some(-tau)]);
    let change = numbers(&table, "difference");
    assert_eq!(change, [None, Some(0.0), Some(-2.0 * tau)]);
    let Cell::Interval { low, high, .. } = cells(&table, "difference")[2] else {
        panic!("a change without an interval");
    };
    assert!(*low < -2.0 * tau && -2.0 * tau < *high && *high < 0.0);
    // Two changes: the smaller p doubles, the other is 1.
    let p = numbers(&table, "p")[2].unwrap();
    assert_eq!(numbers(&table, "p_holm"), [None, Some(1.0), Some(2.0 * p)]);

    let said = rates::finding(&taken);
    assert!(
        said.contains("Of 2 other choices, 1 turns the sign"),
        "{said}"
    );
    assert!(said.contains("off zero for how: reversed."), "{said}");

    // The chart has these rows alone, whatever else was analysed.
    let svg = render(&rates::chart(&taken), Theme::Paper, Size::Wide);
    assert_eq!(
        svg.matches("how: ").count(),
        2 * 3,
        "a name and a label each"
    );
    assert!(!svg.contains("other"));
}

#[test]
fn a_measure_without_a_tau_is_neither_beaten_nor_level() {
    let case = case();
    let places = places::all(&case.asked, &case.table, &case.analysis, &case.bootstrap).unwrap();
    let table = places::table(&places);
    assert_eq!(table.rows.len(), 4);
    let of = |key| numbers(&table, key);
    assert_eq!(of("place"), [Some(2.0), Some(2.0), Some(2.0), Some(1.0)]);
    assert_eq!(of("of"), [Some(2.0); 4]);
    assert_eq!(of("ahead"), [0.0, 0.0, 0.0, 1.0].map(Some));
    assert_eq!(of("behind"), [1.0, 1.0, 1.0, 0.0].map(Some));
    assert_eq!(of("not_told_apart"), [Some(0.0); 4]);
    assert_eq!(of("undefined"), [Some(1.0); 4]);
}

#[test]
fn other_measures_move_by_the_choices_that_reach_them() {
    let case = case();
    let moves = measures::all(&case.asked, &case.table, &case.analysis, &case.bootstrap).unwrap();
    let table = measures::table(&moves);
    assert_eq!(numbers(&table, "tau_a"), [Some(1.0), Some(-1.0), None]);
    assert_eq!(numbers(&table, "difference"), [None, Some(-2.0), None]);
    let said = measures::finding(&moves);
    assert!(
        said.contains("1 of 2 have a convention") && said.contains("turns the sign of τ of other"),
        "{said}"
    );
    assert!(
        said.contains("over 1 change is that of other by what: −2.000"),
        "{said}"
    );
}
