#![doc = include_str!("../README.md")]

mod check;
mod cholesky;
mod error;
mod frame;
mod product;
mod scalar;

pub use check::{all_finite, ensure_finite};
pub use cholesky::Cholesky;
pub use error::{Error, Result};
pub use frame::{random_matrix, random_orthonormal};
pub use product::{GemmShape, Strided, gemm, gemm_slices, gram, matmul, upper_gram};
pub use scalar::Scalar;
