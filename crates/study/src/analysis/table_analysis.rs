//! All statistics of a table, and the comparison of one measure with every other.

use super::{
    LEVEL, Reading, Request, default_draws,
    rivals::{self, Rival},
};
use crate::{
    Result,
    tables::{RawTable, TableError},
};
use srr_measures::{
    nearest_name,
    statistics::{
        Analysis, AnalysisOptions, Bootstrap, EnvironmentCount, SignErrorOptions, analyse,
        count_environments,
    },
};
use srr_random::Seed;

/// A table with everything that the statistics say about it.
#[derive(Clone, Debug)]
pub struct TableAnalysis {
    pub(super) request: Request,
    pub(super) reading: Reading,
    pub(super) analysis: Analysis,
    pub(super) baseline: String,
    pub(super) rivals: Vec<Rival>,
    pub(super) environments: Vec<EnvironmentCount>,
    pub(super) sign_error: Option<SignErrorOptions>,
    pub(super) draws: usize,
    pub(super) seed: u64,
    /// Whether nobody said how many draws, and the table is so large that there are fewer than usual.
    pub(super) fewer_draws: bool,
}

/// Reads a table as the request says and computes everything. The same table and request give the same numbers, whatever the number of
/// threads and the format of the file.
///
/// # Errors
/// As [`Reading::new`]; [`TableError::UnknownBaseline`].
pub fn analyse_table(table: &RawTable, request: &Request) -> Result<TableAnalysis> {
    TableAnalysis::new(Reading::new(table, request)?, request)
}

impl TableAnalysis {
    /// Computes everything about a table that was read.
    ///
    /// # Errors
    /// [`TableError::UnknownBaseline`].
    pub fn new(reading: Reading, request: &Request) -> Result<Self> {
        let table = &reading.table;
        if let Some(name) = &request.baseline {
            check_baseline(&reading, name)?;
        }
        let usual = default_draws(table.models(), table.measures().len());
        let draws = request.draws.map_or(usual, usize::from);
        let bootstrap = Bootstrap::new(draws, LEVEL, Seed::new(request.seed))?;
        let sign_error = reading
            .test_size
            .map(|size| SignErrorOptions::new(size as f64));
        let options = AnalysisOptions {
            bootstrap: Some(bootstrap),
            sign_error,
            ..AnalysisOptions::default()
        };
        let analysis = analyse(table, &options)?;
        let baseline = request
            .baseline
            .clone()
            .unwrap_or_else(|| usual_baseline(&analysis));
        let rivals = rivals::all(table, &analysis, &baseline, &bootstrap)?;
        let environments = match &sign_error {
            Some(options) => count_environments(table, options)?,
            None => Vec::new(),
        };
        Ok(Self {
            fewer_draws: request.draws.is_none() && draws < default_draws(1, 1),
            reading,
            analysis,
            baseline,
            rivals,
            environments,
            sign_error,
            draws,
            seed: request.seed,
            request: request.clone(),
        })
    }

    /// How the table was read.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The statistics of every measure.
    #[must_use]
    pub fn statistics(&self) -> &Analysis {
        &self.analysis
    }

    /// The measure that is compared with every other one.
    #[must_use]
    pub fn baseline(&self) -> &str {
        &self.baseline
    }

    /// Bootstrap draws.
    #[must_use]
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// The measures by τ, largest first; those without a τ come last, equals in the order of the table.
    pub(super) fn ranked(&self) -> Vec<usize> {
        let tau = |index: &usize| {
            self.analysis.measures[*index]
                .tau_a
                .unwrap_or(f64::NEG_INFINITY)
        };
        let mut order: Vec<usize> = (0..self.analysis.measures.len()).collect();
        order.sort_by(|a, b| tau(b).total_cmp(&tau(a)));
        order
    }

    /// As figures show it: short names, measures by τ.
    pub(super) fn shown(&self) -> Analysis {
        let short = |name: &str| self.reading.short(name).to_owned();
        let mut shown = self.analysis.clone();
        shown.axes = shown.axes.iter().map(|axis| short(axis)).collect();
        shown.measures = self
            .ranked()
            .into_iter()
            .map(|i| self.analysis.measures[i].clone())
            .collect();
        for measure in &mut shown.measures {
            measure.name = short(&measure.name);
            for psi in &mut measure.psi {
                psi.axis = short(&psi.axis);
            }
        }
        shown
    }

    /// The baseline as figures name it.
    pub(super) fn star(&self) -> &str {
        self.reading.short(&self.baseline)
    }
}

fn check_baseline(reading: &Reading, name: &str) -> Result<()> {
    let names: Vec<&str> = reading.table.measures().iter().map(|m| m.name()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(TableError::UnknownBaseline {
        name: name.to_owned(),
        nearest: nearest_name(name, names.iter().copied()),
        known: names.join(", "),
    }
    .into())
}

/// The sparse rate reduction where it is a measure, else the measure with the largest τ.
fn usual_baseline(analysis: &Analysis) -> String {
    let known = |name: &&str| {
        analysis
            .measures
            .iter()
            .any(|measure| measure.name == *name)
    };
    if let Some(srr) = ["srr", "complexity.srr"].iter().find(|name| known(name)) {
        return (*srr).to_owned();
    }
    let mut best: Option<(&str, f64)> = None;
    for measure in &analysis.measures {
        let tau = measure.tau_a.unwrap_or(f64::NEG_INFINITY);
        if best.is_none_or(|(_, largest)| tau > largest) {
            best = Some((&measure.name, tau));
        }
    }
    best.map_or_else(String::new, |(name, _)| name.to_owned())
}
