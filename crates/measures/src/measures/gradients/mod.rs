//! Gradients: of the loss, of single images, and with respect to the input.

mod geometric_complexity;
mod gradient_norm;
mod gsnr;
mod ntk_alignment;

pub use geometric_complexity::GeometricComplexity;
pub use gradient_norm::GradientNorm;
pub use gsnr::Gsnr;
pub use ntk_alignment::NtkAlignment;
