//! The smallest box around the weights in which gradient ascent finds a much worse model: α of the sharpness measures.

use std::sync::Arc;

use super::Magnitude;
use super::bisection::{Found, Target};
use crate::measure::Undefined;
use crate::shared::{in_words, shared};
use crate::subject::{Images, Subject, When};

/// The search for α: the ℓ∞ radius at which projected sign-gradient ascent of the loss lowers the training accuracy by the target (the
/// idea is that of Keskar et al. 2017 and Jiang et al. 2019, section C.4; no public code fixes the search, and this one is ours).
///
/// Ascent starts at the trained weights, moves every parameter by 2.5 radii over the number of iterations in the direction of its
/// gradient's sign, and is projected onto the box after every iteration. What counts is the lowest accuracy on the way. The
/// bisection halves the logarithm of the radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AscentSearch {
    /// On which images loss and accuracy are taken.
    pub images: Images,
    /// The fall that is looked for.
    pub target: Target,
    /// Iterations of the ascent at every radius.
    pub iterations: usize,
    /// Smallest and largest α.
    pub range: [f64; 2],
    /// Whether the box is wider along larger parameters: |u_j| ≤ α|w_j| + e.
    pub magnitude: Magnitude,
}

impl Default for AscentSearch {
    /// 20 iterations, α in `[10⁻⁵, 1]`, on 512 fixed training images.
    fn default() -> Self {
        Self {
            images: Images::fixed(512),
            target: Target::default(),
            iterations: 20,
            range: [1e-5, 1.0],
            magnitude: Magnitude::Uniform,
        }
    }
}

/// The α of a subject, searched once for all measures that need it.
///
/// # Errors
/// A missing capability; [`Undefined::Search`] where no α tried lowers the accuracy as wanted.
pub fn worst_radius(subject: &dyn Subject, search: &AscentSearch) -> Result<Arc<Found>, Undefined> {
    shared(subject, &format!("ascent: {search:?}"), || {
        let weights = subject.parameters(When::Now)?;
        let before = subject.evaluate_at(&weights, search.images)?;
        let drop_at = |alpha: f64| {
            let lowest = search.lowest_accuracy(subject, &weights, alpha, before.accuracy)?;
            Ok(before.accuracy - lowest)
        };
        let middle = |low: f64, high: f64| (low * high).sqrt();
        search
            .target
            .search("α", search.range, before.images, middle, drop_at)
    })
}

impl AscentSearch {
    /// In words, for reports.
    #[must_use]
    pub fn settings(&self) -> String {
        let [low, high] = self.range;
        in_words(&[
            &format!("α: {} iterations", self.iterations),
            &format!("{} in [{low:e}, {high}]", self.target),
            &self.magnitude.words("box α|w| + e"),
            &self.images.to_string(),
        ])
    }

    /// The lowest accuracy on the way of the ascent, which ends early once it is lower than the target allows.
    fn lowest_accuracy(
        &self,
        subject: &dyn Subject,
        weights: &[f64],
        alpha: f64,
        before: f64,
    ) -> Result<f64, Undefined> {
        let radius = |w: f64| match self.magnitude {
            Magnitude::Uniform => alpha,
            Magnitude::Aware(offset) => alpha * w.abs() + offset,
        };
        let enough = before - self.target.drop - self.target.tolerance;
        let (mut moved, mut lowest) = (weights.to_vec(), before);
        for _ in 0..self.iterations {
            let (here, gradient) = subject.gradient_at(&moved, self.images)?;
            lowest = lowest.min(here.accuracy);
            if lowest < enough {
                return Ok(lowest);
            }
            let step = 2.5 / self.iterations as f64;
            for ((moved, &w), g) in moved.iter_mut().zip(weights).zip(gradient) {
                let r = radius(w);
                *moved = (*moved + step * r * sign(g)).clamp(w - r, w + r);
            }
        }
        let last = subject.evaluate_at(&moved, self.images)?;
        Ok(lowest.min(last.accuracy))
    }
}

/// −1, 0 or 1.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
