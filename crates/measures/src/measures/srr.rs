//! Sparse rate reduction of a network.

use srr_coding_rate::Conventions;

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::rates::network_rates;
use crate::subject::{Images, Subject};

/// The mean over layers of λ‖Z^l‖₀ + R^c(Z^l; U^l) − R(Z^l), each the mean over images (Hu, Zou, Xu 2024, eq. 11). Reported raw.
///
/// Everything on which sources disagree is in [`Conventions`]. The value lists the three terms apart, averaged over layers and per
/// layer: `compressed_rate`, `coding_rate`, `nonzeros`, `density`, and `mu` per layer. Tokens that are not finite, as they may
/// become once the norms are removed, leave it undefined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Srr {
    /// The choices that define the measure.
    pub conventions: Conventions,
    /// Over which images it is averaged.
    pub images: Images,
}

impl Default for Srr {
    fn default() -> Self {
        Self {
            conventions: Conventions::default(),
            images: Images::training(),
        }
    }
}

impl Measure for Srr {
    fn about(&self) -> About<'_> {
        About::new(
            "srr",
            "Hu, Zou, Xu 2024, eq. 11",
            r"\frac1L\sum_l \lambda\|Z^l\|_0+R^c(Z^l;U^l)-R(Z^l)",
            Cost::ForwardPass,
        )
        .assuming("layers have tokens and subspace bases, finite under the conventions")
    }

    // No settings in words: requests of a study carry the conventions themselves.
    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let rates = network_rates(subject, &[self.conventions], self.images);
        let one = rates.into_iter().next();
        one.map_or_else(
            || Err(Undefined::Misfit("no conventions".to_owned())),
            |rates| rates.map(|rates| rates.value(&self.conventions)),
        )
    }
}
