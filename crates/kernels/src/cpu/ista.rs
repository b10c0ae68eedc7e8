//! One step of ISTA.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, for_blocks},
    product::{product_block, reduction_block, times, transposed_times},
    vector::{each2, each3, vectorized},
};
use crate::{Element, IstaOutput, Result, Tensor, check, lanes::Lanes};

/// Rows that go through all products of the backward pass while they are in the cache.
const INNER_ROWS: usize = 512;

impl<T: Element> Cpu<T> {
    pub(super) fn ista(
        &self,
        x: &CpuTensor<T>,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        threshold: f64,
    ) -> Result<IstaOutput<CpuTensor<T>>> {
        let dim = check::ista("ista", x.shape(), dictionary.shape(), step_size)?;
        check::finite("ista", "threshold", threshold)?;
        let mut output = self.empty(x.shape());
        let mut residual = self.empty(x.shape());
        let rows = x.len().checked_div(dim).unwrap_or(0);
        let (x, dictionary) = (x.as_slice(), dictionary.as_slice());
        let transposed = self.transposed(dictionary, dim, dim);
        let transposed = transposed.as_slice();
        let (beta, shift) = (T::from_f64(step_size), T::from_f64(step_size * threshold));
        let parts = (
            RowsMut::new(output.as_mut_slice(), dim),
            RowsMut::new(residual.as_mut_slice(), dim),
        );
        for_blocks(
            rows,
            product_block(dim, 2 * dim),
            parts,
            |range, (output, residual)| {
                let x = &x[range.start * dim..range.end * dim];
                residual.data.copy_from_slice(x);
                times(-T::one(), x, transposed, T::one(), residual.data, dim, dim)?; // r = x − x Dᵀ
                times(
                    beta,
                    residual.data,
                    dictionary,
                    T::zero(),
                    output.data,
                    dim,
                    dim,
                )?; // β r D
                soft_threshold(x, shift, output.data); // relu(x + β r D − β λ)
                Ok(())
            },
        )?;
        Ok(IstaOutput { output, residual })
    }

    pub(super) fn ista_backward(
        &self,
        x: &CpuTensor<T>,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        forward: &IstaOutput<CpuTensor<T>>,
        dy: &CpuTensor<T>,
        d_dictionary: Option<&mut CpuTensor<T>>,
    ) -> Result<CpuTensor<T>> {
        let dim = check::ista("ista_backward", x.shape(), dictionary.shape(), step_size)?;
        for (name, t) in [
            ("ista_backward", dy),
            ("ista_backward output", &forward.output),
            ("ista_backward residual", &forward.residual),
        ] {
            check::same(name, x.shape(), t.shape())?;
        }
        check::same_optional(
            "ista_backward dictionary",
            &[dim, dim],
            d_dictionary.as_deref(),
        )?;
        let rows = x.len().checked_div(dim).unwrap_or(0);
        let block = reduction_block(rows, dim, dim);
        let mut dx = self.empty(x.shape());
        let mut partials = d_dictionary
            .is_some()
            .then(|| self.empty(&[rows.div_ceil(block), dim * dim]));
        let transposed = self.transposed(dictionary.as_slice(), dim, dim);
        let operands = Operands {
            x: x.as_slice(),
            dictionary: dictionary.as_slice(),
            transposed: transposed.as_slice(),
            output: forward.output.as_slice(),
            residual: forward.residual.as_slice(),
            dy: dy.as_slice(),
            step_size: T::from_f64(step_size),
            dim,
        };
        let parts = (
            RowsMut::new(dx.as_mut_slice(), dim),
            partials
                .as_mut()
                .map(|t| Partials::new(t.as_mut_slice(), dim * dim, block)),
        );
        for_blocks(rows, block, parts, |range, (dx, mut d_dictionary)| {
            if let Some(d_dictionary) = &mut d_dictionary {
                d_dictionary.data.fill(T::zero());
            }
            let mut scratch = self.pool.take(2 * INNER_ROWS.min(range.len()) * dim);
            for (i, dx) in dx.data.chunks_mut((INNER_ROWS * dim).max(1)).enumerate() {
                let first = (range.start + i * INNER_ROWS) * dim;
                let d_dictionary = d_dictionary.as_mut().map(|partial| &mut *partial.data);
                operands.backward(first, dx, scratch.as_mut_slice(), d_dictionary)?;
            }
            Ok(())
        })?;
        self.accumulate(partials, d_dictionary)?;
        Ok(dx)
    }
}

/// The operands of the backward pass.
struct Operands<'a, T> {
    x: &'a [T],
    dictionary: &'a [T],
    /// Dᵀ.
    transposed: &'a [T],
    output: &'a [T],
    residual: &'a [T],
    dy: &'a [T],
    step_size: T,
    dim: usize,
}

impl<T: Element> Operands<'_, T> {
    /// The rows whose first element is `first`; `dx` says how many they are.
    fn backward(
        &self,
        first: usize,
        dx: &mut [T],
        scratch: &mut [T],
        d_dictionary: Option<&mut [T]>,
    ) -> Result<()> {
        let (dim, d) = (self.dim, self.dictionary);
        let rows = first..first + dx.len();
        let (g, rest) = scratch.split_at_mut(dx.len());
        let d_residual = &mut rest[..dx.len()];
        where_positive(&self.output[rows.clone()], &self.dy[rows.clone()], g); // g = dy where the output is positive
        times(
            self.step_size,
            g,
            self.transposed,
            T::zero(),
            d_residual,
            dim,
            dim,
        )?; // dr = β g Dᵀ
        if let Some(d_dictionary) = d_dictionary {
            let one = T::one();
            transposed_times(
                self.step_size,
                &self.residual[rows.clone()],
                g,
                one,
                d_dictionary,
                dim,
                dim,
            )?; // dD += β rᵀ g
            transposed_times(-one, d_residual, &self.x[rows], one, d_dictionary, dim, dim)?; // dD −= drᵀ x
        }
        add(g, d_residual, dx);
        times(-T::one(), d_residual, d, T::one(), dx, dim, dim) // dx = g + dr − dr D
    }
}

vectorized! {
    /// y ← relu(x + y − shift).
    fn soft_threshold<T, S>(simd: S, x: &[T], shift: T, y: &mut [T]) {
        let shift = Lanes::splat(simd, shift);
        each2(simd, y, x, #[inline(always)] |y, x| (x + y - shift).relu());
    }
}

vectorized! {
    /// g ← dy where y > 0, else 0.
    fn where_positive<T, S>(simd: S, y: &[T], dy: &[T], g: &mut [T]) {
        let zero = Lanes::splat(simd, T::zero());
        each3(simd, g, y, dy, #[inline(always)] |_, y, dy| y.if_positive(dy, zero));
    }
}

vectorized! {
    /// out ← a + b.
    fn add<T, S>(simd: S, a: &[T], b: &[T], out: &mut [T]) {
        each3(simd, out, a, b, #[inline(always)] |_, a, b| a + b);
    }
}
