//! Steps of the optimizers.

use super::constant;
use crate::{AdamStep, Backend, LionStep, Result, SgdStep, Tensor, Unary, check};

pub(crate) fn adam_step<B: Backend>(
    backend: &B,
    value: &mut B::Tensor,
    gradient: &B::Tensor,
    first: &mut B::Tensor,
    second: &mut B::Tensor,
    step: &AdamStep,
) -> Result<()> {
    check::adam(step)?;
    check::same("adam_step", value.shape(), gradient.shape())?;
    let gradient = decayed(
        backend,
        value,
        gradient,
        step.learning_rate,
        step.weight_decay,
        step.decoupled,
    )?;
    let squares = backend.unary(Unary::Square, &gradient)?;
    move_towards(backend, first, step.beta1, &gradient)?; // m = β₁ m + (1 − β₁) g
    move_towards(backend, second, step.beta2, &squares)?; // v = β₂ v + (1 − β₂) g²
    let (correction1, correction2) = step.corrections();
    let mut denominator = backend.unary(Unary::Sqrt, second)?;
    backend.scale(&mut denominator, 1.0 / correction2.sqrt())?;
    let mut column = backend.reshape(&denominator, &[value.len(), 1])?;
    backend.add_row(&mut column, &constant(backend, step.epsilon, &[1])?)?; // √(v / c₂) + ε
    let inverse = backend.reshape(&backend.unary(Unary::Reciprocal, &column)?, value.shape())?;
    backend.add_scaled(
        value,
        -step.learning_rate / correction1,
        &backend.multiply(first, &inverse)?,
    )
}

pub(crate) fn sgd_step<B: Backend>(
    backend: &B,
    value: &mut B::Tensor,
    gradient: &B::Tensor,
    momentum: &mut B::Tensor,
    step: &SgdStep,
) -> Result<()> {
    check::sgd(step)?;
    check::same("sgd_step", value.shape(), gradient.shape())?;
    let gradient = decayed(
        backend,
        value,
        gradient,
        step.learning_rate,
        step.weight_decay,
        false,
    )?;
    if step.momentum == 0.0 {
        return backend.add_scaled(value, -step.learning_rate, &gradient);
    }
    backend.scale(momentum, if step.first { 0.0 } else { step.momentum })?;
    backend.add_scaled(momentum, 1.0, &gradient)?; // b = μ b + g
    let direction = if step.nesterov {
        backend.combine(&gradient, step.momentum, momentum)? // g + μ b
    } else {
        momentum.clone()
    };
    backend.add_scaled(value, -step.learning_rate, &direction)
}

pub(crate) fn lion_step<B: Backend>(
    backend: &B,
    value: &mut B::Tensor,
    gradient: &B::Tensor,
    momentum: &mut B::Tensor,
    step: &LionStep,
) -> Result<()> {
    check::lion(step)?;
    check::same("lion_step", value.shape(), gradient.shape())?;
    let gradient = decayed(
        backend,
        value,
        gradient,
        step.learning_rate,
        step.weight_decay,
        true,
    )?;
    let mut mixed = momentum.clone();
    move_towards(backend, &mut mixed, step.beta1, &gradient)?;
    let direction = backend.unary(Unary::Sign, &mixed)?; // sign(β₁ m + (1 − β₁) g)
    backend.add_scaled(value, -step.learning_rate, &direction)?;
    move_towards(backend, momentum, step.beta2, &gradient) // m = β₂ m + (1 − β₂) g
}

/// mean ← β mean + (1 − β) x.
fn move_towards<B: Backend>(
    backend: &B,
    mean: &mut B::Tensor,
    beta: f64,
    x: &B::Tensor,
) -> Result<()> {
    backend.scale(mean, beta)?;
    backend.add_scaled(mean, 1.0 - beta, x)
}

/// Applies the weight decay to the weights (decoupled), or returns the gradient with it.
fn decayed<B: Backend>(
    backend: &B,
    value: &mut B::Tensor,
    gradient: &B::Tensor,
    learning_rate: f64,
    weight_decay: f64,
    decoupled: bool,
) -> Result<B::Tensor> {
    if weight_decay == 0.0 {
        return Ok(gradient.clone());
    }
    if decoupled {
        backend.scale(value, 1.0 - learning_rate * weight_decay)?;
        return Ok(gradient.clone());
    }
    backend.combine(gradient, weight_decay, value)
}
