//! Steps of the optimizers, one pass over the weights each.

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, for_blocks},
    vector::vectorized,
};
use crate::{AdamStep, Element, LionStep, Result, SgdStep, Tensor, check, lanes::Lanes};

/// Weights of a block.
const BLOCK: usize = 1 << 13;

impl<T: Element> Cpu<T> {
    pub(super) fn adam_step(
        &self,
        value: &mut CpuTensor<T>,
        gradient: &CpuTensor<T>,
        first: &mut CpuTensor<T>,
        second: &mut CpuTensor<T>,
        step: &AdamStep,
    ) -> Result<()> {
        check::adam(step)?;
        for operand in [gradient, first, second] {
            check::same("adam_step", value.shape(), operand.shape())?;
        }
        let gradient = gradient.as_slice();
        let parts = (
            RowsMut::new(value.as_mut_slice(), 1),
            RowsMut::new(first.as_mut_slice(), 1),
            RowsMut::new(second.as_mut_slice(), 1),
        );
        for_blocks(
            gradient.len(),
            BLOCK,
            parts,
            |range, (value, first, second)| {
                adam(step, &gradient[range], value.data, first.data, second.data);
                Ok(())
            },
        )
    }

    pub(super) fn sgd_step(
        &self,
        value: &mut CpuTensor<T>,
        gradient: &CpuTensor<T>,
        momentum: &mut CpuTensor<T>,
        step: &SgdStep,
    ) -> Result<()> {
        check::sgd(step)?;
        for operand in [gradient, momentum] {
            check::same("sgd_step", value.shape(), operand.shape())?;
        }
        let gradient = gradient.as_slice();
        let parts = (
            RowsMut::new(value.as_mut_slice(), 1),
            RowsMut::new(momentum.as_mut_slice(), 1),
        );
        for_blocks(gradient.len(), BLOCK, parts, |range, (value, momentum)| {
            sgd(step, &gradient[range], value.data, momentum.data);
            Ok(())
        })
    }

    pub(super) fn lion_step(
        &self,
        value: &mut CpuTensor<T>,
        gradient: &CpuTensor<T>,
        momentum: &mut CpuTensor<T>,
        step: &LionStep,
    ) -> Result<()> {
        check::lion(step)?;
        for operand in [gradient, momentum] {
            check::same("lion_step", value.shape(), operand.shape())?;
        }
        let gradient = gradient.as_slice();
        let parts = (
            RowsMut::new(value.as_mut_slice(), 1),
            RowsMut::new(momentum.as_mut_slice(), 1),
        );
        for_blocks(gradient.len(), BLOCK, parts, |range, (value, momentum)| {
            lion(step, &gradient[range], value.data, momentum.data);
            Ok(())
        })
    }
}

vectorized! {
    fn adam<T, S>(simd: S, step: &AdamStep, gradient: &[T], value: &mut [T], first: &mut [T], second: &mut [T]) {
        let splat = |x: f64| Lanes::<T, S>::splat(simd, T::from_f64(x));
        let (correction1, correction2) = step.corrections();
        let (rate, root, epsilon) = (splat(step.learning_rate / correction1), splat(1.0 / correction2.sqrt()), splat(step.epsilon));
        let (beta1, beta2, rest1, rest2) = (splat(step.beta1), splat(step.beta2), splat(1.0 - step.beta1), splat(1.0 - step.beta2));
        let (shrink, penalty) = if step.decoupled {
            (splat(1.0 - step.learning_rate * step.weight_decay), splat(0.0))
        } else {
            (splat(1.0), splat(step.weight_decay))
        };
        let width = T::width::<S>();
        let states = first.chunks_mut(width).zip(second.chunks_mut(width));
        for ((w, g), (m, v)) in value.chunks_mut(width).zip(gradient.chunks(width)).zip(states) {
            let weights = Lanes::load(simd, w);
            let g = penalty.mul_add(weights, Lanes::load(simd, g));
            let mean = beta1.mul_add(Lanes::load(simd, m), rest1 * g); // m = β₁ m + (1 − β₁) g
            let square = beta2.mul_add(Lanes::load(simd, v), rest2 * g * g); // v = β₂ v + (1 − β₂) g²
            (shrink * weights - rate * mean / square.sqrt().mul_add(root, epsilon)).store(w);
            mean.store(m);
            square.store(v);
        }
    }
}

vectorized! {
    fn sgd<T, S>(simd: S, step: &SgdStep, gradient: &[T], value: &mut [T], momentum: &mut [T]) {
        let splat = |x: f64| Lanes::<T, S>::splat(simd, T::from_f64(x));
        let (rate, penalty, mu) = (splat(step.learning_rate), splat(step.weight_decay), splat(step.momentum));
        let width = T::width::<S>();
        for ((w, g), b) in value.chunks_mut(width).zip(gradient.chunks(width)).zip(momentum.chunks_mut(width)) {
            let weights = Lanes::load(simd, w);
            let g = penalty.mul_add(weights, Lanes::load(simd, g));
            let mut direction = g;
            if step.momentum != 0.0 {
                let buffer = if step.first { g } else { mu.mul_add(Lanes::load(simd, b), g) }; // b = μ b + g
                buffer.store(b);
                direction = if step.nesterov { mu.mul_add(buffer, g) } else { buffer };
            }
            (weights - rate * direction).store(w);
        }
    }
}

vectorized! {
    fn lion<T, S>(simd: S, step: &LionStep, gradient: &[T], value: &mut [T], momentum: &mut [T]) {
        let splat = |x: f64| Lanes::<T, S>::splat(simd, T::from_f64(x));
        let (rate, shrink) = (splat(step.learning_rate), splat(1.0 - step.learning_rate * step.weight_decay));
        let (beta1, beta2, rest1, rest2) = (splat(step.beta1), splat(step.beta2), splat(1.0 - step.beta1), splat(1.0 - step.beta2));
        let zero = splat(0.0);
        let width = T::width::<S>();
        for ((w, g), m) in value.chunks_mut(width).zip(gradient.chunks(width)).zip(momentum.chunks_mut(width)) {
            let (g, old) = (Lanes::load(simd, g), Lanes::load(simd, m));
            let mixed = beta1.mul_add(old, rest1 * g);
            // sign(β₁ m + (1 − β₁) g); what is neither positive nor negative, 0 or NaN, stays.
            let direction = mixed.if_positive(rate, (zero - mixed).if_positive(zero - rate, mixed));
            (shrink * Lanes::load(simd, w) - direction).store(w);
            beta2.mul_add(old, rest2 * g).store(m); // m = β₂ m + (1 − β₂) g
        }
    }
}
