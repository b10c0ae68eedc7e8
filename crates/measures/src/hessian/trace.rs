//! The trace.

use srr_random::Seed;

use super::products::{Block, HessianProducts};
use crate::gradients::{Mean, dot};
use crate::measure::Undefined;

/// How many random vectors the estimate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceOptions {
    /// Number of random vectors.
    pub probes: usize,
}

impl Default for TraceOptions {
    /// 32.
    fn default() -> Self {
        Self { probes: 32 }
    }
}

/// An estimate of the trace of a Hessian.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The mean over random vectors, with its standard error over these.
    pub value: Mean,
    /// The standard error over parts of the images instead, with the same vectors. `None` with one part.
    pub between_images: Option<f64>,
    /// The same for blocks, from the same products.
    pub blocks: Vec<(Block, Mean)>,
}

/// Hutchinson's estimate: the mean of vᵀHv over vectors of random signs. The same products give the traces of `blocks`.
///
/// # Errors
/// A missing capability; a gradient that is not finite; no probe.
pub fn trace(
    hessian: &HessianProducts<'_>,
    blocks: &[Block],
    options: &TraceOptions,
    seed: Seed,
) -> Result<Trace, Undefined> {
    if options.probes == 0 {
        return Err(Undefined::Misfit(
            "no random vector was asked for".to_owned(),
        ));
    }
    let (mut whole, mut of_blocks) = (Vec::new(), vec![Vec::new(); blocks.len()]);
    let mut of_images: Vec<(f64, usize)> = Vec::new();
    for probe in 0..options.probes as u64 {
        let vector = signs(hessian, seed.index(probe));
        let parts = hessian.parts(&vector)?;
        let product = parts.mean();
        whole.push((dot(&vector, &product), 1));
        for (block, found) in blocks.iter().zip(&mut of_blocks) {
            found.push((block.dot(&vector, &product), 1));
        }
        of_images.resize(parts.images.len(), (0.0, 0));
        for (i, product) in parts.products.iter().enumerate() {
            of_images[i].0 += dot(&vector, product) / options.probes as f64;
            of_images[i].1 = parts.images[i];
        }
    }
    let images = of_images.iter().map(|part| part.1).sum();
    let over_probes = |found: &[(f64, usize)]| Mean {
        images,
        ..Mean::of_parts(found)
    };
    let of_blocks = of_blocks.iter().map(|found| over_probes(found));
    Ok(Trace {
        value: over_probes(&whole),
        between_images: Mean::of_parts(&of_images).standard_error,
        blocks: blocks.iter().cloned().zip(of_blocks).collect(),
    })
}

/// A vector of random signs.
fn signs(hessian: &HessianProducts<'_>, seed: Seed) -> Vec<f64> {
    let mut stream = seed.stream();
    let mut vector: Vec<f64> = (0..hessian.size())
        .map(|_| {
            if stream.next_u32() & 1 == 0 {
                1.0
            } else {
                -1.0
            }
        })
        .collect();
    hessian.restrict(&mut vector);
    vector
}
