//! What is asked of a table.

use std::num::{NonZeroU64, NonZeroUsize};

/// What the columns of a table mean, and what to compute. What is left out is taken from the table's layout, where that is a known one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The column of the generalization gap.
    pub gap: Option<String>,
    /// The columns of the hyper-parameters.
    pub hyper: Option<Vec<String>>,
    /// The columns of the measures. Where gap and hyper-parameters are named and measures are not, every other column that holds numbers
    /// is one.
    pub measures: Option<Vec<String>>,
    /// A column of truth values; rows where it is false are left out.
    pub converged: Option<String>,
    /// Number of test images behind the gap, which must be one of *accuracy* (as a share, training minus test): turns the robust sign
    /// error on. A gap of loss has no such bound.
    pub test_size: Option<NonZeroU64>,
    /// The measure to compare with every other one; by default `srr` or `complexity.srr`, else the one with the largest τ.
    pub baseline: Option<String>,
    /// Bootstrap draws; [`default_draws`] when left out.
    pub draws: Option<NonZeroUsize>,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Bootstrap draws where nobody says how many: 2,000, and fewer for tables so large that these would take minutes, down to 200.
///
/// ```
/// use srr_study::analysis::default_draws;
///
/// assert_eq!(default_draws(600, 12), 2000);
/// assert_eq!(default_draws(10_000, 50), 200);
/// ```
#[must_use]
pub fn default_draws(models: usize, measures: usize) -> usize {
    const VALUES: usize = 100_000_000;
    (VALUES / (models * measures).max(1)).clamp(200, 2000)
}
