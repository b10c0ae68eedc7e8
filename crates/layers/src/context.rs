//! What a layer's forward and backward share besides its input.

use crate::Parameters;
use srr_kernels::{Backend, Dropout};
use srr_random::Seed;

/// Whether a forward pass drops elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is dropped.
    #[default]
    Evaluate,
    /// Elements are dropped with the configured probability; the seed of the step says which.
    Train(Seed),
}

/// Whether layer norms act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norms {
    /// Every layer norm acts.
    #[default]
    Kept,
    /// Every layer norm is the identity, its gain and bias included. Hu, Zou and Xu 2024 measure rates so (Appendix C).
    Removed,
}

/// How a forward pass runs. The default evaluates the network as trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForwardOptions {
    /// Training or evaluation.
    pub mode: Mode,
    /// Whether layer norms act.
    pub norms: Norms,
}

impl ForwardOptions {
    /// A training step with this seed.
    pub fn train(step: Seed) -> Self {
        Self {
            mode: Mode::Train(step),
            norms: Norms::Kept,
        }
    }
}

/// What a layer's forward and backward share besides its input. Both must be given the same one.
#[derive(Debug)]
pub struct Context<'a, B: Backend> {
    /// Where tensors live and operations run.
    pub backend: &'a B,
    /// The model's parameters.
    pub parameters: &'a Parameters<B>,
    /// Mode and norms.
    pub options: ForwardOptions,
    /// Probability with which an element is dropped in training.
    pub dropout: f64,
}

impl<B: Backend> Context<'_, B> {
    /// The value of a parameter.
    pub(crate) fn value(&self, index: usize) -> &B::Tensor {
        self.parameters.value(index)
    }

    /// The dropout at a place of a layer: none in evaluation and with probability zero.
    pub(crate) fn dropout(&self, place: &str, layer: usize) -> Option<Dropout> {
        match self.options.mode {
            Mode::Train(step) if self.dropout > 0.0 => Some(Dropout {
                probability: self.dropout,
                seed: step.purpose(place).index(layer as u64),
            }),
            _ => None,
        }
    }
}
