//! Effective rank.

use srr_linalg::effective_rank_of;

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, in_words, mean, over_maps, singular_values};
use crate::subject::{Scope, Subject};

/// $$\frac1L\sum_i\exp\Big(-\sum_k p_{ik}\ln p_{ik}\Big),\quad p_{ik}=\frac{\sigma_k(W_i)}{\sum_j\sigma_j(W_i)}$$ (Roy and Vetterli
/// 2007), each between 1 and the rank; 0 for a map of zeros, as its rank is. Reported raw.
///
/// Part `effective_rank` is the mean over the maps of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EffectiveRank {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for EffectiveRank {
    fn about(&self) -> About<'_> {
        About::new(
            "effective-rank",
            "Roy, Vetterli 2007",
            r"\frac1L\sum_i \exp(-\sum_k p_{ik}\ln p_{ik}),\ p_{ik}=\sigma_k(W_i)/\sum_j\sigma_j(W_i)",
            Cost::Factorizations,
        )
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let values = singular_values(subject, Matrices::Now, self.scope)?;
        let rank = |values: &ndarray::Array1<f64>| effective_rank_of(values.view());
        let ranks: Vec<f64> = values.iter().map(rank).collect();
        over_maps(subject, self.scope, "effective_rank", &ranks, mean)
    }
}
