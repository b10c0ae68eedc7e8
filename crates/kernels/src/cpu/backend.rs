//! The CPU's operations, each in the file of its family.

use srr_coding_rate::Coding;
use srr_linalg::Scalar as _;

use super::{Cpu, CpuTensor, ista};
use crate::{
    AdamStep, AttentionOptions, Backend, CrossEntropy, Dropout, Element, Error, IstaOutput,
    LayerNormOutput, LionStep, MatmulPrecision, Rates, Result, SgdStep, Tensor, Transpose, Unary,
    check, composed,
};

/// For each element type by itself, not for all at once: generic code is compiled anew in every crate that calls it, this once and here.
macro_rules! backend {
    ($T:ident) => {
        impl Backend for Cpu<$T> {
            type Element = $T;
            type Tensor = CpuTensor<$T>;

            fn precision(&self) -> MatmulPrecision {
                self.precision
            }

            fn upload(&self, values: &[$T], shape: &[usize]) -> Result<CpuTensor<$T>> {
                if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                    return Err(Error::NonFinite {
                        operation: "upload",
                        index,
                    });
                }
                self.upload_unchecked(values, shape)
            }

            fn upload_unchecked(&self, values: &[$T], shape: &[usize]) -> Result<CpuTensor<$T>> {
                check::fills("upload", values.len(), shape)?;
                let mut tensor = self.empty(shape);
                tensor.as_mut_slice().copy_from_slice(values);
                Ok(tensor)
            }

            fn download(&self, tensor: &CpuTensor<$T>) -> Result<Vec<$T>> {
                Ok(tensor.as_slice().to_vec())
            }

            fn zeros(&self, shape: &[usize]) -> Result<CpuTensor<$T>> {
                let mut tensor = self.empty(shape);
                tensor.as_mut_slice().fill(0.0);
                Ok(tensor)
            }

            fn reshape(&self, x: &CpuTensor<$T>, shape: &[usize]) -> Result<CpuTensor<$T>> {
                check::fills("reshape", x.len(), shape)?;
                Ok(x.reshaped(shape))
            }

            fn matmul_into(
                &self,
                alpha: f64,
                a: &CpuTensor<$T>,
                transpose_a: Transpose,
                b: &CpuTensor<$T>,
                transpose_b: Transpose,
                beta: f64,
                out: &mut CpuTensor<$T>,
            ) -> Result<()> {
                Cpu::matmul_into(self, alpha, a, transpose_a, b, transpose_b, beta, out)
            }

            fn add_scaled(
                &self,
                y: &mut CpuTensor<$T>,
                alpha: f64,
                x: &CpuTensor<$T>,
            ) -> Result<()> {
                Cpu::add_scaled(self, y, alpha, x)
            }

            fn scale(&self, y: &mut CpuTensor<$T>, alpha: f64) -> Result<()> {
                super::elementwise::scale(y.as_mut_slice(), $T::from_f64(alpha))
            }

            fn multiply(&self, a: &CpuTensor<$T>, b: &CpuTensor<$T>) -> Result<CpuTensor<$T>> {
                Cpu::multiply(self, a, b)
            }

            fn unary(&self, function: Unary, x: &CpuTensor<$T>) -> Result<CpuTensor<$T>> {
                Cpu::unary(self, function, x)
            }

            fn unary_backward(
                &self,
                function: Unary,
                x: &CpuTensor<$T>,
                dy: &CpuTensor<$T>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::unary_backward(self, function, x, dy)
            }

            fn dropout(&self, x: &mut CpuTensor<$T>, dropout: &Dropout) -> Result<()> {
                Cpu::dropout(self, x, dropout)
            }

            fn combine(
                &self,
                a: &CpuTensor<$T>,
                alpha: f64,
                b: &CpuTensor<$T>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::combine(self, a, alpha, b)
            }

            fn add_row(&self, x: &mut CpuTensor<$T>, row: &CpuTensor<$T>) -> Result<()> {
                Cpu::add_row(self, x, row)
            }

            fn sum_rows(&self, x: &CpuTensor<$T>, out: &mut CpuTensor<$T>) -> Result<()> {
                Cpu::sum_rows(self, x, out)
            }

            fn softmax(&self, x: &CpuTensor<$T>) -> Result<CpuTensor<$T>> {
                Cpu::softmax(self, x)
            }

            fn softmax_backward(
                &self,
                y: &CpuTensor<$T>,
                dy: &CpuTensor<$T>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::softmax_backward(self, y, dy)
            }

            fn permute(&self, x: &CpuTensor<$T>, axes: &[usize]) -> Result<CpuTensor<$T>> {
                Cpu::permute(self, x, axes)
            }

            fn slice(
                &self,
                x: &CpuTensor<$T>,
                axis: usize,
                start: usize,
                length: usize,
            ) -> Result<CpuTensor<$T>> {
                Cpu::slice(self, x, axis, start, length)
            }

            fn add_slice(
                &self,
                out: &mut CpuTensor<$T>,
                axis: usize,
                start: usize,
                x: &CpuTensor<$T>,
            ) -> Result<()> {
                Cpu::add_slice(self, out, axis, start, x)
            }

            fn concat(&self, parts: &[&CpuTensor<$T>], axis: usize) -> Result<CpuTensor<$T>> {
                Cpu::concat(self, parts, axis)
            }

            fn gather_rows(&self, table: &CpuTensor<$T>, ids: &[u32]) -> Result<CpuTensor<$T>> {
                Cpu::gather_rows(self, table, ids)
            }

            fn scatter_add_rows(
                &self,
                out: &mut CpuTensor<$T>,
                ids: &[u32],
                x: &CpuTensor<$T>,
            ) -> Result<()> {
                Cpu::scatter_add_rows(self, out, ids, x)
            }

            fn mean_tokens(&self, x: &CpuTensor<$T>) -> Result<CpuTensor<$T>> {
                Cpu::mean_tokens(self, x)
            }

            fn mean_tokens_backward(
                &self,
                dy: &CpuTensor<$T>,
                tokens: usize,
            ) -> Result<CpuTensor<$T>> {
                Cpu::mean_tokens_backward(self, dy, tokens)
            }

            fn sum_of_squares(&self, x: &CpuTensor<$T>) -> Result<f64> {
                Ok(super::rows::sum_of_squares(x.as_slice()))
            }

            fn count_nonzero(&self, x: &CpuTensor<$T>) -> Result<Vec<u64>> {
                Cpu::count_nonzero(self, x)
            }

            fn all_finite(&self, x: &CpuTensor<$T>) -> Result<bool> {
                Ok(x.as_slice().iter().all(|v| v.is_finite()))
            }

            fn linear(
                &self,
                x: &CpuTensor<$T>,
                weight: &CpuTensor<$T>,
                bias: Option<&CpuTensor<$T>>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::linear(self, x, weight, bias)
            }

            fn linear_backward(
                &self,
                x: &CpuTensor<$T>,
                weight: &CpuTensor<$T>,
                dy: &CpuTensor<$T>,
                d_weight: Option<&mut CpuTensor<$T>>,
                d_bias: Option<&mut CpuTensor<$T>>,
                need_input: bool,
            ) -> Result<Option<CpuTensor<$T>>> {
                Cpu::linear_backward(self, x, weight, dy, d_weight, d_bias, need_input)
            }

            fn layer_norm(
                &self,
                x: &CpuTensor<$T>,
                gain: &CpuTensor<$T>,
                bias: &CpuTensor<$T>,
                epsilon: f64,
            ) -> Result<LayerNormOutput<CpuTensor<$T>>> {
                Cpu::layer_norm(self, x, gain, bias, epsilon)
            }

            fn layer_norm_backward(
                &self,
                x: &CpuTensor<$T>,
                gain: &CpuTensor<$T>,
                forward: &LayerNormOutput<CpuTensor<$T>>,
                dy: &CpuTensor<$T>,
                d_gain: Option<&mut CpuTensor<$T>>,
                d_bias: Option<&mut CpuTensor<$T>>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::layer_norm_backward(self, x, gain, forward, dy, d_gain, d_bias)
            }

            fn mssa(&self, v: &CpuTensor<$T>, options: &AttentionOptions) -> Result<CpuTensor<$T>> {
                Cpu::mssa(self, v, options)
            }

            fn mssa_backward(
                &self,
                v: &CpuTensor<$T>,
                options: &AttentionOptions,
                ds: &CpuTensor<$T>,
            ) -> Result<CpuTensor<$T>> {
                Cpu::mssa_backward(self, v, options, ds)
            }

            fn attention(
                &self,
                q: &CpuTensor<$T>,
                k: &CpuTensor<$T>,
                v: &CpuTensor<$T>,
                options: &AttentionOptions,
            ) -> Result<CpuTensor<$T>> {
                Cpu::attention(self, q, k, v, options)
            }

            fn attention_backward(
                &self,
                q: &CpuTensor<$T>,
                k: &CpuTensor<$T>,
                v: &CpuTensor<$T>,
                options: &AttentionOptions,
                dy: &CpuTensor<$T>,
            ) -> Result<(CpuTensor<$T>, CpuTensor<$T>, CpuTensor<$T>)> {
                Cpu::attention_backward(self, q, k, v, options, dy)
            }

            fn ista(
                &self,
                x: &CpuTensor<$T>,
                dictionary: &CpuTensor<$T>,
                step_size: f64,
                threshold: f64,
            ) -> Result<IstaOutput<CpuTensor<$T>>> {
                if ista::is_one_map(x, dictionary) {
                    return Cpu::ista(self, x, dictionary, step_size, threshold);
                }
                composed::ista::ista(self, x, dictionary, step_size, threshold)
            }

            fn ista_backward(
                &self,
                x: &CpuTensor<$T>,
                dictionary: &CpuTensor<$T>,
                step_size: f64,
                forward: &IstaOutput<CpuTensor<$T>>,
                dy: &CpuTensor<$T>,
                d_dictionary: Option<&mut CpuTensor<$T>>,
            ) -> Result<CpuTensor<$T>> {
                if ista::is_one_map(x, dictionary) {
                    return Cpu::ista_backward(
                        self,
                        x,
                        dictionary,
                        step_size,
                        forward,
                        dy,
                        d_dictionary,
                    );
                }
                composed::ista::ista_backward(
                    self,
                    x,
                    dictionary,
                    step_size,
                    forward,
                    dy,
                    d_dictionary,
                )
            }

            fn cross_entropy(
                &self,
                logits: &CpuTensor<$T>,
                labels: &[u32],
                smoothing: f64,
            ) -> Result<CrossEntropy<CpuTensor<$T>>> {
                Cpu::cross_entropy(self, logits, labels, smoothing)
            }

            fn coding_rate(
                &self,
                tokens: &CpuTensor<$T>,
                coding: impl Into<Coding>,
                head_dim: usize,
                gradient: bool,
            ) -> Result<Rates<CpuTensor<$T>>> {
                Cpu::coding_rate(self, tokens, coding.into(), head_dim, gradient)
            }

            fn compressed_rate(
                &self,
                tokens: &CpuTensor<$T>,
                stacked_bases: &CpuTensor<$T>,
                heads: usize,
                coding: impl Into<Coding>,
                gradient: bool,
            ) -> Result<Rates<CpuTensor<$T>>> {
                Cpu::compressed_rate(self, tokens, stacked_bases, heads, coding.into(), gradient)
            }

            fn adam_step(
                &self,
                value: &mut CpuTensor<$T>,
                gradient: &CpuTensor<$T>,
                first: &mut CpuTensor<$T>,
                second: &mut CpuTensor<$T>,
                step: &AdamStep,
            ) -> Result<()> {
                Cpu::adam_step(self, value, gradient, first, second, step)
            }

            fn sgd_step(
                &self,
                value: &mut CpuTensor<$T>,
                gradient: &CpuTensor<$T>,
                momentum: &mut CpuTensor<$T>,
                step: &SgdStep,
            ) -> Result<()> {
                Cpu::sgd_step(self, value, gradient, momentum, step)
            }

            fn lion_step(
                &self,
                value: &mut CpuTensor<$T>,
                gradient: &CpuTensor<$T>,
                momentum: &mut CpuTensor<$T>,
                step: &LionStep,
            ) -> Result<()> {
                Cpu::lion_step(self, value, gradient, momentum, step)
            }
        }
    };
}

backend!(f32);
backend!(f64);

impl<T: Element> Cpu<T> {
    /// Rates whose gradients become tensors without a copy.
    pub(super) fn rates(
        &self,
        rates: Rates<Vec<T>>,
        tokens: &[usize],
        bases: &[usize],
    ) -> Rates<CpuTensor<T>> {
        let own = |values: Vec<T>, shape: &[usize]| CpuTensor::new(self.pool.adopt(values), shape);
        Rates {
            values: rates.values,
            tokens: rates.tokens.map(|values| own(values, tokens)),
            bases: rates.bases.map(|values| own(values, bases)),
        }
    }
}
