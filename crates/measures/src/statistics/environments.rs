//! The environments of the robust sign error, whatever the measure: how many there are, and how many say something.

use serde::Serialize;

use super::quantile::quantile;
use super::sign_error::{NO_WEIGHT, SignErrorOptions, environments_along, pair_sums};
use super::table::Table;
use crate::error::{Error, Result};

/// The environments that change one hyper-parameter between the same two values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnvironmentCount {
    /// Index of the hyper-parameter among the table's axes.
    pub axis: usize,
    /// The two levels of it.
    pub levels: (usize, usize),
    /// Pairs of cells that differ in nothing else.
    pub cell_pairs: usize,
    /// Those in which some pair of models has a weight.
    pub weighted: usize,
    /// Those that qualify.
    pub qualified: usize,
    /// Median effective size of those that have a weight.
    pub median_size: Option<f64>,
}

/// Counts the environments of a table, for a measure that is defined for every model: by hyper-parameter and by the two values between
/// which it changes.
///
/// # Errors
/// A table without a gap in accuracy.
///
/// ```
/// use srr_measures::statistics::{SignErrorOptions, Table, count_environments};
///
/// let gap = [0.1, 0.5, 0.2, 0.6];
/// let table = Table::new(&gap)?
///     .with_accuracy_gap(&gap)?
///     .with_axis("rate", &["a", "b", "a", "b"])?
///     .with_axis("width", &["8", "8", "16", "16"])?;
/// let counts = count_environments(&table, &SignErrorOptions::new(1e6))?;
/// assert_eq!((counts.len(), counts[0].cell_pairs, counts[0].qualified), (2, 2, 0));
/// # Ok::<(), srr_measures::Error>(())
/// ```
pub fn count_environments(
    table: &Table,
    options: &SignErrorOptions,
) -> Result<Vec<EnvironmentCount>> {
    let gap = table.accuracy_gap().ok_or(Error::NoAccuracyGap)?;
    let models: Vec<u32> = (0..table.models() as u32).collect();
    let pair = |i: u32, j: u32| pair_sums(0.0, gap[i as usize] - gap[j as usize], options);
    let mut counts = Vec::new();
    for axis in 0..table.axes().len() {
        let mut found = environments_along(table.axes(), &models, axis, pair);
        found.sort_by_key(|(levels, _)| *levels);
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let weighted = same.iter().filter(|(_, sums)| sums.weight > NO_WEIGHT);
            let mut sizes: Vec<f64> = weighted.map(|(_, sums)| sums.effective_size()).collect();
            sizes.sort_unstable_by(f64::total_cmp);
            counts.push(EnvironmentCount {
                axis,
                levels: same[0].0,
                cell_pairs: same.len(),
                weighted: sizes.len(),
                qualified: same.iter().filter(|(_, sums)| sums.enough(options)).count(),
                median_size: quantile(&sizes, 0.5),
            });
        }
    }
    Ok(counts)
}
