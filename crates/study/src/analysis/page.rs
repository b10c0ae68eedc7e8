//! Where the numbers on the page of an analysis come from, and what a terminal shows of them.

use super::{TableAnalysis, words::with_interval};
use crate::{
    Result,
    files::digest,
    report::{Provenance, markup::plain, words::fixed},
    version::versions,
};
use serde_json::json;
use srr_measures::statistics::MeasureAnalysis;

/// Rows that a terminal shows.
const ROWS: usize = 20;

impl TableAnalysis {
    pub(super) fn provenance(&self, name: &str) -> Result<Provenance> {
        let measures = self.analysis.measures.len();
        Ok(Provenance {
            title: format!("Analysis of {name}"),
            subtitle: format!(
                "{} models, {} hyper-parameters and {measures} measures.",
                self.analysis.models,
                self.analysis.axes.len()
            ),
            data: vec![(format!("{name}, as read"), self.table_digest()?)],
            versions: versions(),
            command: self.request.command(name, &self.baseline, self.draws),
            references: REFERENCES.iter().map(|&line| line.to_owned()).collect(),
            ..Provenance::default()
        })
    }

    /// Digest of the models that count: the same for the same values in whatever format.
    fn table_digest(&self) -> Result<String> {
        let table = &self.reading.table;
        let axes: Vec<_> = table
            .axes()
            .iter()
            .map(|a| (a.name(), a.levels(), a.codes()))
            .collect();
        let measures: Vec<_> = table
            .measures()
            .iter()
            .map(|m| (m.name(), m.values()))
            .collect();
        digest(&json!({
            "gap": table.gap(),
            "accuracy_gap": table.accuracy_gap(),
            "hyper_parameters": axes,
            "measures": measures,
        }))
    }

    /// What was computed over what, in a line.
    #[must_use]
    pub fn in_short(&self) -> String {
        let rows = &self.reading.rows;
        let errors = match self.reading.no_sign_error.as_str() {
            "" => String::new(),
            why => format!("\n{}", plain(why)),
        };
        format!(
            "{} of {} rows{}; {}{errors}",
            rows.used.len(),
            rows.read,
            rows.reasons(),
            self.bootstrap()
        )
    }

    /// A short table for a terminal: the measures with the largest τ, and the baseline.
    #[must_use]
    pub fn terminal(&self) -> String {
        let order = self.ranked();
        let kept = |(place, index): &(usize, &usize)| {
            *place < ROWS || self.analysis.measures[**index].name == self.baseline
        };
        let shown = order.iter().enumerate().filter(kept);
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        lines.extend(shown.map(|(_, &index)| line(&self.analysis.measures[index])));
        let mut text = aligned(&lines);
        let hidden = order.len() + 1 - lines.len();
        if hidden > 0 {
            text.push_str(&format!("… and {hidden} more\n"));
        }
        text
    }
}

const HEADINGS: [&str; 8] = [
    "measure",
    "τ-a",
    "τ-b",
    "p (Holm)",
    "Ψ",
    "K",
    "sign error: mean",
    "max",
];

/// What a terminal shows of a measure.
fn line(measure: &MeasureAnalysis) -> [String; 8] {
    let dash = || "–".to_owned();
    let number = |value: Option<f64>| value.map_or_else(dash, |v| fixed(v, 3));
    let errors = measure.sign_error.as_ref().map(|errors| &errors.all);
    let name = measure.name.chars();
    [
        name.map(|c| if c.is_control() { ' ' } else { c }).collect(),
        measure
            .tau_a
            .map_or_else(dash, |tau| with_interval(tau, measure.tau_a_interval)),
        number(measure.tau_b),
        measure.p_holm.map_or_else(dash, probability),
        number(measure.granulated),
        number(measure.information.value),
        number(errors.and_then(|e| e.mean)),
        number(errors.and_then(|e| e.max)),
    ]
}

/// Columns as wide as their widest cell, a line each.
fn aligned(lines: &[[String; 8]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: [usize; 8] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for line in lines {
        let cells = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A p-value; one too small for a number is said to be small.
fn probability(p: f64) -> String {
    if p == 0.0 {
        return "< 1e-300".to_owned();
    }
    format!("{p:.2e}")
}

const REFERENCES: [&str; 4] = [
    "Jiang, Neyshabur, Mobahi, Krishnan, Bengio: Fantastic Generalization Measures and Where to Find Them. ICLR 2020.",
    "Dziugaite, Drouin, Neal, Rajkumar, Caballero, Wang, Mitliagkas, Roy: In Search of Robust Measures of Generalization. \
     NeurIPS 2020.",
    "Kendall: Rank Correlation Methods. Griffin, 4th edition 1970.",
    "Holm: A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian Journal of Statistics 6, 1979.",
];
