//! Points made up from known subspaces.

use crate::{Error, ImageSet, ImageSetParts, ImageShape, Result};
use serde::{Deserialize, Serialize};
use srr_random::{Seed, Stream};

/// How [`subspace_mixture`] makes points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureOptions {
    /// Dimension of the space, d.
    pub dimension: usize,
    /// Number of subspaces (and classes), K.
    pub subspaces: usize,
    /// Dimension of each subspace, p; at most d.
    pub rank: usize,
    /// Points on each subspace.
    pub points_per_subspace: usize,
    /// Standard deviation of the noise in every direction of the space.
    pub noise: f64,
    /// Subspaces orthogonal to each other, which takes K·p ≤ d; otherwise each has its own random orientation.
    pub orthogonal: bool,
}

impl Default for MixtureOptions {
    /// Four orthogonal planes in sixteen dimensions, with 64 points each and a little noise.
    fn default() -> Self {
        Self {
            dimension: 16,
            subspaces: 4,
            rank: 2,
            points_per_subspace: 64,
            noise: 0.01,
            orthogonal: true,
        }
    }
}

/// Points drawn from a mixture of Gaussians, each supported near a linear subspace that is known.
///
/// This is the model of tokens behind the rate reduction (Yu et al., "White-Box Transformers via Sparse Rate Reduction", NeurIPS
/// 2023, § 2): z = U_k a + noise with a ~ N(0, I_p) and noise ~ N(0, σ² I_d).
#[derive(Clone, Debug, PartialEq)]
pub struct SubspaceMixture {
    /// The points [n, d], subspace by subspace.
    pub points: Vec<f64>,
    /// The subspace of each point `[n]`.
    pub labels: Vec<u32>,
    /// Orthonormal bases [K, d, p]: element (k, i, j) is coordinate i of vector j of subspace k.
    pub bases: Vec<f64>,
    /// How they were made.
    pub options: MixtureOptions,
}

/// Draws a mixture of Gaussians on random subspaces.
///
/// ```
/// use srr_datasets::{MixtureOptions, subspace_mixture};
/// use srr_random::Seed;
///
/// let mixture = subspace_mixture(&MixtureOptions::default(), Seed::new(1))?;
/// assert_eq!(mixture.points.len(), 4 * 64 * 16);
/// assert_eq!(mixture.bases.len(), 4 * 16 * 2);
/// # Ok::<(), srr_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] for a size of zero or one that does not fit, p > d, K·p > d with orthogonal subspaces, or noise that is negative
/// or not finite.
pub fn subspace_mixture(options: &MixtureOptions, seed: Seed) -> Result<SubspaceMixture> {
    options.check()?;
    let &MixtureOptions {
        dimension: d,
        subspaces,
        rank: p,
        noise,
        ..
    } = options;
    let vectors = orthonormal_frames(options, &mut seed.purpose("bases").stream());
    let mut stream = seed.purpose("points").stream();
    let n = subspaces * options.points_per_subspace;
    let mut points = Vec::new();
    if points.try_reserve_exact(n * d).is_err() {
        return Err(too_large(options));
    }
    for i in 0..n {
        let k = i / options.points_per_subspace;
        let mut point = vec![0.0; d];
        for vector in &vectors[k * p..(k + 1) * p] {
            add_scaled(&mut point, stream.normal(), vector);
        }
        points.extend(point.iter().map(|x| x + noise * stream.normal()));
    }
    let mut bases = Vec::with_capacity(subspaces * d * p);
    for frame in vectors.chunks_exact(p) {
        bases.extend((0..d).flat_map(|i| frame.iter().map(move |vector| vector[i])));
    }
    Ok(SubspaceMixture {
        points,
        labels: (0..n)
            .map(|i| (i / options.points_per_subspace) as u32)
            .collect(),
        bases,
        options: *options,
    })
}

