//! The global norm of a gradient, and clipping by it.

use crate::{Finite, Quantity, Result};
use srr_kernels::Backend;
use srr_layers::{Gradients, Parameters};

/// The Euclidean norm of all trainable parameters' gradients together, or the first gradient that is not finite.
pub(crate) fn global_norm<B: Backend>(
    backend: &B,
    parameters: &Parameters<B>,
    gradients: &Gradients<B>,
) -> Result<Finite<f64>> {
    let mut sum = 0.0;
    for (parameter, gradient) in parameters.iter().zip(gradients.iter()) {
        if !parameter.trainable {
            continue;
        }
        sum += backend.sum_of_squares(gradient)?;
        if !f64::is_finite(sum) {
            let name = parameter.name.clone();
            return Ok(Err(Quantity::Gradient { name }));
        }
    }
    Ok(Ok(sum.sqrt()))
}

/// Scales gradients of global norm `norm` down to `limit` if they exceed it, as torch's `clip_grad_norm_` (which adds 10⁻⁶ to the
/// norm).
pub(crate) fn scale_to<B: Backend>(
    backend: &B,
    gradients: &mut Gradients<B>,
    norm: f64,
    limit: f64,
) -> Result<()> {
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        for gradient in gradients.iter_mut() {
            backend.scale(gradient, factor)?;
        }
    }
    Ok(())
}
