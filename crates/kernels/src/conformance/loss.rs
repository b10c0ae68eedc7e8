//! Softmax cross-entropy.

use super::{Host, Suite, host::central_differences, rows::softmax};
use crate::{Backend, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for (batch, classes, smoothing) in [
        (1, 1, 0.0),
        (3, 5, 0.0),
        (4, 7, 0.1),
        (2, 2, 1.0),
        (701, 10, 0.2),
    ] {
        let (logits, host) = suite.random(&[batch, classes])?;
        let labels: Vec<u32> = (0..batch).map(|i| (i * 3 % classes) as u32).collect();
        let got = backend.cross_entropy(&logits, &labels, smoothing)?;
        suite.close("losses", &got.losses, &losses(&host, &labels, smoothing))?;
        let right = |i: usize| {
            f64::from(u8::from(
                largest(&host.data[i * classes..(i + 1) * classes]) == labels[i] as usize,
            ))
        };
        suite.equal("correct", &got.correct, &Host::new(&[batch], right))?;
        if batch < 10 {
            let mean = |inputs: &[&Host]| {
                losses(inputs[0], &labels, smoothing)
                    .data
                    .iter()
                    .sum::<f64>()
                    / batch as f64
            };
            suite.gradient(
                "gradient of the mean",
                &got.gradient,
                &central_differences(&[&host], 0, mean),
            )?;
        }
    }
    extremes(suite)
}

/// Logits far apart, ties, and a NaN.
fn extremes<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (logits, _) = suite.of(&Host::new(&[3, 2], |i| {
        [1000.0, -1000.0, 1000.0, -1000.0, 2.0, 2.0][i]
    }))?;
    let got = backend.cross_entropy(&logits, &[0, 1, 0], 0.0)?;
    suite.close(
        "losses far apart",
        &got.losses,
        &Host::new(&[3], |i| [0.0, 2000.0, 2_f64.ln()][i]),
    )?;
    suite.equal(
        "the first of equals counts",
        &got.correct,
        &Host::new(&[3], |i| [1.0, 0.0, 1.0][i]),
    )?;
    let values = [f64::NAN, 1.0, 0.0, 1.0].map(<B::Element as srr_linalg::Scalar>::from_f64);
    let got = backend.cross_entropy(&backend.upload_unchecked(&values, &[2, 2])?, &[1, 1], 0.0)?;
    let losses = backend.download_f64(&got.losses)?;
    suite.that(
        "a NaN spoils its own example",
        losses[0].is_nan() && losses[1].is_finite(),
    );
    suite.equal(
        "a NaN is never right",
        &got.correct,
        &Host::new(&[2], |i| i as f64),
    )
}

fn largest(row: &[f64]) -> usize {
    (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

/// −Σ t log p with t = (1 − s) onehot + s/C.
fn losses(logits: &Host, labels: &[u32], smoothing: f64) -> Host {
    let rows: Vec<f64> = logits
        .rows()
        .zip(labels)
        .map(|(row, &label)| {
            let uniform = smoothing / row.len() as f64;
            let terms = softmax(row).into_iter().enumerate().map(|(class, p)| {
                let target = uniform
                    + if class == label as usize {
                        1.0 - smoothing
                    } else {
                        0.0
                    };
                if target == 0.0 { 0.0 } else { -target * p.ln() }
            });
            terms.sum()
        })
        .collect();
    Host::new(&[rows.len()], |i| rows[i])
}
