//! The statistics of a table as large as the public ones, part by part, beside a plain loop over all pairs of models:
//! `cargo bench -p srr-measures --bench statistics [MODELS [MEASURES [DRAWS]]]`.

use std::error::Error;
use std::time::Instant;

use srr_measures::statistics::{
    AnalysisOptions, Bootstrap, SignErrorOptions, Table, analyse, kendall,
};
use srr_random::Seed;

/// Hyper-parameters and their numbers of values: 2,500 cells.
const AXES: [(&str, u64); 4] = [("batch", 5), ("width", 10), ("depth", 10), ("rate", 5)];

fn table(models: usize, measures: usize) -> Result<Table, srr_measures::Error> {
    let mut stream = Seed::new(1).stream();
    let gap: Vec<f64> = (0..models).map(|_| 0.3 * stream.uniform()).collect();
    let mut table = Table::new(&gap)?.with_accuracy_gap(&gap)?;
    for (name, levels) in AXES {
        let values: Vec<String> = (0..models)
            .map(|_| stream.below(levels).to_string())
            .collect();
        table = table.with_axis(name, &values)?;
    }
    for i in 0..measures {
        let values: Vec<_> = gap
            .iter()
            .map(|g| Some(g + 0.3 * stream.normal()))
            .collect();
        table = table.with_measure(&format!("m{i}"), &values)?;
    }
    Ok(table)
}

/// τ-a by its definition.
fn all_pairs(x: &[f64], y: &[f64]) -> f64 {
    let sign = |d: f64| i64::from(d > 0.0) - i64::from(d < 0.0);
    let n = x.len();
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    let sum: i64 = pairs
        .map(|(i, j)| sign(x[i] - x[j]) * sign(y[i] - y[j]))
        .sum();
    sum as f64 / (n * (n - 1) / 2) as f64
}

fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

fn main() -> Result<(), Box<dyn Error>> {
    let numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok());
    let numbers: Vec<usize> = numbers.collect();
    let number = |place: usize, usual: usize| numbers.get(place).copied().unwrap_or(usual);
    let (models, measures, draws) = (number(0, 10_000), number(1, 50), number(2, 200));
    let table = table(models, measures)?;
    println!(
        "{models} models, {measures} measures, {draws} draws, {} threads",
        rayon::current_num_threads()
    );

    let x: Vec<f64> = table.measures()[0]
        .values()
        .iter()
        .copied()
        .flatten()
        .collect();
    let (loop_seconds, by_loop) = seconds(|| all_pairs(&x, table.gap()));
    let (sort_seconds, by_sort) = seconds(|| kendall(&x, table.gap()));
    assert!((by_loop - by_sort?.tau_a).abs() < 1e-12);
    let ratio = loop_seconds / sort_seconds;
    println!(
        "τ of one measure: {sort_seconds:.5} s; over all pairs {loop_seconds:.3} s, {ratio:.0} times as long"
    );

    let bootstrap = Bootstrap::new(draws, 0.95, Seed::new(0))?;
    let plain = AnalysisOptions {
        bootstrap: None,
        sign_error: None,
        largest_conditioning: 0,
        ..AnalysisOptions::default()
    };
    let options = [
        ("τ, ψ", plain),
        (
            "with K",
            AnalysisOptions {
                largest_conditioning: 2,
                ..plain
            },
        ),
        (
            "with sign errors",
            AnalysisOptions {
                sign_error: Some(SignErrorOptions::new(10_000.0)),
                ..plain
            },
        ),
        (
            "with intervals",
            AnalysisOptions {
                bootstrap: Some(bootstrap),
                ..plain
            },
        ),
        (
            "all of it",
            AnalysisOptions {
                bootstrap: Some(bootstrap),
                sign_error: Some(SignErrorOptions::new(10_000.0)),
                ..AnalysisOptions::default()
            },
        ),
    ];
    for (what, options) in options {
        let (seconds, found) = seconds(|| analyse(&table, &options));
        println!(
            "{what}: {seconds:.2} s for {} measures",
            found?.measures.len()
        );
    }
    let names: Vec<&str> = table.measures().iter().skip(1).map(|m| m.name()).collect();
    let (seconds, found) = seconds(|| {
        bootstrap.differences(
            &table,
            "m0",
            &names,
            srr_measures::statistics::Statistic::TauA,
            srr_measures::statistics::Repeats::default(),
        )
    });
    println!("one measure against {}: {seconds:.2} s", found?.len());
    Ok(())
}
