#![doc = include_str!("../README.md")]

mod check;
mod cholesky;
mod error;
mod factorization;
mod frame;
mod multiversion;
mod norms;
mod product;
mod scalar;
mod spectral;

/// The version of ndarray whose views this crate takes.
pub use ndarray;

pub use check::{all_finite, ensure_finite};
pub use cholesky::{Cholesky, log_of_product};
pub use error::{Error, Result};
pub use factorization::{Factorization, Svd, SymmetricEigen};
pub use frame::{random_matrix, random_orthonormal};
#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
pub use norms::{effective_rank, nuclear_norm};
pub use norms::{effective_rank_of, frobenius_norm, stable_rank};
pub use product::{GemmShape, Strided, gemm, gemm_slices, gram, matmul, upper_gram};
pub use scalar::Scalar;
pub use spectral::spectral_norm;
