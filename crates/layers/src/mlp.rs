//! The vision transformer's token-wise network.

use crate::{Context, Gradients, Layout, Linear, Result};
use srr_kernels::{Backend, Unary};

/// y = W₂ gelu(W₁ x + b₁) + b₂ with the exact GELU x Φ(x), `NAME.net.0` and `NAME.net.3` as in vit-pytorch.
#[derive(Clone, Debug)]
pub struct Mlp {
    first: Linear,
    second: Linear,
}

/// What the network saves.
#[derive(Clone, Debug)]
pub struct MlpTape<B: Backend> {
    /// h = W₁ x + b₁ `[B, N, m]`.
    hidden: B::Tensor,
    /// a = gelu(h) `[B, N, m]`.
    active: B::Tensor,
}

impl Mlp {
    /// Adds both maps to a layout; `hidden` is m.
    pub fn new(layout: &mut Layout, name: &str, dim: usize, hidden: usize) -> Self {
        Self {
            first: Linear::new(layout, &format!("{name}.net.0"), dim, hidden, true),
            second: Linear::new(layout, &format!("{name}.net.3"), hidden, dim, true),
        }
    }

    /// x `[B, N, d]` → y `[B, N, d]`.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
    ) -> Result<(B::Tensor, MlpTape<B>)> {
        let hidden = self.first.forward(ctx, x)?;
        let active = ctx.backend.unary(Unary::Gelu, &hidden)?;
        let y = self.second.forward(ctx, &active)?;
        Ok((y, MlpTape { hidden, active }))
    }

    /// dy `[B, N, d]` → dx `[B, N, d]`; adds the gradients of both maps. Saved values: the input x, h and a.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        tape: &MlpTape<B>,
        dy: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let d_active = self.second.backward(ctx, &tape.active, dy, gradients)?;
        let d_hidden = ctx
            .backend
            .unary_backward(Unary::Gelu, &tape.hidden, &d_active)?;
        self.first.backward(ctx, x, &d_hidden, gradients)
    }
}
