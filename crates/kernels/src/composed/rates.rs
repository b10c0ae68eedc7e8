//! Rates of a batch, on the host.

use ndarray::{ArrayView2, ArrayView3};
use srr_coding_rate::{Bases, Coding, batch};

use crate::{Backend, Element, Rates, Result, Tensor, check};

pub(crate) fn coding_rate<B: Backend>(
    backend: &B,
    tokens: &B::Tensor,
    coding: Coding,
    head_dim: usize,
    gradient: bool,
) -> Result<Rates<B::Tensor>> {
    let rates = coding_rate_of(
        &backend.download(tokens)?,
        tokens.shape(),
        coding,
        head_dim,
        gradient,
    )?;
    uploaded(backend, rates, tokens.shape(), &[])
}

pub(crate) fn compressed_rate<B: Backend>(
    backend: &B,
    tokens: &B::Tensor,
    stacked_bases: &B::Tensor,
    heads: usize,
    coding: Coding,
    gradient: bool,
) -> Result<Rates<B::Tensor>> {
    let rates = compressed_rate_of(
        &backend.download(tokens)?,
        tokens.shape(),
        &backend.download(stacked_bases)?,
        stacked_bases.shape(),
        heads,
        coding,
        gradient,
    )?;
    uploaded(backend, rates, tokens.shape(), stacked_bases.shape())
}

/// R of tokens on the host.
pub(crate) fn coding_rate_of<T: Element>(
    tokens: &[T],
    shape: &[usize],
    coding: Coding,
    head_dim: usize,
    gradient: bool,
) -> Result<Rates<Vec<T>>> {
    let tokens = view3("coding_rate", tokens, shape)?;
    if !gradient {
        return Ok(values(batch::coding_rate(tokens, coding, head_dim)?));
    }
    let (rates, gradient) = batch::coding_rate_with_gradient(tokens, coding, head_dim)?;
    Ok(Rates {
        tokens: Some(row_major(gradient)),
        ..values(rates)
    })
}

/// R^c of tokens on the host.
pub(crate) fn compressed_rate_of<T: Element>(
    tokens: &[T],
    shape: &[usize],
    stacked_bases: &[T],
    bases_shape: &[usize],
    heads: usize,
    coding: Coding,
    gradient: bool,
) -> Result<Rates<Vec<T>>> {
    let tokens = view3("compressed_rate", tokens, shape)?;
    let sizes = check::two_axes("compressed_rate bases", bases_shape)?;
    if sizes[1] != shape[2] {
        return Err(check::mismatch("compressed_rate", shape, bases_shape));
    }
    let stacked = ArrayView2::from_shape(sizes, stacked_bases)
        .map_err(|_| check::mismatch("compressed_rate", bases_shape, &[stacked_bases.len()]))?;
    let bases = Bases::from_stacked(stacked, heads)?;
    if !gradient {
        return Ok(values(batch::compressed_rate(tokens, &bases, coding)?));
    }
    let result = batch::compressed_rate_with_gradient(tokens, &bases, coding)?;
    Ok(Rates {
        tokens: Some(row_major(result.tokens)),
        bases: Some(row_major(result.stacked_bases)),
        ..values(result.values)
    })
}

fn values<T: Element>(rates: Vec<T>) -> Rates<Vec<T>> {
    Rates {
        values: rates.into_iter().map(srr_linalg::Scalar::to_f64).collect(),
        tokens: None,
        bases: None,
    }
}

/// The elements of an owned array in row-major order.
fn row_major<T: Element, D: ndarray::Dimension>(array: ndarray::Array<T, D>) -> Vec<T> {
    if array.is_standard_layout() {
        array.into_raw_vec_and_offset().0
    } else {
        array.iter().copied().collect()
    }
}

fn view3<'a, T: Element>(
    operation: &'static str,
    values: &'a [T],
    shape: &[usize],
) -> Result<ArrayView3<'a, T>> {
    let sizes = check::three_axes(operation, shape)?;
    ArrayView3::from_shape(sizes, values)
        .map_err(|_| check::mismatch(operation, shape, &[values.len()]))
}

fn uploaded<B: Backend>(
    backend: &B,
    rates: Rates<Vec<B::Element>>,
    tokens: &[usize],
    bases: &[usize],
) -> Result<Rates<B::Tensor>> {
    let upload = |values: Option<Vec<B::Element>>, shape: &[usize]| {
        values
            .map(|v| backend.upload_unchecked(&v, shape))
            .transpose()
    };
    Ok(Rates {
        values: rates.values,
        tokens: upload(rates.tokens, tokens)?,
        bases: upload(rates.bases, bases)?,
    })
}
