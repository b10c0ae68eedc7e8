//! Multi-head attention and subspace self-attention.

use srr_random::Seed;

use super::{
    Host, Suite,
    host::{central_differences, dropout_factor},
    rows::softmax,
};
use crate::{AttentionOptions, Backend, Dropout, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let plain = AttentionOptions {
        heads: 1,
        scale: 1.0,
        causal: false,
        dropout: None,
    };
    let dropout = Some(Dropout {
        probability: 0.3,
        seed: Seed::new(4),
    });
    // ([B, N, K·p], options)
    let cases = [
        ([1, 1, 1], plain),
        (
            [2, 3, 4],
            AttentionOptions {
                heads: 2,
                scale: 0.5,
                ..plain
            },
        ),
        (
            [1, 5, 6],
            AttentionOptions {
                heads: 3,
                causal: true,
                ..plain
            },
        ),
        (
            [2, 4, 6],
            AttentionOptions {
                heads: 2,
                scale: 0.7,
                dropout,
                ..plain
            },
        ),
        (
            [2, 5, 4],
            AttentionOptions {
                heads: 2,
                scale: -0.4,
                causal: true,
                dropout,
            },
        ),
    ];
    for (shape, options) in cases {
        forward(suite, &shape, &options)?;
        backward(suite, &shape, &options)?;
        backward_of_one(suite, &shape, &options)?;
    }
    // Wider than one vector, and more examples than one piece of work.
    forward(
        suite,
        &[2, 19, 40],
        &AttentionOptions {
            heads: 2,
            scale: 0.2,
            dropout,
            ..plain
        },
    )?;
    forward(
        suite,
        &[130, 17, 36],
        &AttentionOptions {
            heads: 3,
            scale: 0.3,
            dropout,
            ..plain
        },
    )?;
    // Several blocks of queries.
    forward(
        suite,
        &[2, 35, 6],
        &AttentionOptions {
            heads: 2,
            causal: true,
            ..plain
        },
    )?;
    wide_backward(suite)
}

fn forward<B: Backend>(
    suite: &mut Suite<'_, B>,
    shape: &[usize],
    options: &AttentionOptions,
) -> Result<()> {
    let backend = suite.backend;
    let (q, q_host) = suite.random(shape)?;
    let (k, k_host) = suite.random(shape)?;
    let (v, v_host) = suite.random(shape)?;
    let y = backend.attention(&q, &k, &v, options)?;
    suite.close(
        &format!("attention {shape:?} {options:?}"),
        &y,
        &reference(&[&q_host, &k_host, &v_host], options),
    )?;
    let s = backend.mssa(&v, options)?;
    suite.close(
        &format!("mssa {shape:?} {options:?}"),
        &s,
        &reference(&[&v_host; 3], options),
    )
}

fn backward<B: Backend>(
    suite: &mut Suite<'_, B>,
    shape: &[usize],
    options: &AttentionOptions,
) -> Result<()> {
    let (q, q_host) = suite.random(shape)?;
    let (k, k_host) = suite.random(shape)?;
    let (v, v_host) = suite.random(shape)?;
    let (dy, dy_host) = suite.random(shape)?;
    let (dq, dk, dv) = suite.backend.attention_backward(&q, &k, &v, options, &dy)?;
    let inputs = [&q_host, &k_host, &v_host];
    for (index, (name, gradient)) in [("dq", dq), ("dk", dk), ("dv", dv)].into_iter().enumerate() {
        let numeric = central_differences(&inputs, index, |inputs| {
            reference(inputs, options).dot(&dy_host)
        });
        suite.gradient(
            &format!("{name} {shape:?} {options:?}"),
            &gradient,
            &numeric,
        )?;
    }
    Ok(())
}

fn backward_of_one<B: Backend>(
    suite: &mut Suite<'_, B>,
    shape: &[usize],
    options: &AttentionOptions,
) -> Result<()> {
    let (v, v_host) = suite.random(shape)?;
    let (ds, ds_host) = suite.random(shape)?;
    let dv = suite.backend.mssa_backward(&v, options, &ds)?;
    let numeric = central_differences(&[&v_host], 0, |v| {
        reference(&[v[0]; 3], options).dot(&ds_host)
    });
    suite.gradient(&format!("mssa {shape:?} {options:?}"), &dv, &numeric)
}

