//! A softmax regression with everything in closed form, as a subject.

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use srr_measures::{
    Answer, Evaluation, Features, Fold, Images, LinearMap, Output, Role, Scope, Split, Subject,
    When,
};
use srr_random::Seed;

/// Logits W x of inputs x, trained by mean cross-entropy.
pub(crate) struct Regression {
    /// [classes, d].
    pub(crate) weights: Array2<f64>,
    /// [n, d].
    pub(crate) inputs: Array2<f64>,
    pub(crate) labels: Vec<usize>,
}

impl Regression {
    /// Inputs and weights drawn from a normal distribution; labels in turn.
    pub(crate) fn random(classes: usize, dim: usize, images: usize, seed: u64) -> Self {
        let mut stream = Seed::new(seed).stream();
        let mut draw = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        Self {
            weights: draw((classes, dim)),
            inputs: draw((images, dim)),
            labels: (0..images).map(|i| i % classes).collect(),
        }
    }

    fn chosen(&self, images: Images) -> Vec<usize> {
        let Fold { index, count } = images.fold.unwrap_or(Fold { index: 0, count: 1 });
        let limit = images.limit.unwrap_or(self.labels.len());
        let chosen = 0..limit.min(self.labels.len());
        chosen.skip(index).step_by(count).collect()
    }

    fn matrix(&self, flat: &[f64]) -> Array2<f64> {
        Array2::from_shape_vec(self.weights.dim(), flat.to_vec()).unwrap()
    }

    pub(crate) fn probabilities(logits: ArrayView1<'_, f64>) -> Array1<f64> {
        let powers = logits.mapv(f64::exp);
        &powers / powers.sum()
    }

    /// Gradient of the loss of one image at weights `w`, [classes, d].
    fn gradient_of(&self, w: &Array2<f64>, image: usize) -> Array2<f64> {
        let x = self.inputs.row(image);
        let mut answer = Self::probabilities(w.dot(&x).view());
        answer[self.labels[image]] -= 1.0;
        outer(answer.view(), x)
    }

    /// Mean over images of (diag(p) − ppᵀ) ⊗ xxᵀ.
    pub(crate) fn full_hessian(&self, images: Images) -> Array2<f64> {
        let size = self.weights.len();
        let chosen = self.chosen(images);
        let mut hessian = Array2::zeros((size, size));
        let dim = self.weights.ncols();
        for &image in &chosen {
            let x = self.inputs.row(image);
            let p = Self::probabilities(self.weights.dot(&x).view());
            for i in 0..size {
                for j in 0..size {
                    let same = f64::from(u8::from(i / dim == j / dim));
                    let of_classes = p[i / dim] * same - p[i / dim] * p[j / dim];
                    hessian[[i, j]] += of_classes * x[i % dim] * x[j % dim] / chosen.len() as f64;
                }
            }
        }
        hessian
    }
}

fn outer(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> Array2<f64> {
    a.insert_axis(Axis(1)).dot(&b.insert_axis(Axis(0)))
}

impl Subject for Regression {
    fn training_examples(&self) -> Answer<usize> {
        Ok(self.labels.len())
    }

    fn maps(&self, _: When, _: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        Ok(Arc::new(vec![LinearMap {
            name: "head".to_owned(),
            role: Role::Head,
            offset: 0,
            matrix: self.weights.clone(),
        }]))
    }

    fn parameters(&self, _: When) -> Answer<Arc<Vec<f64>>> {
        Ok(Arc::new(self.weights.iter().copied().collect()))
    }

    fn logits(&self, _: Split) -> Answer<Arc<Array2<f64>>> {
        Ok(Arc::new(self.inputs.dot(&self.weights.t())))
    }

    fn labels(&self, _: Split) -> Answer<Arc<Vec<usize>>> {
        Ok(Arc::new(self.labels.clone()))
    }

    fn labels_of(&self, images: Images) -> Answer<Arc<Vec<usize>>> {
        let chosen = self.chosen(images).into_iter();
        Ok(Arc::new(chosen.map(|image| self.labels[image]).collect()))
    }

    fn features(&self, _: Split) -> Answer<Arc<Features>> {
        Ok(Arc::new(Features {
            values: self.inputs.clone(),
            labels: self.labels.clone(),
        }))
    }

    fn evaluate_at(&self, parameters: &[f64], images: Images) -> Answer<Evaluation> {
        self.gradient_at(parameters, images).map(|found| found.0)
    }

    fn gradient_at(&self, parameters: &[f64], images: Images) -> Answer<(Evaluation, Vec<f64>)> {
        let w = self.matrix(parameters);
        let chosen = self.chosen(images);
        let n = chosen.len() as f64;
        let (mut loss, mut correct) = (0.0, 0.0);
        let mut gradient = Array2::<f64>::zeros(w.dim());
        for &image in &chosen {
            let p = Self::probabilities(w.dot(&self.inputs.row(image)).view());
            let label = self.labels[image];
            loss -= p[label].ln() / n;
            correct += f64::from(u8::from(p.iter().all(|q| *q <= p[label]))) / n;
            gradient += &(self.gradient_of(&w, image) / n);
        }
        let evaluation = Evaluation {
            loss,
            accuracy: correct,
            images: chosen.len(),
        };
        Ok((evaluation, gradient.into_iter().collect()))
    }

    fn example_gradients(
        &self,
        output: Output,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView1<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        for (position, image) in self.chosen(images).into_iter().enumerate() {
            let class = |class| {
                let mut rows = Array1::zeros(self.weights.nrows());
                rows[class] = 1.0;
                outer(rows.view(), self.inputs.row(image))
            };
            let gradient = match output {
                Output::Loss => self.gradient_of(&self.weights, image),
                Output::Logit(c) => class(c),
                Output::CorrectLogit => class(self.labels[image]),
            };
            let flat: Array1<f64> = gradient.into_iter().collect();
            if visit(position, flat.view()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn input_jacobians(
        &self,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView2<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        for position in 0..self.chosen(images).len() {
            if visit(position, self.weights.view()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn learning_rate(&self) -> Answer<f64> {
        Ok(0.5)
    }

    fn seed(&self) -> Answer<Seed> {
        Ok(Seed::new(7))
    }
}
