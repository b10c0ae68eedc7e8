//! The sparse rate reduction as a penalty (Hu, Zou and Xu 2024, §6 and App. E).

use crate::{Error, Finite, Quantity, Result, config::require, layer_rates};
use serde::{Deserialize, Serialize};
use srr_coding_rate::{ClassToken, Coding, Precision, Sparsity, SparsityGradient};
use srr_kernels::{Backend, Rates, Tensor as _, Unary};
use srr_layers::{Classifier, Gradients, LocalGradient, Parameters, Tape};
use srr_random::Seed;

/// Adds η · (1/|S|) Σ over l in S of μ^l to the loss, with μ^l = λ‖Z^l‖₀ + R^c(Z^l; U^l) − R(Z^l) of the layer's output in the
/// training forward, mean over the images of the batch.
///
/// The input of each penalized layer counts as constant, so that its penalty reaches that layer's own parameters alone. The same
/// conventions as in [`Conventions`](srr_coding_rate::Conventions), less those that say which tokens are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegularizerConfig {
    /// The weight η. Default 1e-3, the best reported.
    pub strength: f64,
    /// The layers S. Default the last, as in the paper's main table.
    pub layers: PenalizedLayers,
    /// The weight λ of ‖Z‖₀. Default 0.1.
    pub lambda: f64,
    /// The precision of the code. Default γ = 1.
    pub precision: Precision,
    /// Whether coded vectors are scaled to unit length first. Default not.
    pub unit_tokens: bool,
    /// What ‖Z‖₀ stands for. Default the number of non-zero entries.
    pub sparsity: Sparsity,
    /// What is taken for its gradient. Default zero.
    pub sparsity_gradient: SparsityGradient,
    /// Whether the class token is among the tokens. Default yes.
    pub class_token: ClassToken,
}

impl Default for RegularizerConfig {
    fn default() -> Self {
        Self {
            strength: 1e-3,
            layers: PenalizedLayers::Last,
            lambda: 0.1,
            precision: Precision::unit_gamma(),
            unit_tokens: false,
            sparsity: Sparsity::Count,
            sparsity_gradient: SparsityGradient::Zero,
            class_token: ClassToken::Counted,
        }
    }
}

/// Which layers are penalized.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PenalizedLayers {
    /// Every layer.
    All,
    /// The last layer.
    #[default]
    Last,
    /// These layers, counted from 0, each once.
    Chosen(Vec<usize>),
    /// One layer, drawn anew at each step.
    Random,
}

impl PenalizedLayers {
    /// The layers penalized in a step, in increasing order.
    pub fn of_step(&self, depth: usize, step: Seed) -> Vec<usize> {
        match self {
            Self::All => (0..depth).collect(),
            Self::Last => depth.checked_sub(1).into_iter().collect(),
            Self::Chosen(layers) => {
                let mut layers = layers.clone();
                layers.sort_unstable();
                layers
            }
            Self::Random => {
                let seed = step.purpose("penalized layer");
                vec![seed.stream().below(depth as u64) as usize]
            }
        }
    }
}

impl RegularizerConfig {
    /// Checks what can be checked without a model.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the value out of range.
    pub fn validate(&self) -> Result<()> {
        let weight = |field, value: f64| {
            require(
                field,
                value,
                value >= 0.0 && value.is_finite(),
                "at least 0 and finite",
            )
        };
        weight("regularizer.strength", self.strength)?;
        weight("regularizer.lambda", self.lambda)?;
        if let PenalizedLayers::Chosen(layers) = &self.layers {
            let mut sorted = layers.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let distinct = !layers.is_empty() && sorted.len() == layers.len();
            require(
                "regularizer.layers",
                format!("{layers:?}"),
                distinct,
                "at least one layer, each once",
            )?;
        }
        Ok(())
    }
}

/// A regularizer for a model that it was checked against.
#[derive(Clone, Debug)]
pub struct Regularizer {
    config: RegularizerConfig,
}

/// The penalty of a batch with its gradients.
#[derive(Debug)]
pub struct Penalty<B: Backend> {
    /// η · (1/|S|) Σ μ^l, mean over the images.
    pub value: f64,
    /// Its gradient with respect to the output of each penalized layer.
    pub local: Vec<LocalGradient<B>>,
}

impl Regularizer {
    /// Checks a configuration against a model.
    ///
    /// # Errors
    /// [`Error::Configuration`], [`Error::NoBases`] for a model without subspace bases, [`Error::NoSuchLayer`].
    pub fn new<B: Backend>(config: RegularizerConfig, classifier: &Classifier<B>) -> Result<Self> {
        config.validate()?;
        layer_rates::require_bases(classifier, "the regularizer")?;
        let depth = classifier.depth();
        if let PenalizedLayers::Chosen(layers) = &config.layers
            && let Some(&layer) = layers.iter().find(|&&layer| layer >= depth)
        {
            return Err(Error::NoSuchLayer { layer, depth });
        }
        Ok(Self { config })
    }

