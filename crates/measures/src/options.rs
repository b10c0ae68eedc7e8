//! What can be set of the built-in measures, all at once.

use srr_coding_rate::Conventions;

use crate::search::ReferenceNoise;
use crate::shared::NegativeMargin;
use crate::subject::{Images, Scope};

/// The options that many built-in measures share, for [`Registry::with_options`](crate::Registry::with_options). Every measure has them, and those
/// of its own, as fields.
///
/// ```
/// use srr_measures::{NegativeMargin, Options, Registry};
///
/// let registry = Registry::with_options(&Options {
///     negative: NegativeMargin::AbsoluteValue,
///     ..Options::default()
/// });
/// assert!(registry.get("inverse-margin")?.settings().contains("|g|"));
/// # Ok::<(), srr_measures::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How the sparse rate reduction is taken.
    pub conventions: Conventions,
    /// Over which images the sparse rate reduction is averaged.
    pub token_images: Images,
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
    /// What σ is to the noise of its search.
    pub noise: ReferenceNoise,
    /// On which images the loss is taken in searches, Hessians and gradients.
    pub images: Images,
    /// Whether `lambda-max` takes the blocks of all layers too.
    pub per_layer: bool,
}

impl Default for Options {
    /// The sparse rate reduction over all training images; linear maps alone; no measure over a negative margin; noise of deviation σ; 512
    /// fixed training images; no blocks.
    fn default() -> Self {
        Self {
            conventions: Conventions::default(),
            token_images: Images::training(),
            scope: Scope::Maps,
            negative: NegativeMargin::Undefined,
            noise: ReferenceNoise::Deviation,
            images: Images::fixed(512),
            per_layer: false,
        }
    }
}
