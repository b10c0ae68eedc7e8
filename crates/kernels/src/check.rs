//! Shapes and options, checked once for every backend.

use crate::{
    AdamStep, AttentionOptions, Dropout, Error, LayerNormOutput, LionStep, Result, SgdStep, Tensor,
    Transpose,
};

/// The product of all axes but the last, and the last: the rows of a tensor and their width.
pub(crate) fn rows(operation: &'static str, shape: &[usize]) -> Result<(usize, usize)> {
    match shape.split_last() {
        Some((&width, outer)) => Ok((outer.iter().product(), width)),
        None => Err(rank(operation, "at least 1", shape)),
    }
}

pub(crate) fn rank(operation: &'static str, expected: &'static str, shape: &[usize]) -> Error {
    Error::Rank {
        operation,
        expected,
        shape: shape.to_vec(),
    }
}

pub(crate) fn mismatch(operation: &'static str, left: &[usize], right: &[usize]) -> Error {
    Error::ShapeMismatch {
        operation,
        left: left.to_vec(),
        right: right.to_vec(),
    }
}

/// Whether `found` is the shape `expected`.
pub(crate) fn same(operation: &'static str, expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(mismatch(operation, expected, found))
    }
}

/// The same for a gradient or another operand that may be absent.
pub(crate) fn same_optional<T: Tensor>(
    operation: &'static str,
    expected: &[usize],
    found: Option<&T>,
) -> Result<()> {
    found.map_or(Ok(()), |t| same(operation, expected, t.shape()))
}

/// Whether a number of values fills a shape.
pub(crate) fn fills(operation: &'static str, values: usize, shape: &[usize]) -> Result<()> {
    let length = shape
        .iter()
        .try_fold(1_usize, |length, &axis| length.checked_mul(axis));
    if length == Some(values) {
        Ok(())
    } else {
        Err(Error::Length {
            operation,
            values,
            shape: shape.to_vec(),
        })
    }
}

pub(crate) fn four_axes(operation: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape.try_into().map_err(|_| rank(operation, "4", shape))
}

pub(crate) fn three_axes(operation: &'static str, shape: &[usize]) -> Result<[usize; 3]> {
    shape.try_into().map_err(|_| rank(operation, "3", shape))
}

pub(crate) fn two_axes(operation: &'static str, shape: &[usize]) -> Result<[usize; 2]> {
    shape.try_into().map_err(|_| rank(operation, "2", shape))
}

/// Sizes of a product of `batch` pairs of matrices: m×k times k×n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) batch: usize,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// Whether the operands have a batch axis.
    pub(crate) batched: bool,
}

impl Product {
    pub(crate) fn new(
        a: &[usize],
        transpose_a: Transpose,
        b: &[usize],
        transpose_b: Transpose,
    ) -> Result<Self> {
        let (batch_a, rows_a, columns_a) = Self::matrix(a, transpose_a)?;
        let (batch_b, rows_b, columns_b) = Self::matrix(b, transpose_b)?;
        if batch_a != batch_b || columns_a != rows_b {
            return Err(mismatch("matmul", a, b));
        }
        Ok(Self {
            batch: batch_a.unwrap_or(1),
            m: rows_a,
            n: columns_b,
            k: columns_a,
            batched: batch_a.is_some(),
        })
    }

    fn matrix(shape: &[usize], transpose: Transpose) -> Result<(Option<usize>, usize, usize)> {
        let (batch, rows, columns) = match *shape {
            [rows, columns] => (None, rows, columns),
            [batch, rows, columns] => (Some(batch), rows, columns),
            _ => return Err(rank("matmul", "2 or 3", shape)),
        };
        Ok(match transpose {
            Transpose::No => (batch, rows, columns),
            Transpose::Yes => (batch, columns, rows),
        })
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        if self.batched {
            vec![self.batch, self.m, self.n]
        } else {
            vec![self.m, self.n]
        }
    }
}

/// Sizes of a linear map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

pub(crate) fn linear(operation: &'static str, x: &[usize], weight: &[usize]) -> Result<Linear> {
    let (_, input) = rows(operation, x)?;
    match *weight {
        [output, columns] if columns == input => Ok(Linear { input, output }),
        _ => Err(mismatch(operation, x, weight)),
    }
}

/// The shape of x with another last axis.
pub(crate) fn with_width(x: &[usize], width: usize) -> Vec<usize> {
    let mut shape = x.to_vec();
    if let Some(last) = shape.last_mut() {
        *last = width;
    }
    shape
}

/// Sizes of multi-head attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) batch: usize,
    pub(crate) tokens: usize,
    pub(crate) heads: usize,
    /// The dimension of one head.
    pub(crate) dim: usize,
}

impl Heads {
    /// The elements of one example.
    pub(crate) fn example(&self) -> usize {
        self.tokens * self.heads * self.dim
    }
}

pub(crate) fn attention(
    operation: &'static str,
    x: &[usize],
    options: &AttentionOptions,
) -> Result<Heads> {
    let [batch, tokens, width] = three_axes(operation, x)?;
    let heads = options.heads;
    if heads == 0 || width % heads != 0 {
        return Err(option(
            operation,
            "heads",
            heads as f64,
            "a divisor of the last axis",
        ));
    }
    finite(operation, "scale", options.scale)?;
    if let Some(drop) = &options.dropout {
        dropout(operation, drop)?;
    }
    Ok(Heads {
        batch,
        tokens,
        heads,
        dim: width / heads,
    })
}

