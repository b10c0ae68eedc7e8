//! Layer normalization.

use crate::{Context, Gradients, Initial, Layout, Norms, ParameterKind, Result};
use srr_kernels::{Backend, LayerNormOutput};

/// y = gain ⊙ (x − mean)/√(variance + ε) + bias on the last axis (Ba et al. 2016), `NAME.weight` and `NAME.bias`.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gain: usize,
    bias: usize,
    epsilon: f64,
}

/// What a layer norm saves: its output and statistics, or nothing where norms are removed.
#[derive(Clone, Debug)]
pub struct NormTape<B: Backend>(Option<LayerNormOutput<B::Tensor>>);

impl<B: Backend> NormTape<B> {
    /// The norm's output, given its input: the input itself where norms are removed.
    pub fn output<'a>(&'a self, input: &'a B::Tensor) -> &'a B::Tensor {
        self.0.as_ref().map_or(input, |norm| &norm.output)
    }

    /// Whether the norm was removed.
    pub(crate) fn is_identity(&self) -> bool {
        self.0.is_none()
    }
}

impl LayerNorm {
    /// The ε of PyTorch and of the official classifier.
    pub const EPSILON: f64 = 1e-5;

    /// Adds gain (ones) and bias (zeros) to a layout.
    pub fn new(layout: &mut Layout, name: &str, dim: usize) -> Self {
        let mut add = |part: &str, kind, value| {
            let name = format!("{name}.{part}");
            layout.add(name, kind, &[dim], Initial::Constant(value))
        };
        Self {
            gain: add("weight", ParameterKind::NormGain, 1.0),
            bias: add("bias", ParameterKind::NormBias, 0.0),
            epsilon: Self::EPSILON,
        }
    }

    /// x `[.., d]` → y `[.., d]`, found in the tape.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn forward<B: Backend>(&self, ctx: &Context<'_, B>, x: &B::Tensor) -> Result<NormTape<B>> {
        if ctx.options.norms == Norms::Removed {
            return Ok(NormTape(None));
        }
        let (gain, bias) = (ctx.value(self.gain), ctx.value(self.bias));
        let norm = ctx.backend.layer_norm(x, gain, bias, self.epsilon)?;
        Ok(NormTape(Some(norm)))
    }

    /// dy `[.., d]` → dx `[.., d]`; adds to the gradients of gain and bias. Saved values: the input x and the tape.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn backward<B: Backend>(
        &self,
        ctx: &Context<'_, B>,
        x: &B::Tensor,
        tape: &NormTape<B>,
        dy: B::Tensor,
        gradients: &mut Gradients<B>,
    ) -> Result<B::Tensor> {
        let Some(norm) = &tape.0 else {
            return Ok(dy);
        };
        let gain = ctx.value(self.gain);
        let (d_gain, d_bias) =
            gradients.weight_and_bias(ctx.parameters, self.gain, Some(self.bias));
        Ok(ctx
            .backend
            .layer_norm_backward(x, gain, norm, &dy, d_gain, d_bias)?)
    }
}
