//! The CPU: plain memory, rayon, and loops that vectorize.
//!
//! Every operation cuts its work into pieces whose size depends on the problem alone ([`parallel`]), so that the same
//! operands give the same bits in a pool of any size. Matrix products are packed ([`gemm`]); everything runs on explicit vectors
//! ([`vector`]).

mod abreast;
mod attention;
mod backend;
mod dropout;
mod elementwise;
mod gemm;
mod ista;
mod layer_norm;
mod layout;
mod linear;
mod loss;
mod matmul;
mod operand;
mod optimizer;
mod parallel;
mod pool;
mod product;
mod rates;
mod rows;

mod tensor;
mod vector;
mod words;

use std::sync::Arc;

pub use tensor::CpuTensor;
#[cfg(target_arch = "x86_64")]
pub(crate) use vector::{Level, level};

use crate::{Element, MatmulPrecision};

/// The backend of the processor, for `f32` or `f64`.
///
/// It computes in rayon's current pool; clones share the memory that they keep for reuse.
///
/// ```
/// use srr_kernels::{Backend, Cpu, Tensor};
///
/// let cpu = Cpu::<f32>::new();
/// let tokens = cpu.upload(&[1.0, 2.0, 3.0, 4.0], &[2, 2])?;
/// let weight = cpu.upload(&[1.0, 1.0], &[1, 2])?;
/// let sums = cpu.linear(&tokens, &weight, None)?;
/// assert_eq!(sums.shape(), [2, 1]);
/// assert_eq!(cpu.download(&sums)?, [3.0, 7.0]);
/// # Ok::<(), srr_kernels::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cpu<T> {
    pool: Arc<pool::Pool<T>>,
    precision: MatmulPrecision,
}

impl<T: Element> Cpu<T> {
    /// A backend with an empty store of buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same backend with products of `f32` matrices as precise as this; in `f64` it changes nothing.
    #[must_use]
    pub fn with_precision(self, precision: MatmulPrecision) -> Self {
        Self { precision, ..self }
    }

    /// A tensor with arbitrary contents, for results that are written in full.
    fn empty(&self, shape: &[usize]) -> CpuTensor<T> {
        CpuTensor::new(self.pool.take(shape.iter().product()), shape)
    }

    /// The same backend where nothing may be rounded to less than the element type.
    fn exact(&self) -> Self {
        self.clone().with_precision(MatmulPrecision::Highest)
    }
}
