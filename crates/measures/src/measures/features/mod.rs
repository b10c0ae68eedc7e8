//! Sparsity of the layers' outputs, and the shape of the features before the head: their rank and their collapse onto class means
//! (Papyan, Han and Donoho 2020).

mod activation_sparsity;
mod class_means;
mod feature_rank;
mod nc1;
mod nc2;
mod nc3;
mod nc4;

pub use activation_sparsity::ActivationSparsity;
pub use feature_rank::FeatureRank;
pub use nc1::Nc1;
pub use nc2::Nc2;
pub use nc3::Nc3;
pub use nc4::Nc4;