    /// The penalty of a forward pass. The gradient with respect to the bases at which R^c is taken is added to `gradients`; that
    /// with respect to the tokens is returned, for [`Classifier::backward`] to confine to its layer.
    ///
    /// # Errors
    /// What the backend refuses. Tokens that are not finite are a [`Quantity`].
    pub fn penalty<B: Backend>(
        &self,
        classifier: &Classifier<B>,
        parameters: &Parameters<B>,
        tape: &Tape<B>,
        step: Seed,
        gradients: &mut Gradients<B>,
    ) -> Result<Finite<Penalty<B>>> {
        let layers = self.config.layers.of_step(classifier.depth(), step);
        let mut penalty = Penalty {
            value: 0.0,
            local: Vec::with_capacity(layers.len()),
        };
        let weight = self.config.strength / layers.len() as f64;
        for layer in layers {
            match self.layer(classifier, parameters, tape, layer, weight, gradients)? {
                Ok((value, local)) => {
                    penalty.value += value;
                    penalty.local.push(local);
                }
                Err(quantity) => return Ok(Err(quantity)),
            }
        }
        Ok(Ok(penalty))
    }

    /// `weight` · mean over the images of μ of one layer, with its gradients.
    fn layer<B: Backend>(
        &self,
        classifier: &Classifier<B>,
        parameters: &Parameters<B>,
        tape: &Tape<B>,
        layer: usize,
        weight: f64,
        gradients: &mut Gradients<B>,
    ) -> Result<Finite<(f64, LocalGradient<B>)>> {
        let (backend, config) = (classifier.backend(), &self.config);
        let depth = classifier.depth();
        let missing = || Error::NoSuchLayer { layer, depth };
        let output = tape.output(layer).ok_or_else(missing)?;
        let index = classifier.bases_index(layer).ok_or_else(missing)?;
        let bases = &parameters.get(index).ok_or_else(missing)?.value;
        let first = usize::from(config.class_token == ClassToken::LeftOut);
        let tokens = layer_rates::without_first(backend, output, first)?;
        if !backend.all_finite(&tokens)? {
            return Ok(Err(Quantity::Tokens { layer: Some(layer) }));
        }
        let Some([expansion, compression]) = self.rates(classifier, &tokens, bases)? else {
            return Ok(Err(Quantity::Penalty));
        };
        let images = expansion.values.len() as f64;
        let entries = tokens.len() as f64 / images;
        let nonzeros: u64 = backend.count_nonzero(&tokens)?.iter().sum();
        let per_entry = match config.sparsity {
            Sparsity::Count => config.lambda,
            Sparsity::Density => config.lambda / entries,
        };
        let rates: f64 = compression
            .values
            .iter()
            .zip(&expansion.values)
            .map(|(c, r)| c - r)
            .sum();
        let share = weight / images;
        let value = share * (per_entry * nonzeros as f64 + rates);
        if !value.is_finite() {
            return Ok(Err(Quantity::Penalty));
        }
        let (mut d_tokens, d_bases) = difference(backend, compression, expansion)?;
        if let (Some(d_bases), Some(target)) = (&d_bases, gradients.get_mut(index)) {
            backend.add_scaled(target, share, d_bases)?;
        }
        if config.sparsity_gradient == SparsityGradient::L1 {
            let sign = backend.unary(Unary::Sign, &tokens)?;
            backend.add_scaled(&mut d_tokens, per_entry, &sign)?;
        }
        backend.scale(&mut d_tokens, share)?;
        let d_tokens = widened(backend, d_tokens, output.shape(), first)?;
        Ok(Ok((value, LocalGradient { layer, d_tokens })))
    }

    /// R and R^c of each image with their gradients; `None` where one exceeds the precision.
    fn rates<B: Backend>(
        &self,
        classifier: &Classifier<B>,
        tokens: &B::Tensor,
        bases: &B::Tensor,
    ) -> Result<Option<[Rates<B::Tensor>; 2]>> {
        let backend = classifier.backend();
        let coding = Coding {
            precision: self.config.precision,
            unit_tokens: self.config.unit_tokens,
        };
        let (heads, head_dim) = (classifier.heads(), classifier.head_dim());
        let expansion = backend.coding_rate(tokens, coding, head_dim, true);
        let Some(expansion) = layer_rates::overflow_as_none(expansion)? else {
            return Ok(None);
        };
        let compression = backend.compressed_rate(tokens, bases, heads, coding, true);
        let compression = layer_rates::overflow_as_none(compression)?;
        Ok(compression.map(|compression| [expansion, compression]))
    }
}

/// The gradient of R^c − R with respect to the tokens, and that of R^c with respect to the bases.
fn difference<B: Backend>(
    backend: &B,
    compression: Rates<B::Tensor>,
    expansion: Rates<B::Tensor>,
) -> Result<(B::Tensor, Option<B::Tensor>)> {
    let missing = || Error::MissingGradient;
    let mut d_tokens = compression.tokens.ok_or_else(missing)?;
    backend.add_scaled(&mut d_tokens, -1.0, &expansion.tokens.ok_or_else(missing)?)?;
    Ok((d_tokens, compression.bases))
}

/// Puts zeros before the tokens of each image, in the places of those that were left out.
fn widened<B: Backend>(
    backend: &B,
    d_tokens: B::Tensor,
    shape: &[usize],
    left_out: usize,
) -> Result<B::Tensor> {
    if left_out == 0 {
        return Ok(d_tokens);
    }
    let mut all = backend.zeros(shape)?;
    backend.add_slice(&mut all, 1, left_out, &d_tokens)?;
    Ok(all)
}
