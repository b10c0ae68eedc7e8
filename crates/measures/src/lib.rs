#![doc = include_str!("../README.md")]

pub mod choices;
mod error;
mod measure;
pub mod measures;
mod rates;
mod registry;
mod shared;
pub mod statistics;
mod subject;
mod transform;

pub use error::{Error, Result, nearest_name};
pub use measure::{Cost, Measure, Part, Reported, Undefined, Value, evaluate};
pub use rates::{NetworkRates, network_rates};
pub use registry::{Outcome, Registry, evaluate_all, evaluate_one};
pub use shared::{
    Matrices, NegativeMargin, margin, matrices, positive_margin, shared, singular_values,
    squared_frobenius_norms, squared_norm, squared_spectral_norms, sum_of_logarithms,
};
pub use subject::{
    Answer, Cached, Evaluation, Features, Images, LayerBatch, LinearMap, Memo, Output, ProbeInput,
    Role, Scope, Split, Subject, SubspaceBases, TokenPass, Unavailable, When,
};
pub use transform::Transform;
