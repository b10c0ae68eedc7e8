//! Spectra and sparsity of the weights, their turn since the start, and how many of them a network can lose.

mod effective_rank;
mod layer_rotation;
mod nuclear_norm;
mod pq_index;
mod pruning_robustness;
mod stable_rank;

pub use effective_rank::EffectiveRank;
pub use layer_rotation::LayerRotation;
pub use nuclear_norm::NuclearNorm;
pub use pq_index::PqIndex;
pub use pruning_robustness::{LossRise, PruningRobustness};
pub use stable_rank::StableRank;
