//! Products of the loss Hessian with vectors.

use std::ops::Range;
use std::sync::Arc;

use crate::gradients::{dot, folds, norm};
use crate::measure::Undefined;
use crate::subject::{Images, Role, Scope, Subject, When};

/// Distance by which weights move along a vector of unit length.
///
/// So small that hardly any of the millions of rectifiers and soft thresholds of a pass over some hundred images changes its state within it: each
/// that does adds its whole jump over the step. Rounding of the gradient over it is of the order of 10⁻⁶ beside a product of the order of one.
const STEP: f64 = 1e-9;

/// The parameters of one place in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The place.
    pub role: Role,
    /// Where its parameters stand in the flat vectors.
    pub ranges: Vec<Range<usize>>,
}

impl Block {
    /// Number of parameters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// Whether it has no parameter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets everything outside of it to zero.
    fn restrict(&self, vector: &mut [f64]) {
        let mut inside = vec![false; vector.len()];
        self.ranges
            .iter()
            .for_each(|range| inside[range.clone()].fill(true));
        let entries = vector.iter_mut().zip(inside);
        entries
            .filter(|(_, inside)| !inside)
            .for_each(|(v, _)| *v = 0.0);
    }

    /// ⟨a, b⟩ over its parameters.
    pub(super) fn dot(&self, a: &[f64], b: &[f64]) -> f64 {
        let ranges = self.ranges.iter();
        ranges
            .map(|range| dot(&a[range.clone()], &b[range.clone()]))
            .sum()
    }
}

/// The blocks of a subject: embedding, every layer, head and what is left, as far as they have trainable parameters.
///
/// # Errors
/// A missing capability; maps that lie outside the flat vectors.
pub fn blocks(subject: &dyn Subject) -> Result<Vec<Block>, Undefined> {
    let maps = subject.maps(When::Now, Scope::AllTrainable)?;
    let parameters = subject.parameters(When::Now)?.len();
    let mut blocks: Vec<Block> = Vec::new();
    for map in maps.iter() {
        let range = map.offset..map.offset + map.matrix.len();
        if range.end > parameters {
            let what = format!(
                "{} ends at {} of {parameters} parameters",
                map.name, range.end
            );
            return Err(Undefined::Misfit(what));
        }
        match blocks.iter_mut().find(|block| block.role == map.role) {
            Some(block) => block.ranges.push(range),
            None => blocks.push(Block {
                role: map.role,
                ranges: vec![range],
            }),
        }
    }
    Ok(blocks)
}

/// The Hessian of the mean loss on a choice of images at the trained weights, or one block of it.
///
/// ```no_run
/// # fn example(subject: &dyn srr_measures::Subject) -> Result<(), srr_measures::Undefined> {
/// use srr_measures::{Images, hessian::HessianProducts};
///
/// let hessian = HessianProducts::new(subject, Images::fixed(512))?;
/// let ones = vec![1.0; hessian.size()];
/// let product = hessian.product(&ones)?;
/// # Ok(()) }
/// ```
pub struct HessianProducts<'a> {
    subject: &'a dyn Subject,
    weights: Arc<Vec<f64>>,
    images: Images,
    folds: usize,
    block: Option<Block>,
}

/// A product, part by part of the images.
pub(super) struct Parts {
    /// Product with the Hessian on every part.
    pub(super) products: Vec<Vec<f64>>,
    /// Number of images of every part.
    pub(super) images: Vec<usize>,
}

impl Parts {
    /// The mean over all images.
    pub(super) fn mean(&self) -> Vec<f64> {
        let all: usize = self.images.iter().sum();
        let mut mean = vec![0.0; self.products.first().map_or(0, Vec::len)];
        for (product, &images) in self.products.iter().zip(&self.images) {
            let share = images as f64 / all as f64;
            mean.iter_mut()
                .zip(product)
                .for_each(|(m, p)| *m += share * p);
        }
        mean
    }
}

impl<'a> HessianProducts<'a> {
    /// The Hessian on these images.
    ///
    /// # Errors
    /// A missing capability; no images.
    pub fn new(subject: &'a dyn Subject, images: Images) -> Result<Self, Undefined> {
        Ok(Self {
            weights: subject.parameters(When::Now)?,
            folds: folds(subject, images)?,
            subject,
            images,
            block: None,
        })
    }

    /// The rows and columns of one block; all others are zero.
    #[must_use]
    pub fn of_block(mut self, block: Block) -> Self {
        self.block = Some(block);
        self
    }

    /// Length of the vectors it takes: the number of trainable parameters of the whole network.
    #[must_use]
    pub fn size(&self) -> usize {
        self.weights.len()
    }

    /// Number of rows that are not zero by definition.
    #[must_use]
    pub fn rank_bound(&self) -> usize {
        self.block.as_ref().map_or(self.size(), Block::len)
    }

    /// The images it is taken on.
    #[must_use]
    pub fn images(&self) -> Images {
        self.images
    }

    /// Sets to zero what lies outside of the block.
    pub(super) fn restrict(&self, vector: &mut [f64]) {
        if let Some(block) = &self.block {
            block.restrict(vector);
        }
    }

    /// The product with `vector`.
    ///
    /// # Errors
    /// A missing capability, a vector of another length, or a gradient that is not finite.
    pub fn product(&self, vector: &[f64]) -> Result<Vec<f64>, Undefined> {
        Ok(self.parts(vector)?.mean())
    }

    /// The product with `vector`, part by part of the images.
    pub(super) fn parts(&self, vector: &[f64]) -> Result<Parts, Undefined> {
        if vector.len() != self.size() {
            let what = format!("{} entries for {} parameters", vector.len(), self.size());
            return Err(Undefined::Misfit(what));
        }
        let mut direction = vector.to_vec();
        self.restrict(&mut direction);
        let length = norm(&direction);
        let (mut products, mut images) = (Vec::new(), Vec::new());
        for index in 0..self.folds {
            let part = self.images.fold(index, self.folds);
            let (mut product, count) = self.difference(&direction, length, part)?;
            self.restrict(&mut product);
            products.push(product);
            images.push(count);
        }
        Ok(Parts { products, images })
    }

    /// (∇L(w + hv) − ∇L(w − hv)) / 2h on some images, with the number of these.
    fn difference(
        &self,
        direction: &[f64],
        length: f64,
        images: Images,
    ) -> Result<(Vec<f64>, usize), Undefined> {
        let step = if length > 0.0 { STEP / length } else { 1.0 };
        let gradient = |step: f64| {
            let pairs = self.weights.iter().zip(direction);
            let moved: Vec<f64> = pairs.map(|(w, v)| w + step * v).collect();
            self.subject.gradient_at(&moved, images)
        };
        let ((evaluation, mut ahead), (_, behind)) = (gradient(step)?, gradient(-step)?);
        let pairs = ahead.iter_mut().zip(&behind);
        pairs.for_each(|(a, b)| *a = (*a - b) / (2.0 * step));
        if !ahead.iter().all(|value| value.is_finite()) {
            let what = "a Hessian-vector product".to_owned();
            return Err(Undefined::NonFinite { what });
        }
        Ok((ahead, evaluation.images))
    }
}
