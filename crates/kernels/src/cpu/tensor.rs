//! The tensor of the CPU: a shared buffer, copied at the first change.

use std::{fmt, sync::Arc};

use super::pool::Buffer;
use crate::{Element, Tensor};

/// A dense, row-major array in memory.
///
/// Clones and reshaped tensors share their elements until one of them is changed.
#[derive(Clone)]
pub struct CpuTensor<T: Element> {
    buffer: Arc<Buffer<T>>,
    shape: Vec<usize>,
}

impl<T: Element> CpuTensor<T> {
    pub(super) fn new(buffer: Buffer<T>, shape: &[usize]) -> Self {
        Self {
            buffer: Arc::new(buffer),
            shape: shape.to_vec(),
        }
    }

    /// The elements in row-major order.
    pub fn as_slice(&self) -> &[T] {
        self.buffer.as_slice()
    }

    /// The elements, for changing; copied before if another tensor shares them.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        Arc::make_mut(&mut self.buffer).as_mut_slice()
    }

    /// The same elements, in a shape of the same length.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Self {
        Self {
            buffer: Arc::clone(&self.buffer),
            shape: shape.to_vec(),
        }
    }
}

impl<T: Element> Tensor for CpuTensor<T> {
    fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl<T: Element> fmt::Debug for CpuTensor<T> {
    /// The type, the shape and the first elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.as_slice();
        let some = &values[..values.len().min(8)];
        write!(f, "CpuTensor<{}>{:?} {some:?}", T::NAME, self.shape)?;
        if some.len() < values.len() {
            f.write_str(" …")
        } else {
            Ok(())
        }
    }
}
