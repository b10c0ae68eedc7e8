//! How well a measure orders models by their generalization gap.
//!
//! Everything starts from a [`Table`]: one row per model, its hyper-parameters, its measures (which may be undefined) and its
//! generalization gap. Models for which a measure is undefined are left out for that measure and counted.
//!
//! | question | answer |
//! | --- | --- |
//! | does the measure rank models as the gap does? | [`kendall`]: τ-a, τ-b and p-value |
//! | also when one hyper-parameter alone varies? | [`Granulated`]: ψ per axis and their mean Ψ |
//! | does it say more than the hyper-parameters themselves? | [`conditional_information`]: 𝒦 |
//! | in every environment, or only on average? | [`SignErrors`]: the robust sign error |
//! | how sure are we? | [`Bootstrap`]: intervals and paired differences; [`holm`] over many measures |
//!
//! [`analyse`] computes all of them for all measures of a table. Order statistics see ranks only, so every result is the same
//! under increasing transforms of a measure.

mod analysis;
mod bitset;
mod bootstrap;
mod environments;
mod granulated;
mod holm;
mod information;
mod kendall;
mod order;
mod p_value;
mod quantile;
mod sign_error;
mod table;

pub use analysis::{Analysis, AnalysisOptions, AxisValue, MeasureAnalysis, analyse};
pub use bootstrap::{Bootstrap, Difference, Interval, Intervals, Statistic};
pub use environments::{EnvironmentCount, count_environments};
pub use granulated::{Granulated, Repeats};
pub use holm::holm;
pub use information::{Conditioning, Information, conditional_information};
pub use kendall::{Kendall, kendall, kendall_with};
pub use p_value::PValueMethod;
pub use quantile::quantile;
pub use sign_error::{
    Environment, SignErrorOptions, SignErrorSummary, SignErrors, hoeffding_weight,
};
pub use table::{Axis, Column, Table};
