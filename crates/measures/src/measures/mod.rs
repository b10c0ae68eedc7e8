//! The measures themselves, one file each.
//!
//! m is the number of training examples; W_i are the trainable linear maps, L their number, W_i⁰ their values at the start; w and
//! w⁰ are their concatenations, ω the length of w; g is the [`margin`](crate::margin). Equation numbers are those of Jiang et al.
//! 2019, "Fantastic Generalization Measures and Where to Find Them"; the forms are those of the public code of Dziugaite et al. 2020.

mod fro_dist;
mod inverse_margin;
mod l2;
mod l2_dist;
mod log_prod_of_fro;
mod log_prod_of_spec;
mod param_norm;
mod params;
mod path_norm;
mod srr;

pub use fro_dist::FroDist;
pub use inverse_margin::InverseMargin;
pub use l2::L2;
pub use l2_dist::L2Dist;
pub use log_prod_of_fro::LogProdOfFro;
pub use log_prod_of_spec::LogProdOfSpec;
pub use param_norm::ParamNorm;
pub use params::Params;
pub use path_norm::PathNorm;
pub use srr::Srr;

use crate::measure::Measure;

/// Every measure of this crate with its default options, in the order of reports.
pub(crate) fn built_in() -> Vec<Box<dyn Measure>> {
    vec![
        Box::new(Srr::default()),
        Box::new(Params::default()),
        Box::new(L2::default()),
        Box::new(L2Dist::default()),
        Box::new(ParamNorm::default()),
        Box::new(FroDist::default()),
        Box::new(LogProdOfSpec::default()),
        Box::new(LogProdOfFro::default()),
        Box::new(PathNorm),
        Box::new(InverseMargin::default()),
    ]
}
