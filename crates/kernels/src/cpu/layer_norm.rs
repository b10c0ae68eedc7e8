//! Layer normalization.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, block_rows, for_blocks},
    product::reduction_block,
    vector::{each, each2, each3, side_by_side, sum, vectorized},
};
use crate::{Element, LayerNormOutput, Result, Tensor, check, lanes::Lanes};

/// Rows whose deviations are computed together: one by one, each would wait for its root and its quotient.
const ROWS: usize = 16;

impl<T: Element> Cpu<T> {
    pub(super) fn layer_norm(
        &self,
        x: &CpuTensor<T>,
        gain: &CpuTensor<T>,
        bias: &CpuTensor<T>,
        epsilon: f64,
    ) -> Result<LayerNormOutput<CpuTensor<T>>> {
        let (rows, width) = check::rows("layer_norm", x.shape())?;
        check::same("layer_norm gain", &[width], gain.shape())?;
        check::same("layer_norm bias", &[width], bias.shape())?;
        check::at_least_zero("layer_norm", "epsilon", epsilon)?;
        let mut output = self.empty(x.shape());
        let (mut mean, mut inverse_deviation) = (self.empty(&[rows]), self.empty(&[rows]));
        let (x, gain, bias) = (x.as_slice(), gain.as_slice(), bias.as_slice());
        let parts = (
            RowsMut::new(output.as_mut_slice(), width),
            RowsMut::new(mean.as_mut_slice(), 1),
            RowsMut::new(inverse_deviation.as_mut_slice(), 1),
        );
        for_blocks(
            rows,
            block_rows(1 << 14, width),
            parts,
            |range, (output, mean, inverse)| {
                let x = &x[range.start * width..range.end * width];
                normalize(
                    x,
                    gain,
                    bias,
                    T::from_f64(epsilon),
                    output.data,
                    mean.data,
                    inverse.data,
                );
                Ok(())
            },
        )?;
        Ok(LayerNormOutput {
            output,
            mean,
            inverse_deviation,
        })
    }

    pub(super) fn layer_norm_backward(
        &self,
        x: &CpuTensor<T>,
        gain: &CpuTensor<T>,
        forward: &LayerNormOutput<CpuTensor<T>>,
        dy: &CpuTensor<T>,
        d_gain: Option<&mut CpuTensor<T>>,
        d_bias: Option<&mut CpuTensor<T>>,
    ) -> Result<CpuTensor<T>> {
        let (rows, width) = check::layer_norm_backward(x, gain, forward, dy)?;
        check::same_optional("layer_norm_backward gain", &[width], d_gain.as_deref())?;
        check::same_optional("layer_norm_backward bias", &[width], d_bias.as_deref())?;
        let block = reduction_block(rows, 1, width);
        let mut dx = self.empty(x.shape());
        // The gradients of gain and bias of each block, one after the other.
        let mut gains = self.empty(&[rows.div_ceil(block), width]);
        let mut biases = self.empty(&[rows.div_ceil(block), width]);
        let (x, gain, dy) = (x.as_slice(), gain.as_slice(), dy.as_slice());
        let (mean, inverse) = (
            forward.mean.as_slice(),
            forward.inverse_deviation.as_slice(),
        );
        let parts = (
            RowsMut::new(dx.as_mut_slice(), width),
            Partials::new(gains.as_mut_slice(), width, block),
            Partials::new(biases.as_mut_slice(), width, block),
        );
        for_blocks(rows, block, parts, |range, (dx, d_gain, d_bias)| {
            let elements = range.start * width..range.end * width;
            d_gain.data.fill(T::zero());
            d_bias.data.fill(T::zero());
            normalize_backward(
                &x[elements.clone()],
                gain,
                &mean[range.clone()],
                &inverse[range],
                &dy[elements],
                dx.data,
                d_gain.data,
                d_bias.data,
            );
            Ok(())
        })?;
        self.accumulate(Some(gains), d_gain)?;
        self.accumulate(Some(biases), d_bias)?;
        Ok(dx)
    }
}

vectorized! {
    fn normalize<T, S>(simd: S, x: &[T], gain: &[T], bias: &[T], epsilon: T, output: &mut [T], mean: &mut [T], inverse: &mut [T]) {
        let width = gain.len();
        if width == 0 {
            return;
        }
        let share = T::one() / T::from_f64(width as f64);
        let some = ROWS * width;
        let blocks = x.chunks(some).zip(output.chunks_mut(some));
        for ((x, output), (mean, inverse)) in blocks.zip(mean.chunks_mut(ROWS).zip(inverse.chunks_mut(ROWS))) {
            let rows = x.chunks_exact(width).zip(output.chunks_exact_mut(width));
            for ((x, y), (mean, variance)) in rows.zip(mean.iter_mut().zip(inverse.iter_mut())) {
                *mean = share * sum(simd, x, #[inline(always)] |x| x);
                let center = Lanes::splat(simd, *mean);
                each2(simd, y, x, #[inline(always)] |_, x| x - center);
                *variance = share * sum(simd, y, #[inline(always)] |y| y * y); // biased
            }
            let (one, epsilon) = (Lanes::splat(simd, T::one()), Lanes::splat(simd, epsilon));
            each(simd, inverse, #[inline(always)] |variance| one / (variance + epsilon).sqrt());
            for (y, &inverse) in output.chunks_exact_mut(width).zip(inverse.iter()) {
                let scale = Lanes::splat(simd, inverse);
                each3(simd, y, gain, bias, #[inline(always)] |y, gain, bias| (y * scale).mul_add(gain, bias));
            }
        }
    }
}

vectorized! {
    fn normalize_backward<T, S>(
        simd: S,
        x: &[T],
        gain: &[T],
        mean: &[T],
        inverse: &[T],
        dy: &[T],
        dx: &mut [T],
        d_gain: &mut [T],
        d_bias: &mut [T],
    ) {
        let width = gain.len();
        if width == 0 {
            return;
        }
        let share = T::one() / T::from_f64(width as f64);
        let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for (((x, dy), dx), (&mean, &inverse)) in rows.zip(mean.iter().zip(inverse)) {
            let (mean, inverse) = (Lanes::splat(simd, mean), Lanes::splat(simd, inverse));
            let mut average = Lanes::splat(simd, T::zero());
            let mut along = Lanes::splat(simd, T::zero());
            side_by_side(simd, [x, dy, gain], [&mut *dx, &mut *d_gain, &mut *d_bias], #[inline(always)] |[x, dy, gain], [_, d_gain, d_bias]| {
                let x = (x - mean) * inverse; // x̂, kept in dx for a moment
                average += dy * gain;
                along = (dy * gain).mul_add(x, along);
                [x, dy.mul_add(x, d_gain), d_bias + dy] // dg += dy ⊙ x̂, db += dy
            });
            // dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ⊙ x̂)) / deviation, with dx̂ = dy ⊙ g
            let average = Lanes::splat(simd, share * average.total());
            let along = Lanes::splat(simd, share * along.total());
            each3(simd, dx, dy, gain, #[inline(always)] |x, dy, gain| inverse * (dy * gain - average - x * along));
        }
    }
}
