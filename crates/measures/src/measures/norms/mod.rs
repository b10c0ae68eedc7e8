//! Norms of the weights and of their way from the start (Jiang et al. 2019, eq. 20 and 32–44).

mod fro_dist;
mod l2;
mod l2_dist;
mod log_prod_of_fro;
mod log_prod_of_spec;
mod param_norm;
mod params;
mod path_norm;

pub use fro_dist::FroDist;
pub use l2::L2;
pub use l2_dist::L2Dist;
pub use log_prod_of_fro::LogProdOfFro;
pub use log_prod_of_spec::LogProdOfSpec;
pub use param_norm::ParamNorm;
pub use params::Params;
pub use path_norm::PathNorm;
