//! The margin, alone and under norms of the weights (Jiang et al. 2019, eq. 22, 29–31, 34, 36, 38 and 43).

mod inverse_margin;

pub use inverse_margin::InverseMargin;
