//! The attention-only toy: does a layer's update lower the compressed rate that it is derived from?
//!
//! Hu, Zou and Xu (2024, Fig. 1a and App. A): Gaussian tokens pass through layers that consist of one attention step alone, without
//! normalization, each with orthonormal bases of its own and γ = 1. R^c is compared before and after each layer under that layer's
//! bases.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use srr_coding_rate::{
    Bases, Error, Expansion, Precision, Result, compressed_rate, compressed_rate_expansion,
    compressed_rate_with_gradient,
};
use srr_linalg::{gemm, matmul, random_matrix, random_orthonormal};
use srr_random::Seed;

/// How a layer moves its tokens; V_k = U_kᵀZ throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateRule {
    /// Z − η ∇R^c: what the derivation sets out from.
    ExactGradient,
    /// Z − η γ Σ U_k V_k: the gradient's first-order term alone.
    FirstOrder,
    /// Z − η γ Σ U_k (V_k − γ V_k V_kᵀV_k): both terms.
    SecondOrderTaylor,
    /// Z + η γ² Σ U_k V_k V_kᵀV_k: the second term alone.
    SecondTermOnly,
    /// Z + η Σ U_k V_k softmax(V_kᵀV_k): CRATE-C, the second term behind a softmax.
    Softmax,
    /// Z + η [U_1 … U_K]ᵀ S with the heads S stacked: CRATE-T.
    Transpose,
    /// Z − η Σ U_k V_k softmax(V_kᵀV_k): CRATE-N.
    Negative,
}

impl UpdateRule {
    /// All rules, in the order of the derivation.
    pub const ALL: [Self; 7] = [
        Self::ExactGradient,
        Self::FirstOrder,
        Self::SecondOrderTaylor,
        Self::SecondTermOnly,
        Self::Softmax,
        Self::Transpose,
        Self::Negative,
    ];

    /// A short name for tables and charts.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ExactGradient => "exact gradient",
            Self::FirstOrder => "first-order term",
            Self::SecondOrderTaylor => "second-order Taylor",
            Self::SecondTermOnly => "second term only",
            Self::Softmax => "CRATE-C (softmax)",
            Self::Transpose => "CRATE-T",
            Self::Negative => "CRATE-N",
        }
    }
}

/// Size of a toy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToyConfig {
    /// Number of tokens N.
    pub tokens: usize,
    /// Number of layers L.
    pub layers: usize,
    /// Token dimension d, a multiple of `heads`.
    pub dim: usize,
    /// Number of subspaces K, of dimension d/K each.
    pub heads: usize,
    /// Step size η.
    pub step: f64,
    /// Seed of tokens and bases; all rules see the same ones.
    pub seed: u64,
}

impl Default for ToyConfig {
    /// The paper's size: 196 tokens of dimension 384, 6 heads, 12 layers, step 1.
    fn default() -> Self {
        Self {
            tokens: 196,
            layers: 12,
            dim: 384,
            heads: 6,
            step: 1.0,
            seed: 0,
        }
    }
}

/// R^c of the tokens before and after a layer, both under that layer's bases, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToyLayer {
    /// R^c(Z^{l−1}; U^l).
    pub before: f64,
    /// R^c(Z^l; U^l).
    pub after: f64,
}

/// The course of one rule through the layers.
#[derive(Debug, Clone, PartialEq)]
pub struct ToyRun {
    /// The layers whose rates are finite, from the first.
    pub layers: Vec<ToyLayer>,
    /// The layer, counted from 1, at which tokens or their Gram matrix exceeded double precision; the run ends there.
    pub overflow: Option<usize>,
}

