//! How far weights may be moved before the training accuracy falls: by noise, and against the gradient.
//!
//! Both searches look for the size of a perturbation at which the accuracy on a choice of training images has fallen by a given amount,
//! within a tolerance, by bisection. Noise has the same directions at every size, a function of the subject's seed alone; ascent begins at
//! the trained weights and draws nothing. The fall is then a function of the size, and a search gives the same bits every time.

mod ascent;
mod bisection;
mod noise;

pub use ascent::{AscentSearch, worst_radius};
pub use bisection::{Found, Target};
pub use noise::{NoiseSearch, ReferenceNoise, noise_scale};

/// Which perturbations are of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Magnitude {
    /// The same for all parameters.
    #[default]
    Uniform,
    /// In proportion to the parameter's size, but never below this.
    Aware(f64),
}

impl Magnitude {
    /// e of the bounds that are aware of magnitudes, as in the public code of Dziugaite et al. 2020.
    pub const OFFSET: f64 = 1e-3;

    /// Aware of magnitudes, with that offset.
    pub const AWARE: Self = Self::Aware(Self::OFFSET);

    /// In words, for reports; nothing for the default.
    fn words(self, size: &str) -> String {
        match self {
            Self::Uniform => String::new(),
            Self::Aware(offset) => format!("{size} with e = {offset:e}"),
        }
    }
}
