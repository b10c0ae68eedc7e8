//! Trace of the Hessian.

use super::{place, traced};
use crate::hessian::TraceOptions;
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Subject};

/// $$\operatorname{tr}\nabla^2L$$ of the mean training loss with respect to all trainable parameters, by Hutchinson's estimate (Hutchinson 1989;
/// Yao et al. 2020). Reported raw.
///
/// The standard error is that of the estimate over its random vectors; `between_images` is how much the same vectors give on other
/// parts of the images. The traces of all layers come from the same products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HessianTrace {
    /// On which images the loss is taken.
    pub images: Images,
    /// How many random vectors.
    pub options: TraceOptions,
}

impl Default for HessianTrace {
    /// 512 fixed training images.
    fn default() -> Self {
        Self {
            images: Images::fixed(512),
            options: TraceOptions::default(),
        }
    }
}

impl HessianTrace {
    /// In words, for reports.
    pub(super) fn words(&self) -> String {
        format!("{} random vectors, {}", self.options.probes, self.images)
    }
}

impl Measure for HessianTrace {
    fn about(&self) -> About<'_> {
        About::new(
            "hessian-trace",
            "Yao et al. 2020",
            r"\operatorname{tr}\nabla^2L",
            Cost::Hutchinson,
        )
    }

    fn settings(&self) -> String {
        self.words()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let found = traced(subject, self.images, self.options)?;
        let mut value = Value::from(found.value);
        if let Some(error) = found.between_images {
            value = value.with_part("between_images", None, error);
        }
        for (block, trace) in &found.blocks {
            let (name, layer) = place("trace", block);
            value = value.with_mean(&name, layer, *trace);
        }
        Ok(value)
    }
}
