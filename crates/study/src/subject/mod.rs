//! A trained classifier as measures see it.

mod data;
mod gradients;

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayView3};
use srr_coding_rate::MeasuredNorms;
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{
    Classifier, ForwardOptions, Mode, Norms, Parameter, ParameterKind, Parameters, Tape,
};
use srr_measures::{
    Answer, Evaluation, Features, Images, LayerBatch, LinearMap, Output, ProbeInput, Role, Scope,
    Split, Subject, SubspaceBases, TokenPass, Unavailable, When,
};
use srr_random::Seed;
use srr_trainer::TrainingData;

use crate::Result;

/// A classifier with its weights now and at the start, its data, and how it was trained.
///
/// Numbers go through the backend of the classifier; [`Cpu<f64>`](srr_kernels::Cpu) is the one to measure with. Images are those of the
/// data in their own order, without augmentation, resized where the model takes another size; passes run in batches that bound the
/// memory and do not change a bit of any sum over images.
///
/// A linear map here is a parameter of kind [`ParameterKind::LinearMap`] that training changes; flat vectors hold the trainable
/// parameters in the order of the official state, row-major.
#[derive(Debug)]
pub struct TrainedSubject<B: Backend> {
    classifier: Classifier<B>,
    parameters: Parameters<B>,
    initial: Option<Parameters<B>>,
    data: TrainingData,
    learning_rate: Option<f64>,
    batch_size: Option<usize>,
    seed: Option<Seed>,
}

impl<B: Backend> TrainedSubject<B> {
    /// A classifier with its weights and the data it was trained on. The training set must not be empty and must fit the model.
    ///
    /// # Errors
    /// Images or classes that do not fit the model.
    pub fn new(
        classifier: Classifier<B>,
        parameters: Parameters<B>,
        data: TrainingData,
    ) -> Result<Self> {
        data::check(&classifier, &data.train)?;
        if let Some(test) = &data.validation {
            data::check(&classifier, test)?;
        }
        Ok(Self {
            classifier,
            parameters,
            initial: None,
            data,
            learning_rate: None,
            batch_size: None,
            seed: None,
        })
    }

    /// Adds the weights at the start of training.
    #[must_use]
    pub fn with_initial(mut self, initial: Parameters<B>) -> Self {
        self.initial = Some(initial);
        self
    }

    /// Adds how it was trained: learning rate, images in a batch, and the seed of the run.
    #[must_use]
    pub fn with_training(self, learning_rate: f64, batch_size: usize, seed: Seed) -> Self {
        self.with_known_training(Some(learning_rate), Some(batch_size), Some(seed))
    }

    /// Adds what is known of how it was trained.
    #[must_use]
    pub fn with_known_training(
        mut self,
        learning_rate: Option<f64>,
        batch_size: Option<usize>,
        seed: Option<Seed>,
    ) -> Self {
        self.learning_rate = learning_rate;
        self.batch_size = batch_size;
        self.seed = seed;
        self
    }

    fn backend(&self) -> &B {
        self.classifier.backend()
    }

    fn weights(&self, when: When) -> Answer<&Parameters<B>> {
        match when {
            When::Now => Ok(&self.parameters),
            When::Start => self
                .initial
                .as_ref()
                .ok_or(Unavailable::capability("weights at the start")),
        }
    }

    /// The trained parameters with the trainable ones replaced by a flat vector.
    fn with_flat(&self, flat: &[f64]) -> Answer<Parameters<B>> {
        let name = "network at other weights";
        let expected = usize::try_from(self.parameters.count().trainable).unwrap_or(usize::MAX);
        if flat.len() != expected {
            let reason = format!("{} values for {expected} parameters", flat.len());
            return Err(Unavailable::failed(name, reason));
        }
        let mut parameters = self.parameters.clone();
        let mut rest = flat;
        for parameter in parameters.iter_mut().filter(|p| p.trainable) {
            let (values, after) = rest.split_at(parameter.value.len());
            rest = after;
            let uploaded = self.backend().upload_f64(values, parameter.value.shape());
            parameter.value = uploaded.map_err(|error| Unavailable::failed(name, error))?;
        }
        Ok(parameters)
    }

