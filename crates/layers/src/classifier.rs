//! The image classifier.

use crate::{
    AttentionStep, Block, ClassifierConfig, Context, Error, ForwardOptions, Geometry, Gradients,
    HostTensor, Layout, ParameterCount, Parameters, Result, Tape, network::Network,
};
use srr_kernels::{Backend, Tensor as _};
use srr_random::Seed;
use std::collections::BTreeMap;

/// An image classifier of any [`Variant`](crate::Variant): patch embedding, class token and positions, blocks, head.
///
/// It holds no weights: [`initialize`](Self::initialize) draws them, and every pass is given them, so that one classifier serves for
/// any number of weights (at the start, now, perturbed, averaged).
#[derive(Clone, Debug)]
pub struct Classifier<B: Backend> {
    backend: B,
    config: ClassifierConfig,
    network: Network,
}

/// What a forward pass returns.
#[derive(Clone, Debug)]
pub struct Forward<B: Backend> {
    /// Class scores `[B, classes]`.
    pub logits: B::Tensor,
    /// What the backward pass needs.
    pub tape: Tape<B>,
}

/// A gradient that enters at a layer's output and reaches that layer's own parameters alone: everything before the layer counts as
/// constant (the stop-gradient of Hu, Zou and Xu 2024, §6).
#[derive(Clone, Debug)]
pub struct LocalGradient<B: Backend> {
    /// The layer, counted from 0.
    pub layer: usize,
    /// The gradient with respect to the layer's output tokens `[B, N, d]`.
    pub d_tokens: B::Tensor,
}

