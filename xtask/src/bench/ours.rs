//! Our side: one model, one batch, and what is timed of them.

use super::size::{CLASSES, Size};
use srr_coding_rate::Precision as CodingPrecision;
use srr_kernels::{Backend, Cpu};
use srr_layers::{
    Classifier, ForwardOptions, Gradients, HostTensor, Parameters,
    checkpoint::{self, write_tensors},
};
use srr_random::Seed;
use srr_trainer::{Optimizer, OptimizerState, Regularizer, RegularizerConfig};
use std::{collections::BTreeMap, error::Error, path::Path};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Adam's, as the peer has it.
const LEARNING_RATE: f64 = 1e-3;

/// A classifier between two training steps.
pub(super) struct Ours<B: Backend> {
    classifier: Classifier<B>,
    parameters: Parameters<B>,
    gradients: Gradients<B>,
    optimizer: OptimizerState<B>,
    images: B::Tensor,
    labels: Vec<u32>,
    regularizer: Regularizer,
}

impl<B: Backend> Ours<B> {
    pub(super) fn new(backend: B, size: &Size) -> Result<Self> {
        let classifier = Classifier::new(backend, size.config())?;
        let backend = classifier.backend();
        let mut start = classifier.initialize(Seed::new(1))?.to_host(backend)?;
        // Numbers that f32 holds: every precision and the peer begin with the same.
        for value in start.values_mut().flat_map(|tensor| &mut tensor.values) {
            *value = f64::from(*value as f32);
        }
        let parameters = classifier.parameters(&start)?;
        let images = images(size);
        let last = RegularizerConfig::default();
        Ok(Self {
            gradients: Gradients::zeros(backend, &parameters)?,
            optimizer: OptimizerState::new(Optimizer::adam(), backend, &parameters)?,
            images: backend.upload_f64(&images.values, &images.shape)?,
            labels: labels(size),
            regularizer: Regularizer::new(last, &classifier)?,
            parameters,
            classifier,
        })
    }

    /// Forward, loss, backward, Adam; the loss.
    pub(super) fn step(&mut self, regularized: bool) -> Result<f64> {
        let loss = self.gradient(regularized)?;
        self.optimizer.step(
            self.classifier.backend(),
            &mut self.parameters,
            &self.gradients,
            LEARNING_RATE,
        )?;
        Ok(loss)
    }

    fn gradient(&mut self, regularized: bool) -> Result<f64> {
        let backend = self.classifier.backend();
        self.gradients.clear(backend)?;
        let options = ForwardOptions::train(Seed::new(2));
        let forward = self
            .classifier
            .forward(&self.parameters, &self.images, &options)?;
        let scored = backend.cross_entropy(&forward.logits, &self.labels, 0.0)?;
        let mut local = Vec::new();
        if regularized {
            let penalty = self.regularizer.penalty(
                &self.classifier,
                &self.parameters,
                &forward.tape,
                Seed::new(3),
                &mut self.gradients,
            )?;
            local = penalty.map_err(|quantity| quantity.to_string())?.local;
        }
        self.classifier.backward(
            &self.parameters,
            &forward.tape,
            &scored.gradient,
            &local,
            &mut self.gradients,
            false,
        )?;
        let losses = backend.download_f64(&scored.losses)?;
        Ok(losses.iter().sum::<f64>() / losses.len() as f64)
    }

    /// A forward pass that keeps nothing; the sum of the logits.
    pub(super) fn forward(&self) -> Result<f64> {
        let logits = self.classifier.predict(&self.parameters, &self.images)?;
        Ok(self
            .classifier
            .backend()
            .download_f64(&logits)?
            .iter()
            .sum())
    }

    /// Logits, loss and every gradient, by the names that the peer gives them.
    pub(super) fn outcome(&mut self) -> Result<BTreeMap<String, Vec<f64>>> {
        let backend = self.classifier.backend().clone();
        let logits = self.classifier.predict(&self.parameters, &self.images)?;
        let mut all = BTreeMap::from([("logits".to_owned(), backend.download_f64(&logits)?)]);
        all.insert("loss".to_owned(), vec![self.gradient(false)?]);
        for (parameter, gradient) in (&self.parameters).into_iter().zip(self.gradients.iter()) {
            let name = format!("grad.{}", parameter.name);
            all.insert(name, backend.download_f64(gradient)?);
        }
        Ok(all)
    }

