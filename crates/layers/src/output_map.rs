//! The map from the stacked heads back to the tokens: what tells CRATE's variants apart.

use crate::{
    ClassifierConfig, Context, Geometry, Gradients, Initial, Layout, Linear, Result, Variant,
    linear::input_gradient,
};
use srr_kernels::{Backend, Tensor as _, Transpose};

/// The map of the stacked heads S `[B, N, K·p]` to the attention branch `[B, N, d]`, with W_u `[K·p, d]` the projection's weight (the
/// transposed bases, stacked) and tokens in rows.
#[derive(Clone, Debug)]
pub enum OutputMap {
    /// S Wᵀ + b with a map of its own (CRATE and, frozen, CRATE-Fix).
    Separate(Linear),
    /// sign · S W_u, the conceptual step (CRATE-C with 1, CRATE-N with −1).
    Tied {
        /// 1 or −1.
        sign: f64,
    },
    /// S W_uᵀ, its transpose (CRATE-T); K·p = d.
    Transposed,
    /// S (CRATE-Identity, and CRATE with one head as wide as the tokens); K·p = d.
    Identity,
}

impl OutputMap {
    /// Adds the variant's map, if it has one of its own, to a layout.
    pub(crate) fn new(
        layout: &mut Layout,
        name: &str,
        config: &ClassifierConfig,
        geometry: &Geometry,
    ) -> Self {
        let mut separate = || {
            let name = format!("{name}.to_out.0");
            Linear::new(layout, &name, geometry.inner, config.dim, true)
        };
        match config.variant {
            Variant::Conceptual => Self::Tied { sign: 1.0 },
            Variant::Negative => Self::Tied { sign: -1.0 },
            Variant::Transpose => Self::Transposed,
            Variant::Identity => Self::Identity,
            Variant::Fix => {
                let map = separate();
                layout.freeze(map.weight);
                if let Some(bias) = map.bias {
                    layout.freeze(bias);
                    layout.start_from(bias, Initial::Constant(0.0));
                }
                Self::Separate(map)
            }
            Variant::Crate | Variant::Vit if config.heads == 1 && geometry.inner == config.dim => {
                Self::Identity
            }
            Variant::Crate | Variant::Vit => Self::Separate(separate()),
        }
    }

    /// S `[B, N, K·p]` → branch `[B, N, d]` and S, saved where backward needs it. `projection` is the index of W_u.
    ///
    /// # Errors
    /// Those of the backend.
    pub(crate) fn forward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        projection: usize,
        heads: B::Tensor,
    ) -> Result<(B::Tensor, Option<B::Tensor>)> {
        let branch = match self {
            Self::Separate(map) => map.forward(ctx, &heads)?,
            Self::Tied { sign } => times(ctx, *sign, &heads, ctx.value(projection))?,
            Self::Transposed => ctx.backend.linear(&heads, ctx.value(projection), None)?,
            Self::Identity => return Ok((heads, None)),
        };
        Ok((branch, Some(heads)))
    }

    /// d_branch `[B, N, d]` → dS `[B, N, K·p]`; adds the gradient of the map, which for a tied map is one of the two parts of the
    /// gradient of W_u. Saved value: S.
    ///
    /// # Errors
    /// Those of the backend.
    pub(crate) fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        projection: usize,
        heads: Option<&B::Tensor>,
        mut d_branch: B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let Some(heads) = heads else {
            return Ok(d_branch); // branch = S
        };
        let backend = ctx.backend;
        let tied = ctx.value(projection);
        match self {
            Self::Identity => Ok(d_branch),
            Self::Separate(map) => map.backward(ctx, heads, &d_branch, gradients),
            Self::Tied { sign } => {
                // branch = ±S W_u: dS = ±d_branch W_uᵀ and dW_u = ±Sᵀ d_branch. Both are those of a linear map with the
                // input d_branch and the output gradient S.
                if *sign != 1.0 {
                    backend.scale(&mut d_branch, *sign)?;
                }
                let d_heads = backend.linear(&d_branch, tied, None)?;
                let target = gradients.target(ctx.parameters, projection);
                backend.linear_backward(&d_branch, tied, heads, target, None, false)?;
                Ok(d_heads)
            }
            Self::Transposed => {
                // branch = S W_uᵀ: dS = d_branch W_u and dW_u = d_branchᵀ S.
                let target = gradients.target(ctx.parameters, projection);
                input_gradient(backend, heads, tied, &d_branch, target, None)
            }
        }
    }
}

/// factor · x W for x `[B, N, m]` and W `[m, d]`.
fn times<B: Backend>(
    ctx: &Context<'_, B>,
    factor: f64,
    x: &B::Tensor,
    w: &B::Tensor,
) -> Result<B::Tensor> {
    let backend = ctx.backend;
    let &[width, dim] = w.shape() else {
        unreachable!("a linear map's weight has two axes");
    };
    let rows = x.len() / width;
    let mut shape = x.shape().to_vec();
    let flat = backend.reshape(x, &[rows, width])?;
    let mut y = backend.zeros(&[rows, dim])?;
    let no = Transpose::No;
    backend.matmul_into(factor, &flat, no, w, no, 0.0, &mut y)?;
    if let Some(last) = shape.last_mut() {
        *last = dim;
    }
    Ok(backend.reshape(&y, &shape)?)
}
