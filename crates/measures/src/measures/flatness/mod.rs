//! How far the weights can be moved (Jiang et al. 2019, eq. 48–62; sharpness of one step of ascent; relative flatness).

mod adaptive_sharpness;
mod pacbayes_flatness;
mod pacbayes_init;
mod pacbayes_mag_flatness;
mod pacbayes_mag_init;
mod pacbayes_mag_orig;
mod pacbayes_orig;
mod relative_flatness;
mod sam_sharpness;
mod sharpness_flatness;
mod sharpness_init;
mod sharpness_mag_flatness;
mod sharpness_mag_init;
mod sharpness_mag_orig;
mod sharpness_orig;

pub use adaptive_sharpness::AdaptiveSharpness;
pub use pacbayes_flatness::PacBayesFlatness;
pub use pacbayes_init::PacBayesInit;
pub use pacbayes_mag_flatness::PacBayesMagFlatness;
pub use pacbayes_mag_init::PacBayesMagInit;
pub use pacbayes_mag_orig::PacBayesMagOrig;
pub use pacbayes_orig::PacBayesOrig;
pub use relative_flatness::RelativeFlatness;
pub use sam_sharpness::SamSharpness;
pub use sharpness_flatness::SharpnessFlatness;
pub use sharpness_init::SharpnessInit;
pub use sharpness_mag_flatness::SharpnessMagFlatness;
pub use sharpness_mag_init::SharpnessMagInit;
pub use sharpness_mag_orig::SharpnessMagOrig;
pub use sharpness_orig::SharpnessOrig;

use crate::measure::{Undefined, Value};
use crate::search::{AscentSearch, Found, Magnitude, NoiseSearch, noise_scale, worst_radius};
use crate::shared::{Matrices, in_words, matrices, squared_norm};
use crate::subject::{Scope, Subject};

/// A value that comes from a search, with what the search found.
fn searched(raw: f64, found: &Found) -> Value {
    Value::new(raw)
        .with_images(found.images)
        .with_part("size", None, found.size)
        .with_part("drop", None, found.drop)
}

/// ω, the number of weights.
fn length(subject: &dyn Subject, scope: Scope) -> Result<f64, Undefined> {
    let maps = matrices(subject, Matrices::Now, scope)?;
    let entries: usize = maps.iter().map(|(_, matrix)| matrix.len()).sum();
    Ok(entries as f64)
}

/// ln(m/σ) + 10, what the bounds add to the distance.
fn complexity(subject: &dyn Subject, sigma: f64) -> Result<f64, Undefined> {
    let m = subject.training_examples()? as f64;
    Ok((m / sigma).ln() + 10.0)
}

/// A PAC-Bayes bound aware of magnitudes: eq. 56 with the way from the start in the numerator, eq. 57 with the weights.
fn pacbayes_mag(
    subject: &dyn Subject,
    scope: Scope,
    noise: &NoiseSearch,
    numerator: Matrices,
) -> Result<Value, Undefined> {
    matrices(subject, Matrices::Change, scope)?;
    let sigma = noise_scale(subject, noise)?;
    let divergence = Divergence {
        numerator,
        spread: sigma.size.powi(2) + 1.0,
        scale: sigma.size,
    };
    let bound = divergence.sum(subject, scope)? + complexity(subject, sigma.size)?;
    Ok(searched(bound, &sigma))
}

/// What the sharpness bounds aware of magnitudes are made of.
struct SharpnessMag<'a> {
    scope: Scope,
    noise: &'a NoiseSearch,
    ascent: &'a AscentSearch,
    /// δ, the probability with which the bound may fail.
    delta: f64,
}

impl SharpnessMag<'_> {
    fn settings(&self) -> String {
        let searches = [self.ascent.settings(), self.noise.settings()];
        let delta = format!("δ = {}", self.delta);
        in_words(&[&searches.join("; "), &delta, self.scope.words()])
    }

    /// The bound: eq. 59 with the way from the start in the numerator, eq. 60 with the weights.
    fn bound(&self, subject: &dyn Subject, numerator: Matrices) -> Result<Value, Undefined> {
        matrices(subject, Matrices::Change, self.scope)?;
        let sigma = noise_scale(subject, self.noise)?;
        let alpha = worst_radius(subject, self.ascent)?;
        let omega = length(subject, self.scope)?;
        let divergence = Divergence {
            numerator,
            spread: alpha.size.powi(2) + 4.0 * (2.0 * omega / self.delta).ln(),
            scale: alpha.size,
        };
        let bound = divergence.sum(subject, self.scope)? + complexity(subject, sigma.size)?;
        Ok(searched(bound, &alpha).with_part("sigma", None, sigma.size))
    }
}

/// The distance in the bounds that are aware of magnitudes.
struct Divergence {
    /// Whose squared norm stands in the numerator.
    numerator: Matrices,
    /// What it is multiplied by.
    spread: f64,
    /// σ' or α', which multiplies the way of every weight in the denominator.
    scale: f64,
}

impl Divergence {
    /// ¼ Σ_j ln[(e² + spread·‖·‖²/ω) / (e² + scale²(w_j − w⁰_j)²)].
    fn sum(&self, subject: &dyn Subject, scope: Scope) -> Result<f64, Undefined> {
        let mean = squared_norm(subject, self.numerator, scope)? / length(subject, scope)?;
        let e = Magnitude::OFFSET * Magnitude::OFFSET;
        let numerator = (e + self.spread * mean).ln();
        let change = matrices(subject, Matrices::Change, scope)?;
        let ways = change.iter().flat_map(|(_, matrix)| matrix.iter());
        let terms = ways.map(|way| numerator - (e + (self.scale * way).powi(2)).ln());
        Ok(0.25 * terms.sum::<f64>())
    }
}