/// Padding, several pieces of work and several blocks of queries at once, then more pairs of example and head than a vector has lanes; a
/// few directions instead of every element.
fn wide_backward<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let dropped = Some(Dropout {
        probability: 0.2,
        seed: Seed::new(5),
    });
    for (shape, causal, dropout) in [
        ([3, 35, 38], false, dropped),
        ([3, 35, 38], true, None),
        ([9, 27, 16], false, dropped),
        ([9, 17, 16], false, dropped),
    ] {
        let options = AttentionOptions {
            heads: 2,
            scale: 0.25,
            causal,
            dropout,
        };
        let (q, q_host) = suite.random(&shape)?;
        let (k, k_host) = suite.random(&shape)?;
        let (v, v_host) = suite.random(&shape)?;
        let (dy, dy_host) = suite.random(&shape)?;
        let dv = suite.backend.mssa_backward(&v, &options, &dy)?;
        let one = |v: &[&Host]| reference(&[v[0]; 3], &options).dot(&dy_host);
        along_directions(suite, "mssa", &[&v_host], &[dv], one)?;
        let (dq, dk, dv) = suite
            .backend
            .attention_backward(&q, &k, &v, &options, &dy)?;
        let all = |operands: &[&Host]| reference(operands, &options).dot(&dy_host);
        let operands = [&q_host, &k_host, &v_host];
        along_directions(suite, "attention", &operands, &[dq, dk, dv], all)?;
    }
    Ok(())
}

/// The derivative of `f` along random directions of all operands together, against the products of these with the gradients.
fn along_directions<B: Backend>(
    suite: &mut Suite<'_, B>,
    what: &str,
    operands: &[&Host],
    gradients: &[B::Tensor],
    f: impl Fn(&[&Host]) -> f64,
) -> Result<()> {
    let shape = &operands[0].shape;
    let tolerance = if suite.single_precision() { 1e-4 } else { 2e-8 };
    for _ in 0..3 {
        let (mut directions, mut product) = (Vec::new(), 0.0);
        for gradient in gradients {
            let (_, direction) = suite.random(shape)?;
            let data = suite.backend.download_f64(gradient)?;
            product += Host::new(shape, |i| data[i]).dot(&direction);
            directions.push(direction);
        }
        let moved = |step: &[&Host]| {
            let pairs = operands.iter().zip(&directions);
            let moved =
                pairs.map(|(x, direction)| x.zip(direction, |x, d| x + step[0].data[0] * d));
            let moved: Vec<Host> = moved.collect();
            f(&moved.iter().collect::<Vec<_>>())
        };
        let numeric = central_differences(&[&Host::zeros(&[1])], 0, moved);
        let what = format!("{what} along a direction");
        suite.numbers(&what, &[product], &numeric.data, tolerance);
    }
    Ok(())
}

/// dropout(softmax(scale Q Kᵀ)) V for each head of each example, of q, k and v.
fn reference(inputs: &[&Host], options: &AttentionOptions) -> Host {
    let [q, k, v] = inputs else {
        unreachable!("three operands")
    };
    let (batch, tokens, width) = (q.shape[0], q.shape[1], q.shape[2]);
    let dim = width / options.heads;
    let mut y = Host::zeros(&q.shape);
    for b in 0..batch {
        for h in 0..options.heads {
            for i in 0..tokens {
                let visible = if options.causal { i + 1 } else { tokens };
                let score = |j: usize| {
                    (0..dim)
                        .map(|c| q.at(b, i, h * dim + c) * k.at(b, j, h * dim + c))
                        .sum::<f64>()
                };
                let weights = softmax(
                    &(0..visible)
                        .map(|j| options.scale * score(j))
                        .collect::<Vec<_>>(),
                );
                for (j, weight) in weights.iter().enumerate() {
                    let (row, column) = (b * options.heads + h, i * tokens + j);
                    let factor = options
                        .dropout
                        .map_or(1.0, |d| dropout_factor(&d, row, column, tokens * tokens));
                    for c in 0..dim {
                        y.data[(b * tokens + i) * width + h * dim + c] +=
                            weight * factor * v.at(b, j, h * dim + c);
                    }
                }
            }
        }
    }
    y
}
