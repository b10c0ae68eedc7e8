//! Small matrices side by side: each lane of a vector belongs to another pair of example and head.
//!
//! Operands are copied so that one element of as many pairs as there are lanes makes a vector. No sum runs across lanes then, no row is
//! padded to whole vectors, and matrices far too small for a product or a factorization by themselves run like large ones.

mod attention;
mod cholesky;
mod layout;
mod products;
mod rates;
mod softmax;

use std::ops::Range;

pub(super) use self::{attention::Attention, rates::LogDeterminants};
use crate::check::Heads;

/// Examples whose pairs fill whole vectors of so many lanes.
pub(super) fn whole_examples(heads: usize, lanes: usize) -> usize {
    (1..=lanes)
        .find(|examples| (examples * heads).is_multiple_of(lanes))
        .unwrap_or(lanes)
}

/// Pairs that share a vector.
fn groups(pairs: &Range<usize>, width: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = pairs.end;
    pairs
        .clone()
        .step_by(width)
        .map(move |first| first..end.min(first + width))
}

/// Where the first elements of a group's pairs stand in a tensor that begins with the example of pair `first`.
fn starts(sizes: &Heads, group: &Range<usize>, first: usize) -> Vec<usize> {
    let start = |pair: usize| {
        let (example, head) = (pair / sizes.heads, pair % sizes.heads);
        (example - first / sizes.heads) * sizes.example() + head * sizes.dim
    };
    group.clone().map(start).collect()
}
