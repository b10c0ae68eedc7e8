//! Steps of the optimizers, several in a row.

use super::{Host, Suite};
use crate::{AdamStep, Backend, Error, LionStep, Result, SgdStep};

/// Enough elements for several pieces of work.
const LENGTHS: [usize; 2] = [7, 9001];

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    for length in LENGTHS {
        for decoupled in [false, true] {
            adam(suite, length, decoupled)?;
        }
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            sgd(suite, length, momentum, nesterov)?;
        }
        lion(suite, length)?;
    }
    refusals(suite)
}

fn adam<B: Backend>(suite: &mut Suite<'_, B>, length: usize, decoupled: bool) -> Result<()> {
    let backend = suite.backend;
    let (mut value, mut w) = suite.random(&[length])?;
    let (mut first, mut second) = (backend.zeros(&[length])?, backend.zeros(&[length])?);
    let (mut m, mut v) = (Host::zeros(&[length]), Host::zeros(&[length]));
    for t in 1..=3 {
        let (gradient, g) = suite.random(&[length])?;
        let step = AdamStep {
            learning_rate: 0.02,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-3,
            weight_decay: 0.1,
            decoupled,
            step: t,
        };
        backend.adam_step(&mut value, &gradient, &mut first, &mut second, &step)?;
        // torch: decay, moments, √v/√c₂ + ε, step of lr/c₁.
        let (c1, c2) = (1.0 - 0.9_f64.powi(t as i32), 1.0 - 0.95_f64.powi(t as i32));
        for i in 0..length {
            let mut g = g.data[i];
            if decoupled {
                w.data[i] *= 1.0 - 0.02 * 0.1;
            } else {
                g += 0.1 * w.data[i];
            }
            m.data[i] = 0.9 * m.data[i] + 0.1 * g;
            v.data[i] = 0.95 * v.data[i] + 0.05 * g * g;
            w.data[i] -= 0.02 / c1 * m.data[i] / ((v.data[i] / c2).sqrt() + 1e-3);
        }
    }
    suite.close("adam value", &value, &w)?;
    suite.close("adam first moment", &first, &m)?;
    suite.close("adam second moment", &second, &v)
}

fn sgd<B: Backend>(
    suite: &mut Suite<'_, B>,
    length: usize,
    momentum: f64,
    nesterov: bool,
) -> Result<()> {
    let backend = suite.backend;
    let (mut value, mut w) = suite.random(&[length])?;
    // What the buffer holds before the first step does not matter.
    let (mut buffer, mut b) = suite.random(&[length])?;
    for t in 0..3 {
        let (gradient, g) = suite.random(&[length])?;
        let step = SgdStep {
            learning_rate: 0.05,
            momentum,
            weight_decay: 0.01,
            nesterov,
            first: t == 0,
        };
        backend.sgd_step(&mut value, &gradient, &mut buffer, &step)?;
        for i in 0..length {
            let g = g.data[i] + 0.01 * w.data[i];
            let mut direction = g;
            if momentum != 0.0 {
                b.data[i] = if t == 0 { g } else { momentum * b.data[i] + g };
                direction = if nesterov {
                    g + momentum * b.data[i]
                } else {
                    b.data[i]
                };
            }
            w.data[i] -= 0.05 * direction;
        }
    }
    suite.close("sgd value", &value, &w)?;
    suite.close("sgd buffer", &buffer, &b)
}

fn lion<B: Backend>(suite: &mut Suite<'_, B>, length: usize) -> Result<()> {
    let backend = suite.backend;
    let (mut value, mut w) = suite.random(&[length])?;
    let mut momentum = backend.zeros(&[length])?;
    let mut m = Host::zeros(&[length]);
    for _ in 0..3 {
        // An element without gradient must not move, but for the decay.
        let (_, mut g) = suite.random(&[length])?;
        g.data[0] = 0.0;
        let (gradient, g) = suite.of(&g)?;
        let step = LionStep {
            learning_rate: 0.03,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.05,
        };
        backend.lion_step(&mut value, &gradient, &mut momentum, &step)?;
        for i in 0..length {
            let mixed = 0.9 * m.data[i] + 0.1 * g.data[i];
            let sign = if mixed == 0.0 { 0.0 } else { mixed.signum() };
            w.data[i] = w.data[i] * (1.0 - 0.03 * 0.05) - 0.03 * sign;
            m.data[i] = 0.99 * m.data[i] + 0.01 * g.data[i];
        }
    }
    suite.close("lion value", &value, &w)?;
    suite.close("lion momentum", &momentum, &m)
}

fn refusals<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let option = |e: &Error| matches!(e, Error::InvalidOption { .. });
    let shape = |e: &Error| matches!(e, Error::ShapeMismatch { .. });
    let [mut value, mut a, mut b] = [
        backend.zeros(&[2])?,
        backend.zeros(&[2])?,
        backend.zeros(&[2])?,
    ];
    let (good, long) = (backend.zeros(&[2])?, backend.zeros(&[3])?);
    let adam = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.9,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: true,
        step: 1,
    };
    for bad in [
        AdamStep {
            learning_rate: f64::NAN,
            ..adam
        },
        AdamStep { beta1: 1.0, ..adam },
        AdamStep {
            beta2: -0.1,
            ..adam
        },
        AdamStep { step: 0, ..adam },
    ] {
        suite.refused(
            "adam's options",
            backend.adam_step(&mut value, &good, &mut a, &mut b, &bad),
            option,
        );
    }
    suite.refused(
        "adam's shapes",
        backend.adam_step(&mut value, &long, &mut a, &mut b, &adam),
        shape,
    );
    let sgd = SgdStep {
        learning_rate: 0.1,
        momentum: 0.9,
        weight_decay: 0.0,
        nesterov: false,
        first: true,
    };
    suite.refused(
        "sgd's shapes",
        backend.sgd_step(&mut value, &long, &mut a, &sgd),
        shape,
    );
    let bad = SgdStep {
        momentum: -1.0,
        ..sgd
    };
    suite.refused(
        "sgd's options",
        backend.sgd_step(&mut value, &good, &mut a, &bad),
        option,
    );
    let lion = LionStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        weight_decay: 0.0,
    };
    suite.refused(
        "lion's shapes",
        backend.lion_step(&mut value, &long, &mut a, &lion),
        shape,
    );
    let bad = LionStep {
        learning_rate: f64::INFINITY,
        ..lion
    };
    suite.refused(
        "lion's options",
        backend.lion_step(&mut value, &good, &mut a, &bad),
        option,
    );
    Ok(())
}