impl<B: Backend> Classifier<B> {
    /// A classifier on a backend.
    ///
    /// # Errors
    /// Those of [`ClassifierConfig::validate`].
    pub fn new(backend: B, config: ClassifierConfig) -> Result<Self> {
        let network = Network::new(&config)?;
        Ok(Self {
            backend,
            config,
            network,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// The sizes that follow from the configuration.
    pub fn geometry(&self) -> &Geometry {
        &self.network.geometry
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The list of parameters, in the order of the official state.
    pub fn layout(&self) -> &Layout {
        &self.network.layout
    }

    /// The number of parameters.
    pub fn count(&self) -> ParameterCount {
        self.network.layout.count()
    }

    /// Number of layers L.
    pub fn depth(&self) -> usize {
        self.config.depth
    }

    /// Number of heads K.
    pub fn heads(&self) -> usize {
        self.config.heads
    }

    /// Dimension of a head p.
    pub fn head_dim(&self) -> usize {
        self.network.geometry.head_dim
    }

    /// Index of the parameter `[K·p, d]` that holds the stacked transposed bases of layer `layer`; none for a layer that does not exist
    /// and for the vision transformer, which has no bases.
    pub fn bases_index(&self, layer: usize) -> Option<usize> {
        match self.network.blocks.get(layer)?.attention() {
            AttentionStep::Subspace(attention) => Some(attention.bases_index()),
            AttentionStep::Ordinary(_) => None,
        }
    }

    /// A layer, if there is one.
    pub fn block(&self, layer: usize) -> Option<&Block> {
        self.network.blocks.get(layer)
    }

    /// Draws all parameters. Each is drawn by its own part of the seed, so that variants share the values of what they share.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn initialize(&self, seed: Seed) -> Result<Parameters<B>> {
        Parameters::initialize(&self.backend, &self.network.layout, seed)
    }

    /// Takes the parameters from named tensors, as a checkpoint holds them.
    ///
    /// # Errors
    /// [`Error::State`] with every missing, unexpected and misshapen tensor; [`Error::NonFinite`].
    pub fn parameters(&self, tensors: &BTreeMap<String, HostTensor>) -> Result<Parameters<B>> {
        Parameters::from_host(&self.backend, &self.network.layout, tensors)
    }

    /// What the model's layers share in a pass. Useful for calling one layer by itself.
    pub fn context<'a>(
        &'a self,
        parameters: &'a Parameters<B>,
        options: ForwardOptions,
    ) -> Context<'a, B> {
        Context {
            backend: &self.backend,
            parameters,
            options,
            dropout: self.config.dropout,
        }
    }

    /// images `[B, C, H, W]` → logits `[B, classes]`, with everything that the backward pass needs.
    ///
    /// # Errors
    /// [`Error::ImageShape`], [`Error::NonFinite`], [`Error::State`] for another model's parameters, and those of the backend.
    pub fn forward(
        &self,
        parameters: &Parameters<B>,
        images: &B::Tensor,
        options: &ForwardOptions,
    ) -> Result<Forward<B>> {
        self.check(parameters, images)?;
        let ctx = self.context(parameters, *options);
        let embedding = self.network.embedding.forward(&ctx, images)?;
        let tokens = self.network.frame.forward(&ctx, embedding.output())?;
        let mut blocks: Vec<crate::BlockTape<B>> = Vec::with_capacity(self.config.depth);
        for block in &self.network.blocks {
            let z = blocks.last().map_or(&tokens, |last| last.output());
            blocks.push(block.forward(&ctx, z)?);
        }
        let last = blocks.last().map_or(&tokens, |last| last.output());
        let (logits, head) = self.network.head.forward(&ctx, last)?;
        let tape = Tape {
            options: *options,
            embedding,
            tokens,
            blocks,
            head,
        };
        Ok(Forward { logits, tape })
    }

    /// images `[B, C, H, W]` → logits `[B, classes]` of the network as trained; nothing is kept for a backward pass.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward).
    pub fn predict(&self, parameters: &Parameters<B>, images: &B::Tensor) -> Result<B::Tensor> {
        self.check(parameters, images)?;
        let ctx = self.context(parameters, ForwardOptions::default());
        let embedding = self.network.embedding.forward(&ctx, images)?;
        let mut z = self.network.frame.forward(&ctx, embedding.output())?;
        for block in &self.network.blocks {
            z = block.forward(&ctx, &z)?.into_output();
        }
        Ok(self.network.head.forward(&ctx, &z)?.0)
    }

    /// d_logits `[B, classes]` → d_images `[B, C, H, W]` where `input_gradient`; adds the gradients of all trainable parameters. Each of
    /// `local` takes a second pass through its layer. Saved values: the tape.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`], [`Error::ForeignTape`], [`Error::State`] for another model's parameters, and those of the backend.
    pub fn backward(
        &self,
        parameters: &Parameters<B>,
        tape: &Tape<B>,
        d_logits: &B::Tensor,
        local: &[LocalGradient<B>],
        gradients: &mut Gradients<B>,
        input_gradient: bool,
    ) -> Result<Option<B::Tensor>> {
        parameters.check(&self.network.layout)?;
        let depth = self.config.depth;
        if tape.depth() != depth || gradients.len() != parameters.len() {
            return Err(Error::ForeignTape);
        }
        if let Some(&LocalGradient { layer, .. }) = local.iter().find(|l| l.layer >= depth) {
            return Err(Error::NoSuchLayer { layer, depth });
        }
        let ctx = self.context(parameters, tape.options);
        let (head, shape) = (&self.network.head, tape.tokens.shape());
        let mut d = head.backward(&ctx, &tape.head, shape, d_logits, gradients)?;
        for (layer, block) in self.network.blocks.iter().enumerate().rev() {
            let saved = &tape.blocks[layer];
            let z = tape.input(layer).ok_or(Error::ForeignTape)?;
            d = block.backward(&ctx, z, saved, &d, gradients)?;
            for local in local.iter().filter(|local| local.layer == layer) {
                block.backward(&ctx, z, saved, &local.d_tokens, gradients)?;
            }
        }
        let d_patches = self.network.frame.backward(&ctx, d, gradients)?;
        let embedding = &self.network.embedding;
        embedding.backward(&ctx, &tape.embedding, d_patches, gradients, input_gradient)
    }

    fn check(&self, parameters: &Parameters<B>, images: &B::Tensor) -> Result<()> {
        let expected = self.config.image;
        let shape = images.shape();
        if shape.len() != 4 || shape[0] == 0 || shape[1..] != expected {
            let found = shape.to_vec();
            return Err(Error::ImageShape { expected, found });
        }
        parameters.check(&self.network.layout)?;
        if !self.backend.all_finite(images)? {
            return Err(Error::NonFinite {
                name: "images".into(),
                index: None,
            });
        }
        Ok(())
    }
}
