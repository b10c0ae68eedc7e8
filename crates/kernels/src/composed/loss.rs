//! Softmax cross-entropy, on the host: the logits of a batch are few.

use crate::{Backend, CrossEntropy, Result, Tensor, check};

pub(crate) fn cross_entropy<B: Backend>(
    backend: &B,
    logits: &B::Tensor,
    labels: &[u32],
    smoothing: f64,
) -> Result<CrossEntropy<B::Tensor>> {
    let (batch, classes) = check::cross_entropy(logits.shape(), labels, smoothing)?;
    let mut gradient = backend.download_f64(logits)?;
    let mut losses = vec![0.0; batch];
    let mut correct = vec![0.0; batch];
    for (i, row) in gradient.chunks_exact_mut(classes.max(1)).enumerate() {
        let example = example(row, labels[i] as usize, smoothing, 1.0 / batch as f64);
        losses[i] = example.loss;
        correct[i] = f64::from(u8::from(example.correct));
    }
    let upload = |values: &[f64], shape: &[usize]| {
        let values: Vec<_> = values
            .iter()
            .map(|&v| <B::Element as srr_linalg::Scalar>::from_f64(v))
            .collect();
        backend.upload_unchecked(&values, shape)
    };
    Ok(CrossEntropy {
        losses: upload(&losses, &[batch])?,
        correct: upload(&correct, &[batch])?,
        gradient: upload(&gradient, logits.shape())?,
    })
}

/// What one example contributes.
pub(crate) struct Example {
    pub(crate) loss: f64,
    pub(crate) correct: bool,
}

/// The loss of one row of logits, which its gradient times `weight` replaces.
///
/// With log p = z − logsumexp(z) and targets t = (1 − s) onehot + s/C: loss = −⟨t, log p⟩ and gradient = p − t.
pub(crate) fn example(row: &mut [f64], label: usize, smoothing: f64, weight: f64) -> Example {
    let classes = row.len() as f64;
    let maximum = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // The first of the largest; a NaN anywhere makes the example wrong.
    let correct =
        row.iter().position(|&z| z == maximum) == Some(label) && row.iter().all(|z| !z.is_nan());
    let total: f64 = row.iter().map(|&z| (z - maximum).exp()).sum();
    let log_total = maximum + total.ln();
    let mean_logit = row.iter().sum::<f64>() / classes;
    let loss = log_total - (1.0 - smoothing) * row[label] - smoothing * mean_logit;
    for (class, z) in row.iter_mut().enumerate() {
        let target = smoothing / classes + if class == label { 1.0 - smoothing } else { 0.0 };
        *z = weight * ((*z - log_total).exp() - target);
    }
    Example { loss, correct }
}
