//! The Hessian of the training loss, seen through its products with vectors.
//!
//! Nothing here forms the matrix. A product is a central difference of exact gradients in double precision ([`HessianProducts`]), taken
//! part by part of the images, so that every quantity also knows how much it varies between images. Rectifiers and soft thresholds have kinks,
//! at which there is no Hessian: the step is so small that next to none lies within it.
//!
//! | quantity | function | method |
//! | --- | --- | --- |
//! | largest eigenvalue | [`largest_eigenvalue`] | Lanczos with full reorthogonalization |
//! | trace | [`trace`] | Hutchinson's estimate |
//! | spectral density | [`spectral_density`] | stochastic Lanczos quadrature |
//!
//! Each can be had of a [`Block`]: the rows and columns of one layer.

mod density;
mod eigenvalue;
mod lanczos;
mod products;
mod trace;

pub use density::{DensityOptions, SpectralDensity, spectral_density};
pub use eigenvalue::{Eigenvalue, LanczosOptions, largest_eigenvalue};
pub use products::{Block, HessianProducts, blocks};
pub use trace::{Trace, TraceOptions, trace};
