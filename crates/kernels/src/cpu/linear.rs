//! The linear map.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, for_blocks},
    product::{add_partials, product_block, reduction_block, times, transposed_times},
    rows::{add_rows_to, add_to_rows},
};
use crate::{Element, Result, Tensor, check};

impl<T: Element> Cpu<T> {
    pub(super) fn linear(
        &self,
        x: &CpuTensor<T>,
        weight: &CpuTensor<T>,
        bias: Option<&CpuTensor<T>>,
    ) -> Result<CpuTensor<T>> {
        let check::Linear {
            rows,
            input,
            output,
        } = check::linear("linear", x.shape(), weight.shape())?;
        check::same_optional("linear bias", &[output], bias)?;
        let mut y = self.empty(&check::with_width(x.shape(), output));
        let weight = self.transposed(weight.as_slice(), output, input);
        let (x, weight, bias) = (
            x.as_slice(),
            weight.as_slice(),
            bias.map(CpuTensor::as_slice),
        );
        for_blocks(
            rows,
            product_block(input, output),
            RowsMut::new(y.as_mut_slice(), output),
            |range, y| {
                let x = &x[range.start * input..range.end * input];
                times(T::one(), x, weight, T::zero(), y.data, output, input)?; // y = x Wᵀ
                if let Some(bias) = bias {
                    add_to_rows(bias, y.data); // + b
                }
                Ok(())
            },
        )?;
        Ok(y)
    }

    pub(super) fn linear_backward(
        &self,
        x: &CpuTensor<T>,
        weight: &CpuTensor<T>,
        dy: &CpuTensor<T>,
        d_weight: Option<&mut CpuTensor<T>>,
        d_bias: Option<&mut CpuTensor<T>>,
        need_input: bool,
    ) -> Result<Option<CpuTensor<T>>> {
        let check::Linear {
            rows,
            input,
            output,
        } = check::linear("linear_backward", x.shape(), weight.shape())?;
        check::same(
            "linear_backward",
            &check::with_width(x.shape(), output),
            dy.shape(),
        )?;
        check::same_optional(
            "linear_backward weight",
            weight.shape(),
            d_weight.as_deref(),
        )?;
        check::same_optional("linear_backward bias", &[output], d_bias.as_deref())?;
        let block = reduction_block(rows, output, input);
        let blocks = rows.div_ceil(block);
        let mut dx = need_input.then(|| self.empty(x.shape()));
        let mut weights = d_weight
            .is_some()
            .then(|| self.empty(&[blocks, output * input]));
        let mut biases = d_bias.is_some().then(|| self.empty(&[blocks, output]));
        let (x, weight, dy) = (x.as_slice(), weight.as_slice(), dy.as_slice());
        let parts = (
            dx.as_mut().map(|t| RowsMut::new(t.as_mut_slice(), input)),
            weights
                .as_mut()
                .map(|t| Partials::new(t.as_mut_slice(), output * input, block)),
            biases
                .as_mut()
                .map(|t| Partials::new(t.as_mut_slice(), output, block)),
        );
        for_blocks(rows, block, parts, |range, (dx, d_weight, d_bias)| {
            let x = &x[range.start * input..range.end * input];
            let dy = &dy[range.start * output..range.end * output];
            if let Some(dx) = dx {
                times(T::one(), dy, weight, T::zero(), dx.data, input, output)?; // dx = dy W
            }
            if let Some(d_weight) = d_weight {
                transposed_times(T::one(), dy, x, T::zero(), d_weight.data, output, input)?; // dW += dyᵀ x
            }
            if let Some(d_bias) = d_bias {
                d_bias.data.fill(T::zero());
                add_rows_to(dy, d_bias.data); // db += Σ dy
            }
            Ok(())
        })?;
        self.accumulate(weights, d_weight)?;
        self.accumulate(biases, d_bias)?;
        Ok(dx)
    }

    /// Adds the partial sums of a reduction to the gradient that they belong to.
    pub(super) fn accumulate(
        &self,
        partials: Option<CpuTensor<T>>,
        out: Option<&mut CpuTensor<T>>,
    ) -> Result<()> {
        let (Some(partials), Some(out)) = (partials, out) else {
            return Ok(());
        };
        let width = out.len();
        let partials = partials.as_slice();
        let blocks = partials.len().checked_div(width).unwrap_or(0);
        for_blocks(
            width,
            1 << 15,
            RowsMut::new(out.as_mut_slice(), 1),
            |range, out| {
                for block in 0..blocks {
                    add_partials(
                        &partials[block * width + range.start..block * width + range.end],
                        out.data,
                    );
                }
                Ok(())
            },
        )
    }
}
