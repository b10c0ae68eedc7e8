//! Gradients with respect to a model's parameters.

use crate::{Parameters, Result};
use srr_kernels::{Backend, Tensor as _};

/// One gradient for each parameter, at the same index. Backward passes add to them; frozen parameters' stay zero.
#[derive(Clone, Debug)]
pub struct Gradients<B: Backend> {
    list: Vec<B::Tensor>,
}

impl<B: Backend> Gradients<B> {
    /// Zeros in the shapes of the parameters.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn zeros(backend: &B, parameters: &Parameters<B>) -> Result<Self> {
        let zero = |p: &crate::Parameter<B>| Ok(backend.zeros(p.value.shape())?);
        let list: Result<_> = parameters.iter().map(zero).collect();
        Ok(Self { list: list? })
    }

    /// Sets every gradient to zero.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn clear(&mut self, backend: &B) -> Result<()> {
        for gradient in &mut self.list {
            *gradient = backend.zeros(gradient.shape())?;
        }
        Ok(())
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no tensor at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The gradient with respect to the parameter with this index.
    pub fn get(&self, index: usize) -> Option<&B::Tensor> {
        self.list.get(index)
    }

    /// The gradient with respect to the parameter with this index, to be added to.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut B::Tensor> {
        self.list.get_mut(index)
    }

    /// All gradients in the order of the parameters.
    pub fn iter(&self) -> std::slice::Iter<'_, B::Tensor> {
        self.list.iter()
    }

    /// All gradients in the order of the parameters, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, B::Tensor> {
        self.list.iter_mut()
    }

    /// Where the gradient with respect to one parameter is added; nowhere when it is frozen.
    pub(crate) fn target(
        &mut self,
        parameters: &Parameters<B>,
        index: usize,
    ) -> Option<&mut B::Tensor> {
        parameters
            .is_trainable(index)
            .then(|| &mut self.list[index])
    }

    /// Where the gradients with respect to a weight and its bias are added. The bias stands right after its weight.
    pub(crate) fn weight_and_bias(
        &mut self,
        parameters: &Parameters<B>,
        weight: usize,
        bias: Option<usize>,
    ) -> (Option<&mut B::Tensor>, Option<&mut B::Tensor>) {
        let Some(bias) = bias else {
            return (self.target(parameters, weight), None);
        };
        let (low, high) = self.list.split_at_mut(bias);
        (
            parameters.is_trainable(weight).then(|| &mut low[weight]),
            parameters.is_trainable(bias).then(|| &mut high[0]),
        )
    }
}
