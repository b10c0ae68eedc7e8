//! From a checkpoint, and what is said beside it, to a configuration.

use crate::{ClassifierConfig, Error, Pool, Result, Variant, checkpoint::Checkpoint};
use std::fmt::Display;

/// What is known of a checkpoint's model beside the file. Official checkpoints hold tensors alone, whose shapes show neither heads nor
/// patch: both must be given for them. A checkpoint with a configuration needs nothing, and heads, patch and variant must be those of it;
/// step size, threshold and pool replace the ones there.
///
/// ```
/// use srr_layers::{ClassifierConfig, ModelFacts, Variant, checkpoint::Checkpoint};
/// let config = ClassifierConfig::new(Variant::Crate, [1, 8, 8], 2, 10, 24, 2, 3);
/// let mut checkpoint = Checkpoint { metadata: config.metadata(), ..Checkpoint::default() };
/// assert_eq!(ModelFacts::default().configure(&checkpoint)?, config);
/// let other = ModelFacts { heads: Some(4), ..ModelFacts::default() };
/// assert!(other.configure(&checkpoint).is_err());
/// # Ok::<(), srr_layers::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFacts {
    /// The kind of block.
    pub variant: Option<Variant>,
    /// Number of heads K.
    pub heads: Option<usize>,
    /// Side of a patch in pixels.
    pub patch: Option<usize>,
    /// Step size β of ISTA.
    pub step_size: Option<f64>,
    /// Threshold λ of ISTA.
    pub threshold: Option<f64>,
    /// What the head reads.
    pub pool: Option<Pool>,
    /// Height and width of the images that the model is to see. A checkpoint without a configuration shows its own only by the number of
    /// its positions: where these images have as many patches, the model takes them as they are; else its images are square.
    pub size: Option<[usize; 2]>,
}

impl ModelFacts {
    /// The configuration of a checkpoint's model.
    ///
    /// # Errors
    /// [`Error::Contradiction`] where what is given is not what the file says; [`Error::Infer`] where something is missing; those of
    /// [`Checkpoint::config`], [`ClassifierConfig::infer`] and [`ClassifierConfig::validate`].
    pub fn configure(&self, checkpoint: &Checkpoint) -> Result<ClassifierConfig> {
        match checkpoint.config()? {
            Some(config) => self.agree(config),
            None => self.change(self.infer(checkpoint)?),
        }
    }

    /// The configuration with what may be changed of it, if nothing given contradicts it.
    ///
    /// # Errors
    /// [`Error::Contradiction`]; those of [`ClassifierConfig::validate`].
    pub fn agree(&self, config: ClassifierConfig) -> Result<ClassifierConfig> {
        agree("variant", self.variant, config.variant)?;
        agree("heads", self.heads, config.heads)?;
        agree("patch", self.patch, config.patch)?;
        self.change(config)
    }

    fn change(&self, mut config: ClassifierConfig) -> Result<ClassifierConfig> {
        config.step_size = self.step_size.unwrap_or(config.step_size);
        config.threshold = self.threshold.unwrap_or(config.threshold);
        config.pool = self.pool.unwrap_or(config.pool);
        config.validate()?;
        Ok(config)
    }

    fn infer(&self, checkpoint: &Checkpoint) -> Result<ClassifierConfig> {
        let needed = |name: &str, value: Option<usize>| {
            value.ok_or_else(|| Error::Infer {
                reason: format!(
                    "{name} must be given, as it holds no configuration and shapes do not show it"
                ),
            })
        };
        let heads = needed("heads", self.heads)?;
        let patch = needed("patch", self.patch)?;
        let positions = checkpoint.tensors.get("pos_embedding");
        let positions = positions.and_then(|tensor| tensor.shape.get(1)).copied();
        let fits = |[height, width]: &[usize; 2]| {
            let whole = |side: &usize| side.checked_div(patch).filter(|n| n * patch == *side);
            let grid = whole(height).zip(whole(width));
            grid.is_some_and(|(rows, columns)| positions == Some(rows * columns + 1))
        };
        let size = self.size.filter(fits);
        ClassifierConfig::infer(checkpoint, heads, patch, self.variant, size)
    }
}

fn agree<T: PartialEq + Display>(field: &'static str, given: Option<T>, stored: T) -> Result<()> {
    match given {
        Some(given) if given != stored => Err(Error::Contradiction {
            field,
            given: given.to_string(),
            stored: stored.to_string(),
        }),
        _ => Ok(()),
    }
}