pub(crate) fn option(
    operation: &'static str,
    option: &'static str,
    value: f64,
    requirement: &'static str,
) -> Error {
    Error::InvalidOption {
        operation,
        option,
        value,
        requirement,
    }
}

pub(crate) fn finite(operation: &'static str, name: &'static str, value: f64) -> Result<()> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(option(operation, name, value, "finite"))
    }
}

pub(crate) fn at_least_zero(operation: &'static str, name: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(option(operation, name, value, "finite and at least 0"))
    }
}

/// Whether a decay rate or a probability lies in [0, 1).
pub(crate) fn below_one(operation: &'static str, name: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(option(operation, name, value, "in [0, 1)"))
    }
}

pub(crate) fn dropout(operation: &'static str, dropout: &Dropout) -> Result<()> {
    below_one(operation, "dropout probability", dropout.probability)
}

/// Whether `start..start + length` lies on an axis.
pub(crate) fn range(
    operation: &'static str,
    shape: &[usize],
    axis: usize,
    start: usize,
    length: usize,
) -> Result<()> {
    let bound = *shape.get(axis).ok_or(Error::OutOfRange {
        operation,
        what: "axis",
        index: axis,
        bound: shape.len(),
    })?;
    let end = start.saturating_add(length);
    if end > bound {
        return Err(Error::OutOfRange {
            operation,
            what: "slice end",
            index: end,
            bound,
        });
    }
    Ok(())
}

/// Whether every label is a class.
pub(crate) fn labels(labels: &[u32], logits: &[usize]) -> Result<(usize, usize)> {
    let [batch, classes] = two_axes("cross_entropy", logits)?;
    if labels.len() != batch {
        return Err(mismatch("cross_entropy", logits, &[labels.len()]));
    }
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(example) => Err(Error::Label {
            example,
            label: labels[example],
            classes,
        }),
        None => Ok((batch, classes)),
    }
}

/// Whether every id is a row of the table.
pub(crate) fn ids(operation: &'static str, ids: &[u32], rows: usize) -> Result<()> {
    match ids.iter().find(|&&id| id as usize >= rows) {
        Some(&id) => Err(Error::OutOfRange {
            operation,
            what: "row",
            index: id as usize,
            bound: rows,
        }),
        None => Ok(()),
    }
}

/// Images as (images, channels, patch rows, patch columns); `size` must divide both sides.
pub(crate) fn patches(
    operation: &'static str,
    images: &[usize],
    size: usize,
) -> Result<[usize; 4]> {
    let [batch, channels, height, width] = four_axes(operation, images)?;
    if size == 0 || height % size != 0 || width % size != 0 {
        return Err(option(
            operation,
            "patch size",
            size as f64,
            "a divisor of the image's height and width",
        ));
    }
    Ok([batch, channels, height / size, width / size])
}

/// The dimension of an ISTA step.
pub(crate) fn ista(
    operation: &'static str,
    x: &[usize],
    dictionary: &[usize],
    step_size: f64,
) -> Result<usize> {
    let (_, dim) = rows(operation, x)?;
    if dictionary != [dim, dim] {
        return Err(mismatch(operation, x, dictionary));
    }
    finite(operation, "step size", step_size)?;
    Ok(dim)
}

/// Batch and classes of a cross-entropy.
pub(crate) fn cross_entropy(
    logits: &[usize],
    labels: &[u32],
    smoothing: f64,
) -> Result<(usize, usize)> {
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(option("cross_entropy", "smoothing", smoothing, "in [0, 1]"));
    }
    self::labels(labels, logits)
}

pub(crate) fn adam(step: &AdamStep) -> Result<()> {
    at_least_zero("adam_step", "learning rate", step.learning_rate)?;
    below_one("adam_step", "beta1", step.beta1)?;
    below_one("adam_step", "beta2", step.beta2)?;
    at_least_zero("adam_step", "epsilon", step.epsilon)?;
    at_least_zero("adam_step", "weight decay", step.weight_decay)?;
    if step.step == 0 {
        return Err(option("adam_step", "step", 0.0, "at least 1"));
    }
    Ok(())
}

pub(crate) fn sgd(step: &SgdStep) -> Result<()> {
    at_least_zero("sgd_step", "learning rate", step.learning_rate)?;
    at_least_zero("sgd_step", "momentum", step.momentum)?;
    at_least_zero("sgd_step", "weight decay", step.weight_decay)
}

pub(crate) fn lion(step: &LionStep) -> Result<()> {
    at_least_zero("lion_step", "learning rate", step.learning_rate)?;
    below_one("lion_step", "beta1", step.beta1)?;
    below_one("lion_step", "beta2", step.beta2)?;
    at_least_zero("lion_step", "weight decay", step.weight_decay)
}

/// Rows and width of a layer normalization.
pub(crate) fn layer_norm_backward<T: Tensor>(
    x: &T,
    gain: &T,
    forward: &LayerNormOutput<T>,
    dy: &T,
) -> Result<(usize, usize)> {
    let (rows, width) = self::rows("layer_norm_backward", x.shape())?;
    same("layer_norm_backward gain", &[width], gain.shape())?;
    same("layer_norm_backward", x.shape(), dy.shape())?;
    same("layer_norm_backward mean", &[rows], forward.mean.shape())?;
    same(
        "layer_norm_backward deviation",
        &[rows],
        forward.inverse_deviation.shape(),
    )?;
    Ok((rows, width))
}
