//! The largest noise that the training accuracy bears: σ of the PAC-Bayes measures.

use std::sync::Arc;

use super::Magnitude;
use super::bisection::{Found, Target};
use crate::measure::Undefined;
use crate::shared::{in_words, shared};
use crate::subject::{Images, Subject, When};

/// Which standard deviation a noise of size σ has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReferenceNoise {
    /// σ, or √(σ²w² + e²) where it is aware of magnitudes: what the bounds are about.
    #[default]
    Deviation,
    /// σ², or σ²w² + e², as the public code of Dziugaite et al. 2020 draws it (`reference_quirk`).
    Variance,
}

/// The search for σ: Gaussian noise on every trainable parameter at which the mean training accuracy falls by the target (Jiang et al.
/// 2019, section B.3 and C.4; Dziugaite et al. 2020, code).
///
/// Bisection of `[0, upper]`. The accuracy at a size is the mean over `draws`, whose directions stay the same from size to size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseSearch {
    /// On which images the accuracy is taken.
    pub images: Images,
    /// The fall that is looked for.
    pub target: Target,
    /// Number of draws at every size.
    pub draws: usize,
    /// Largest σ.
    pub upper: f64,
    /// Whether larger parameters get more noise.
    pub magnitude: Magnitude,
    /// What σ is to the noise.
    pub reference: ReferenceNoise,
}

impl Default for NoiseSearch {
    /// Ten draws, `[0, 2]`, on 512 fixed training images.
    fn default() -> Self {
        Self {
            images: Images::fixed(512),
            target: Target::default(),
            draws: 10,
            upper: 2.0,
            magnitude: Magnitude::Uniform,
            reference: ReferenceNoise::Deviation,
        }
    }
}

/// The σ of a subject, searched once for all measures that need it.
///
/// # Errors
/// A missing capability; [`Undefined::Search`] where no σ tried lowers the accuracy as wanted.
pub fn noise_scale(subject: &dyn Subject, search: &NoiseSearch) -> Result<Arc<Found>, Undefined> {
    shared(subject, &format!("noise: {search:?}"), || {
        let weights = subject.parameters(When::Now)?;
        let seed = subject.seed()?.purpose("measures: noise");
        let before = subject.evaluate_at(&weights, search.images)?;
        let mut moved = vec![0.0; weights.len()];
        let drop_at = |sigma: f64| {
            let mut lost = 0.0;
            // No draw gains more than what was wrong: too much is known before all are made.
            let too_much = |lost: f64, left: usize| {
                let most = search.target.drop + search.target.tolerance;
                lost - left as f64 * (1.0 - before.accuracy) > search.draws as f64 * most
            };
            for draw in 0..search.draws {
                let mut stream = seed.index(draw as u64).stream();
                for (moved, &w) in moved.iter_mut().zip(weights.iter()) {
                    *moved = w + search.deviation(sigma, w) * stream.normal();
                }
                lost += before.accuracy - subject.evaluate_at(&moved, search.images)?.accuracy;
                if too_much(lost, search.draws - draw - 1) {
                    return Ok(lost / (draw + 1) as f64);
                }
            }
            Ok(lost / search.draws as f64)
        };
        let middle = |low: f64, high: f64| (low + high) / 2.0;
        search
            .target
            .search("σ", [0.0, search.upper], before.images, middle, drop_at)
    })
}

impl NoiseSearch {
    /// In words, for reports.
    #[must_use]
    pub fn settings(&self) -> String {
        let quirk = match self.reference {
            ReferenceNoise::Deviation => "",
            ReferenceNoise::Variance => "its square for the deviation",
        };
        in_words(&[
            &format!("σ: {} draws", self.draws),
            &format!("{} in [0, {}]", self.target, self.upper),
            &self.magnitude.words("deviation √(σ²w² + e²)"),
            quirk,
            &self.images.to_string(),
        ])
    }

    /// Standard deviation of the noise on a parameter of value `w`.
    fn deviation(&self, sigma: f64, w: f64) -> f64 {
        let variance = match self.magnitude {
            Magnitude::Uniform => sigma * sigma,
            Magnitude::Aware(offset) => sigma * sigma * w * w + offset * offset,
        };
        match self.reference {
            ReferenceNoise::Deviation => variance.sqrt(),
            ReferenceNoise::Variance => variance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_as_in_the_bounds_and_as_in_the_public_code() {
        let mut search = NoiseSearch::default();
        assert_eq!(search.deviation(0.5, 3.0), 0.5);
        search.reference = ReferenceNoise::Variance;
        assert_eq!(search.deviation(0.5, 3.0), 0.25);
        search.magnitude = Magnitude::Aware(4.0);
        assert_eq!(search.deviation(1.0, 3.0), 25.0);
        search.reference = ReferenceNoise::Deviation;
        assert_eq!(search.deviation(1.0, 3.0), 5.0);
    }
}
