//! The class token and the positions.

use crate::{Context, Gradients, Initial, Layout, ParameterKind, Result};
use srr_kernels::{Backend, Tensor as _};

/// Puts a learned class token before the patches and adds a learned position to every token: `cls_token` `[1, 1, d]` and
/// `pos_embedding` `[1, N, d]`.
#[derive(Clone, Debug)]
pub struct TokenFrame {
    position: usize,
    class_token: usize,
}

impl TokenFrame {
    /// Adds both parameters to a layout, to be drawn from N(0, 1). `tokens` counts the class token.
    pub fn new(layout: &mut Layout, tokens: usize, dim: usize) -> Self {
        let normal = Initial::Normal(1.0);
        let shape = [1, tokens, dim];
        Self {
            position: layout.add("pos_embedding", ParameterKind::Position, &shape, normal),
            class_token: layout.add("cls_token", ParameterKind::ClassToken, &[1, 1, dim], normal),
        }
    }

    /// patches `[B, n, d]` → tokens `[B, n + 1, d]`, after dropout.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        patches: &B::Tensor,
    ) -> Result<B::Tensor> {
        let backend = ctx.backend;
        let mut frame = ctx.value(self.position).clone();
        backend.add_slice(&mut frame, 1, 0, ctx.value(self.class_token))?;
        let (tokens, dim) = (frame.shape()[1], frame.shape()[2]);
        let batch = patches.shape()[0];
        let mut out = backend.zeros(&[batch, tokens, dim])?;
        backend.add_slice(&mut out, 1, 1, patches)?;
        let mut out = backend.reshape(&out, &[batch, tokens * dim])?;
        backend.add_row(&mut out, &backend.reshape(&frame, &[tokens * dim])?)?;
        let mut out = backend.reshape(&out, &[batch, tokens, dim])?;
        drop_tokens(ctx, &mut out)?;
        Ok(out)
    }

    /// d_tokens `[B, n + 1, d]` → d_patches `[B, n, d]`; adds the sums over the batch to the gradients of positions and class token.
    /// Saves nothing.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        mut d_tokens: B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let backend = ctx.backend;
        drop_tokens(ctx, &mut d_tokens)?;
        let shape = ctx.value(self.position).shape();
        let (batch, tokens, dim) = (d_tokens.shape()[0], shape[1], shape[2]);
        let mut sum = backend.zeros(&[tokens * dim])?;
        let rows = backend.reshape(&d_tokens, &[batch, tokens * dim])?;
        backend.sum_rows(&rows, &mut sum)?;
        let sum = backend.reshape(&sum, shape)?;
        if let Some(target) = gradients.target(ctx.parameters, self.position) {
            backend.add_scaled(target, 1.0, &sum)?;
        }
        if let Some(target) = gradients.target(ctx.parameters, self.class_token) {
            backend.add_scaled(target, 1.0, &backend.slice(&sum, 1, 0, 1)?)?;
        }
        Ok(backend.slice(&d_tokens, 1, 1, tokens - 1)?)
    }
}

/// The dropout after the positional encoding, forward and backward alike.
fn drop_tokens<B: Backend>(ctx: &Context<'_, B>, tokens: &mut B::Tensor) -> Result<()> {
    if let Some(dropout) = ctx.dropout("tokens", 0) {
        ctx.backend.dropout(tokens, &dropout)?;
    }
    Ok(())
}
