//! Everything there is to say about the measures of a table.

use rayon::prelude::*;
use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::granulated::{Granulated, Repeats};
use super::holm::holm;
use super::information::{Information, conditional_information};
use super::kendall::kendall;
use super::sign_error::{SignErrorOptions, SignErrors};
use super::table::{Column, Table};
use crate::error::Result;

/// What an analysis computes and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalysisOptions {
    /// Intervals; none are computed without.
    pub bootstrap: Option<Bootstrap>,
    /// What becomes of models that share all hyper-parameters.
    pub repeats: Repeats,
    /// Largest conditioning set of 𝒦.
    pub largest_conditioning: usize,
    /// The robust sign error; it is not computed without, nor for a table without a gap in accuracy.
    pub sign_error: Option<SignErrorOptions>,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self {
            bootstrap: None,
            repeats: Repeats::default(),
            largest_conditioning: 2,
            sign_error: None,
        }
    }
}

/// ψ along one hyper-parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisValue {
    /// Name of the hyper-parameter.
    pub axis: String,
    /// ψ; `None` where no two models differ in this hyper-parameter alone.
    pub value: Option<f64>,
    /// Its bootstrap interval.
    pub interval: Option<Interval>,
    /// Settings of the other hyper-parameters that it averages over.
    pub settings: usize,
}

/// All statistics of one measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureAnalysis {
    /// Name of the measure.
    pub name: String,
    /// Models for which it is defined.
    pub models: usize,
    /// Models for which it is undefined, and which are left out.
    pub left_out: usize,
    /// τ-a; `None` with fewer than two models.
    pub tau_a: Option<f64>,
    /// Interval of τ-a.
    pub tau_a_interval: Option<Interval>,
    /// τ-b; `None` also where measure or gap is constant.
    pub tau_b: Option<f64>,
    /// Interval of τ-b.
    pub tau_b_interval: Option<Interval>,
    /// Two-sided p-value of τ.
    pub p_value: Option<f64>,
    /// The same after Holm's correction over the measures of the table.
    pub p_holm: Option<f64>,
    /// ψ per hyper-parameter.
    pub psi: Vec<AxisValue>,
    /// Ψ, the mean of the ψ.
    pub granulated: Option<f64>,
    /// Interval of Ψ.
    pub granulated_interval: Option<Interval>,
    /// 𝒦, with every conditioning set.
    pub information: Information,
    /// The robust sign error.
    pub sign_error: Option<SignErrors>,
}

/// All statistics of all measures of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// Number of models in the table.
    pub models: usize,
    /// Whether all models have the same gap: there is nothing to order, every τ-a is 0, and τ-b, p-values and 𝒦 do not exist.
    pub constant_gap: bool,
    /// The hyper-parameters, in the order of all per-axis results.
    pub axes: Vec<String>,
    /// One entry per measure, in the order of the table.
    pub measures: Vec<MeasureAnalysis>,
}

/// Analyses every measure of `table`, in parallel.
///
/// # Errors
/// None at present for a valid table; the signature leaves room for statistics that can fail.
///
/// ```
/// use srr_measures::statistics::{AnalysisOptions, Bootstrap, Table, analyse};
/// use srr_random::Seed;
///
/// let table = Table::new(&[0.1, 0.2, 0.3, 0.4])?
///     .with_axis("width", &["1", "2", "1", "2"])?
///     .with_axis("rate", &["a", "a", "b", "b"])?
///     .with_measure("good", &[Some(1.0), Some(2.0), Some(3.0), Some(5.0)])?
///     .with_measure("constant", &[Some(7.0); 4])?;
/// let options = AnalysisOptions {
///     bootstrap: Some(Bootstrap::new(100, 0.95, Seed::new(1))?),
///     ..Default::default()
/// };
/// let analysis = analyse(&table, &options)?;
/// assert_eq!(analysis.measures[0].tau_a, Some(1.0));
/// assert_eq!(analysis.measures[1].tau_a, Some(0.0));
/// assert_eq!(analysis.measures[1].tau_b, None);
/// # Ok::<(), srr_measures::Error>(())
/// ```
pub fn analyse(table: &Table, options: &AnalysisOptions) -> Result<Analysis> {
    let mut measures = table
        .measures()
        .par_iter()
        .map(|measure| analyse_measure(table, measure, options))
        .collect::<Result<Vec<_>>>()?;
    let p_values: Vec<_> = measures.iter().map(|m| m.p_value).collect();
    for (measure, corrected) in measures.iter_mut().zip(holm(&p_values)) {
        measure.p_holm = corrected;
    }
    Ok(Analysis {
        models: table.models(),
        constant_gap: table.gap().windows(2).all(|pair| pair[0] == pair[1]),
        axes: table.axes().iter().map(|a| a.name().to_owned()).collect(),
        measures,
    })
}

fn analyse_measure(
    table: &Table,
    measure: &Column,
    options: &AnalysisOptions,
) -> Result<MeasureAnalysis> {
    let (models, values) = measure.defined();
    let gap: Vec<f64> = models.iter().map(|&i| table.gap()[i]).collect();
    let tau = if models.len() > 1 {
        Some(kendall(&values, &gap)?)
    } else {
        None
    };
    let granulated = Granulated::new(table, measure, options.repeats);
    let intervals = options
        .bootstrap
        .map(|bootstrap| bootstrap.intervals(table, measure, options.repeats));
    let sign_error = match (&options.sign_error, table.accuracy_gap()) {
        (Some(sign_error), Some(_)) => Some(SignErrors::new(table, measure, sign_error)?),
        _ => None,
    };
    let interval_of = |axis: usize| intervals.as_ref().and_then(|i| i.psi[axis]);
    let psi = table.axes().iter().enumerate().map(|(a, axis)| AxisValue {
        axis: axis.name().to_owned(),
        value: granulated.psi[a],
        interval: interval_of(a),
        settings: granulated.settings[a],
    });
    Ok(MeasureAnalysis {
        name: measure.name().to_owned(),
        models: models.len(),
        left_out: table.models() - models.len(),
        tau_a: tau.map(|t| t.tau_a),
        tau_a_interval: intervals.as_ref().and_then(|i| i.tau_a),
        tau_b: tau.and_then(|t| t.tau_b),
        tau_b_interval: intervals.as_ref().and_then(|i| i.tau_b),
        p_value: tau.and_then(|t| t.p_value),
        p_holm: None,
        psi: psi.collect(),
        granulated: granulated.overall,
        granulated_interval: intervals.as_ref().and_then(|i| i.overall),
        information: conditional_information(table, measure, options.largest_conditioning),
        sign_error,
    })
}
