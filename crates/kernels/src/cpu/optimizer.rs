//! Steps of the optimizers, one pass over the weights each.

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, for_blocks},
    vector::vectorized,
};
use crate::{AdamStep, Element, LionStep, Result, SgdStep, Tensor, check, element::multiply_add};

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
    fn adam<T, const FUSED>(step: &AdamStep, gradient: &[T], value: &mut [T], first: &mut [T], second: &mut [T]) {
        let (correction1, correction2) = step.corrections();
        let rate = T::from_f64(step.learning_rate / correction1);
        let root = T::from_f64(1.0 / correction2.sqrt());
        let epsilon = T::from_f64(step.epsilon);
        let (beta1, beta2) = (T::from_f64(step.beta1), T::from_f64(step.beta2));
        let (rest1, rest2) = (T::from_f64(1.0 - step.beta1), T::from_f64(1.0 - step.beta2));
        let (shrink, penalty) = if step.decoupled {
            (T::from_f64(1.0 - step.learning_rate * step.weight_decay), T::zero())
        } else {
            (T::one(), T::from_f64(step.weight_decay))
        };
        for (((w, &g), m), v) in value.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = multiply_add::<T, FUSED>(penalty, *w, g);
            *m = multiply_add::<T, FUSED>(beta1, *m, rest1 * g); // m = β₁ m + (1 − β₁) g
            *v = multiply_add::<T, FUSED>(beta2, *v, rest2 * g * g); // v = β₂ v + (1 − β₂) g²
            *w = shrink * *w - rate * *m / multiply_add::<T, FUSED>(v.sqrt(), root, epsilon);
        }
    }
}

vectorized! {
    fn sgd<T, const FUSED>(step: &SgdStep, gradient: &[T], value: &mut [T], momentum: &mut [T]) {
        let (rate, penalty) = (T::from_f64(step.learning_rate), T::from_f64(step.weight_decay));
        let mu = T::from_f64(step.momentum);
        for ((w, &g), b) in value.iter_mut().zip(gradient).zip(momentum) {
            let g = multiply_add::<T, FUSED>(penalty, *w, g);
            let mut direction = g;
            if step.momentum != 0.0 {
                *b = if step.first { g } else { multiply_add::<T, FUSED>(mu, *b, g) }; // b = μ b + g
                direction = if step.nesterov { multiply_add::<T, FUSED>(mu, *b, g) } else { *b };
            }
            *w -= rate * direction;
        }
    }
}

vectorized! {
    fn lion<T, const FUSED>(step: &LionStep, gradient: &[T], value: &mut [T], momentum: &mut [T]) {
        let rate = T::from_f64(step.learning_rate);
        let shrink = T::from_f64(1.0 - step.learning_rate * step.weight_decay);
        let (beta1, beta2) = (T::from_f64(step.beta1), T::from_f64(step.beta2));
        let (rest1, rest2) = (T::from_f64(1.0 - step.beta1), T::from_f64(1.0 - step.beta2));
        for ((w, &g), m) in value.iter_mut().zip(gradient).zip(momentum) {
            let mixed = multiply_add::<T, FUSED>(beta1, *m, rest1 * g); // sign(β₁ m + (1 − β₁) g)
            let direction = if mixed > T::zero() {
                rate
            } else if mixed < T::zero() {
                -rate
            } else {
                mixed // 0, or NaN
            };
            *w = shrink * *w - direction;
            *m = multiply_add::<T, FUSED>(beta2, *m, rest2 * g); // m = β₂ m + (1 − β₂) g
        }
    }
}
