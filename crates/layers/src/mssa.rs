//! Multi-head subspace self-attention.

use crate::{
    ClassifierConfig, Context, Geometry, Gradients, Layout, Linear, OutputMap, Result, Scale,
};
use srr_kernels::{AttentionOptions, Backend};

/// Multi-head subspace self-attention (Yu et al. 2023, eq. 11 and 12). One projection serves as query, key and value: for head k
/// V_k = U_kᵀ X `[p, N]`, A_k = softmax(V_kᵀ V_k · scale), S_k = V_k A_k, and an [`OutputMap`] takes the stacked S to the tokens.
///
/// Parameters: `NAME.qkv.weight` `[K·p, d]`, whose rows k·p..(k+1)·p are U_kᵀ, and those of the output map.
#[derive(Clone, Debug)]
pub struct SubspaceAttention {
    projection: Linear,
    output: OutputMap,
    heads: usize,
    scale: f64,
    layer: usize,
}

/// What subspace attention saves.
#[derive(Clone, Debug)]
pub struct SubspaceAttentionTape<B: Backend> {
    /// V `[B, N, K·p]`, the projected tokens.
    pub projected: B::Tensor,
    /// S `[B, N, K·p]`, the heads' outputs, where the output map needs them.
    heads: Option<B::Tensor>,
}

impl SubspaceAttention {
    /// Adds the parameters of layer `layer` to a layout.
    pub(crate) fn new(
        layout: &mut Layout,
        name: &str,
        config: &ClassifierConfig,
        geometry: &Geometry,
        layer: usize,
    ) -> Self {
        let qkv = format!("{name}.qkv");
        Self {
            projection: Linear::new(layout, &qkv, config.dim, geometry.inner, false),
            output: OutputMap::new(layout, name, config, geometry),
            heads: config.heads,
            scale: score_scale(config.scale, geometry.head_dim),
            layer,
        }
    }

    /// Index of the projection's weight `[K·p, d]`, the stacked transposed bases.
    pub fn bases_index(&self) -> usize {
        self.projection.weight
    }

    /// x `[B, N, d]` → the attention branch `[B, N, d]`, before it is added to the tokens.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
    ) -> Result<(B::Tensor, SubspaceAttentionTape<B>)> {
        let projected = self.projection.forward(ctx, x)?; // V = x W_uᵀ
        let stacked = ctx.backend.mssa(&projected, &self.options(ctx))?; // S
        let (mut branch, heads) = self.output.forward(ctx, self.bases_index(), stacked)?;
        drop_branch(ctx, self.layer, &mut branch)?;
        Ok((branch, SubspaceAttentionTape { projected, heads }))
    }

    /// d_branch `[B, N, d]` → dx `[B, N, d]`; adds the gradients of the projection and of the output map. Saved values: the input x, V
    /// and S.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        tape: &SubspaceAttentionTape<B>,
        mut d_branch: B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        drop_branch(ctx, self.layer, &mut d_branch)?;
        let (bases, heads) = (self.bases_index(), tape.heads.as_ref());
        let d_heads = self
            .output
            .backward(ctx, bases, heads, d_branch, gradients)?;
        let backend = ctx.backend;
        let d_projected = backend.mssa_backward(&tape.projected, &self.options(ctx), &d_heads)?;
        self.projection.backward(ctx, x, &d_projected, gradients)
    }

    fn options<B: Backend>(&self, ctx: &Context<'_, B>) -> AttentionOptions {
        attention_options(ctx, self.heads, self.scale, self.layer)
    }
}

/// The factor of the scores before the softmax.
pub(crate) fn score_scale(scale: Scale, head_dim: usize) -> f64 {
    match scale {
        Scale::InverseSqrtHeadDim => (head_dim as f64).powf(-0.5),
        Scale::None => 1.0,
    }
}

/// The kernel's options, with the dropout after the softmax.
pub(crate) fn attention_options<B: Backend>(
    ctx: &Context<'_, B>,
    heads: usize,
    scale: f64,
    layer: usize,
) -> AttentionOptions {
    AttentionOptions {
        heads,
        scale,
        causal: false,
        dropout: ctx.dropout("softmax", layer),
    }
}

/// The dropout after the output map, forward and backward alike.
pub(crate) fn drop_branch<B: Backend>(
    ctx: &Context<'_, B>,
    layer: usize,
    branch: &mut B::Tensor,
) -> Result<()> {
    if let Some(dropout) = ctx.dropout("attention branch", layer) {
        ctx.backend.dropout(branch, &dropout)?;
    }
    Ok(())
}