    /// The trainable linear map that a parameter is, or, with all in scope, a map of one row.
    fn linear_map(
        &self,
        parameter: &Parameter<B>,
        offset: usize,
        scope: Scope,
    ) -> Answer<Option<LinearMap>> {
        let fail = |error: &dyn ToString| Unavailable::failed("named weights", error.to_string());
        let shape = match (parameter.kind, parameter.value.shape()) {
            (ParameterKind::LinearMap, &[out, input]) => (out, input),
            _ if scope == Scope::AllTrainable => (1, parameter.value.len()),
            _ => return Ok(None),
        };
        let values = self.backend().download_f64(&parameter.value);
        let values = values.map_err(|error| fail(&error))?;
        let matrix = Array2::from_shape_vec(shape, values).map_err(|error| fail(&error))?;
        Ok(Some(LinearMap {
            name: parameter.name.clone(),
            role: role(&parameter.name),
            offset,
            matrix,
        }))
    }

    /// Logits of a batch of images, [B, classes], on the host.
    fn host_matrix(&self, tensor: &B::Tensor, capability: &'static str) -> Answer<Array2<f64>> {
        let fail = |error: &dyn ToString| Unavailable::failed(capability, error.to_string());
        let values = self.backend().download_f64(tensor);
        let values = values.map_err(|error| fail(&error))?;
        let &[rows, columns] = tensor.shape() else {
            return Err(fail(&"not a matrix"));
        };
        Array2::from_shape_vec((rows, columns), values).map_err(|error| fail(&error))
    }

    /// One matrix with a row per image of a split, from the rows of every batch.
    fn rows_of_split(
        &self,
        split: Split,
        capability: &'static str,
        of_batch: impl Fn(&B::Tensor) -> srr_layers::Result<B::Tensor>,
    ) -> Answer<Array2<f64>> {
        let mut parts = Vec::new();
        for batch in self.batches(Images::all(split))? {
            let found = of_batch(&batch?.images);
            let found = found.map_err(|error| Unavailable::failed(capability, error))?;
            parts.push(self.host_matrix(&found, capability)?);
        }
        let views: Vec<ArrayView2<'_, f64>> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(ndarray::Axis(0), &views)
            .map_err(|error| Unavailable::failed(capability, error))
    }

