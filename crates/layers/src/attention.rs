//! Ordinary multi-head self-attention, for the vision transformer.

use crate::{
    ClassifierConfig, Context, Geometry, Gradients, Layout, Linear, Result,
    mssa::{attention_options, drop_branch, score_scale},
};
use srr_kernels::{AttentionOptions, Backend, Tensor as _};

/// Multi-head self-attention (Vaswani et al. 2017): head k is softmax(Q_k K_kᵀ · scale) V_k, tokens in rows.
///
/// Parameters as in lucidrains' vit-pytorch: `NAME.to_qkv.weight` `[3·K·p, d]`, whose thirds are the queries', keys' and values' maps,
/// each with head k in its rows k·p..(k+1)·p, without bias; `NAME.to_out.0.weight` `[d, K·p]` and `.bias` `[d]`, omitted when K = 1
/// and p = d.
#[derive(Clone, Debug)]
pub struct SelfAttention {
    qkv: Linear,
    output: Option<Linear>,
    heads: usize,
    inner: usize,
    scale: f64,
    layer: usize,
}

/// What self-attention saves.
#[derive(Clone, Debug)]
pub struct SelfAttentionTape<B: Backend> {
    /// Q, K and V, each `[B, N, K·p]`.
    projected: [B::Tensor; 3],
    /// The heads' outputs `[B, N, K·p]`, where there is an output map.
    heads: Option<B::Tensor>,
}

impl SelfAttention {
    /// Adds the parameters of layer `layer` to a layout.
    pub(crate) fn new(
        layout: &mut Layout,
        name: &str,
        config: &ClassifierConfig,
        geometry: &Geometry,
        layer: usize,
    ) -> Self {
        let (dim, inner) = (config.dim, geometry.inner);
        let qkv = Linear::new(layout, &format!("{name}.to_qkv"), dim, 3 * inner, false);
        let mapped = config.heads > 1 || inner != dim;
        let output =
            mapped.then(|| Linear::new(layout, &format!("{name}.to_out.0"), inner, dim, true));
        Self {
            qkv,
            output,
            heads: config.heads,
            inner,
            scale: score_scale(config.scale, geometry.head_dim),
            layer,
        }
    }

    /// x `[B, N, d]` → the attention branch `[B, N, d]`, before it is added to the tokens.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
    ) -> Result<(B::Tensor, SelfAttentionTape<B>)> {
        let backend = ctx.backend;
        let qkv = self.qkv.forward(ctx, x)?; // [B, N, 3·K·p]
        let part = |i| backend.slice(&qkv, 2, i * self.inner, self.inner);
        let projected = [part(0)?, part(1)?, part(2)?];
        let [q, k, v] = &projected;
        let stacked = backend.attention(q, k, v, &self.options(ctx))?; // [B, N, K·p]
        let (mut branch, heads) = match &self.output {
            Some(output) => (output.forward(ctx, &stacked)?, Some(stacked)),
            None => (stacked, None),
        };
        drop_branch(ctx, self.layer, &mut branch)?;
        Ok((branch, SelfAttentionTape { projected, heads }))
    }

    /// d_branch `[B, N, d]` → dx `[B, N, d]`; adds the gradients of both maps. Saved values: the input x, Q, K, V and the heads.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        tape: &SelfAttentionTape<B>,
        mut d_branch: B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        drop_branch(ctx, self.layer, &mut d_branch)?;
        let d_heads = match (&self.output, &tape.heads) {
            (Some(output), Some(heads)) => output.backward(ctx, heads, &d_branch, gradients)?,
            _ => d_branch,
        };
        let [q, k, v] = &tape.projected;
        let options = self.options(ctx);
        let (dq, dk, dv) = ctx
            .backend
            .attention_backward(q, k, v, &options, &d_heads)?;
        let axis = q.shape().len() - 1;
        let d_qkv = ctx.backend.concat(&[&dq, &dk, &dv], axis)?; // [B, N, 3·K·p]
        self.qkv.backward(ctx, x, &d_qkv, gradients)
    }

    fn options<B: Backend>(&self, ctx: &Context<'_, B>) -> AttentionOptions {
        attention_options(ctx, self.heads, self.scale, self.layer)
    }
}
