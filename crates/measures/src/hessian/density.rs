//! The spectral density.

use srr_random::Seed;

use super::lanczos::Lanczos;
use super::products::HessianProducts;
use crate::gradients::Mean;
use crate::measure::Undefined;

/// How fine the quadrature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DensityOptions {
    /// Number of random starts.
    pub probes: usize,
    /// Products per start, which is the number of nodes it gives.
    pub nodes: usize,
}

impl Default for DensityOptions {
    /// Four starts of 40 nodes.
    fn default() -> Self {
        Self {
            probes: 4,
            nodes: 40,
        }
    }
}

/// How the eigenvalues of a Hessian are distributed: a sum of point masses.
///
/// Every start is a Gauss quadrature for the spectral measure of its vector: polynomials in the eigenvalue of degree up to 2·nodes − 1 have
/// the moments of that measure.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralDensity {
    /// (eigenvalue, share of all eigenvalues), ascending; the shares sum to 1.
    pub masses: Vec<(f64, f64)>,
    /// Of every random start its own nodes, ascending, with shares that sum to 1.
    pub starts: Vec<Vec<(f64, f64)>>,
}

impl SpectralDensity {
    /// Of the nodes of every start, the mean of all.
    fn of_starts(starts: Vec<Vec<(f64, f64)>>) -> Self {
        let count = starts.len() as f64;
        let all = starts.iter().flatten();
        let mut masses: Vec<(f64, f64)> = all.map(|&(node, share)| (node, share / count)).collect();
        masses.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { masses, starts }
    }

    /// Share of the eigenvalues for which `which` holds, with its standard error over the starts.
    pub fn share(&self, which: impl Fn(f64) -> bool) -> Mean {
        let of_start = |start: &Vec<(f64, f64)>| {
            let chosen = start.iter().filter(|mass| which(mass.0));
            (chosen.map(|mass| mass.1).sum(), 1)
        };
        Mean::of_parts(&self.starts.iter().map(of_start).collect::<Vec<_>>())
    }

    /// The smallest and the largest node: inside the range of all eigenvalues, and close to its ends.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.masses.first()?.0, self.masses.last()?.0))
    }

    /// The mean of `f` over all eigenvalues.
    pub fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.masses.iter().map(|mass| mass.1 * f(mass.0)).sum()
    }

    /// The density at `at` with every mass spread over a Gaussian of deviation `width`.
    #[must_use]
    pub fn smoothed(&self, at: f64, width: f64) -> f64 {
        let normal = |x: f64| (-0.5 * x * x).exp() / (width * std::f64::consts::TAU.sqrt());
        self.mean_of(|eigenvalue| normal((at - eigenvalue) / width))
    }
}

/// The spectral density by stochastic Lanczos quadrature (Golub and Welsch 1969; Ghorbani, Krishnan and Xiao 2019): from every random start
/// the Ritz values, each with the squared first entry of its eigenvector for a share.
///
/// # Errors
/// A missing capability; a gradient that is not finite; no start or no node.
pub fn spectral_density(
    hessian: &HessianProducts<'_>,
    options: &DensityOptions,
    seed: Seed,
) -> Result<SpectralDensity, Undefined> {
    if options.probes == 0 || options.nodes == 0 {
        return Err(Undefined::Misfit(
            "a density needs a start and a node".to_owned(),
        ));
    }
    let mut starts = Vec::new();
    for probe in 0..options.probes as u64 {
        let mut lanczos = Lanczos::new(hessian, seed.index(probe))?;
        while lanczos.basis.len() < options.nodes && lanczos.extend(hessian)? {}
        let ritz = lanczos.ritz()?;
        let shares = ritz.vectors.row(0).mapv(|first| first * first);
        starts.push(ritz.values.iter().copied().zip(shares).collect());
    }
    Ok(SpectralDensity::of_starts(starts))
}
