//! The spectrally normalized margin bound with distances from the start.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{
    LogProduct, Matrices, MatrixNorm, NegativeMargin, in_words, over_squared_spectral_norms,
    positive_margin, squared_frobenius_norms, sum_of_logarithms,
};
use crate::subject::{Scope, Subject};

use super::of_margin;

/// $$\sum_i\ln\|W_i\|_2^2-2\ln g+\ln\sum_i\|W_i-W_i^0\|_F^2/\|W_i\|_2^2$$ (Jiang et al. 2019, eq. 29; Bartlett et al. 2017). Reported as
/// (raw − ln m)/2. Undefined where the weights did not move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSpecInitMain {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// What becomes of a margin that is not positive.
    pub negative: NegativeMargin,
}

impl Measure for LogSpecInitMain {
    fn about(&self) -> About<'_> {
        About::new(
            "log-spec-init-main",
            "Jiang et al. 2019, eq. 29",
            r"\sum_i\ln\|W_i\|_2^2-2\ln g+\ln\sum_i\|W_i-W_i^0\|_F^2/\|W_i\|_2^2",
            Cost::ForwardPass,
        )
        .assuming(
            "no linear map is zero, the margin is positive, and the weights at the start are known",
        )
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words(), self.negative.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let margin = positive_margin(subject, self.negative)?;
        let product = LogProduct::new(subject, MatrixNorm::Spectral, self.scope)?;
        let numerators = squared_frobenius_norms(subject, Matrices::Change, self.scope)?;
        let ratio = over_squared_spectral_norms(subject, &numerators, self.scope)?;
        let factor = sum_of_logarithms(&[ratio])?;
        of_margin(subject, product.over_margin(margin).value + factor)
    }
}
