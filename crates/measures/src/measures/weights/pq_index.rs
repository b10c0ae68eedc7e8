//! PQ index of the weights.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, matrices};
use crate::subject::{Scope, Subject};

/// $$1-\omega^{1/q-1/p}\,\frac{\|w\|_p}{\|w\|_q},\quad 0<p<q$$ (Diao et al. 2023): 0 for entries of one magnitude, and
/// $1-\omega^{1/q-1/p}$, its largest value, for a single entry that is not zero. Reported raw.
///
/// The vector w holds the entries of all maps; the paper takes it over the network, over layers or over neurons. Its scale does not
/// matter. The paper expects the index to fall under regularization and to rise where a network becomes too small for its task, so that
/// the sign of a correlation depends on where a study looks. All zeros leave it undefined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PqIndex {
    /// Which tensors count as weights.
    pub scope: Scope,
    /// The smaller exponent, above 0.
    pub p: f64,
    /// The larger exponent.
    pub q: f64,
}

impl Default for PqIndex {
    fn default() -> Self {
        Self {
            scope: Scope::Maps,
            p: 0.5,
            q: 1.0,
        }
    }
}

impl PqIndex {
    fn exponents(&self) -> String {
        format!("p = {}, q = {}", self.p, self.q)
    }
}

impl Measure for PqIndex {
    fn about(&self) -> About<'_> {
        About::new(
            "pq-index",
            "Diao et al. 2023",
            r"1-\omega^{1/q-1/p}\|w\|_p/\|w\|_q",
            Cost::Weights,
        )
        .assuming("a weight is not zero")
        .higher_is_better()
    }

    fn settings(&self) -> String {
        in_words(&[&self.exponents(), self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        if !(self.p > 0.0 && self.p < self.q && self.q.is_finite()) {
            let what = format!("{} does not satisfy 0 < p < q", self.exponents());
            return Err(Undefined::Misfit(what));
        }
        let matrices = matrices(subject, Matrices::Now, self.scope)?;
        let weights = || matrices.iter().flat_map(|(_, w)| w.iter().map(|w| w.abs()));
        let largest = weights().fold(0.0, f64::max);
        if largest == 0.0 {
            let what = "the largest weight".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        // In power means the factor of ω is hidden, and scaled none overflows.
        let power_mean = |power: f64| {
            let powers = weights().map(|w| (w / largest).powf(power));
            (powers.sum::<f64>() / weights().count() as f64).powf(power.recip())
        };
        Ok(Value::new(1.0 - power_mean(self.p) / power_mean(self.q)))
    }
}
