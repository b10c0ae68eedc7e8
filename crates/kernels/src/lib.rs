#![doc = include_str!("../README.md")]

mod backend;
mod check;
mod composed;
#[cfg(feature = "conformance")]
pub mod conformance;
mod cpu;
mod element;
mod error;
mod lanes;
mod options;
mod precision;
mod terms;

pub use backend::{Backend, Tensor};
pub use cpu::{Cpu, CpuTensor};
pub use element::Element;
pub use error::{Error, Result};
pub use options::{
    AdamStep, AttentionOptions, CrossEntropy, Dropout, IstaOutput, LayerNormOutput, LionStep,
    Rates, SgdStep, Transpose, Unary,
};
pub use precision::MatmulPrecision;
