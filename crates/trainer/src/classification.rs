//! Cross-entropy of a classifier, with or without the sparse rate reduction as a penalty.

use crate::{
    BatchLoss, Error, Finite, LayerRates, Objective, Quantity, Regularizer, Result, Scores,
    TrainingConfig,
    evaluation::{check_shape, evaluate_batches, evaluation_loader, first_images, sum, upload},
    layer_rates, model,
};
use srr_coding_rate::Conventions;
use srr_datasets::{Batch, ImageSet, Loader, LoaderOptions, Normalization};
use srr_kernels::Backend;
use srr_layers::{Classifier, ForwardOptions, Gradients, Parameters, Tape};
use srr_random::Seed;
use std::{collections::BTreeMap, sync::Arc};

/// What a classifier is trained and validated on.
#[derive(Clone, Debug)]
pub struct TrainingData {
    /// The training set.
    pub train: Arc<ImageSet>,
    /// The set it is judged on, if any.
    pub validation: Option<Arc<ImageSet>>,
    /// Applied to both.
    pub normalization: Normalization,
}

impl TrainingData {
    /// The two sets, normalized by the first.
    ///
    /// # Errors
    /// An empty training set.
    pub fn new(train: impl Into<Arc<ImageSet>>, validation: Option<Arc<ImageSet>>) -> Result<Self> {
        let train = train.into();
        let normalization = Normalization::fit(&train)?;
        Ok(Self {
            train,
            validation,
            normalization,
        })
    }
}

/// The mean cross-entropy over a training set, with label smoothing, augmentation, dropout and a regularizer as configured.
#[derive(Debug)]
pub struct Classification<'a, B: Backend> {
    classifier: &'a Classifier<B>,
    smoothing: f64,
    regularizer: Option<Regularizer>,
    training: Loader,
    training_as_is: Loader,
    validation: Option<Loader>,
    probe: Option<(B::Tensor, Conventions)>,
    normalization: Normalization,
}

impl<'a, B: Backend> Classification<'a, B> {
    /// Checks that model, data and configuration go together. Batches are drawn from `seed.purpose("batches")`.
    ///
    /// # Errors
    /// [`Error::Configuration`], [`Error::EmptySet`], [`Error::DataMismatch`], [`Error::NoBases`], [`Error::NoSuchLayer`].
    pub fn new(
        classifier: &'a Classifier<B>,
        data: &TrainingData,
        config: &TrainingConfig,
        seed: Seed,
    ) -> Result<Self> {
        config.validate()?;
        let normalization = &data.normalization;
        let as_is = |set, which| evaluation_loader(classifier, set, normalization, which);
        let training_as_is = as_is(&data.train, "training")?;
        let validation = data.validation.as_ref().map(|set| as_is(set, "validation"));
        let options = LoaderOptions {
            batch_size: config.batch_size,
            augmentations: config.augmentation.clone(),
            ..LoaderOptions::default()
        };
        let seed = seed.purpose("batches");
        let training = Loader::new(data.train.clone(), normalization.clone(), options, seed)?;
        check_shape(&classifier.config().image, training.shape().to_array())?;
        let regularizer = config.regularizer.clone();
        let regularizer = regularizer.map(|regularizer| Regularizer::new(regularizer, classifier));
        let probe = config.rates.as_ref().map(|rates| {
            layer_rates::require_bases(classifier, "a record of rates")?;
            let images = first_images(classifier, &data.train, normalization, rates.images)?;
            Ok::<_, Error>((images, rates.conventions))
        });
        Ok(Self {
            classifier,
            smoothing: config.label_smoothing,
            regularizer: regularizer.transpose()?,
            training,
            training_as_is,
            validation: validation.transpose()?,
            probe: probe.transpose()?,
            normalization: normalization.clone(),
        })
    }

