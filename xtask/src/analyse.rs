//! `analyse`: which measures of a table of models order them by their generalization gap, and in which environments they fail.

use crate::{output::is_folder, say::say, whole::at_least_one};
use srr_study::{
    analysis::{Request, TableAnalysis, analyse_table},
    report, tables,
};
use std::{
    error::Error,
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
};

/// Statistics of anybody's table: one row per model, columns of hyper-parameters, measures and the generalization gap.
#[derive(clap::Args)]
pub(crate) struct AnalyseArgs {
    /// The table: .csv with a header, .parquet, or .jsonl. That of Dziugaite et al. and a study's zoo.csv need no further word.
    #[arg(value_name = "TABLE")]
    table: PathBuf,
    /// Where analysis.json, tables, figures and report.html go: a folder that is not there, is empty, or holds an earlier analysis.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Column of the generalization gap.
    #[arg(long, value_name = "COL")]
    gap: Option<String>,
    /// Columns of the hyper-parameters, whose names then hold no comma.
    #[arg(long, value_name = "COL,…", value_delimiter = ',')]
    hyper: Option<Vec<String>>,
    /// Columns of the measures; by default, where gap and hyper-parameters are named, every other column that holds numbers.
    #[arg(long, value_name = "COL,…", value_delimiter = ',')]
    measures: Option<Vec<String>>,
    /// Column of truth values: rows where it is false, no or 0 are left out and counted.
    #[arg(long, value_name = "COL")]
    converged: Option<String>,
    /// Test images behind the gap, which has to be one of accuracy (training minus test, as a share), never of loss: turns the robust
    /// sign error on. In the layout of Dziugaite et al. 10,000 by default.
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    test_size: Option<NonZeroU64>,
    /// The measure to compare with every other one; by default `srr` or `complexity.srr`, else the one with the largest τ.
    #[arg(long, value_name = "COL")]
    baseline: Option<String>,
    /// Bootstrap draws; by default 2,000, and fewer (at least 200) for very large tables.
    #[arg(long, value_name = "B", value_parser = at_least_one::<NonZeroUsize>)]
    draws: Option<NonZeroUsize>,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Entry point of the command.
pub(crate) fn run(args: AnalyseArgs) -> Result<(), Box<dyn Error>> {
    is_folder(&args.out)?;
    is_elsewhere(&args.table, &args.out)?;
    let request = Request {
        gap: args.gap,
        hyper: args.hyper.map(named),
        measures: args.measures.map(named),
        converged: args.converged,
        test_size: args.test_size,
        baseline: args.baseline,
        draws: args.draws,
        seed: args.seed,
    };
    TableAnalysis::check_folder(&args.out)?;
    let table = tables::read(&args.table)?;
    let found = analyse_table(&table, &request)
        .map_err(|error| format!("{}: {error}", args.table.display()))?;
    let name = args.table.file_name().unwrap_or_default();
    let written = found.publish(&args.out, &name.to_string_lossy())?;
    say!("{}", found.terminal());
    found
        .reading()
        .notes()
        .iter()
        .for_each(|note| say!("note: {}", report::markup::plain(note)));
    say!("{}", found.in_short());
    say!("{} files in {}", written.len(), args.out.display());
    say!("report: {}", args.out.join(report::PAGE).display());
    Ok(())
}

/// The names of a list, without those that are empty: `--hyper ""` names none.
fn named(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// An error if the table lies in the output folder, where a file of the analysis could take its place.
fn is_elsewhere(table: &Path, out: &Path) -> Result<(), String> {
    let folder = fs::canonicalize(table)
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf));
    match (folder, fs::canonicalize(out)) {
        (Some(folder), Ok(out)) if folder == out => Err(format!(
            "the table lies in the output folder {}; choose another folder",
            out.display()
        )),
        _ => Ok(()),
    }
}
