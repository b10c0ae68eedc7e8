//! Norms of the weights and of their way from the start (Jiang et al. 2019, eq. 20, 32, 33, 35, 37, 39–42 and 44).

mod dist_spec_init;
mod fro_dist;
mod fro_over_spec;
mod l2;
mod l2_dist;
mod log_prod_of_fro;
mod log_prod_of_spec;
mod log_sum_of_fro;
mod log_sum_of_spec;
mod param_norm;
mod params;
mod path_norm;

pub use dist_spec_init::DistSpecInit;
pub use fro_dist::FroDist;
pub use fro_over_spec::FroOverSpec;
pub use l2::L2;
pub use l2_dist::L2Dist;
pub use log_prod_of_fro::LogProdOfFro;
pub use log_prod_of_spec::LogProdOfSpec;
pub use log_sum_of_fro::LogSumOfFro;
pub use log_sum_of_spec::LogSumOfSpec;
pub use param_norm::ParamNorm;
pub use params::Params;
pub use path_norm::PathNorm;
pub(crate) use path_norm::path_norm;
