//! `measures`: every complexity measure with its source, assumptions and cost, one a line.

use srr_measures::{Measure, Registry};
use std::{error::Error, io::Write};

/// Lists the measures.
#[derive(clap::Args)]
pub(crate) struct MeasuresArgs {
    /// Also print the raw value as a formula.
    #[arg(long)]
    formulas: bool,
}

/// Entry point of the command.
pub(crate) fn run(args: MeasuresArgs) -> Result<(), Box<dyn Error>> {
    let registry = Registry::built_in();
    let mut rows = vec![["name", "source", "assumptions", "cost", "formula"].map(String::from)];
    rows.extend(registry.iter().map(row));
    let columns = if args.formulas { 5 } else { 4 };
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut out = std::io::stdout().lock();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

fn row(measure: &dyn Measure) -> [String; 5] {
    let about = measure.about();
    [
        about.name.to_owned(),
        about.source.to_owned(),
        about.assumptions.to_owned(),
        about.cost.to_string(),
        about.definition.to_owned(),
    ]
}
