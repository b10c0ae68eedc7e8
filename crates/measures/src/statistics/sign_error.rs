//! The robust sign error of Dziugaite et al. 2020.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::granulated::{Group, groups_along};
use super::quantile::quantile;
use super::table::{Axis, Column, Table};
use crate::error::{Error, Result};

/// Probability that two gaps differ in truth as they do in the data, as the public code of Dziugaite et al. 2020 has it:
/// $h = \max(0, 1 - 2e^{-2n(\Delta/2)^2})^2$ for gaps in accuracy that differ by `delta` on `test_size` images (Hoeffding).
///
/// ```
/// use srr_measures::statistics::hoeffding_weight;
///
/// assert_eq!(hoeffding_weight(0.0, 1797.0), 0.0);
/// assert!(hoeffding_weight(0.1, 1797.0) > 0.99);
/// ```
pub fn hoeffding_weight(delta: f64, test_size: f64) -> f64 {
    let half = delta / 2.0;
    let sure = 1.0 - 2.0 * (-2.0 * test_size * half * half).exp();
    sure.max(0.0).powi(2)
}

/// What the sign error depends on besides the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignErrorOptions {
    /// Number of test images behind the gap in accuracy.
    pub test_size: f64,
    /// Weight below which a pair does not count; what exceeds it is its weight. 0.5 in the public code.
    pub least_weight: f64,
    /// Smallest effective sample size (Σw)²/Σw² of an environment. 12 in the public code.
    pub least_effective_size: f64,
}

impl SignErrorOptions {
    /// The settings of the public code, for a test set of this size.
    pub fn new(test_size: f64) -> Self {
        Self {
            test_size,
            least_weight: 0.5,
            least_effective_size: 12.0,
        }
    }
}

/// One change of one hyper-parameter, all else equal, and how often the measure gets its sign wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Environment {
    /// Index of the hyper-parameter among the table's axes.
    pub axis: usize,
    /// The two levels of it.
    pub levels: (usize, usize),
    /// (Σw)²/Σw² over the pairs of models.
    pub effective_size: f64,
    /// Σ w (1 − sgn ΔC · sgn Δg)/2 / Σ w.
    pub error: f64,
}

/// Sign errors over a set of environments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignErrorSummary {
    /// Number of environments; both orders of every pair of cells count, as in the public code.
    pub environments: usize,
    /// Mean sign error; `None` where no environment qualifies.
    pub mean: Option<f64>,
    /// 90th percentile, linear between order statistics.
    pub p90: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// The sign errors, ascending, one per unordered pair of cells: the distribution function steps at each.
    pub errors: Vec<f64>,
}

/// Robust sign errors of one measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignErrors {
    /// Environments that qualify, per axis of the table.
    pub per_axis: Vec<SignErrorSummary>,
    /// Over all axes.
    pub all: SignErrorSummary,
    /// Per axis, with environments pooled over all pairs of cells that differ in the same two values of one
    /// hyper-parameter, whatever their effective size: what small studies can say where no pair of cells qualifies.
    pub pooled_per_axis: Vec<SignErrorSummary>,
    /// The pooled form over all axes.
    pub pooled: SignErrorSummary,
    /// The pooled environments themselves, with their effective sizes.
    pub pooled_environments: Vec<Environment>,
}

/// A sum of weights that numpy's `isclose` takes for 0.
pub(super) const NO_WEIGHT: f64 = 1e-8;

/// Weighted errors of a set of pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) weight: f64,
    squares: f64,
    error: f64,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.weight += other.weight;
        self.squares += other.squares;
        self.error += other.error;
    }

    /// (Σw)²/Σw², 0 where the weights vanish (to the tolerance of numpy's `isclose`, as in the public code).
    pub(super) fn effective_size(self) -> f64 {
        if self.weight <= NO_WEIGHT {
            return 0.0;
        }
        self.weight * self.weight / self.squares
    }

    /// Whether the environment qualifies. numpy's `isclose` lets a size through that misses the bound by rounding.
    pub(super) fn enough(self, options: &SignErrorOptions) -> bool {
        let bound = options.least_effective_size * (1.0 - 1e-5) - 1e-8;
        self.weight > NO_WEIGHT && self.effective_size() >= bound
    }
}

