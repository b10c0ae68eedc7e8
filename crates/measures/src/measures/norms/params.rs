//! Number of parameters.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, matrices};
use crate::subject::{Scope, Subject};

/// $$\omega$$, the number of entries of all linear maps (Jiang et al. 2019, eq. 20). Reported as √(ω/m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for Params {
    fn about(&self) -> About<'_> {
        About::new(
            "params",
            "Jiang et al. 2019, eq. 20",
            r"\omega",
            Cost::Weights,
        )
        .as_bound()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let matrices = matrices(subject, Matrices::Now, self.scope)?;
        let entries: usize = matrices.iter().map(|(_, matrix)| matrix.len()).sum();
        Ok(Value::new(entries as f64))
    }
}
