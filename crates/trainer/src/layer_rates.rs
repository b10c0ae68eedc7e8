//! The sparse rate reduction of a model, layer by layer.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use srr_coding_rate::{ClassToken, Conventions, Location, MeasuredNorms, SparseRateReduction};
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{Classifier, Forward, ForwardOptions, Mode, Norms, Parameters};

/// Images in one forward pass.
const CHUNK: usize = 64;

/// The rates of one layer, mean over images.
///
/// If the tokens of any image are not finite, or so large that their Gram matrix is not, nothing is defined: every rate is then NaN
/// (`null` in JSON), and [`non_finite`](Self::non_finite) counts the images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRates {
    /// R(Z), in nats.
    #[serde(with = "nan_as_null")]
    pub coding_rate: f64,
    /// R^c(Z; U), in nats.
    #[serde(with = "nan_as_null")]
    pub compressed_rate: f64,
    /// ‖Z‖₀, the number of non-zero entries.
    #[serde(with = "nan_as_null")]
    pub nonzeros: f64,
    /// The share of non-zero entries.
    #[serde(with = "nan_as_null")]
    pub density: f64,
    /// μ = λ‖Z‖₀ + R^c − R, with λ and the meaning of ‖Z‖₀ of the conventions.
    #[serde(with = "nan_as_null")]
    pub srr: f64,
    /// Number of images.
    pub images: u64,
    /// Number of images whose tokens are not finite.
    pub non_finite: u64,
}

impl LayerRates {
    /// Whether all rates are defined.
    pub fn is_defined(&self) -> bool {
        self.non_finite == 0 && self.images > 0
    }
}

/// The rates of every layer under the conventions given, mean over `images` [n, C, H, W] (normalized), with dropout off.
///
/// # Errors
/// [`Error::NoBases`] for a model without subspace bases, and what the model refuses, such as images of another shape.
pub fn layer_rates<B: Backend>(
    classifier: &Classifier<B>,
    parameters: &Parameters<B>,
    images: &B::Tensor,
    conventions: &Conventions,
) -> Result<Vec<LayerRates>> {
    require_bases(classifier, "the sparse rate reduction")?;
    let n = images.shape().first().copied().unwrap_or(0);
    if n == 0 {
        return Err(Error::EmptySet { set: "measured" });
    }
    let mut sums = vec![Sum::default(); classifier.depth()];
    for start in (0..n).step_by(CHUNK) {
        let chunk = classifier
            .backend()
            .slice(images, 0, start, CHUNK.min(n - start))?;
        add_chunk(classifier, parameters, &chunk, conventions, &mut sums)?;
    }
    Ok(sums.iter().map(|sum| sum.mean(conventions)).collect())
}

/// Sums over images.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    compressed_rate: f64,
    coding_rate: f64,
    nonzeros: f64,
    density: f64,
    images: u64,
    non_finite: u64,
}

impl Sum {
    fn mean(&self, conventions: &Conventions) -> LayerRates {
        let mean = |sum: f64| {
            if self.non_finite > 0 {
                f64::NAN
            } else {
                sum / self.images as f64
            }
        };
        let terms = SparseRateReduction {
            compressed_rate: mean(self.compressed_rate),
            coding_rate: mean(self.coding_rate),
            nonzeros: mean(self.nonzeros),
            density: mean(self.density),
        };
        LayerRates {
            coding_rate: terms.coding_rate,
            compressed_rate: terms.compressed_rate,
            nonzeros: terms.nonzeros,
            density: terms.density,
            srr: terms.value_under(conventions),
            images: self.images,
            non_finite: self.non_finite,
        }
    }
}