    /// The weights, as the official state has them.
    pub(super) fn save_weights(&self, path: &Path) -> Result<()> {
        let backend = self.classifier.backend();
        write(path, &self.parameters.to_host(backend)?)
    }
}

/// What the rates of all layers are taken of: the tokens `[L, B, N, d]` that a fresh model makes, and its bases `[L, K·p, d]`.
pub(super) struct RateOperands {
    pub(super) tokens: HostTensor,
    pub(super) weights: HostTensor,
}

impl RateOperands {
    pub(super) fn new(size: &Size) -> Result<Self> {
        let model = Ours::new(Cpu::<f32>::new(), size)?;
        let (classifier, parameters) = (&model.classifier, &model.parameters);
        let options = ForwardOptions::default();
        let tape = classifier
            .forward(parameters, &model.images, &options)?
            .tape;
        let (mut tokens, mut weights) = (Vec::new(), Vec::new());
        for layer in 0..size.depth {
            let output = tape.output(layer).ok_or("a layer without output")?;
            tokens.extend(classifier.backend().download_f64(output)?);
            let bases = classifier
                .bases_index(layer)
                .and_then(|i| parameters.get(i));
            let bases = &bases.ok_or("a layer without bases")?.value;
            weights.extend(classifier.backend().download_f64(bases)?);
        }
        Ok(Self {
            tokens: HostTensor {
                shape: vec![size.depth, size.batch, size.tokens(), size.dim],
                values: tokens,
            },
            weights: HostTensor {
                shape: vec![size.depth, size.dim, size.dim],
                values: weights,
            },
        })
    }
}

/// The operands of the rates where a backend has them, layer by layer.
pub(super) struct Rates<B: Backend> {
    backend: B,
    layers: Vec<(B::Tensor, B::Tensor)>,
    heads: usize,
    head_dim: usize,
}

impl<B: Backend> Rates<B> {
    pub(super) fn new(backend: B, operands: &RateOperands, size: &Size) -> Result<Self> {
        let layers = (0..size.depth).map(|layer| {
            let part = |tensor: &HostTensor| {
                let len = tensor.values.len() / size.depth;
                let values = &tensor.values[layer * len..(layer + 1) * len];
                backend.upload_f64(values, &tensor.shape[1..])
            };
            Ok((part(&operands.tokens)?, part(&operands.weights)?))
        });
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            backend,
            heads: size.heads,
            head_dim: size.head_dim(),
        })
    }

    /// R + R^c + ‖Z‖₀ of all images, summed over the layers.
    pub(super) fn compute(&self) -> Result<f64> {
        let coding = CodingPrecision::unit_gamma();
        let mut total = 0.0;
        for (tokens, weights) in &self.layers {
            let expansion = self
                .backend
                .coding_rate(tokens, coding, self.head_dim, false)?;
            let compression = self
                .backend
                .compressed_rate(tokens, weights, self.heads, coding, false)?;
            let nonzeros: u64 = self.backend.count_nonzero(tokens)?.iter().sum();
            total += expansion.values.iter().sum::<f64>()
                + compression.values.iter().sum::<f64>()
                + nonzeros as f64;
        }
        Ok(total)
    }
}

/// Images `[B, C, H, W]` of independent normal pixels.
fn images(size: &Size) -> HostTensor {
    let [channels, height, width] = size.config().image;
    let shape = vec![size.batch, channels, height, width];
    let mut stream = Seed::new(4).stream();
    let values = (0..shape.iter().product()).map(|_| f64::from(stream.normal() as f32));
    HostTensor {
        values: values.collect(),
        shape,
    }
}

fn labels(size: &Size) -> Vec<u32> {
    (0..size.batch).map(|i| (i % CLASSES) as u32).collect()
}

/// The batch that both sides take.
pub(super) fn save_batch(path: &Path, size: &Size) -> Result<()> {
    let labels = HostTensor {
        shape: vec![size.batch],
        values: labels(size).into_iter().map(f64::from).collect(),
    };
    let images = images(size);
    let tensors = [("images".to_owned(), images), ("labels".to_owned(), labels)];
    write(path, &tensors.into())
}

pub(super) fn save_rate_operands(path: &Path, operands: RateOperands) -> Result<()> {
    let RateOperands { tokens, weights } = operands;
    let tensors = [
        ("tokens".to_owned(), tokens),
        ("weights".to_owned(), weights),
    ];
    write(path, &tensors.into())
}

fn write(path: &Path, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
    let precision = checkpoint::Precision::Single;
    Ok(write_tensors(path, tensors, precision, &BTreeMap::new())?)
}
