//! From images to tokens.

use crate::{Context, Gradients, LayerNorm, Layout, Linear, NormTape, Result};
use srr_kernels::{Backend, Tensor as _};

/// Square patches, flattened as (pixel row, pixel column, channel), then LN → linear → LN: `NAME.1`, `NAME.2` and `NAME.3`.
#[derive(Clone, Debug)]
pub struct PatchEmbedding {
    patch: usize,
    first_norm: LayerNorm,
    map: Linear,
    second_norm: LayerNorm,
}

/// What the patch embedding saves.
#[derive(Clone, Debug)]
pub struct PatchEmbeddingTape<B: Backend> {
    /// Shape `[B, C, H, W]` of the images.
    images: Vec<usize>,
    /// P `[B, n, patch_dim]`.
    patches: B::Tensor,
    /// LN(P).
    first_norm: NormTape<B>,
    /// E = LN(P) Wᵀ + b `[B, n, d]`.
    embedded: B::Tensor,
    /// LN(E).
    second_norm: NormTape<B>,
}

impl<B: Backend> PatchEmbeddingTape<B> {
    /// The embedded patches `[B, n, d]`, n patches in row-major order of the grid.
    pub fn output(&self) -> &B::Tensor {
        self.second_norm.output(&self.embedded)
    }
}

impl PatchEmbedding {
    /// Adds the parameters to a layout.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        patch: usize,
        patch_dim: usize,
        dim: usize,
    ) -> Self {
        Self {
            patch,
            first_norm: LayerNorm::new(layout, &format!("{name}.1"), patch_dim),
            map: Linear::new(layout, &format!("{name}.2"), patch_dim, dim, true),
            second_norm: LayerNorm::new(layout, &format!("{name}.3"), dim),
        }
    }

    /// images `[B, C, H, W]` → embedded patches `[B, n, d]`, found in the tape.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        images: &B::Tensor,
    ) -> Result<PatchEmbeddingTape<B>> {
        let patches = ctx.backend.patches(images, self.patch)?;
        let first_norm = self.first_norm.forward(ctx, &patches)?;
        let embedded = self.map.forward(ctx, first_norm.output(&patches))?;
        let second_norm = self.second_norm.forward(ctx, &embedded)?;
        Ok(PatchEmbeddingTape {
            images: images.shape().to_vec(),
            patches,
            first_norm,
            embedded,
            second_norm,
        })
    }

    /// dy `[B, n, d]` → d_images `[B, C, H, W]` where `need_input`; adds the gradients of all parameters. Saved values: P, LN(P), E and
    /// the norms' statistics.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        tape: &PatchEmbeddingTape<B>,
        dy: B::Tensor,
        gradients: &mut Gradients<B>,
        need_input: bool,
    ) -> Result<Option<B::Tensor>> {
        let d_embedded =
            self.second_norm
                .backward(ctx, &tape.embedded, &tape.second_norm, dy, gradients)?;
        let x = tape.first_norm.output(&tape.patches);
        if !need_input && tape.first_norm.is_identity() {
            self.map
                .backward_parameters(ctx, x, &d_embedded, gradients)?;
            return Ok(None);
        }
        let dx = self.map.backward(ctx, x, &d_embedded, gradients)?;
        let d_patches =
            self.first_norm
                .backward(ctx, &tape.patches, &tape.first_norm, dx, gradients)?;
        if !need_input {
            return Ok(None);
        }
        let d_images = ctx
            .backend
            .patches_backward(&d_patches, &tape.images, self.patch)?;
        Ok(Some(d_images))
    }
}
