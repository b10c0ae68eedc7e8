//! Sparsity of the layers' outputs.

use std::ops::ControlFlow;

use srr_coding_rate::MeasuredNorms;

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::mean;
use crate::subject::{Images, LayerBatch, Subject, TokenPass};

/// The share of entries of the layers' outputs that are exactly zero, $$\frac1L\sum_l 1-\frac{\|Z^l\|_0}{Nd}$$ averaged over images
/// (the ISTA outputs of Yu et al. 2023; that sparser activations go with better generalization, Li et al. 2023). Reported raw.
///
/// The network is taken as trained, norms and class token included. Layers that end in a rectifier or a soft threshold have zeros;
/// where no layer has any, as in a residual stream, the value is 0. Part `sparsity` is the share at a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActivationSparsity {
    /// Over which images it is averaged.
    pub images: Images,
}

impl Default for ActivationSparsity {
    fn default() -> Self {
        Self {
            images: Images::fixed(512),
        }
    }
}

/// How many entries a layer's outputs have, and how many of them are zero.
#[derive(Clone, Copy, Default)]
struct Count {
    entries: usize,
    zeros: usize,
}

impl Measure for ActivationSparsity {
    fn about(&self) -> About<'_> {
        About::new(
            "activation-sparsity",
            "Yu et al. 2023; Li et al. 2023",
            r"\frac1L\sum_l 1-\|Z^l\|_0/(Nd)",
            Cost::ForwardPass,
        )
        .assuming("layers have tokens; 0 where they end in no rectifier")
        .higher_is_better()
    }

    fn settings(&self) -> String {
        self.images.to_string()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let pass = TokenPass {
            norms: MeasuredNorms::Kept,
            attention_inputs: false,
            images: self.images,
        };
        let (mut counts, mut images, mut outcome) = (Vec::new(), 0, Ok(()));
        subject.layer_tokens(&pass, &mut |batch| {
            if batch.layer == 0 {
                images += batch.output.dim().0;
            }
            outcome = count(&mut counts, batch);
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        outcome?;
        if counts.is_empty() || counts.iter().any(|count| count.entries == 0) {
            return Err(Undefined::Misfit("no image, or no layer".to_owned()));
        }
        let share = |count: &Count| count.zeros as f64 / count.entries as f64;
        let shares: Vec<f64> = counts.iter().map(share).collect();
        let value = Value::new(mean(&shares)).with_images(images);
        let with_layer =
            |value: Value, (layer, &share)| value.with_part("sparsity", Some(layer), share);
        Ok(shares.iter().enumerate().fold(value, with_layer))
    }
}

/// Adds a batch to its layer's count.
fn count(counts: &mut Vec<Count>, batch: &LayerBatch<'_>) -> Result<(), Undefined> {
    if counts.len() <= batch.layer {
        counts.resize(batch.layer + 1, Count::default());
    }
    let count = &mut counts[batch.layer];
    for z in batch.output {
        if !z.is_finite() {
            let what = format!("an output of layer {}", batch.layer);
            return Err(Undefined::NonFinite { what });
        }
        count.entries += 1;
        count.zeros += usize::from(*z == 0.0);
    }
    Ok(())
}
