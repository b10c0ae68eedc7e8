//! The operators of one layer, one at a time.

use super::{
    size::Size,
    work::{LayerWork, Work},
};
use srr_kernels::{AdamStep, AttentionOptions, Backend};
use srr_random::Seed;
use std::{error::Error, hint::black_box};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// An operator with its operands, and what it needs at least.
pub(super) struct Operator<'a> {
    pub(super) name: &'static str,
    pub(super) work: Work,
    pub(super) run: Box<dyn FnMut() -> srr_kernels::Result<()> + 'a>,
}

/// What the operators of one layer work on.
pub(super) struct Operands<B: Backend> {
    backend: B,
    x: B::Tensor,
    dy: B::Tensor,
    weight: B::Tensor,
    row: B::Tensor,
    sums: [B::Tensor; 3],
    moments: [B::Tensor; 3],
}

impl<B: Backend> Operands<B> {
    pub(super) fn new(backend: B, size: &Size) -> Result<Self> {
        let (dim, tokens) = (size.dim, [size.batch, size.tokens(), size.dim]);
        let random = |shape: &[usize], seed| {
            let mut stream = Seed::new(seed).stream();
            let values: Vec<f64> = (0..shape.iter().product())
                .map(|_| 0.3 * stream.normal())
                .collect();
            backend.upload_f64(&values, shape)
        };
        let square = || backend.zeros(&[dim, dim]);
        Ok(Self {
            x: random(&tokens, 1)?,
            dy: random(&tokens, 2)?,
            weight: random(&[dim, dim], 3)?,
            row: random(&[dim], 4)?,
            sums: [square()?, backend.zeros(&[dim])?, backend.zeros(&[dim])?],
            moments: [square()?, square()?, square()?],
            backend,
        })
    }

    /// Every operator of a layer, forward and backward.
    pub(super) fn operators(&mut self, size: &Size) -> Result<Vec<Operator<'_>>> {
        let Self {
            backend,
            x,
            dy,
            weight,
            row,
            sums: [d_weight, d_gain, d_bias],
            moments: [value, first, second],
        } = self;
        let (backend, x, dy, weight, row) = (&*backend, &*x, &*dy, &*weight, &*row);
        let work = LayerWork::new(size);
        let options = AttentionOptions {
            heads: size.heads,
            scale: (size.head_dim() as f64).powf(-0.5),
            causal: false,
            dropout: None,
        };
        let norm = backend.layer_norm(x, row, row, 1e-5)?;
        let sparse = backend.ista(x, weight, 0.1, 0.1)?;
        let adam = AdamStep {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            step: 1,
        };
        let (mut d_map, d_dictionary) = (backend.zeros(&[size.dim, size.dim])?, d_weight);
        let (mut map_bias, norm_bias) = (d_bias.clone(), d_bias);
        let keep = |tensor: B::Tensor| {
            black_box(tensor);
        };
        Ok(vec![
            operator("linear", work.linear, move || {
                backend.linear(x, weight, Some(row)).map(keep)
            }),
            operator("linear backward", work.linear_backward, move || {
                let (w, b) = (Some(&mut d_map), Some(&mut map_bias));
                let dx = backend.linear_backward(x, weight, dy, w, b, true)?;
                black_box(dx);
                Ok(())
            }),
            operator("mssa", work.mssa, move || {
                backend.mssa(x, &options).map(keep)
            }),
            operator("mssa backward", work.mssa_backward, move || {
                backend.mssa_backward(x, &options, dy).map(keep)
            }),
            operator("ista", work.ista, move || {
                backend
                    .ista(x, weight, 0.1, 0.1)
                    .map(|ista| keep(ista.output))
            }),
            operator("ista backward", work.ista_backward, move || {
                let d_dictionary = Some(&mut *d_dictionary);
                let dx = backend.ista_backward(x, weight, 0.1, &sparse, dy, d_dictionary)?;
                keep(dx);
                Ok(())
            }),
            operator("layer norm", work.layer_norm, move || {
                let norm = backend.layer_norm(x, row, row, 1e-5)?;
                keep(norm.output);
                Ok(())
            }),
            operator("layer norm backward", work.layer_norm_backward, move || {
                let (gain, bias) = (Some(&mut *d_gain), Some(&mut *norm_bias));
                let dx = backend.layer_norm_backward(x, row, &norm, dy, gain, bias)?;
                keep(dx);
                Ok(())
            }),
            operator("adam, one map", work.adam, move || {
                backend.adam_step(value, weight, first, second, &adam)
            }),
        ])
    }
}

fn operator<'a>(
    name: &'static str,
    work: Work,
    run: impl FnMut() -> srr_kernels::Result<()> + 'a,
) -> Operator<'a> {
    let run = Box::new(run);
    Operator { name, work, run }
}