/// Runs one rule through all layers.
///
/// # Errors
/// [`Error::Heads`] unless `heads` divides `dim`, [`Error::Empty`] without tokens. Overflow is no error but part of the result.
///
/// ```
/// use srr_study::toy::{ToyConfig, UpdateRule, run};
/// let config = ToyConfig { tokens: 20, layers: 3, dim: 12, heads: 3, step: 0.5, seed: 1 };
/// let descent = run(&config, UpdateRule::ExactGradient)?;
/// assert!(descent.layers.iter().all(|layer| layer.after < layer.before));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn run(config: &ToyConfig, rule: UpdateRule) -> Result<ToyRun> {
    let ToyConfig {
        tokens,
        layers,
        dim,
        heads,
        step,
        seed,
    } = *config;
    let seed = Seed::new(seed);
    let mut z = random_matrix::<f64>(tokens, dim, &mut seed.purpose("toy tokens").stream());
    let mut found = ToyRun {
        layers: Vec::with_capacity(layers),
        overflow: None,
    };
    for layer in 0..layers {
        let mut stream = seed.purpose("toy bases").index(layer as u64).stream();
        let stacked = random_orthonormal(dim, dim, &mut stream)?;
        let bases = Bases::from_stacked(stacked.view(), heads)?;
        match pass(&mut z, &bases, rule, step) {
            Ok(rates) => found.layers.push(rates),
            Err(
                Error::Overflow { .. }
                | Error::Resolution { .. }
                | Error::NotFinite { what: "tokens", .. },
            ) => {
                found.overflow = Some(layer + 1);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// One layer, in place, with the rates on both sides of it.
fn pass(
    z: &mut Array2<f64>,
    bases: &Bases<'_, f64>,
    rule: UpdateRule,
    step: f64,
) -> Result<ToyLayer> {
    let precision = Precision::unit_gamma();
    let before = compressed_rate(z.view(), bases, precision)?;
    let direction = direction(z.view(), bases, rule)?;
    z.scaled_add(step, &direction);
    let after = compressed_rate(z.view(), bases, precision)?;
    Ok(ToyLayer { before, after })
}

/// What a step of 1 adds to the tokens.
fn direction(
    z: ArrayView2<'_, f64>,
    bases: &Bases<'_, f64>,
    rule: UpdateRule,
) -> Result<Array2<f64>> {
    let precision = Precision::unit_gamma();
    let expanded = |expansion| {
        Ok::<_, Error>(compressed_rate_expansion(z, bases, precision, expansion)?.tokens)
    };
    Ok(match rule {
        UpdateRule::ExactGradient => -compressed_rate_with_gradient(z, bases, precision)?.tokens,
        UpdateRule::FirstOrder => -expanded(Expansion::FirstOrder)?,
        UpdateRule::SecondOrderTaylor => -expanded(Expansion::SecondOrder)?,
        UpdateRule::SecondTermOnly => {
            expanded(Expansion::FirstOrder)? - expanded(Expansion::SecondOrder)?
        }
        UpdateRule::Softmax => matmul(attend(z, bases)?.view(), bases.stacked())?,
        UpdateRule::Transpose => matmul(attend(z, bases)?.view(), bases.stacked().t())?,
        UpdateRule::Negative => -matmul(attend(z, bases)?.view(), bases.stacked())?,
    })
}

/// All heads' softmax(V_kᵀV_k) V_k side by side, [N, K·p], without the p^(−1/2).
fn attend(z: ArrayView2<'_, f64>, bases: &Bases<'_, f64>) -> Result<Array2<f64>> {
    let v = bases.project(z)?;
    let p = bases.head_dim();
    let mut attended = Array2::zeros(v.dim());
    for head in 0..bases.heads() {
        let columns = s![.., head * p..(head + 1) * p];
        let v = v.slice(columns);
        let mut weights = matmul(v, v.t())?;
        if weights.iter().any(|x| !x.is_finite()) {
            return Err(Error::Overflow {
                what: "projected tokens",
                element: "f64",
            });
        }
        softmax_rows(weights.view_mut());
        gemm(1.0, weights.view(), v, 0.0, attended.slice_mut(columns))?;
    }
    Ok(attended)
}

fn softmax_rows(mut weights: ArrayViewMut2<'_, f64>) {
    for mut row in weights.rows_mut() {
        let largest = row
            .iter()
            .fold(f64::NEG_INFINITY, |largest, &x| largest.max(x));
        row.mapv_inplace(|x| (x - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|x| x / sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_kernels::{AttentionOptions, Backend, Cpu};

    fn course(config: &ToyConfig, rule: UpdateRule) -> ToyRun {
        run(config, rule).unwrap()
    }

    /// The directions of Hu et al., Fig. 1a and App. A, for every rule; returns the courses in the order of the rules. The expansions
    /// overflow by layer `overflow`, and the first step of CRATE-N leaves at most `left` of the rate: the larger the tokens, the
    /// earlier and the less.
    fn assert_directions(config: &ToyConfig, overflow: usize, left: f64) -> [ToyRun; 7] {
        let falls = |found: &ToyRun| found.layers.iter().all(|layer| layer.after < layer.before);
        let rises = |found: &ToyRun| found.layers.iter().all(|layer| layer.after > layer.before);
        let whole =
            |found: &ToyRun| found.overflow.is_none() && found.layers.len() == config.layers;

        let courses = UpdateRule::ALL.map(|rule| course(config, rule));
        let [exact, first, taylor, second, softmax, transpose, negative] = &courses;
        assert!(whole(exact) && falls(exact), "{exact:?}");
        // Complete orthonormal bases: the first-order term is Z itself, and nothing is left.
        assert!(
            whole(first) && first.layers[0].after < 1e-9 * first.layers[0].before,
            "{first:?}"
        );
        for found in [taylor, second] {
            assert!(
                rises(found) && found.layers[0].after > 2.0 * found.layers[0].before,
                "{found:?}"
            );
            let early = found.overflow.is_some_and(|layer| layer <= overflow);
            assert!(early, "{found:?}");
        }
        assert!(whole(softmax) && rises(softmax), "{softmax:?}");
        assert!(whole(transpose) && rises(transpose), "{transpose:?}");
        // At unit variance the softmax is nearly the identity: Z − Z.
        assert!(
            whole(negative) && negative.layers[0].after < left * negative.layers[0].before,
            "{negative:?}"
        );
        courses
    }

    #[test]
    fn directions_at_a_reduced_size() {
        let config = ToyConfig {
            tokens: 50,
            dim: 96,
            heads: 3,
            ..ToyConfig::default()
        };
        assert_directions(&config, 6, 0.05);
    }

    #[test]
    fn directions_and_sizes_at_the_size_of_the_paper() {
        let [exact, _, taylor, second, softmax, transpose, _] =
            assert_directions(&ToyConfig::default(), 5, 1e-9);
        // Sizes that independent implementations agree on within the spread over draws.
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.05;
        let ends = |run: &ToyRun| (run.layers[0].after, run.layers[run.layers.len() - 1].after);
        assert!(near(exact.layers[0].before, 978.0), "{exact:?}");
        for (run, (first, last)) in [
            (exact, (975.0, 952.0)),
            (softmax, (1243.0, 4172.0)),
            (transpose, (1105.0, 2478.0)),
        ] {
            assert!(
                near(ends(&run).0, first) && near(ends(&run).1, last),
                "{run:?}"
            );
        }
        assert!(
            near(ends(&taylor).0, 2931.0) && near(ends(&second).0, 2934.0),
            "{taylor:?} {second:?}"
        );
    }

    /// The toy's heads are those of the operator that models are made of, with 1 in place of p^(−1/2).
    #[test]
    fn its_attention_is_the_operator_of_the_models() {
        let cpu = Cpu::<f64>::new();
        for (tokens, dim, heads, size) in [(1, 2, 1, 1.0), (7, 6, 3, 0.3), (19, 24, 2, 1.0)] {
            let seed = Seed::new(tokens as u64);
            let z = size * random_matrix::<f64>(tokens, dim, &mut seed.purpose("tokens").stream());
            let stacked = random_orthonormal(dim, dim, &mut seed.purpose("bases").stream());
            let stacked = stacked.unwrap();
            let bases = Bases::from_stacked(stacked.view(), heads).unwrap();
            let v: Vec<f64> = bases.project(z.view()).unwrap().iter().copied().collect();
            let v = cpu.upload_f64(&v, &[1, tokens, dim]).unwrap();
            let options = AttentionOptions {
                heads,
                scale: 1.0,
                causal: false,
                dropout: None,
            };
            let shipped = cpu.download_f64(&cpu.mssa(&v, &options).unwrap()).unwrap();
            let largest = shipped.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let own = attend(z.view(), &bases).unwrap();
            assert_eq!(own.len(), shipped.len());
            for (own, shipped) in own.iter().zip(&shipped) {
                assert!((own - shipped).abs() <= 1e-12 * largest, "{own} {shipped}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let config = ToyConfig {
            tokens: 9,
            layers: 2,
            dim: 8,
            heads: 2,
            ..ToyConfig::default()
        };
        for rule in UpdateRule::ALL {
            assert_eq!(course(&config, rule), course(&config, rule));
        }
        assert_ne!(
            course(&config, UpdateRule::Softmax),
            course(&ToyConfig { seed: 1, ..config }, UpdateRule::Softmax)
        );
    }

    #[test]
    fn heads_that_do_not_divide_the_dimension_are_refused() {
        let config = ToyConfig {
            tokens: 5,
            dim: 8,
            heads: 3,
            ..ToyConfig::default()
        };
        assert!(matches!(
            run(&config, UpdateRule::Softmax),
            Err(Error::Heads { heads: 3, .. })
        ));
        let config = ToyConfig {
            tokens: 0,
            ..config
        };
        assert!(run(&ToyConfig { heads: 2, ..config }, UpdateRule::Softmax).is_err());
    }
}
