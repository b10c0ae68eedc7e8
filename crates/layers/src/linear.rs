//! Linear map.

use crate::{Context, Gradients, Initial, Layout, ParameterKind, Result};
use srr_kernels::Backend;

/// y = x Wᵀ + b on the last axis, with W `[out, in]` and b `[out]`, `NAME.weight` and `NAME.bias`.
#[derive(Clone, Debug)]
pub struct Linear {
    pub(crate) weight: usize,
    pub(crate) bias: Option<usize>,
}

impl Linear {
    /// Adds the map's parameters to a layout, to be drawn from [`Initial::linear`].
    pub fn new(layout: &mut Layout, name: &str, inputs: usize, outputs: usize, bias: bool) -> Self {
        let initial = Initial::linear(inputs);
        let weight = layout.add(
            format!("{name}.weight"),
            ParameterKind::LinearMap,
            &[outputs, inputs],
            initial,
        );
        let bias = bias.then(|| {
            let name = format!("{name}.bias");
            layout.add(name, ParameterKind::Bias, &[outputs], initial)
        });
        Self { weight, bias }
    }

    /// x `[.., in]` → y `[.., out]`.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(&self, ctx: &Context<'_, B>, x: &B::Tensor) -> Result<B::Tensor> {
        let bias = self.bias.map(|bias| ctx.value(bias));
        Ok(ctx.backend.linear(x, ctx.value(self.weight), bias)?)
    }

    /// dy `[.., out]` → dx = dy W `[.., in]`; adds dW = dyᵀ x and db = Σ dy. Saved value: the input x.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        dy: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let weight = ctx.value(self.weight);
        let (dw, db) = gradients.weight_and_bias(ctx.parameters, self.weight, self.bias);
        input_gradient(ctx.backend, x, weight, dy, dw, db)
    }

    /// The same without dx, for the first map of a network.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward_parameters<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        dy: &B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<()> {
        let weight = ctx.value(self.weight);
        let (dw, db) = gradients.weight_and_bias(ctx.parameters, self.weight, self.bias);
        ctx.backend.linear_backward(x, weight, dy, dw, db, false)?;
        Ok(())
    }
}

/// The backward pass of y = x Wᵀ + b with the gradient with respect to its input.
pub(crate) fn input_gradient<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    weight: &B::Tensor,
    dy: &B::Tensor,
    dw: Option<&mut B::Tensor>,
    db: Option<&mut B::Tensor>,
) -> Result<B::Tensor> {
    let dx = backend.linear_backward(x, weight, dy, dw, db, true)?;
    Ok(dx.expect("a backend returns the input gradient where it is asked for"))
}
