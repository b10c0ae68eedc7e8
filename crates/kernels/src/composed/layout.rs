//! Concatenation, patches and means over tokens, from slices, permutations and products.

use super::constant;
use crate::{Backend, Error, Result, Tensor, Transpose, check};

pub(crate) fn concat<B: Backend>(
    backend: &B,
    parts: &[&B::Tensor],
    axis: usize,
) -> Result<B::Tensor> {
    let shape = concat_shape(parts, axis)?;
    let mut out = backend.zeros(&shape)?;
    let mut start = 0;
    for part in parts {
        backend.add_slice(&mut out, axis, start, part)?;
        start += part.shape()[axis];
    }
    Ok(out)
}

/// The shape of the concatenation, if the parts fit together.
pub(crate) fn concat_shape<T: Tensor>(parts: &[&T], axis: usize) -> Result<Vec<usize>> {
    let Some(first) = parts.first() else {
        return Err(check::option(
            "concat",
            "number of parts",
            0.0,
            "at least 1",
        ));
    };
    if axis >= first.shape().len() {
        return Err(Error::OutOfRange {
            operation: "concat",
            what: "axis",
            index: axis,
            bound: first.shape().len(),
        });
    }
    let mut shape = first.shape().to_vec();
    for part in &parts[1..] {
        let fits = part.shape().len() == shape.len()
            && (0..shape.len()).all(|i| i == axis || part.shape()[i] == shape[i]);
        if !fits {
            return Err(check::mismatch("concat", first.shape(), part.shape()));
        }
        shape[axis] += part.shape()[axis];
    }
    Ok(shape)
}

pub(crate) fn patches<B: Backend>(
    backend: &B,
    images: &B::Tensor,
    size: usize,
) -> Result<B::Tensor> {
    let [batch, channels, rows, columns] = check::patches("patches", images.shape(), size)?;
    // [B, C, patch row, pixel row, patch column, pixel column] to [B, patch row, patch column, pixel row, pixel column, C]
    let split = backend.reshape(images, &[batch, channels, rows, size, columns, size])?;
    let ordered = backend.permute(&split, &[0, 2, 4, 3, 5, 1])?;
    backend.reshape(&ordered, &[batch, rows * columns, size * size * channels])
}

pub(crate) fn patches_backward<B: Backend>(
    backend: &B,
    patches: &B::Tensor,
    images: &[usize],
    size: usize,
) -> Result<B::Tensor> {
    let [batch, channels, rows, columns] = check::patches("patches_backward", images, size)?;
    let expected = [batch, rows * columns, size * size * channels];
    check::same("patches_backward", &expected, patches.shape())?;
    let split = backend.reshape(patches, &[batch, rows, columns, size, size, channels])?;
    let ordered = backend.permute(&split, &[0, 5, 1, 3, 2, 4])?;
    backend.reshape(&ordered, images)
}

pub(crate) fn mean_tokens<B: Backend>(backend: &B, x: &B::Tensor) -> Result<B::Tensor> {
    let [batch, tokens, dim] = check::three_axes("mean_tokens", x.shape())?;
    at_least_one_token(tokens)?;
    // 1ᵀ/N X for each example
    let ones = constant(backend, 1.0 / tokens as f64, &[batch, 1, tokens])?;
    let mean = backend.matmul(&ones, Transpose::No, x, Transpose::No)?;
    backend.reshape(&mean, &[batch, dim])
}

pub(crate) fn mean_tokens_backward<B: Backend>(
    backend: &B,
    dy: &B::Tensor,
    tokens: usize,
) -> Result<B::Tensor> {
    let [batch, dim] = check::two_axes("mean_tokens_backward", dy.shape())?;
    at_least_one_token(tokens)?;
    // 1/N dyᵀ for each example
    let ones = constant(backend, 1.0 / tokens as f64, &[batch, tokens, 1])?;
    let dy = backend.reshape(dy, &[batch, 1, dim])?;
    backend.matmul(&ones, Transpose::No, &dy, Transpose::No)
}

pub(crate) fn at_least_one_token(tokens: usize) -> Result<()> {
    if tokens == 0 {
        return Err(check::option(
            "mean_tokens",
            "number of tokens",
            0.0,
            "at least 1",
        ));
    }
    Ok(())
}
