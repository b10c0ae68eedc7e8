//! Moving elements: permutations, slices, tables of rows, patches.

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, block_rows, for_blocks},
    rows::add_rows_to,
};
use crate::{Element, Error, Result, Tensor, check, composed::layout};

/// Elements of a block of a loop that only reads and writes.
const ELEMENTS: usize = 1 << 14;

impl<T: Element> Cpu<T> {
    pub(super) fn permute(&self, x: &CpuTensor<T>, axes: &[usize]) -> Result<CpuTensor<T>> {
        let shape = permuted_shape(x.shape(), axes)?;
        let mut out = self.empty(&shape);
        let Some((&width, outer)) = shape.split_last() else {
            out.as_mut_slice().copy_from_slice(x.as_slice());
            return Ok(out);
        };
        let strides = strides(x.shape());
        let strides: Vec<usize> = axes.iter().map(|&axis| strides[axis]).collect();
        let (outer_strides, step) = (&strides[..outer.len()], strides[outer.len()]);
        let rows = outer.iter().product();
        let x = x.as_slice();
        for_blocks(
            rows,
            block_rows(ELEMENTS, width),
            RowsMut::new(out.as_mut_slice(), width),
            |range, out| {
                for (row, out) in range.zip(out.data.chunks_exact_mut(width.max(1))) {
                    let start = offset(row, outer, outer_strides);
                    if step == 1 {
                        out.copy_from_slice(&x[start..start + width]);
                    } else {
                        for (i, out) in out.iter_mut().enumerate() {
                            *out = x[start + i * step];
                        }
                    }
                }
                Ok(())
            },
        )?;
        Ok(out)
    }