fn add_chunk<B: Backend>(
    classifier: &Classifier<B>,
    parameters: &Parameters<B>,
    images: &B::Tensor,
    conventions: &Conventions,
    sums: &mut [Sum],
) -> Result<()> {
    let norms = match conventions.norms {
        MeasuredNorms::Removed => Norms::Removed,
        MeasuredNorms::Kept => Norms::Kept,
    };
    let options = ForwardOptions {
        mode: Mode::Evaluate,
        norms,
    };
    let Forward { tape, .. } = classifier.forward(parameters, images, &options)?;
    let first = usize::from(conventions.class_token == ClassToken::LeftOut);
    let depth = classifier.depth();
    for (layer, sum) in sums.iter_mut().enumerate() {
        let missing = || Error::NoSuchLayer { layer, depth };
        let output = tape.output(layer).ok_or_else(missing)?;
        let read = match conventions.location {
            Location::LayerOutput => output,
            Location::AttentionInput => tape.attention_input(layer).ok_or_else(missing)?,
        };
        let bases = classifier
            .bases_index(layer)
            .and_then(|i| parameters.get(i));
        let backend = classifier.backend();
        let layer = Layer {
            classifier,
            bases: &bases.ok_or_else(missing)?.value,
            conventions,
        };
        let output = without_first(backend, output, first)?;
        let read = without_first(backend, read, first)?;
        if layer.add(&output, &read, sum)? {
            continue;
        }
        for image in 0..output.shape()[0] {
            let output = backend.slice(&output, 0, image, 1)?;
            let read = backend.slice(&read, 0, image, 1)?;
            if !layer.add(&output, &read, sum)? {
                sum.images += 1;
                sum.non_finite += 1;
            }
        }
    }
    Ok(())
}

/// A layer of a model, to be measured.
struct Layer<'a, B: Backend> {
    classifier: &'a Classifier<B>,
    bases: &'a B::Tensor,
    conventions: &'a Conventions,
}

impl<B: Backend> Layer<'_, B> {
    /// Adds some images' rates; `false`, and nothing added, when one of them has none.
    fn add(&self, output: &B::Tensor, read: &B::Tensor, sum: &mut Sum) -> Result<bool> {
        let backend = self.classifier.backend();
        if !(backend.all_finite(output)? && backend.all_finite(read)?) {
            return Ok(false);
        }
        let (heads, head_dim) = (self.classifier.heads(), self.classifier.head_dim());
        let coding = self.conventions.coding();
        let expansion = overflow_as_none(backend.coding_rate(output, coding, head_dim, false))?;
        let compression =
            overflow_as_none(backend.compressed_rate(read, self.bases, heads, coding, false))?;
        let (Some(expansion), Some(compression)) = (expansion, compression) else {
            return Ok(false);
        };
        let all = [&expansion.values, &compression.values];
        if !all.into_iter().flatten().all(|rate| rate.is_finite()) {
            return Ok(false);
        }
        let images = output.shape()[0];
        let entries = (output.len() / images) as f64;
        let nonzeros: u64 = backend.count_nonzero(output)?.iter().sum();
        sum.coding_rate += expansion.values.iter().sum::<f64>();
        sum.compressed_rate += compression.values.iter().sum::<f64>();
        sum.nonzeros += nonzeros as f64;
        sum.density += nonzeros as f64 / entries;
        sum.images += images as u64;
        Ok(true)
    }
}

/// [`Error::NoBases`] unless every layer has bases.
pub(crate) fn require_bases<B: Backend>(
    classifier: &Classifier<B>,
    needed_by: &'static str,
) -> Result<()> {
    if (0..classifier.depth()).all(|layer| classifier.bases_index(layer).is_some()) {
        return Ok(());
    }
    Err(Error::NoBases {
        variant: classifier.config().variant.to_string(),
        needed_by,
    })
}

/// The tokens [B, N, d] of each image from number `first` on.
pub(crate) fn without_first<B: Backend>(
    backend: &B,
    tokens: &B::Tensor,
    first: usize,
) -> Result<B::Tensor> {
    if first == 0 {
        return Ok(tokens.clone());
    }
    let n = tokens.shape()[1];
    if n <= first {
        return Err(srr_coding_rate::Error::OnlyClassToken.into());
    }
    Ok(backend.slice(tokens, 1, first, n - first)?)
}

/// A rate, or `None` when its operands are not finite, or too large for the rate to be computed.
pub(crate) fn overflow_as_none<T>(rate: srr_kernels::Result<T>) -> Result<Option<T>> {
    use srr_coding_rate::Error::{NotFinite, Overflow, Resolution};
    match rate {
        Ok(rate) => Ok(Some(rate)),
        Err(srr_kernels::Error::Rate(NotFinite { .. } | Overflow { .. } | Resolution { .. })) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// NaN, which JSON does not know, as `null`.
mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
    }
}
