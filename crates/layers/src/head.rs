//! From tokens to class scores.

use crate::{Context, Gradients, LayerNorm, Layout, Linear, NormTape, Pool, Result};
use srr_kernels::{Backend, Tensor as _};

/// Pooling, then LN → linear: `NAME.0` and `NAME.1`.
#[derive(Clone, Debug)]
pub struct Head {
    pool: Pool,
    norm: LayerNorm,
    map: Linear,
}

/// What the head saves.
#[derive(Clone, Debug)]
pub struct HeadTape<B: Backend> {
    /// F `[B, d]`, the pooled tokens.
    pub features: B::Tensor,
    /// LN(F).
    norm: NormTape<B>,
}

impl<B: Backend> HeadTape<B> {
    /// LN(F) `[B, d]`, what the last linear map reads; F itself where norms are removed.
    pub fn map_input(&self) -> &B::Tensor {
        self.norm.output(&self.features)
    }
}

impl Head {
    /// Adds the parameters to a layout.
    pub fn new(layout: &mut Layout, name: &str, dim: usize, classes: usize, pool: Pool) -> Self {
        Self {
            pool,
            norm: LayerNorm::new(layout, &format!("{name}.0"), dim),
            map: Linear::new(layout, &format!("{name}.1"), dim, classes, true),
        }
    }

    /// tokens `[B, N, d]` → logits `[B, classes]`.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        tokens: &B::Tensor,
    ) -> Result<(B::Tensor, HeadTape<B>)> {
        let backend = ctx.backend;
        let features = match self.pool {
            Pool::ClassToken => {
                let first = backend.slice(tokens, 1, 0, 1)?; // [B, 1, d]
                backend.reshape(&first, &[first.shape()[0], first.shape()[2]])?
            }
            Pool::Mean => backend.mean_tokens(tokens)?,
        };
        let norm = self.norm.forward(ctx, &features)?;
        let logits = self.map.forward(ctx, norm.output(&features))?;
        Ok((logits, HeadTape { features, norm }))
    }

    /// d_logits `[B, classes]` → d_tokens, in the shape `[B, N, d]` that is given; adds the gradients of all parameters. Saved values: F and
    /// LN(F).
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        tape: &HeadTape<B>,
        shape: &[usize],
        d_logits: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let backend = ctx.backend;
        let dx = self
            .map
            .backward(ctx, tape.map_input(), d_logits, gradients)?;
        let d_features = self
            .norm
            .backward(ctx, &tape.features, &tape.norm, dx, gradients)?;
        if self.pool == Pool::Mean {
            return Ok(backend.mean_tokens_backward(&d_features, shape[1])?);
        }
        let first = backend.reshape(&d_features, &[shape[0], 1, shape[2]])?;
        let mut d_tokens = backend.zeros(shape)?;
        backend.add_slice(&mut d_tokens, 1, 0, &first)?;
        Ok(d_tokens)
    }
}