    pub(super) fn slice(
        &self,
        x: &CpuTensor<T>,
        axis: usize,
        start: usize,
        length: usize,
    ) -> Result<CpuTensor<T>> {
        check::range("slice", x.shape(), axis, start, length)?;
        let mut shape = x.shape().to_vec();
        let (bound, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        shape[axis] = length;
        let mut out = self.empty(&shape);
        for (i, piece) in out
            .as_mut_slice()
            .chunks_exact_mut((length * inner).max(1))
            .enumerate()
        {
            let from = (i * bound + start) * inner;
            piece.copy_from_slice(&x.as_slice()[from..from + length * inner]);
        }
        Ok(out)
    }

    pub(super) fn add_slice(
        &self,
        out: &mut CpuTensor<T>,
        axis: usize,
        start: usize,
        x: &CpuTensor<T>,
    ) -> Result<()> {
        let length = *x.shape().get(axis).unwrap_or(&0);
        check::range("add_slice", out.shape(), axis, start, length)?;
        let mut expected = out.shape().to_vec();
        let (bound, inner) = (
            expected[axis],
            expected[axis + 1..].iter().product::<usize>(),
        );
        expected[axis] = length;
        check::same("add_slice", &expected, x.shape())?;
        let out = out.as_mut_slice();
        for (i, piece) in x
            .as_slice()
            .chunks_exact((length * inner).max(1))
            .enumerate()
        {
            let to = (i * bound + start) * inner;
            add_rows_to(piece, &mut out[to..to + length * inner]);
        }
        Ok(())
    }

    pub(super) fn concat(&self, parts: &[&CpuTensor<T>], axis: usize) -> Result<CpuTensor<T>> {
        let shape = layout::concat_shape(parts, axis)?;
        let inner: usize = shape[axis + 1..].iter().product();
        let mut out = self.empty(&shape);
        for (i, row) in out
            .as_mut_slice()
            .chunks_exact_mut((shape[axis] * inner).max(1))
            .enumerate()
        {
            let mut start = 0;
            for part in parts {
                let length = part.shape()[axis] * inner;
                row[start..start + length]
                    .copy_from_slice(&part.as_slice()[i * length..(i + 1) * length]);
                start += length;
            }
        }
        Ok(out)
    }

    pub(super) fn gather_rows(&self, table: &CpuTensor<T>, ids: &[u32]) -> Result<CpuTensor<T>> {
        let [rows, width] = check::two_axes("gather_rows", table.shape())?;
        check::ids("gather_rows", ids, rows)?;
        let mut out = self.empty(&[ids.len(), width]);
        for (row, &id) in out.as_mut_slice().chunks_exact_mut(width.max(1)).zip(ids) {
            row.copy_from_slice(&table.as_slice()[id as usize * width..][..width]);
        }
        Ok(out)
    }

    pub(super) fn scatter_add_rows(
        &self,
        out: &mut CpuTensor<T>,
        ids: &[u32],
        x: &CpuTensor<T>,
    ) -> Result<()> {
        let [rows, width] = check::two_axes("scatter_add_rows", out.shape())?;
        check::same("scatter_add_rows", &[ids.len(), width], x.shape())?;
        check::ids("scatter_add_rows", ids, rows)?;
        let out = out.as_mut_slice();
        for (row, &id) in x.as_slice().chunks_exact(width.max(1)).zip(ids) {
            add_rows_to(row, &mut out[id as usize * width..][..width]);
        }
        Ok(())
    }

    pub(super) fn mean_tokens(&self, x: &CpuTensor<T>) -> Result<CpuTensor<T>> {
        let [batch, tokens, dim] = check::three_axes("mean_tokens", x.shape())?;
        layout::at_least_one_token(tokens)?;
        let mut out = self.empty(&[batch, dim]);
        let (x, share) = (x.as_slice(), T::one() / T::from_f64(tokens as f64));
        for_blocks(
            batch,
            block_rows(ELEMENTS, tokens * dim),
            RowsMut::new(out.as_mut_slice(), dim),
            |range, out| {
                for (example, mean) in range.zip(out.data.chunks_exact_mut(dim.max(1))) {
                    mean.fill(T::zero());
                    add_rows_to(
                        &x[example * tokens * dim..(example + 1) * tokens * dim],
                        mean,
                    );
                    mean.iter_mut().for_each(|v| *v *= share);
                }
                Ok(())
            },
        )?;
        Ok(out)
    }

    pub(super) fn mean_tokens_backward(
        &self,
        dy: &CpuTensor<T>,
        tokens: usize,
    ) -> Result<CpuTensor<T>> {
        let [batch, dim] = check::two_axes("mean_tokens_backward", dy.shape())?;
        layout::at_least_one_token(tokens)?;
        let mut dx = self.empty(&[batch, tokens, dim]);
        let (dy, share) = (dy.as_slice(), T::one() / T::from_f64(tokens as f64));
        for_blocks(
            batch * tokens,
            block_rows(ELEMENTS, dim),
            RowsMut::new(dx.as_mut_slice(), dim),
            |range, dx| {
                for (row, dx) in range.zip(dx.data.chunks_exact_mut(dim.max(1))) {
                    let dy = &dy[row / tokens * dim..][..dim];
                    dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy * share);
                }
                Ok(())
            },
        )?;
        Ok(dx)
    }
}

/// The shape with its axes in another order.
fn permuted_shape(shape: &[usize], axes: &[usize]) -> Result<Vec<usize>> {
    let is_permutation =
        axes.len() == shape.len() && (0..shape.len()).all(|axis| axes.contains(&axis));
    if !is_permutation {
        return Err(Error::Permutation {
            axes: axes.to_vec(),
            shape: shape.to_vec(),
        });
    }
    Ok(axes.iter().map(|&axis| shape[axis]).collect())
}

/// How far apart neighbors along each axis of a row-major array are.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Where the `row`-th combination of the outer indices starts.
fn offset(mut row: usize, outer: &[usize], strides: &[usize]) -> usize {
    let mut offset = 0;
    for (&length, &stride) in outer.iter().zip(strides).rev() {
        offset += row % length * stride;
        row /= length;
    }
    offset
}
