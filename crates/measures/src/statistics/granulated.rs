//! Granulated Kendall coefficients: one hyper-parameter at a time.

use rayon::prelude::*;
use serde::Serialize;

use super::order::{PairCounts, Sorted, dense_ranks};
use super::table::{Axis, Column, Table};

/// What becomes of models that share all hyper-parameters (seeds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Only pairs that differ in the varied hyper-parameter count.
    #[default]
    Across,
    /// All pairs of a setting count, also those of one cell.
    AllPairs,
}

/// ψ per hyper-parameter and their mean Ψ (Jiang et al. 2019, eq. 6 and 7).
///
/// For hyper-parameter i, τ-a is taken among the models that share every other hyper-parameter, and averaged over the settings
/// of these others:
/// $$\psi_i = \frac1{|S_i|}\sum_{s\in S_i}\tau_s,\qquad \Psi=\frac1n\sum_i\psi_i.$$
/// Settings in which the hyper-parameter takes one value only have no pair and are left out; an axis without any setting
/// left has no ψ and does not enter Ψ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Granulated {
    /// ψ of every axis of the table, in its order.
    pub psi: Vec<Option<f64>>,
    /// Number of settings that ψ averages over, for every axis.
    pub settings: Vec<usize>,
    /// Ψ, the mean of the ψ that exist.
    pub overall: Option<f64>,
}

impl Granulated {
    /// ψ and Ψ of one measure of the table.
    ///
    /// ```
    /// use srr_measures::statistics::{Granulated, Repeats, Table};
    ///
    /// // The measure follows the gap along the width and runs against it along the rate.
    /// let table = Table::new(&[0.1, 0.2, 0.3, 0.4])?
    ///     .with_axis("rate", &["a", "a", "b", "b"])?
    ///     .with_axis("width", &["1", "2", "1", "2"])?
    ///     .with_measure("m", &[Some(3.0), Some(4.0), Some(1.0), Some(2.0)])?;
    /// let found = Granulated::new(&table, table.measure("m")?, Repeats::Across);
    /// assert_eq!(found.psi, [Some(-1.0), Some(1.0)]);
    /// assert_eq!(found.overall, Some(0.0));
    /// # Ok::<(), srr_measures::Error>(())
    /// ```
    pub fn new(table: &Table, measure: &Column, repeats: Repeats) -> Self {
        let (models, values) = measure.defined();
        let gap: Vec<f64> = models.iter().map(|&i| table.gap()[i]).collect();
        let models: Vec<u32> = models.iter().map(|&i| i as u32).collect();
        let ranks = Ranks::new(table.models(), &models, &values, &gap);
        let settings = Settings::all_axes(table, &models, &ranks, repeats);
        Self::from_settings(&settings)
    }

    pub(crate) fn from_settings(settings: &[Settings]) -> Self {
        let scratch = &mut Vec::new();
        let psi: Vec<_> = settings.iter().map(|s| s.psi(None, scratch)).collect();
        Self {
            overall: mean_of_known(&psi),
            settings: settings.iter().map(|s| s.groups.len()).collect(),
            psi,
        }
    }
}

/// The mean of the values that exist.
pub(crate) fn mean_of_known(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// Ranks of measure and gap, indexed by model.
pub(crate) struct Ranks {
    pub(crate) measure: Vec<u32>,
    pub(crate) gap: Vec<u32>,
}

impl Ranks {
    /// From the values of the chosen `models` among `n`.
    pub(crate) fn new(n: usize, models: &[u32], measure: &[f64], gap: &[f64]) -> Self {
        let spread = |values: &[f64]| {
            let mut ranks = vec![0; n];
            for (&model, rank) in models.iter().zip(dense_ranks(values)) {
                ranks[model as usize] = rank;
            }
            ranks
        };
        Self {
            measure: spread(measure),
            gap: spread(gap),
        }
    }
}

/// Models that share all hyper-parameters but one, by the level of that one.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// (level, models at that level), ascending; at least two levels.
    pub(crate) levels: Vec<(usize, Vec<u32>)>,
}

/// The groups of `models` that differ in axis `varied` alone, in a fixed order.
pub(crate) fn groups_along(axes: &[Axis], models: &[u32], varied: usize) -> Vec<Group> {
    let others: Vec<&[usize]> = (0..axes.len())
        .filter(|&a| a != varied)
        .map(|a| axes[a].codes())
        .collect();
    let level = |i: u32| axes[varied].codes()[i as usize];
    let same_setting = |i: u32, j: u32| {
        others
            .iter()
            .all(|codes| codes[i as usize] == codes[j as usize])
    };
    let mut order = models.to_vec();
    order.sort_by(|&i, &j| {
        let by_others = others
            .iter()
            .map(|codes| codes[i as usize].cmp(&codes[j as usize]))
            .find(|ordering| ordering.is_ne());
        by_others.unwrap_or_else(|| level(i).cmp(&level(j)))
    });
    order
        .chunk_by(|&i, &j| same_setting(i, j))
        .map(|group| Group {
            levels: group
                .chunk_by(|&i, &j| level(i) == level(j))
                .map(|cell| (level(cell[0]), cell.to_vec()))
                .collect(),
        })
        .filter(|group| group.levels.len() > 1)
        .collect()
}

/// Every setting of the other hyper-parameters, sorted and ready for counting under any multiplicities.
pub(crate) struct Settings {
    groups: Vec<SortedGroup>,
}

struct SortedGroup {
    all: Sorted,
    /// Cells of more than one model; their pairs do not count.
    cells: Vec<Sorted>,
}

impl Settings {
    /// The settings of every axis of the table.
    pub(crate) fn all_axes(
        table: &Table,
        models: &[u32],
        ranks: &Ranks,
        repeats: Repeats,
    ) -> Vec<Self> {
        let axes = table.axes();
        (0..axes.len())
            .into_par_iter()
            .map(|varied| Self::new(groups_along(axes, models, varied), ranks, repeats))
            .collect()
    }

    fn new(groups: Vec<Group>, ranks: &Ranks, repeats: Repeats) -> Self {
        let sorted = |models: Vec<u32>| Sorted::new(models, &ranks.measure, &ranks.gap);
        let prepare = |group: Group| {
            let members = group.levels.iter().flat_map(|(_, models)| models);
            let all = sorted(members.copied().collect());
            let cells = match repeats {
                Repeats::AllPairs => Vec::new(),
                // Kept for single models too: a bootstrap draws them twice.
                Repeats::Across => group.levels.into_iter().map(|(_, m)| sorted(m)).collect(),
            };
            SortedGroup { all, cells }
        };
        Self {
            groups: groups.into_iter().map(prepare).collect(),
        }
    }

    /// ψ; `None` where no setting has a pair.
    pub(crate) fn psi(&self, multiplicity: Option<&[u32]>, scratch: &mut Vec<i64>) -> Option<f64> {
        let (mut sum, mut settings) = (0.0, 0_usize);
        for group in &self.groups {
            let PairCounts {
                mut difference,
                mut pairs,
                ..
            } = group.all.count(multiplicity, scratch);
            for cell in &group.cells {
                let within = cell.count(multiplicity, scratch);
                difference -= within.difference;
                pairs -= within.pairs;
            }
            if pairs > 0 {
                sum += difference as f64 / pairs as f64;
                settings += 1;
            }
        }
        (settings > 0).then(|| sum / settings as f64)
    }
}
