#![doc = include_str!("../README.md")]

pub mod choices;
mod error;
pub mod gradients;
pub mod hessian;
mod inconsistency;
mod measure;
pub mod measures;
mod options;
mod rates;
mod registry;
pub mod search;
mod shared;
pub mod statistics;
mod subject;
mod transform;

pub use error::{Error, Result, nearest_name};
pub use inconsistency::{Inconsistency, inconsistency};
pub use measure::{About, Cost, Measure, Part, Reported, Undefined, Value, evaluate};
pub use options::Options;
pub use rates::{NetworkRates, network_rates};
pub use registry::{Outcome, Registry, evaluate_all, evaluate_one};
pub use shared::{
    LogProduct, Matrices, MatrixNorm, NegativeMargin, margin, matrices, over_maps,
    over_squared_spectral_norms, positive_margin, shared, singular_values, squared_frobenius_norms,
    squared_norm, squared_spectral_norms, sum_of_logarithms,
};
pub use subject::{
    Answer, Cached, Evaluation, Features, Fold, Images, LayerBatch, LinearMap, Memo, Output,
    ProbeInput, Role, Scope, Split, Subject, SubspaceBases, TokenPass, Unavailable, When,
};
pub use transform::Transform;
