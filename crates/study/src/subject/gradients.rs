//! Losses, gradients and Jacobians of a trained classifier.

use std::ops::ControlFlow;

use ndarray::{ArrayView1, ArrayView2};
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{ForwardOptions, Gradients, Parameters};
use srr_measures::{Answer, Evaluation, Images, Output, Unavailable};

use super::TrainedSubject;
use super::data::ImageBatch;

const LOSS: &str = "loss at perturbed weights";
const GRADIENT: &str = "gradient at perturbed weights";
const EXAMPLES: &str = "per-example gradients";
const JACOBIANS: &str = "input Jacobians";

/// Names the capability in an error.
fn named<T, E: ToString>(capability: &'static str, result: Result<T, E>) -> Answer<T> {
    result.map_err(|error| Unavailable::failed(capability, error))
}

/// Sums over images.
#[derive(Default)]
struct Scores {
    loss: f64,
    correct: f64,
    images: usize,
}

impl Scores {
    fn mean(&self) -> Evaluation {
        let n = self.images as f64;
        Evaluation {
            loss: self.loss / n,
            accuracy: self.correct / n,
            images: self.images,
        }
    }
}

impl<B: Backend> TrainedSubject<B> {
    /// Adds a batch's losses and correct answers; returns the gradient of its mean loss with respect to the logits.
    fn score(
        &self,
        capability: &'static str,
        logits: &B::Tensor,
        labels: &[u32],
        scores: &mut Scores,
    ) -> Answer<B::Tensor> {
        let backend = self.backend();
        let scored = named(capability, backend.cross_entropy(logits, labels, 0.0))?;
        let sum = |tensor| {
            Ok(named(capability, backend.download_f64(tensor))?
                .iter()
                .sum::<f64>())
        };
        scores.loss += sum(&scored.losses)?;
        scores.correct += sum(&scored.correct)?;
        scores.images += labels.len();
        Ok(scored.gradient)
    }

    pub(super) fn evaluate_flat(&self, flat: &[f64], images: Images) -> Answer<Evaluation> {
        let parameters = self.with_flat(flat)?;
        let mut scores = Scores::default();
        for batch in self.batches(images)? {
            let batch = batch?;
            let logits = self.classifier.predict(&parameters, &batch.images);
            self.score(LOSS, &named(LOSS, logits)?, &batch.labels, &mut scores)?;
        }
        Ok(scores.mean())
    }

    pub(super) fn gradient_flat(
        &self,
        flat: &[f64],
        images: Images,
    ) -> Answer<(Evaluation, Vec<f64>)> {
        let parameters = self.with_flat(flat)?;
        let mut scores = Scores::default();
        let mut gradients = named(GRADIENT, Gradients::zeros(self.backend(), &parameters))?;
        for batch in self.batches(images)? {
            let ImageBatch { images, labels, .. } = batch?;
            let options = ForwardOptions::default();
            let pass = named(
                GRADIENT,
                self.classifier.forward(&parameters, &images, &options),
            )?;
            let mut d_logits = self.score(GRADIENT, &pass.logits, &labels, &mut scores)?;
            // From the mean to the sum over the batch.
            named(
                GRADIENT,
                self.backend().scale(&mut d_logits, labels.len() as f64),
            )?;
            let tape = &pass.tape;
            let done =
                self.classifier
                    .backward(&parameters, tape, &d_logits, &[], &mut gradients, false);
            named(GRADIENT, done)?;
        }
        let mut flat = self.flatten(GRADIENT, &parameters, &gradients)?;
        let n = scores.images as f64;
        flat.iter_mut().for_each(|value| *value /= n);
        Ok((scores.mean(), flat))
    }

    /// The gradients with respect to trainable parameters, one after another.
    fn flatten(
        &self,
        capability: &'static str,
        parameters: &Parameters<B>,
        gradients: &Gradients<B>,
    ) -> Answer<Vec<f64>> {
        let mut flat = Vec::new();
        for (parameter, gradient) in parameters.iter().zip(gradients.iter()) {
            if parameter.trainable {
                flat.extend(named(capability, self.backend().download_f64(gradient))?);
            }
        }
        Ok(flat)
    }

    pub(super) fn visit_gradients(
        &self,
        output: Output,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView1<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let classes = self.classifier.config().classes;
        let parameters = &self.parameters;
        for batch in self.batches_of(images, 1)? {
            let ImageBatch {
                first,
                images,
                labels,
            } = batch?;
            let options = ForwardOptions::default();
            let pass = named(
                EXAMPLES,
                self.classifier.forward(parameters, &images, &options),
            )?;
            let class = match output {
                Output::Loss => None,
                Output::Logit(class) => Some(class),
                Output::CorrectLogit => labels.first().map(|&label| label as usize),
            };
            let d_logits = match class {
                None => self.score(EXAMPLES, &pass.logits, &labels, &mut Scores::default())?,
                Some(class) if class < classes => {
                    let row: Vec<f64> = (0..classes)
                        .map(|c| f64::from(u8::from(c == class)))
                        .collect();
                    named(EXAMPLES, self.backend().upload_f64(&row, &[1, classes]))?
                }
                Some(class) => {
                    let reason = format!("class {class} of {classes}");
                    return Err(Unavailable::failed(EXAMPLES, reason));
                }
            };
            let mut gradients = named(EXAMPLES, Gradients::zeros(self.backend(), parameters))?;
            let tape = &pass.tape;
            let done =
                self.classifier
                    .backward(parameters, tape, &d_logits, &[], &mut gradients, false);
            named(EXAMPLES, done)?;
            let flat = self.flatten(EXAMPLES, parameters, &gradients)?;
            if visit(first, ArrayView1::from(&flat)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// One backward pass per image: the image stands once per class in a batch, and the gradient that enters is the identity.
    pub(super) fn visit_jacobians(
        &self,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView2<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let backend = self.backend();
        let classes = self.classifier.config().classes;
        let identity: Vec<f64> = (0..classes * classes)
            .map(|i| f64::from(u8::from(i / classes == i % classes)))
            .collect();
        let identity = named(
            JACOBIANS,
            backend.upload_f64(&identity, &[classes, classes]),
        )?;
        let mut gradients = named(JACOBIANS, Gradients::zeros(backend, &self.parameters))?;
        for batch in self.batches_of(images, 1)? {
            let ImageBatch { first, images, .. } = batch?;
            let copies = named(JACOBIANS, backend.concat(&vec![&images; classes], 0))?;
            let options = ForwardOptions::default();
            let pass = self.classifier.forward(&self.parameters, &copies, &options);
            let pass = named(JACOBIANS, pass)?;
            named(JACOBIANS, gradients.clear(backend))?;
            let found = self.classifier.backward(
                &self.parameters,
                &pass.tape,
                &identity,
                &[],
                &mut gradients,
                true,
            );
            let Some(found) = named(JACOBIANS, found)? else {
                return Err(Unavailable::capability("gradient with respect to images"));
            };
            let values = named(JACOBIANS, backend.download_f64(&found))?;
            let view = ArrayView2::from_shape((classes, images.len()), &values);
            if visit(first, named(JACOBIANS, view)?).is_break() {
                break;
            }
        }
        Ok(())
    }
}