impl MixtureOptions {
    fn check(&self) -> Result<()> {
        let &Self {
            dimension,
            subspaces,
            rank,
            points_per_subspace,
            noise,
            orthogonal,
        } = self;
        let sizes = [
            ("dimension", dimension),
            ("subspaces", subspaces),
            ("rank", rank),
            ("points_per_subspace", points_per_subspace),
        ];
        for (what, size) in sizes {
            if size == 0 {
                return Err(Error::invalid(what, "positive", size));
            }
        }
        if rank > dimension {
            return Err(Error::invalid(
                "rank",
                format!("at most the dimension, {dimension}"),
                rank,
            ));
        }
        if orthogonal
            && subspaces
                .checked_mul(rank)
                .is_none_or(|sum| sum > dimension)
        {
            let most = format!(
                "at most {} with rank {rank} in {dimension} dimensions",
                dimension / rank
            );
            return Err(Error::invalid("orthogonal subspaces", most, subspaces));
        }
        if !(noise.is_finite() && noise >= 0.0) {
            return Err(Error::invalid("noise", "finite and not negative", noise));
        }
        // As many numbers as an allocation may have bytes, in each of the two arrays.
        let longest = dimension.checked_mul(points_per_subspace.max(rank));
        let longest = longest.and_then(|n| n.checked_mul(subspaces));
        if longest.is_none_or(|n| n > isize::MAX as usize / size_of::<f64>())
            || u32::try_from(subspaces).is_err()
        {
            return Err(too_large(self));
        }
        Ok(())
    }
}

fn too_large(options: &MixtureOptions) -> Error {
    let found = format!("{options:?}");
    Error::invalid("mixture", "of a size that fits in memory", found)
}

/// K frames of p orthonormal vectors, one after another [K·p][d].
fn orthonormal_frames(options: &MixtureOptions, stream: &mut Stream) -> Vec<Vec<f64>> {
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    for i in 0..options.subspaces * options.rank {
        let own = if options.orthogonal {
            0
        } else {
            i - i % options.rank
        };
        let vector = loop {
            let mut vector: Vec<f64> = (0..options.dimension).map(|_| stream.normal()).collect();
            let length = norm(&vector);
            // Gram and Schmidt, twice, which is enough (Giraud et al. 2005).
            for _ in 0..2 {
                for other in &vectors[own..] {
                    let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                    add_scaled(&mut vector, -along, other);
                }
            }
            let left = norm(&vector);
            if left > 1e-6 * length {
                vector.iter_mut().for_each(|x| *x /= left);
                break vector;
            }
        };
        vectors.push(vector);
    }
    vectors
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t += factor * f);
}

