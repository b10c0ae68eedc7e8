//! Everything that one pass of a checkpoint computes, as named tensors.

use crate::{
    Classifier, ClassifierConfig, Error, ForwardOptions, Gradients, HostTensor, Result, Tape,
};
use srr_kernels::{Backend, Tensor as _};
use std::collections::BTreeMap;

/// Runs a model on images `[B, C, H, W]` and returns `logits` `[B, classes]` and, for each layer l, the tokens `[B, N, d]` after the
/// attention's skip, `layer{l}.attention`, and after the token step, `layer{l}.ista`. With labels `[B]` also the mean cross-entropy
/// `loss` `[1]` and its gradient `grad.NAME` with respect to every trainable parameter.
///
/// [`ModelFacts::configure`](crate::ModelFacts::configure) finds the configuration of a checkpoint.
///
/// # Errors
/// [`Error::State`] for the tensors of another model, [`Error::ImageShape`], [`Error::NonFinite`], [`Error::Label`], and those of the
/// backend.
pub fn run<B: Backend>(
    backend: &B,
    config: &ClassifierConfig,
    tensors: &BTreeMap<String, HostTensor>,
    images: &HostTensor,
    labels: Option<&[i64]>,
) -> Result<BTreeMap<String, HostTensor>> {
    let classifier = Classifier::new(backend.clone(), config.clone())?;
    let parameters = classifier.parameters(tensors)?;
    if let Some(index) = images.values.iter().position(|v| !v.is_finite()) {
        return Err(Error::NonFinite {
            name: "images".into(),
            index: Some(index),
        });
    }
    let input = backend.upload_f64(&images.values, &images.shape)?;
    let pass = classifier.forward(&parameters, &input, &ForwardOptions::default())?;
    let mut out = Named {
        backend,
        tensors: BTreeMap::new(),
    };
    out.insert("logits", &pass.logits)?;
    out.layers(&pass.tape)?;
    let Some(labels) = labels else {
        return Ok(out.tensors);
    };
    let labels = check_labels(labels, classifier.config().classes)?;
    let loss = backend.cross_entropy(&pass.logits, &labels, 0.0)?;
    let losses = backend.download_f64(&loss.losses)?;
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let loss_tensor = HostTensor {
        shape: vec![1],
        values: vec![mean],
    };
    out.tensors.insert("loss".into(), loss_tensor);
    let mut gradients = Gradients::zeros(backend, &parameters)?;
    classifier.backward(
        &parameters,
        &pass.tape,
        &loss.gradient,
        &[],
        &mut gradients,
        false,
    )?;
    for (parameter, gradient) in parameters.iter().zip(gradients.iter()) {
        if parameter.trainable {
            out.insert(&format!("grad.{}", parameter.name), gradient)?;
        }
    }
    Ok(out.tensors)
}

fn check_labels(labels: &[i64], classes: usize) -> Result<Vec<u32>> {
    let check = |(index, &value): (usize, &i64)| match u32::try_from(value) {
        Ok(label) if (label as usize) < classes => Ok(label),
        _ => Err(Error::Label {
            index,
            value,
            classes,
        }),
    };
    labels.iter().enumerate().map(check).collect()
}

/// Tensors copied to the host under names.
struct Named<'a, B: Backend> {
    backend: &'a B,
    tensors: BTreeMap<String, HostTensor>,
}

impl<B: Backend> Named<'_, B> {
    fn insert(&mut self, name: &str, tensor: &B::Tensor) -> Result<()> {
        let shape = tensor.shape().to_vec();
        let values = self.backend.download_f64(tensor)?;
        self.tensors
            .insert(name.into(), HostTensor { shape, values });
        Ok(())
    }

    fn layers(&mut self, tape: &Tape<B>) -> Result<()> {
        for (layer, block) in tape.blocks.iter().enumerate() {
            self.insert(&format!("layer{layer}.attention"), block.attended())?;
            self.insert(&format!("layer{layer}.ista"), block.output())?;
        }
        Ok(())
    }
}
