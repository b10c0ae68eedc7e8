//! Where the numbers on the page of an analysis come from, and what a terminal shows of them.

use super::{TableAnalysis, words::with_interval};
use crate::{
    Result,
    files::digest,
    report::{Provenance, markup::plain, words::fixed},
    version::versions,
};
use serde_json::json;

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
            command: self.command(name),
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

    /// What makes the page again, with every choice spelled out that the table does not make by itself.
    fn command(&self, name: &str) -> String {
        let table = &self.reading.table;
        let names = |names: Vec<&str>| names.join(",");
        let mut words = vec![format!(
            "cargo xtask analyse {name} --gap {}",
            self.reading.gap
        )];
        if !table.axes().is_empty() {
            words.push(format!(
                "--hyper {}",
                names(table.axes().iter().map(|a| a.name()).collect())
            ));
        }
        words.push(format!(
            "--measures {}",
            names(table.measures().iter().map(|m| m.name()).collect())
        ));
        if let Some(size) = self.reading.test_size {
            words.push(format!("--test-size {size}"));
        }
        words.push(format!(
            "--baseline {} --draws {} --seed {} --out DIR",
            self.baseline, self.draws, self.seed
        ));
        words.join(" ")
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
        let dash = || "–".to_owned();
        let number = |value: Option<f64>, decimals| value.map_or_else(dash, |v| fixed(v, decimals));
        let mut lines = vec![
            [
                "measure",
                "τ-a",
                "τ-b",
                "p (Holm)",
                "Ψ",
                "K",
                "sign error: mean",
                "max",
            ]
            .map(str::to_owned),
        ];
        let order = self.ranked();
        let kept = |(place, index): &(usize, &usize)| {
            *place < ROWS || self.analysis.measures[**index].name == self.baseline
        };
        for (_, &index) in order.iter().enumerate().filter(kept) {
            let measure = &self.analysis.measures[index];
            let errors = measure.sign_error.as_ref().map(|errors| &errors.all);
            lines.push([
                measure
                    .name
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c })
                    .collect(),
                measure
                    .tau_a
                    .map_or_else(dash, |tau| with_interval(tau, measure.tau_a_interval)),
                number(measure.tau_b, 3),
                measure.p_holm.map_or_else(dash, probability),
                number(measure.granulated, 3),
                number(measure.information.value, 3),
                number(errors.and_then(|e| e.mean), 3),
                number(errors.and_then(|e| e.max), 3),
            ]);
        }
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        let mut text = String::new();
        for line in &lines {
            let cells = line
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        let hidden = order.len() + 1 - lines.len();
        if hidden > 0 {
            text.push_str(&format!("… and {hidden} more\n"));
        }
        text
    }
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