impl SubspaceMixture {
    /// The points as images of eight bits: zero becomes 127.5, the largest magnitude 0 or 255. Rounding adds noise of about 0.1 % of
    /// that magnitude.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the shape does not hold d values.
    pub fn images(&self, shape: ImageShape) -> Result<ImageSet> {
        if shape.checked_len()? != self.options.dimension {
            let expected = format!("of {} values", self.options.dimension);
            return Err(Error::invalid("image shape", expected, shape));
        }
        let largest = self
            .points
            .iter()
            .fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
        let byte = |x: &f64| (127.5 + 127.5 * x / largest).round() as u8;
        ImageSet::new(ImageSetParts {
            images: self.points.iter().map(byte).collect(),
            labels: self.labels.clone(),
            shape,
            class_names: (0..self.options.subspaces)
                .map(|k| format!("subspace {k}"))
                .collect(),
            scale: 255,
            name: "subspace-mixture".into(),
            source: "synthetic".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inner products of the vectors of two subspaces [p, p].
    fn inner(mixture: &SubspaceMixture, k: usize, l: usize) -> Vec<f64> {
        let MixtureOptions {
            dimension: d,
            rank: p,
            ..
        } = mixture.options;
        let at = |k: usize, i: usize, j: usize| mixture.bases[(k * d + i) * p + j];
        (0..p * p)
            .map(|e| (0..d).map(|i| at(k, i, e / p) * at(l, i, e % p)).sum())
            .collect()
    }

    /// Energy of each point of subspace k along the basis of subspace l, and in all.
    fn energies(mixture: &SubspaceMixture, k: u32, l: usize) -> (f64, f64) {
        let MixtureOptions {
            dimension: d,
            rank: p,
            ..
        } = mixture.options;
        let (mut along, mut all) = (0.0, 0.0);
        for (point, _) in mixture
            .points
            .chunks_exact(d)
            .zip(&mixture.labels)
            .filter(|(_, c)| **c == k)
        {
            all += point.iter().map(|x| x * x).sum::<f64>();
            along += (0..p)
                .map(|j| {
                    (0..d)
                        .map(|i| mixture.bases[(l * d + i) * p + j] * point[i])
                        .sum::<f64>()
                        .powi(2)
                })
                .sum::<f64>();
        }
        (along, all)
    }

    #[test]
    fn bases_are_orthonormal_and_points_lie_on_them() {
        for orthogonal in [true, false] {
            let options = MixtureOptions {
                dimension: 13,
                subspaces: 4,
                rank: 3,
                points_per_subspace: 40,
                noise: 0.0,
                orthogonal,
            };
            let mixture = subspace_mixture(&options, Seed::new(2)).unwrap();
            assert_eq!(mixture.labels.len(), 160);
            for k in 0..4 {
                for (e, value) in inner(&mixture, k, k).iter().enumerate() {
                    assert!((value - f64::from(e % 4 == 0)).abs() < 1e-14);
                }
                let (along, all) = energies(&mixture, k as u32, k);
                assert!((along / all - 1.0).abs() < 1e-13);
                let (across, all) = energies(&mixture, k as u32, (k + 1) % 4);
                assert_eq!(orthogonal, across / all < 1e-26, "{across} of {all}");
            }
        }
    }

    #[test]
    fn energies_follow_their_law() {
        let options = MixtureOptions {
            points_per_subspace: 5000,
            noise: 0.5,
            ..MixtureOptions::default()
        };
        let mixture = subspace_mixture(&options, Seed::new(3)).unwrap();
        for k in 0..4 {
            let (along, all) = energies(&mixture, k, k as usize);
            // Per point: p (1 + σ²) = 2.5 along the plane and (d − p) σ² = 3.5 across it; variances 2 p (1 + σ²)² and 2 (d − p) σ⁴.
            let (along, across) = (along / 5000.0, (all - along) / 5000.0);
            assert!(
                (along - 2.5).abs() < 5.0 * (6.25_f64 / 5000.0).sqrt(),
                "{along}"
            );
            assert!(
                (across - 3.5).abs() < 5.0 * (1.75_f64 / 5000.0).sqrt(),
                "{across}"
            );
        }
    }

    #[test]
    fn images_keep_the_points_up_to_rounding() {
        let mixture = subspace_mixture(&MixtureOptions::default(), Seed::new(4)).unwrap();
        let set = mixture.images(ImageShape::new(1, 4, 4)).unwrap();
        assert_eq!(set.class_counts(), [64; 4]);
        let largest = mixture.points.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (byte, point) in set.images().iter().zip(&mixture.points) {
            let back = (f64::from(*byte) - 127.5) / 127.5 * largest;
            assert!((back - point).abs() <= largest / 127.5);
        }
        assert!(set.images().contains(&0) || set.images().contains(&255));
        assert!(mixture.images(ImageShape::new(1, 4, 5)).is_err());
    }

    #[test]
    fn impossible_options_are_refused() {
        let refused = |change: fn(&mut MixtureOptions)| {
            let mut options = MixtureOptions::default();
            change(&mut options);
            subspace_mixture(&options, Seed::new(0))
                .unwrap_err()
                .to_string()
        };
        assert!(refused(|o| o.rank = 0).contains("rank should be positive"));
        assert!(refused(|o| o.rank = 17).contains("at most the dimension, 16"));
        assert!(refused(|o| o.subspaces = 9).contains("at most 8"));
        assert!(refused(|o| o.noise = f64::NAN).contains("noise"));
        assert!(refused(|o| o.noise = -1.0).contains("noise"));
        assert!(refused(|o| o.points_per_subspace = 1 << 60).contains("fits in memory"));
        assert!(refused(|o| o.subspaces = usize::MAX).contains("orthogonal subspaces"));
    }
}