    /// Shows one batch's tokens of every layer.
    fn show_layers(
        &self,
        pass: &TokenPass,
        first_image: usize,
        tape: &Tape<B>,
        bases: &[Option<Array2<f64>>],
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<ControlFlow<()>> {
        let tokens = |tensor: Option<&B::Tensor>| {
            let tensor = tensor.ok_or(Unavailable::capability("tokens of that layer"))?;
            let values = self.backend().download_f64(tensor);
            let values = values.map_err(|error| Unavailable::failed("tokens per layer", error))?;
            Ok::<_, Unavailable>((tensor.shape().to_vec(), values))
        };
        for (layer, bases) in bases.iter().enumerate() {
            let output = tokens(tape.output(layer))?;
            let input = match pass.attention_inputs {
                true => Some(tokens(tape.attention_input(layer))?),
                false => None,
            };
            let batch = LayerBatch {
                first_image,
                layer,
                output: view(&output)?,
                attention_input: input.as_ref().map(view).transpose()?,
                bases: bases.as_ref().map(|stacked| SubspaceBases {
                    stacked: stacked.view(),
                    heads: self.classifier.heads(),
                }),
            };
            if visit(&batch).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Tokens [B, N, d] from their shape and values.
fn view((shape, values): &(Vec<usize>, Vec<f64>)) -> Answer<ArrayView3<'_, f64>> {
    let &[images, tokens, dim] = &shape[..] else {
        return Err(Unavailable::failed("tokens per layer", "not [B, N, d]"));
    };
    ArrayView3::from_shape((images, tokens, dim), values)
        .map_err(|error| Unavailable::failed("tokens per layer", error))
}

/// Where a parameter stands, by its name in the official state.
fn role(name: &str) -> Role {
    let layer = || {
        let rest = name.strip_prefix("transformer.layers.")?;
        rest.split('.').next()?.parse().ok()
    };
    if let Some(layer) = layer() {
        return Role::Layer(layer);
    }
    match name.split('.').next() {
        Some("to_patch_embedding") => Role::Embedding,
        Some("mlp_head") => Role::Head,
        _ => Role::Other,
    }
}

impl<B: Backend> Subject for TrainedSubject<B> {
    fn training_examples(&self) -> Answer<usize> {
        Ok(self.data.train.len())
    }

    fn maps(&self, when: When, scope: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let (mut maps, mut offset) = (Vec::new(), 0);
        for parameter in self.weights(when)?.iter().filter(|p| p.trainable) {
            maps.extend(self.linear_map(parameter, offset, scope)?);
            offset += parameter.value.len();
        }
        Ok(Arc::new(maps))
    }

    fn parameters(&self, when: When) -> Answer<Arc<Vec<f64>>> {
        let mut flat = Vec::new();
        for parameter in self.weights(when)?.iter().filter(|p| p.trainable) {
            let values = self.backend().download_f64(&parameter.value);
            flat.extend(values.map_err(|error| Unavailable::failed("flat parameters", error))?);
        }
        Ok(Arc::new(flat))
    }

    fn logits(&self, split: Split) -> Answer<Arc<Array2<f64>>> {
        let predict = |images: &B::Tensor| self.classifier.predict(&self.parameters, images);
        self.rows_of_split(split, "logits", predict).map(Arc::new)
    }

    fn labels(&self, split: Split) -> Answer<Arc<Vec<usize>>> {
        let labels = self.set(split)?.labels().iter();
        Ok(Arc::new(labels.map(|&label| label as usize).collect()))
    }

    fn labels_of(&self, images: Images) -> Answer<Arc<Vec<usize>>> {
        let chosen = self.chosen(images)?;
        let labels = chosen.labels().iter().map(|&label| label as usize);
        Ok(Arc::new(labels.collect()))
    }

    fn features(&self, split: Split) -> Answer<Arc<Features>> {
        let values = self.rows_of_split(split, "class features", |images| {
            let options = ForwardOptions::default();
            let pass = self
                .classifier
                .forward(&self.parameters, images, &options)?;
            Ok(pass.tape.normed_features().clone())
        })?;
        let labels = self.labels(split)?.to_vec();
        Ok(Arc::new(Features { values, labels }))
    }

    fn evaluate_at(&self, parameters: &[f64], images: Images) -> Answer<Evaluation> {
        self.evaluate_flat(parameters, images)
    }

    fn gradient_at(&self, parameters: &[f64], images: Images) -> Answer<(Evaluation, Vec<f64>)> {
        self.gradient_flat(parameters, images)
    }

    fn example_gradients(
        &self,
        output: Output,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView1<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        self.visit_gradients(output, images, visit)
    }

    fn input_jacobians(
        &self,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView2<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        self.visit_jacobians(images, visit)
    }

    fn mapped_forward(
        &self,
        map: &(dyn Fn(f64) -> f64 + Sync),
        input: ProbeInput<'_>,
    ) -> Answer<Array1<f64>> {
        let fail =
            |error: &dyn ToString| Unavailable::failed("mapped forward pass", error.to_string());
        let [channels, height, width] = self.classifier.config().image;
        let values = match input {
            ProbeInput::Constant(value) => vec![value; channels * height * width],
            ProbeInput::Values(values) => values.to_vec(),
        };
        let backend = self.backend();
        let images = backend.upload_f64(&values, &[1, channels, height, width]);
        let images = images.map_err(|error| fail(&error))?;
        let mapped = self.parameters.map_values(backend, |_, values| {
            values.iter_mut().for_each(|value| *value = map(*value));
        });
        let mapped = mapped.map_err(|error| fail(&error))?;
        let options = ForwardOptions {
            mode: Mode::Evaluate,
            norms: Norms::Removed,
        };
        let pass = self.classifier.forward(&mapped, &images, &options);
        let logits = pass.map_err(|error| fail(&error))?.logits;
        let logits = backend.download_f64(&logits);
        Ok(Array1::from(logits.map_err(|error| fail(&error))?))
    }

    fn layer_tokens(
        &self,
        pass: &TokenPass,
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let options = ForwardOptions {
            mode: Mode::Evaluate,
            norms: match pass.norms {
                MeasuredNorms::Removed => Norms::Removed,
                MeasuredNorms::Kept => Norms::Kept,
            },
        };
        let parameters = &self.parameters;
        let bases = |layer| {
            let index = self.classifier.bases_index(layer)?;
            Some(self.host_matrix(&parameters.get(index)?.value, "bases per layer"))
        };
        let bases = (0..self.classifier.depth()).map(|layer| bases(layer).transpose());
        let bases: Vec<Option<Array2<f64>>> = bases.collect::<Answer<_>>()?;
        for batch in self.batches(pass.images)? {
            let batch = batch?;
            let forward = self.classifier.forward(parameters, &batch.images, &options);
            let forward =
                forward.map_err(|error| Unavailable::failed("tokens per layer", error))?;
            if self
                .show_layers(pass, batch.first, &forward.tape, &bases, visit)?
                .is_break()
            {
                break;
            }
        }
        Ok(())
    }

    fn learning_rate(&self) -> Answer<f64> {
        self.learning_rate
            .ok_or(Unavailable::capability("learning rate"))
    }

    fn batch_size(&self) -> Answer<usize> {
        self.batch_size.ok_or(Unavailable::capability("batch size"))
    }

    fn seed(&self) -> Answer<Seed> {
        self.seed.ok_or(Unavailable::capability("seed"))
    }
}
