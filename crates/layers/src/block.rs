//! One layer: attention, then a step on each token.

use crate::{
    ClassifierConfig, Context, Error, Geometry, Gradients, Ista, LayerNorm, Layout, Mlp, MlpTape,
    NormTape, Residual, Result, SelfAttention, SelfAttentionTape, SubspaceAttention,
    SubspaceAttentionTape, Variant,
};
use srr_kernels::{Backend, IstaOutput};

/// One pre-norm layer: Y = Z + attention(LN(Z)), then Z' = ISTA(LN(Y)) for the CRATE family (Yu et al. 2023, eq. 18) and
/// Z' = Y + MLP(LN(Y)) for the vision transformer.
#[derive(Clone, Debug)]
pub struct Block {
    attention_norm: LayerNorm,
    attention: AttentionStep,
    token_norm: LayerNorm,
    token_step: TokenStep,
    residual: Residual,
}

/// The attention half of a layer.
#[derive(Clone, Debug)]
pub enum AttentionStep {
    /// The CRATE family's.
    Subspace(SubspaceAttention),
    /// The vision transformer's.
    Ordinary(SelfAttention),
}

/// The token-wise half of a layer.
#[derive(Clone, Debug)]
pub enum TokenStep {
    /// The CRATE family's, without an outer residual.
    Ista(Ista),
    /// The vision transformer's, with one.
    Mlp(Mlp),
}

/// What a layer saves besides its input.
#[derive(Clone, Debug)]
pub struct BlockTape<B: Backend> {
    /// LN(Z).
    attention_norm: NormTape<B>,
    attention: AttentionTape<B>,
    /// Y `[B, N, d]`, the tokens after the attention's skip.
    attended: B::Tensor,
    /// LN(Y).
    token_norm: NormTape<B>,
    token_step: TokenTape<B>,
}

/// What the attention half saves.
#[derive(Clone, Debug)]
pub enum AttentionTape<B: Backend> {
    /// The CRATE family's.
    Subspace(SubspaceAttentionTape<B>),
    /// The vision transformer's.
    Ordinary(SelfAttentionTape<B>),
}

/// What the token-wise half saves, its output Z' included.
#[derive(Clone, Debug)]
pub enum TokenTape<B: Backend> {
    /// The CRATE family's.
    Ista(IstaOutput<B::Tensor>),
    /// The vision transformer's.
    Mlp {
        /// What the network saves.
        tape: MlpTape<B>,
        /// Z' = Y + MLP(LN(Y)).
        output: B::Tensor,
    },
}

impl<B: Backend> BlockTape<B> {
    /// LN(Z) `[B, N, d]`, the attention's input, given the layer's input Z.
    pub fn attention_input<'a>(&'a self, z: &'a B::Tensor) -> &'a B::Tensor {
        self.attention_norm.output(z)
    }

    /// Y `[B, N, d]`, the tokens after the attention's skip.
    pub fn attended(&self) -> &B::Tensor {
        &self.attended
    }

    /// LN(Y) `[B, N, d]`, the token step's input.
    pub fn token_input(&self) -> &B::Tensor {
        self.token_norm.output(&self.attended)
    }

    /// Z' `[B, N, d]`, the layer's output.
    pub fn output(&self) -> &B::Tensor {
        match &self.token_step {
            TokenTape::Ista(ista) => &ista.output,
            TokenTape::Mlp { output, .. } => output,
        }
    }

    /// The layer's output alone.
    pub(crate) fn into_output(self) -> B::Tensor {
        match self.token_step {
            TokenTape::Ista(ista) => ista.output,
            TokenTape::Mlp { output, .. } => output,
        }
    }

    /// What the attention half saved.
    pub fn attention(&self) -> &AttentionTape<B> {
        &self.attention
    }
}

impl Block {
    /// Adds the parameters of layer `layer` to a layout, under `NAME.0` and `NAME.1`.
    pub(crate) fn new(
        layout: &mut Layout,
        name: &str,
        config: &ClassifierConfig,
        geometry: &Geometry,
        layer: usize,
    ) -> Self {
        let dim = config.dim;
        let attention_norm = LayerNorm::new(layout, &format!("{name}.0.norm"), dim);
        let attention = format!("{name}.0.fn");
        let attention = if config.variant == Variant::Vit {
            let step = SelfAttention::new(layout, &attention, config, geometry, layer);
            AttentionStep::Ordinary(step)
        } else {
            let step = SubspaceAttention::new(layout, &attention, config, geometry, layer);
            AttentionStep::Subspace(step)
        };
        let token_norm = LayerNorm::new(layout, &format!("{name}.1.norm"), dim);
        let step = format!("{name}.1.fn");
        let token_step = if config.variant == Variant::Vit {
            TokenStep::Mlp(Mlp::new(layout, &step, dim, config.mlp_ratio * dim))
        } else {
            let (step_size, threshold) = (config.step_size, config.threshold);
            TokenStep::Ista(Ista::new(layout, &step, dim, step_size, threshold))
        };
        Self {
            attention_norm,
            attention,
            token_norm,
            token_step,
            residual: config.residual,
        }
    }

