//! Largest eigenvalue of the Hessian.

use std::sync::Arc;

use super::place;
use crate::hessian::{Eigenvalue, HessianProducts, LanczosOptions, blocks, largest_eigenvalue};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{in_words, shared};
use crate::subject::{Images, Subject};

/// $$\lambda_{\max}(\nabla^2L)$$ of the mean training loss with respect to all trainable parameters (Keskar et al. 2017; Yao et al. 2020), by
/// Lanczos' iteration on Hessian-vector products. Reported raw.
///
/// The standard error tells how much the value varies between the images it was taken on. With `per_layer`, the value lists the
/// same of every block of the Hessian; `blocks_without` is the number of those where the iteration did not converge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaMax {
    /// On which images the loss is taken.
    pub images: Images,
    /// When the iteration ends.
    pub lanczos: LanczosOptions,
    /// Whether the blocks of all layers are taken too.
    pub per_layer: bool,
}

impl Default for LambdaMax {
    /// 512 fixed training images, the whole network.
    fn default() -> Self {
        Self {
            images: Images::fixed(512),
            lanczos: LanczosOptions::default(),
            per_layer: false,
        }
    }
}

impl LambdaMax {
    /// In words, for reports.
    pub(super) fn words(&self) -> String {
        let LanczosOptions {
            iterations,
            tolerance,
        } = self.lanczos;
        format!(
            "at most {iterations} products, residual {tolerance:e}, {}",
            self.images
        )
    }

    /// The eigenvalue, once per subject.
    pub(super) fn found(&self, subject: &dyn Subject) -> Result<Arc<Eigenvalue>, Undefined> {
        let key = format!("lambda-max: {:?} {:?}", self.images, self.lanczos);
        shared(subject, &key, || {
            let seed = subject.seed()?.purpose("measures: lambda-max");
            let hessian = HessianProducts::new(subject, self.images)?;
            largest_eigenvalue(&hessian, &self.lanczos, seed)
        })
    }

    fn with_blocks(&self, subject: &dyn Subject, mut value: Value) -> Result<Value, Undefined> {
        let seed = subject.seed()?.purpose("measures: lambda-max of blocks");
        let mut without = 0_u32;
        for (i, block) in blocks(subject)?.into_iter().enumerate() {
            let (name, layer) = place("lambda_max", &block);
            let hessian = HessianProducts::new(subject, self.images)?.of_block(block);
            match largest_eigenvalue(&hessian, &self.lanczos, seed.index(i as u64)) {
                Ok(found) => value = value.with_mean(&name, layer, found.value),
                Err(Undefined::Failed { .. }) => without += 1,
                Err(reason) => return Err(reason),
            }
        }
        Ok(value.with_part("blocks_without", None, f64::from(without)))
    }
}

impl Measure for LambdaMax {
    fn about(&self) -> About<'_> {
        About::new(
            "lambda-max",
            "Keskar et al. 2017; Yao et al. 2020",
            r"\lambda_{\max}(\nabla^2L)",
            Cost::Lanczos,
        )
        .assuming("Lanczos' iteration converges")
    }

    fn settings(&self) -> String {
        let blocks = if self.per_layer { "every block" } else { "" };
        in_words(&[&self.words(), blocks])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let found = self.found(subject)?;
        let value = Value::from(found.value)
            .with_part("residual", None, found.residual)
            .with_part("products", None, found.iterations as f64);
        if self.per_layer {
            return self.with_blocks(subject, value);
        }
        Ok(value)
    }
}
