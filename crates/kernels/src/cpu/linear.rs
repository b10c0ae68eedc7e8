//! The linear map.

use super::{
    Cpu, CpuTensor,
    gemm::Finish,
    operand::Operand,
    parallel::{RowsMut, for_blocks},
    product::add_partials,
};
use crate::{Element, Result, Tensor, check};

impl<T: Element> Cpu<T> {
    pub(super) fn linear(
        &self,
        x: &CpuTensor<T>,
        weight: &CpuTensor<T>,
        bias: Option<&CpuTensor<T>>,
    ) -> Result<CpuTensor<T>> {
        let check::Linear { input, output } = check::linear("linear", x.shape(), weight.shape())?;
        check::same_optional("linear bias", &[output], bias)?;
        let mut y = self.empty(&check::with_width(x.shape(), output));
        let weight = Operand::rows(weight.as_slice(), input).transposed();
        let finish = Finish {
            bias: bias.map(CpuTensor::as_slice),
            ..Finish::scaled(T::one())
        };
        let packed = self.packed(weight, input, output);
        let x = Operand::rows(x.as_slice(), input);
        self.product(x, &packed, finish, y.as_mut_slice())?; // y = x Wᵀ + b
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
        let check::Linear { input, output } =
            check::linear("linear_backward", x.shape(), weight.shape())?;
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
        if let Some(d_weight) = d_weight {
            self.add_transposed_product(dy.as_slice(), x.as_slice(), output, d_weight)?; // dW += dyᵀ x
        }
        if let Some(d_bias) = d_bias {
            self.sum_rows(dy, d_bias)?; // db += Σ dy
        }
        if !need_input {
            return Ok(None);
        }
        let mut dx = self.empty(x.shape());
        let packed = self.packed(Operand::rows(weight.as_slice(), input), output, input);
        let dy = Operand::rows(dy.as_slice(), output);
        self.product(dy, &packed, Finish::scaled(T::one()), dx.as_mut_slice())?; // dx = dy W
        Ok(Some(dx))
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
