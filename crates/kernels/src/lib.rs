#![doc = include_str!("../README.md")]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod backend;
mod bf16;
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

pub use backend::{Backend, Tensor};
pub use cpu::{Cpu, CpuTensor};
pub use element::Element;
pub use error::{Error, Result};
pub use options::{
    AdamStep, AttentionOptions, CrossEntropy, Dropout, IstaOutput, LayerNormOutput, LionStep,
    Rates, SgdStep, Transpose, Unary,
};
pub use precision::MatmulPrecision;
