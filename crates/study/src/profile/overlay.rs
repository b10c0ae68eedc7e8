//! Settings that may be given for the whole profile and again, in part, for one artefact.

use serde::{Deserialize, Serialize};
use srr_coding_rate::Conventions;
use srr_datasets::Augmentation;
use srr_layers::{Pool, Residual, Scale};
use srr_trainer::{Optimizer, RatesConfig, Schedule, StopAt};
use std::path::PathBuf;

/// Defines a table of optional keys with `over`, which fills the keys it lacks from another.
macro_rules! overlay {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            /// These settings, and `base`'s where there is none.
            #[must_use]
            pub fn over(&self, base: &Self) -> Self {
                Self { $($field: self.$field.clone().or_else(|| base.$field.clone()),)* }
            }
        }
    };
}

overlay! {
    /// Which images: `[data]` and `[ARTEFACT.data]`.
    Data {
        /// Name of the data set. No default.
        name: String,
        /// Where its files are; the data folder of the workspace by default. Not needed for embedded data.
        folder: PathBuf,
        /// Number of training images, drawn stratified by class; all by default.
        train: usize,
        /// Number of test images, drawn stratified by class; all by default.
        test: usize,
        /// Seed of these draws. 0 by default.
        seed: u64,
        /// Share of the training images that is held out, stratified, and takes the place of the test set, so that settings
        /// can be tuned without looking at the test set. None by default.
        validation: f64,
    }
}

overlay! {
    /// The model: `[model]` and `[ARTEFACT.model]`. The variant comes from the artefact, the image shape from the data.
    Model {
        /// Side of a patch in pixels. No default.
        patch: usize,
        /// Token dimension. No default.
        dim: usize,
        /// Number of blocks. No default.
        depth: usize,
        /// Number of heads. No default.
        heads: usize,
        /// Dimension of a head; `dim / heads` by default.
        head_dim: usize,
        /// Step size of ISTA. 0.1 by default.
        step_size: f64,
        /// Threshold of ISTA. 0.1 by default.
        threshold: f64,
        /// Dropout probability. 0 by default.
        dropout: f64,
        /// What the head reads: `class-token` (default) or `mean`.
        pool: Pool,
        /// What the attention branch is added to: `input` (default) or `normalized`.
        residual: Residual,
        /// Factor of the scores: `inverse-sqrt-head-dim` (default) or `none`.
        scale: Scale,
        /// Width of ViT's MLP in units of `dim`. 4 by default.
        mlp_ratio: usize,
    }
}

overlay! {
    /// How models are trained: `[training]` and `[ARTEFACT.training]`. The defaults are those of
    /// [`TrainingConfig`](srr_trainer::TrainingConfig); the regularizer comes from the artefact.
    Training {
        /// Images in a batch.
        batch_size: usize,
        /// Epochs at most.
        epochs: usize,
        /// Base learning rate.
        learning_rate: f64,
        /// Update rule, such as `{ kind = "adam" }` or `{ kind = "sgd", momentum = 0.9 }`.
        optimizer: Optimizer,
        /// Schedule of the learning rate, such as `{ kind = "constant" }` or `{ kind = "warmup-cosine", warmup = 2 }`.
        schedule: Schedule,
        /// Label smoothing in [0, 1).
        label_smoothing: f64,
        /// Largest norm of the gradient.
        clip_norm: f64,
        /// The stopping criterion, such as `{ cross_entropy = 0.01 }`.
        stop: StopAt,
        /// What is done to training images, in this order, such as `[{ kind = "crop", padding = 1 }]`.
        augmentation: Vec<Augmentation>,
        /// Epochs between two evaluations on the test set; 0 evaluates at the end alone.
        evaluate_every: usize,
        /// Layer-wise rates recorded while training, such as `{ images = 64, every = 1 }`.
        rates: RatesConfig,
    }
}

overlay! {
    /// How finished models are measured: `[measure]` and `[ARTEFACT.measure]`.
    Measure {
        /// Number of training images that token-based measures are averaged over; 0 (default) takes all.
        images: usize,
        /// How rates are taken; see the conventions of `srr-coding-rate`.
        conventions: Conventions,
    }
}

impl Measure {
    /// The conventions, defaults where the profile has none.
    #[must_use]
    pub fn conventions(&self) -> Conventions {
        self.conventions.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Conventions, Measure, Model};

    #[test]
    fn what_is_given_wins_over_the_base() {
        let base = Measure {
            images: Some(64),
            conventions: Some(Conventions::default()),
        };
        let part = Measure {
            images: Some(0),
            ..Measure::default()
        };
        assert_eq!(
            part.over(&base),
            Measure {
                images: Some(0),
                ..base.clone()
            }
        );
        assert_eq!(Measure::default().over(&base), base);
        assert_eq!(Model::default().over(&Model::default()), Model::default());
    }
}