    /// The attention half.
    pub fn attention(&self) -> &AttentionStep {
        &self.attention
    }

    /// Z `[B, N, d]` → Z' `[B, N, d]`, found in the tape.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(&self, ctx: &Context<'_, B>, z: &B::Tensor) -> Result<BlockTape<B>> {
        let attention_norm = self.attention_norm.forward(ctx, z)?;
        let x = attention_norm.output(z);
        let (branch, attention) = match &self.attention {
            AttentionStep::Subspace(step) => {
                let (branch, tape) = step.forward(ctx, x)?;
                (branch, AttentionTape::Subspace(tape))
            }
            AttentionStep::Ordinary(step) => {
                let (branch, tape) = step.forward(ctx, x)?;
                (branch, AttentionTape::Ordinary(tape))
            }
        };
        let mut attended = branch;
        let skip = match self.residual {
            Residual::Input => z,
            Residual::Normalized => x,
        };
        ctx.backend.add_scaled(&mut attended, 1.0, skip)?; // Y
        let token_norm = self.token_norm.forward(ctx, &attended)?;
        let token_step = self.token_forward(ctx, &attended, token_norm.output(&attended))?;
        Ok(BlockTape {
            attention_norm,
            attention,
            attended,
            token_norm,
            token_step,
        })
    }

    /// Y and LN(Y) `[B, N, d]` → Z' `[B, N, d]`, found in the tape.
    fn token_forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        y: &B::Tensor,
        x: &B::Tensor,
    ) -> Result<TokenTape<B>> {
        Ok(match &self.token_step {
            TokenStep::Ista(step) => TokenTape::Ista(step.forward(ctx, x)?),
            TokenStep::Mlp(step) => {
                let (mut output, tape) = step.forward(ctx, x)?;
                ctx.backend.add_scaled(&mut output, 1.0, y)?;
                TokenTape::Mlp { tape, output }
            }
        })
    }

    /// dZ' `[B, N, d]` → dZ `[B, N, d]`; adds the gradients of all parameters. Saved values: the input Z and the tape.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        z: &B::Tensor,
        tape: &BlockTape<B>,
        dz: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let backend = ctx.backend;
        let dy = self.token_backward(ctx, tape, dz, gradients)?;
        let x = tape.attention_input(z);
        let mut dx = match (&self.attention, &tape.attention) {
            (AttentionStep::Subspace(step), AttentionTape::Subspace(saved)) => {
                step.backward(ctx, x, saved, dy.clone(), gradients)?
            }
            (AttentionStep::Ordinary(step), AttentionTape::Ordinary(saved)) => {
                step.backward(ctx, x, saved, dy.clone(), gradients)?
            }
            _ => return Err(Error::ForeignTape),
        };
        if self.residual == Residual::Normalized {
            backend.add_scaled(&mut dx, 1.0, &dy)?;
        }
        let mut d_input =
            self.attention_norm
                .backward(ctx, z, &tape.attention_norm, dx, gradients)?;
        if self.residual == Residual::Input {
            backend.add_scaled(&mut d_input, 1.0, &dy)?;
        }
        Ok(d_input)
    }

    /// dZ' `[B, N, d]` → dY `[B, N, d]`.
    fn token_backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        tape: &BlockTape<B>,
        dz: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let x = tape.token_input();
        let norm = |dx, gradients: &mut Gradients<B>| {
            let (y, saved) = (&tape.attended, &tape.token_norm);
            self.token_norm.backward(ctx, y, saved, dx, gradients)
        };
        match (&self.token_step, &tape.token_step) {
            (TokenStep::Ista(step), TokenTape::Ista(saved)) => {
                let dx = step.backward(ctx, x, saved, dz, gradients)?;
                norm(dx, gradients)
            }
            (TokenStep::Mlp(step), TokenTape::Mlp { tape: saved, .. }) => {
                let dx = step.backward(ctx, x, saved, dz, gradients)?;
                let mut dy = norm(dx, gradients)?;
                ctx.backend.add_scaled(&mut dy, 1.0, dz)?; // the outer residual
                Ok(dy)
            }
            _ => Err(Error::ForeignTape),
        }
    }
}