    /// The first quantity of a forward pass that is not finite, in the order of computation; the loss if none else is.
    fn locate(
        &self,
        parameters: &Parameters<B>,
        tape: &Tape<B>,
        logits: &B::Tensor,
    ) -> Result<Quantity> {
        let backend = self.classifier.backend();
        if let Some(name) = self.bad_parameter(parameters)? {
            return Ok(Quantity::Parameter { name });
        }
        if !backend.all_finite(tape.tokens())? {
            return Ok(Quantity::Tokens { layer: None });
        }
        for layer in 0..tape.depth() {
            if let Some(tokens) = tape.output(layer)
                && !backend.all_finite(tokens)?
            {
                return Ok(Quantity::Tokens { layer: Some(layer) });
            }
        }
        if !backend.all_finite(logits)? {
            return Ok(Quantity::Output);
        }
        Ok(Quantity::Loss)
    }

    fn bad_parameter(&self, parameters: &Parameters<B>) -> Result<Option<String>> {
        for parameter in parameters {
            if !self.classifier.backend().all_finite(&parameter.value)? {
                return Ok(Some(parameter.name.clone()));
            }
        }
        Ok(None)
    }

    fn scores(&self, parameters: &Parameters<B>, loader: &Loader) -> Result<Finite<Scores>> {
        let evaluation = evaluate_batches(self.classifier, parameters, loader)?;
        if !evaluation.loss.is_finite() {
            let parameter = self.bad_parameter(parameters)?;
            return Ok(Err(match parameter {
                Some(name) => Quantity::Parameter { name },
                None => Quantity::Output,
            }));
        }
        Ok(Ok(Scores {
            loss: evaluation.loss,
            accuracy: Some(evaluation.accuracy),
            examples: evaluation.n as u64,
        }))
    }
}

impl<B: Backend> Objective<B> for Classification<'_, B> {
    type Batch = Batch;

    fn backend(&self) -> &B {
        self.classifier.backend()
    }

    fn batches_per_epoch(&self) -> usize {
        self.training.batches()
    }

    fn batches(&self, epoch: u64, first: usize) -> impl Iterator<Item = Batch> {
        self.training.epoch_from(epoch, first)
    }

    fn loss_and_gradient(
        &self,
        parameters: &Parameters<B>,
        batch: &Batch,
        step: Seed,
        gradients: &mut Gradients<B>,
    ) -> Result<Finite<BatchLoss>> {
        let (backend, classifier) = (self.classifier.backend(), self.classifier);
        if !batch.images.iter().all(|v| v.is_finite()) {
            return Ok(Err(Quantity::Input));
        }
        let images = upload(backend, batch)?;
        let options = ForwardOptions::train(step.purpose("dropout"));
        let forward = classifier.forward(parameters, &images, &options)?;
        let (logits, tape) = (forward.logits, forward.tape);
        let scored = backend.cross_entropy(&logits, &batch.labels, self.smoothing)?;
        let loss = sum(&backend.download_f64(&scored.losses)?) / batch.len() as f64;
        if !loss.is_finite() {
            return Ok(Err(self.locate(parameters, &tape, &logits)?));
        }
        let correct = sum(&backend.download_f64(&scored.correct)?) as u64;
        let penalty = self
            .regularizer
            .as_ref()
            .map(|regularizer| regularizer.penalty(classifier, parameters, &tape, step, gradients))
            .transpose()?;
        let (penalty, local) = match penalty {
            None => (0.0, Vec::new()),
            Some(Ok(penalty)) => (penalty.value, penalty.local),
            Some(Err(quantity)) => return Ok(Err(quantity)),
        };
        classifier.backward(
            parameters,
            &tape,
            &scored.gradient,
            &local,
            gradients,
            false,
        )?;
        Ok(Ok(BatchLoss {
            examples: batch.len(),
            loss,
            penalty,
            correct: Some(correct),
        }))
    }

    fn training_scores(&self, parameters: &Parameters<B>) -> Result<Finite<Scores>> {
        self.scores(parameters, &self.training_as_is)
    }

    fn validation_scores(&self, parameters: &Parameters<B>) -> Result<Option<Finite<Scores>>> {
        let loader = self.validation.as_ref();
        loader
            .map(|loader| self.scores(parameters, loader))
            .transpose()
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        model::metadata(self.classifier.config(), &self.normalization)
    }

    fn probe(&self, parameters: &Parameters<B>) -> Result<Option<Vec<LayerRates>>> {
        let probe = self.probe.as_ref();
        probe
            .map(|(images, conventions)| {
                layer_rates::layer_rates(self.classifier, parameters, images, conventions)
            })
            .transpose()
    }
}
