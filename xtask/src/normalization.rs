//! How images are normalized, as options of commands.

use clap::{Args, ValueEnum};
use srr_datasets::{ImageSet, Normalization};
use srr_trainer::Model;

/// The mean and deviation by which images are normalized.
#[derive(Debug, Args)]
pub(crate) struct NormalizationArgs {
    /// How images are normalized [default: stored, where the checkpoint says how, or else fitted]
    #[arg(long, value_enum)]
    normalization: Option<Source>,
    /// Mean of every channel, of pixels between 0 and 1, such as 0.4914,0.4822,0.4465; with --deviation
    #[arg(
        long,
        value_name = "M,…",
        value_delimiter = ',',
        allow_negative_numbers = true,
        requires = "deviation",
        conflicts_with = "normalization"
    )]
    mean: Vec<f32>,
    /// Standard deviation of every channel; with --mean
    #[arg(long, value_name = "S,…", value_delimiter = ',', requires = "mean")]
    deviation: Vec<f32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    /// As the checkpoint says
    Stored,
    /// By mean and deviation of the training images
    Fitted,
    /// Not at all: pixels between 0 and 1
    None,
}

impl NormalizationArgs {
    /// The normalization, and in words where it is from.
    pub(crate) fn choose(
        &self,
        model: &Model,
        train: &ImageSet,
    ) -> Result<(Normalization, &'static str), String> {
        let failed = |error: srr_datasets::Error| error.to_string();
        let channels = train.shape().channels;
        let stored = model.normalization.clone();
        let found = match (self.normalization, stored) {
            _ if !self.mean.is_empty() => {
                let (mean, deviation) = (self.mean.clone(), self.deviation.clone());
                (Normalization { mean, deviation }, "by the values given")
            }
            (None | Some(Source::Stored), Some(stored)) => (stored, "as stored in the checkpoint"),
            (Some(Source::Stored), None) => {
                return Err("--normalization stored: the checkpoint holds none".to_owned());
            }
            (None | Some(Source::Fitted), _) => (
                Normalization::fit(train).map_err(failed)?,
                "fitted on the training images",
            ),
            (Some(Source::None), _) => (
                Normalization::identity(channels),
                "not at all (pixels between 0 and 1)",
            ),
        };
        found.0.check(channels).map_err(failed)?;
        Ok(found)
    }
}
