//! Sum of nuclear norms.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, over_maps, singular_values};
use crate::subject::{Scope, Subject};

/// $$\sum_i\|W_i\|_*=\sum_i\sum_k\sigma_k(W_i)$$ (Recht, Fazel and Parrilo 2010: the convex envelope of the rank on matrices of
/// spectral norm at most 1). Reported raw.
///
/// Part `nuclear_norm` is the sum over the maps of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NuclearNorm {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for NuclearNorm {
    fn about(&self) -> About<'_> {
        About::new(
            "nuclear-norm",
            "Recht, Fazel, Parrilo 2010",
            r"\sum_i \|W_i\|_*",
            Cost::Factorizations,
        )
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let values = singular_values(subject, Matrices::Now, self.scope)?;
        let norms: Vec<f64> = values.iter().map(|values| values.sum()).collect();
        let sum = |norms: &[f64]| norms.iter().sum();
        over_maps(subject, self.scope, "nuclear_norm", &norms, sum)
    }
}
