//! One facade over the eigen- and singular value decompositions of several libraries.

mod facade;

#[cfg(feature = "faer")]
mod faer;
#[cfg(feature = "lapack")]
mod lapack;
#[cfg(feature = "nalgebra")]
mod nalgebra;

pub(crate) use facade::Provide;
pub use facade::{Factorization, Svd, SymmetricEigen};
