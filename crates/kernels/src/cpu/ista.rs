//! One step of ISTA, as one map.
//!
//! x + β (x − x Dᵀ) D = x P with P = I + β (I − Dᵀ) D: one product for each token in place of two, and two in place of four in the
//! backward pass, for three products of d × d matrices.

use super::{
    Cpu, CpuTensor,
    parallel::{Partials, RowsMut, for_blocks},
    product::{product_block, reduction_block, times, transposed_times},
    vector::{each, each3, vectorized},
};
use crate::{Element, IstaOutput, Result, Tensor, Transpose, check, lanes::Lanes};

/// Rows that go through all products of the backward pass while they are in the cache.
const INNER_ROWS: usize = 512;

/// Whether there are tokens enough to repay the products that make the map.
pub(super) fn is_one_map<T: Element>(x: &CpuTensor<T>, dictionary: &CpuTensor<T>) -> bool {
    x.len() >= dictionary.len()
}

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
        let map = self.ista_map(dictionary, step_size, dim)?;
        let mut output = self.empty(x.shape());
        let rows = x.len().checked_div(dim).unwrap_or(0);
        let (x, p, shift) = (
            x.as_slice(),
            map.as_slice(),
            T::from_f64(step_size * threshold),
        );
        for_blocks(
            rows,
            product_block(dim, dim),
            RowsMut::new(output.as_mut_slice(), dim),
            |range, y| {
                let x = &x[range.start * dim..range.end * dim];
                times(T::one(), x, p, T::zero(), y.data, dim, dim)?; // x P
                soft_threshold(shift, y.data); // relu(x P − β λ)
                Ok(())
            },
        )?;
        Ok(IstaOutput { output, saved: map })
    }

    /// P = I + β (D − Dᵀ D).
    fn ista_map(
        &self,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        dim: usize,
    ) -> Result<CpuTensor<T>> {
        let mut map = self.empty(dictionary.shape());
        map.as_mut_slice().copy_from_slice(dictionary.as_slice());
        let (d, yes, no) = (dictionary, Transpose::Yes, Transpose::No);
        self.matmul_into(-step_size, d, yes, d, no, step_size, &mut map)?;
        for i in 0..dim {
            map.as_mut_slice()[i * dim + i] += T::one();
        }
        Ok(map)
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
        check::same("ista_backward", x.shape(), dy.shape())?;
        check::same("ista_backward output", x.shape(), forward.output.shape())?;
        let map = &forward.saved;
        check::same("ista_backward map", dictionary.shape(), map.shape())?;
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
        let transposed = self.transposed(map.as_slice(), dim, dim);
        let operands = Operands {
            x: x.as_slice(),
            transposed: transposed.as_slice(),
            output: forward.output.as_slice(),
            dy: dy.as_slice(),
            dim,
        };
        let parts = (
            RowsMut::new(dx.as_mut_slice(), dim),
            partials
                .as_mut()
                .map(|t| Partials::new(t.as_mut_slice(), dim * dim, block)),
        );
        for_blocks(rows, block, parts, |range, (dx, mut d_map)| {
            if let Some(d_map) = &mut d_map {
                d_map.data.fill(T::zero());
            }
            let mut scratch = self.pool.take(INNER_ROWS.min(range.len()) * dim);
            for (i, dx) in dx.data.chunks_mut((INNER_ROWS * dim).max(1)).enumerate() {
                let first = (range.start + i * INNER_ROWS) * dim;
                let d_map = d_map.as_mut().map(|partial| &mut *partial.data);
                operands.backward(first, dx, scratch.as_mut_slice(), d_map)?;
            }
            Ok(())
        })?;
        if let Some(d_dictionary) = d_dictionary {
            self.ista_map_backward(dictionary, step_size, dim, partials, d_dictionary)?;
        }
        Ok(dx)
    }

    /// dD += β (dP − D (dP + dPᵀ)), with dP the sum of the partials.
    fn ista_map_backward(
        &self,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        dim: usize,
        partials: Option<CpuTensor<T>>,
        d_dictionary: &mut CpuTensor<T>,
    ) -> Result<()> {
        let mut d_map = self.empty(dictionary.shape());
        d_map.as_mut_slice().fill(T::zero());
        self.accumulate(partials, Some(&mut d_map))?;
        self.add_scaled(d_dictionary, step_size, &d_map)?;
        let transposed = self.transposed(d_map.as_slice(), dim, dim);
        self.add_scaled(&mut d_map, 1.0, &transposed)?;
        let no = Transpose::No;
        self.matmul_into(-step_size, dictionary, no, &d_map, no, 1.0, d_dictionary)
    }
}

/// The operands of the backward pass.
struct Operands<'a, T> {
    x: &'a [T],
    /// Pᵀ.
    transposed: &'a [T],
    output: &'a [T],
    dy: &'a [T],
    dim: usize,
}

impl<T: Element> Operands<'_, T> {
    /// The rows whose first element is `first`; `dx` says how many they are.
    fn backward(
        &self,
        first: usize,
        dx: &mut [T],
        scratch: &mut [T],
        d_map: Option<&mut [T]>,
    ) -> Result<()> {
        let (dim, rows, one) = (self.dim, first..first + dx.len(), T::one());
        let g = &mut scratch[..dx.len()];
        where_positive(&self.output[rows.clone()], &self.dy[rows.clone()], g); // g = dy where the output is positive
        if let Some(d_map) = d_map {
            transposed_times(one, &self.x[rows], g, one, d_map, dim, dim)?; // dP += xᵀ g
        }
        times(one, g, self.transposed, T::zero(), dx, dim, dim) // dx = g Pᵀ
    }
}

vectorized! {
    /// y ← relu(y − shift).
    fn soft_threshold<T, S>(simd: S, shift: T, y: &mut [T]) {
        let shift = Lanes::splat(simd, shift);
        each(simd, y, #[inline(always)] |y| (y - shift).relu());
    }
}

vectorized! {
    /// g ← dy where y > 0, else 0.
    fn where_positive<T, S>(simd: S, y: &[T], dy: &[T], g: &mut [T]) {
        let zero = Lanes::splat(simd, T::zero());
        each3(simd, g, y, dy, #[inline(always)] |_, y, dy| y.if_positive(dy, zero));
    }
}