impl SignErrors {
    /// Robust sign errors of one measure of the table, on models for which it is defined.
    ///
    /// An environment is a pair of hyper-parameter cells that differ in exactly one hyper-parameter; the models of a cell
    /// (seeds) are pooled over all pairs. Signs and weights are those of the gap in accuracy. Two levels that are one fraction but for
    /// rounding make no environment.
    ///
    /// # Errors
    /// A table without a gap in accuracy, for which the Hoeffding weight has no meaning.
    pub fn new(table: &Table, measure: &Column, options: &SignErrorOptions) -> Result<Self> {
        let gap = table.accuracy_gap().ok_or(Error::NoAccuracyGap)?;
        let models: Vec<u32> = measure.defined().0.iter().map(|&i| i as u32).collect();
        let values = measure.values();
        let pair = |i: u32, j: u32| -> Sums {
            let (i, j) = (i as usize, j as usize);
            let (Some(ci), Some(cj)) = (values[i], values[j]) else {
                return Sums::default();
            };
            pair_sums(ci - cj, gap[i] - gap[j], options)
        };
        let (mut qualified, mut pooled) = (Vec::new(), Vec::new());
        for axis in 0..table.axes().len() {
            let environments = environments_along(table.axes(), &models, axis, pair);
            let errors = environments.iter().filter(|(_, sums)| sums.enough(options));
            qualified.push(errors.map(|(_, sums)| sums.error / sums.weight).collect());
            let mut by_levels: BTreeMap<(usize, usize), Sums> = BTreeMap::new();
            for (levels, sums) in environments {
                by_levels.entry(levels).or_default().add(sums);
            }
            by_levels.retain(|_, sums| sums.weight > NO_WEIGHT);
            pooled.extend(by_levels.into_iter().map(|(levels, sums)| Environment {
                axis,
                levels,
                effective_size: sums.effective_size(),
                error: sums.error / sums.weight,
            }));
        }
        Ok(Self::summarize(table.axes().len(), qualified, pooled))
    }

    fn summarize(axes: usize, qualified: Vec<Vec<f64>>, pooled: Vec<Environment>) -> Self {
        let along = |axis: Option<usize>| {
            let chosen = pooled
                .iter()
                .filter(|e| axis.is_none_or(|axis| e.axis == axis));
            SignErrorSummary::new(chosen.map(|e| e.error).collect())
        };
        Self {
            all: SignErrorSummary::new(qualified.concat()),
            per_axis: qualified.into_iter().map(SignErrorSummary::new).collect(),
            pooled_per_axis: (0..axes).map(|axis| along(Some(axis))).collect(),
            pooled: along(None),
            pooled_environments: pooled,
        }
    }
}

impl SignErrorSummary {
    fn new(mut errors: Vec<f64>) -> Self {
        errors.sort_unstable_by(f64::total_cmp);
        let both_orders: Vec<f64> = errors.iter().flat_map(|&e| [e, e]).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        Self {
            environments: both_orders.len(),
            mean: (!errors.is_empty()).then_some(mean),
            p90: quantile(&both_orders, 0.9),
            max: errors.last().copied(),
            errors,
        }
    }

    /// Share of environments whose sign error is at most `bound`; `None` where none qualifies.
    pub fn share_up_to(&self, bound: f64) -> Option<f64> {
        let below = self.errors.partition_point(|&error| error <= bound);
        (!self.errors.is_empty()).then(|| below as f64 / self.errors.len() as f64)
    }
}

pub(super) fn pair_sums(measure: f64, gap: f64, options: &SignErrorOptions) -> Sums {
    let weight = hoeffding_weight(gap.abs(), options.test_size) - options.least_weight;
    if weight <= 0.0 {
        return Sums::default();
    }
    let sign = |d: f64| f64::from(i8::from(d > 0.0) - i8::from(d < 0.0));
    Sums {
        weight,
        squares: weight * weight,
        error: weight * (1.0 - sign(measure) * sign(gap)) / 2.0,
    }
}

/// All environments along one axis, as (levels, sums over their pairs of models), in a fixed order.
pub(super) fn environments_along(
    axes: &[Axis],
    models: &[u32],
    axis: usize,
    pair: impl Fn(u32, u32) -> Sums + Sync,
) -> Vec<((usize, usize), Sums)> {
    let levels: Vec<Option<f64>> = axes[axis].levels().iter().map(|l| l.parse().ok()).collect();
    let apart = |a: usize, b: usize| !same_number(levels[a], levels[b]);
    groups_along(axes, models, axis)
        .par_iter()
        .flat_map_iter(|group| cell_pairs(group, apart, &pair))
        .collect()
}

/// Whether two levels are one number but for rounding, which is no change of a hyper-parameter: fractions that numpy's `isclose` does not
/// tell apart, as in the public code. Whole numbers are told apart.
fn same_number(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a.fract() != 0.0 || b.fract() != 0.0 => {
            (a - b).abs() <= 1e-8 + 1e-5 * b.abs()
        }
        _ => false,
    }
}

/// All pairs of cells of a group at levels that are `apart`.
fn cell_pairs(
    group: &Group,
    apart: impl Fn(usize, usize) -> bool,
    pair: impl Fn(u32, u32) -> Sums,
) -> Vec<((usize, usize), Sums)> {
    let mut found = Vec::new();
    for (position, (level, cell)) in group.levels.iter().enumerate() {
        for (other_level, other) in &group.levels[position + 1..] {
            if !apart(*level, *other_level) {
                continue;
            }
            let mut sums = Sums::default();
            for &i in cell {
                for &j in other {
                    sums.add(pair(i, j));
                }
            }
            found.push(((*level, *other_level), sums));
        }
    }
    found
}
