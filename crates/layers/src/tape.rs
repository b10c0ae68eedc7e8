//! What a forward pass leaves for the backward pass and for measurements.

use crate::{BlockTape, ForwardOptions, HeadTape, PatchEmbeddingTape};
use srr_kernels::Backend;

/// Everything that a forward pass saved. Token tensors are `[B, N, d]` with tokens in rows, the class token first.
#[derive(Clone, Debug)]
pub struct Tape<B: Backend> {
    pub(crate) options: ForwardOptions,
    pub(crate) embedding: PatchEmbeddingTape<B>,
    pub(crate) tokens: B::Tensor,
    pub(crate) blocks: Vec<BlockTape<B>>,
    pub(crate) head: HeadTape<B>,
}

impl<B: Backend> Tape<B> {
    /// How the pass was run.
    pub fn options(&self) -> ForwardOptions {
        self.options
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// The embedded patches `[B, n, d]`, before class token and positions.
    pub fn patch_embedding(&self) -> &B::Tensor {
        self.embedding.output()
    }

    /// The tokens Z⁰ that enter the first layer: class token, positions and dropout included.
    pub fn tokens(&self) -> &B::Tensor {
        &self.tokens
    }

    /// The input Z^l of layer `layer`, counted from 0; none beyond the last.
    pub fn input(&self, layer: usize) -> Option<&B::Tensor> {
        match layer {
            0 => Some(&self.tokens),
            _ => (layer < self.depth()).then(|| self.blocks[layer - 1].output()),
        }
    }

    /// LN(Z^l), what the attention of layer `layer` reads; Z^l itself where norms are removed.
    pub fn attention_input(&self, layer: usize) -> Option<&B::Tensor> {
        Some(self.blocks.get(layer)?.attention_input(self.input(layer)?))
    }

    /// The tokens of layer `layer` after the attention's skip.
    pub fn attention(&self, layer: usize) -> Option<&B::Tensor> {
        self.blocks.get(layer).map(BlockTape::attended)
    }

    /// The output Z^(l+1) of layer `layer`.
    pub fn output(&self, layer: usize) -> Option<&B::Tensor> {
        self.blocks.get(layer).map(BlockTape::output)
    }

    /// Everything that layer `layer` saved.
    pub fn block(&self, layer: usize) -> Option<&BlockTape<B>> {
        self.blocks.get(layer)
    }

    /// The pooled tokens `[B, d]`, before the head's norm.
    pub fn features(&self) -> &B::Tensor {
        &self.head.features
    }

    /// The features `[B, d]` as the last linear map reads them, after the head's norm.
    pub fn normed_features(&self) -> &B::Tensor {
        self.head.map_input()
    }
}
