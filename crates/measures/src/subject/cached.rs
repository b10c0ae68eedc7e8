//! A subject that answers the same question once.

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::{
    Answer, Evaluation, Features, Images, LayerBatch, LinearMap, Memo, Output, ProbeInput, Scope,
    Split, Subject, TokenPass, When,
};

/// Wraps a subject so that measures which share a pass pay for it once.
///
/// Weights, logits, labels, margins and features are kept as they come; measures keep further passes (singular values, searches) in its
/// [`Memo`]. Visitors and perturbed evaluations are passed on.
pub struct Cached<'a> {
    subject: &'a dyn Subject,
    memo: Memo,
}

impl<'a> Cached<'a> {
    /// Wraps `subject`.
    pub fn new(subject: &'a dyn Subject) -> Self {
        Self {
            subject,
            memo: Memo::new(),
        }
    }

    /// Keeps the `Arc` that the subject hands out.
    fn keep<T: ?Sized + Send + Sync + 'static>(
        &self,
        key: &str,
        ask: impl FnOnce(&'a dyn Subject) -> Answer<Arc<T>>,
    ) -> Answer<Arc<T>> {
        let kept = self.memo.get_or_compute(key, || ask(self.subject))?;
        Ok(Arc::clone(&kept))
    }
}

impl Subject for Cached<'_> {
    fn training_examples(&self) -> Answer<usize> {
        self.subject.training_examples()
    }

    fn maps(&self, when: When, scope: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        self.keep(&format!("subject: maps {when:?} {scope:?}"), |s| {
            s.maps(when, scope)
        })
    }

    fn parameters(&self, when: When) -> Answer<Arc<Vec<f64>>> {
        self.keep(&format!("subject: parameters {when:?}"), |s| {
            s.parameters(when)
        })
    }

    fn logits(&self, split: Split) -> Answer<Arc<Array2<f64>>> {
        self.keep(&format!("subject: logits {split:?}"), |s| s.logits(split))
    }

    fn labels(&self, split: Split) -> Answer<Arc<Vec<usize>>> {
        self.keep(&format!("subject: labels {split:?}"), |s| s.labels(split))
    }

    fn labels_of(&self, images: Images) -> Answer<Arc<Vec<usize>>> {
        self.subject.labels_of(images)
    }

    fn margins(&self, split: Split) -> Answer<Arc<Vec<f64>>> {
        // From the kept logits, unless the subject knows margins only.
        self.keep(&format!("subject: margins {split:?}"), |s| {
            match (self.logits(split), self.labels(split)) {
                (Ok(logits), Ok(labels)) => super::types::margins(&logits, &labels).map(Arc::new),
                _ => s.margins(split),
            }
        })
    }

    fn features(&self, split: Split) -> Answer<Arc<Features>> {
        self.keep(&format!("subject: features {split:?}"), |s| {
            s.features(split)
        })
    }

    fn evaluate_at(&self, parameters: &[f64], images: Images) -> Answer<Evaluation> {
        self.subject.evaluate_at(parameters, images)
    }

    fn gradient_at(&self, parameters: &[f64], images: Images) -> Answer<(Evaluation, Vec<f64>)> {
        self.subject.gradient_at(parameters, images)
    }

    fn example_gradients(
        &self,
        output: Output,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView1<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        self.subject.example_gradients(output, images, visit)
    }

    fn input_jacobians(
        &self,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView2<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        self.subject.input_jacobians(images, visit)
    }

    fn mapped_forward(
        &self,
        map: &(dyn Fn(f64) -> f64 + Sync),
        input: ProbeInput<'_>,
    ) -> Answer<Array1<f64>> {
        self.subject.mapped_forward(map, input)
    }

    fn layer_tokens(
        &self,
        pass: &TokenPass,
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<()> {
        self.subject.layer_tokens(pass, visit)
    }

    fn learning_rate(&self) -> Answer<f64> {
        self.subject.learning_rate()
    }

    fn batch_size(&self) -> Answer<usize> {
        self.subject.batch_size()
    }

    fn seed(&self) -> Answer<srr_random::Seed> {
        self.subject.seed()
    }

    fn siblings(&self) -> Answer<Vec<&dyn Subject>> {
        self.subject.siblings()
    }

    fn memo(&self) -> Option<&Memo> {
        Some(&self.memo)
    }
}
