#![doc = include_str!("../README.md")]

mod bases;
pub mod batch;
mod compressed;
mod conventions;
mod door;
mod error;
mod inner;
mod labeled;
mod precision;
mod rate;
mod reduction;
mod stacked;

/// The version of ndarray whose views this crate takes.
pub use ndarray;

pub use bases::Bases;
pub use compressed::{
    Expansion, RateGradient, compressed_rate, compressed_rate_expansion,
    compressed_rate_of_projections, compressed_rate_with_gradient,
};
pub use conventions::{
    ClassToken, Conventions, Location, MeasuredNorms, Sparsity, SparsityGradient,
};
pub use error::{Error, Result};
pub use inner::is_resolved;
pub use labeled::{
    labeled_rate, labeled_rate_reduction, labeled_rate_reduction_with_gradient,
    labeled_rate_with_gradient,
};
pub use precision::{Coding, Precision};
pub use rate::{coding_rate, coding_rate_with_gradient};
pub use reduction::{
    LayerTokens, SparseRateReduction, SparseRateReductionGradient, rate_reduction,
    rate_reduction_with_gradient, sparse_rate_reduction, sparse_rate_reduction_with_gradient,
};
