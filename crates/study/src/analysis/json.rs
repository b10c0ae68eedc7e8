//! `analysis.json`: the statistics for programs. Nothing in it depends on the format of the table, on its name or on the time.

use super::{LEVEL, TableAnalysis, rivals::Rival};
use crate::{Result, files::canonical_json};
use serde_json::{Map, Value, json};
use srr_measures::statistics::{Interval, MeasureAnalysis, SignErrorSummary, SignErrors};

/// Version of the file. It grows when a key changes its meaning.
pub(super) const FORMAT: u64 = 1;

impl TableAnalysis {
    /// The statistics as JSON with sorted keys; see `docs/analyse.md` for what the keys mean. What does not exist is `null`.
    ///
    /// # Errors
    /// None at present: everything here can be JSON.
    pub fn json(&self) -> Result<String> {
        let analysis = &self.analysis;
        let measures: Map<String, Value> = analysis
            .measures
            .iter()
            .map(|measure| (measure.name.clone(), self.measure(measure)))
            .collect();
        let rows = &self.reading.rows;
        let left_out: Map<String, Value> = rows
            .left_out
            .iter()
            .map(|(key, _, count)| ((*key).to_owned(), json!(count)))
            .collect();
        let axes: Map<String, Value> = self
            .reading
            .table
            .axes()
            .iter()
            .map(|axis| (axis.name().to_owned(), json!(axis.levels())))
            .collect();
        canonical_json(&json!({
            "format": FORMAT,
            "kind": KIND,
            "layout": self.reading.layout.name(),
            "gap": self.reading.gap,
            "models": analysis.models,
            "rows": {
                "read": rows.read,
                "used": rows.used.len(),
                "left_out": left_out,
                "repeated": rows.repeated,
            },
            "hyper_parameters": axes,
            "bootstrap": { "draws": self.draws, "level": LEVEL, "seed": self.seed },
            "baseline": self.baseline,
            "sign_error": self.sign_error_options(),
            "measures": measures,
            "notes": self.reading.notes,
        }))
    }

    fn sign_error_options(&self) -> Value {
        match &self.sign_error {
            None => json!({ "computed": false, "why": self.reading.no_sign_error }),
            Some(options) => json!({
                "computed": true,
                "test_size": self.reading.test_size,
                "least_weight": options.least_weight,
                "least_effective_size": options.least_effective_size,
            }),
        }
    }

    fn measure(&self, measure: &MeasureAnalysis) -> Value {
        let psi = |value: &dyn Fn(usize) -> Value| -> Map<String, Value> {
            let axes = measure.psi.iter().enumerate();
            axes.map(|(i, axis)| (axis.axis.clone(), value(i)))
                .collect()
        };
        let rival = self.rivals.iter().find(|rival| rival.name == measure.name);
        json!({
            "models": measure.models,
            "undefined": measure.left_out,
            "tau_a": measure.tau_a,
            "interval": interval(measure.tau_a_interval),
            "tau_b": measure.tau_b,
            "tau_b_interval": interval(measure.tau_b_interval),
            "p_value": measure.p_value,
            "p_holm": measure.p_holm,
            "psi": psi(&|i| json!(measure.psi[i].value)),
            "psi_interval": psi(&|i| interval(measure.psi[i].interval)),
            "psi_settings": psi(&|i| json!(measure.psi[i].settings)),
            "Psi": measure.granulated,
            "Psi_interval": interval(measure.granulated_interval),
            "cmi": measure.information.value,
            "cmi_by_condition": measure.information.conditionings,
            "sign_error": self.sign_errors(measure, |e| (&e.all, &e.per_axis)),
            "sign_error_pooled": self.sign_errors(measure, |e| (&e.pooled, &e.pooled_per_axis)),
            "baseline_minus_this": rival.map(difference),
        })
    }

    /// By hyper-parameter, and `all`.
    fn sign_errors(
        &self,
        measure: &MeasureAnalysis,
        pick: fn(&SignErrors) -> (&SignErrorSummary, &Vec<SignErrorSummary>),
    ) -> Value {
        let Some(errors) = &measure.sign_error else {
            return Value::Null;
        };
        let (all, per_axis) = pick(errors);
        let axes = self
            .analysis
            .axes
            .iter()
            .cloned()
            .zip(per_axis.iter().map(summary));
        Value::Object(axes.chain([("all".to_owned(), summary(all))]).collect())
    }
}

/// What the file says it is.
pub(super) const KIND: &str = "analysis of a table of models";

fn interval(interval: Option<Interval>) -> Value {
    interval.map_or(Value::Null, |interval| json!([interval.low, interval.high]))
}

fn summary(errors: &SignErrorSummary) -> Value {
    json!({
        "environments": errors.environments,
        "mean": errors.mean,
        "p90": errors.p90,
        "max": errors.max,
    })
}

fn difference(rival: &Rival) -> Value {
    let Some(found) = &rival.difference else {
        return Value::Null;
    };
    json!({
        "tau_a": found.value,
        "interval": interval(Some(found.interval)),
        "p_value": found.p_value,
        "p_holm": rival.p_holm,
        "models": found.models,
    })
}
