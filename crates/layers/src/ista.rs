//! The sparse-coding half-step.

use crate::{Context, Gradients, Initial, Layout, ParameterKind, Result};
use srr_kernels::{Backend, IstaOutput};

/// One step of the iterative shrinkage-thresholding algorithm towards a sparse, non-negative code of the tokens in a dictionary
/// D `[d, d]`, `NAME.weight` (Yu et al. 2023, eq. 17): z = ReLU(x + β Dᵀ(x − D x) − βλ) for a token x in a column.
#[derive(Clone, Debug)]
pub struct Ista {
    dictionary: usize,
    step_size: f64,
    threshold: f64,
}

impl Ista {
    /// Adds the dictionary to a layout, to be drawn from [`Initial::kaiming_uniform`]; β is the step size, λ the threshold.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        dim: usize,
        step_size: f64,
        threshold: f64,
    ) -> Self {
        let dictionary = layout.add(
            format!("{name}.weight"),
            ParameterKind::LinearMap,
            &[dim, dim],
            Initial::kaiming_uniform(dim),
        );
        Self {
            dictionary,
            step_size,
            threshold,
        }
    }

    /// x `[B, N, d]` → z = relu(x + β (x − x Dᵀ) D − βλ) `[B, N, d]`, tokens in rows.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
    ) -> Result<IstaOutput<B::Tensor>> {
        let dictionary = ctx.value(self.dictionary);
        Ok(ctx
            .backend
            .ista(x, dictionary, self.step_size, self.threshold)?)
    }

    /// dz `[B, N, d]` → dx = g + β g Dᵀ (I − D) with g = dz where z > 0; adds dD = β (rᵀ g − (g Dᵀ)ᵀ x) with r = x − x Dᵀ. Saved values:
    /// the input x, z, and what the backend keeps besides.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        tape: &IstaOutput<B::Tensor>,
        dz: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let dictionary = ctx.value(self.dictionary);
        let target = gradients.target(ctx.parameters, self.dictionary);
        let step_size = self.step_size;
        Ok(ctx
            .backend
            .ista_backward(x, dictionary, step_size, tape, dz, target)?)
    }
}
