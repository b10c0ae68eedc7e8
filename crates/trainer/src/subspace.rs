//! Training within a random affine subspace of the weights.

use crate::{Error, Optimizer, Result, config::require};
use serde::{Deserialize, Serialize};
use srr_kernels::{Backend, Tensor as _};
use srr_layers::{Gradients, Parameters};
use srr_random::Seed;
use std::collections::HashSet;

/// Training that moves in `dimension` random directions of the weights alone (Li et al. 2018, [Measuring the Intrinsic Dimension of
/// Objective Landscapes](https://arxiv.org/abs/1804.08838), Eq. 2): w = w₀ + P c with the initial weights w₀ and the coordinates c.
///
/// Gradient descent on c moves the weights by −η P Pᵀ∇L, so that the loop replaces the gradient by P Pᵀ∇L and keeps no coordinates.
/// That holds for plain and Nesterov momentum too, which are linear in the gradients, but not for rules that divide by past gradients or
/// take signs, nor with weight decay: those are refused. The norm that is reported and clipped is that of P Pᵀ∇L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubspaceConfig {
    /// Number of directions, at most the number of trainable weights.
    pub dimension: usize,
}

impl SubspaceConfig {
    /// Checks what can be checked without a model.
    pub(crate) fn validate(self, optimizer: &Optimizer) -> Result<()> {
        require(
            "subspace.dimension",
            self.dimension,
            self.dimension > 0,
            "at least 1",
        )?;
        let linear =
            matches!(optimizer, Optimizer::Sgd { weight_decay, .. } if *weight_decay == 0.0);
        require(
            "subspace",
            "with another optimizer",
            linear,
            "the optimizer `sgd` without weight decay, whose steps stay in the subspace",
        )
    }
}

/// The matrix P [weights, dimension] of a [`SubspaceConfig`]: every column holds round(√weights) entries of equal size and random sign
/// at random places, and has unit length, a sparse random projection (Li, Hastie and Church 2006) as Li et al. take for larger models.
/// Columns are nearly, not exactly, orthogonal.
///
/// ```
/// use srr_random::Seed;
/// use srr_trainer::RandomSubspace;
///
/// let subspace = RandomSubspace::new(10_000, 3, Seed::new(0));
/// let direction = subspace.embed(&[0.0, 2.0, 0.0]);
/// assert_eq!(direction.iter().filter(|value| **value != 0.0).count(), 100);
/// assert!((subspace.coordinates(&direction)[1] - 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomSubspace {
    weights: usize,
    /// Size of every entry.
    size: f64,
    /// Places and signs of each column's entries.
    columns: Vec<Vec<(usize, bool)>>,
}

impl RandomSubspace {
    /// Draws the matrix; column j is a function of the seed, j and the number of weights, whatever the dimension.
    #[must_use]
    pub fn new(weights: usize, dimension: usize, seed: Seed) -> Self {
        let entries = (weights as f64).sqrt().round() as usize;
        let column = |j: usize| {
            let mut stream = seed.index(j as u64).stream();
            let mut taken = HashSet::with_capacity(entries);
            let mut column = Vec::with_capacity(entries);
            while column.len() < entries {
                let place = stream.below(weights as u64) as usize;
                if taken.insert(place) {
                    column.push((place, stream.next_u32() & 1 == 1));
                }
            }
            column
        };
        Self {
            weights,
            size: 1.0 / (entries as f64).sqrt(),
            columns: (0..dimension).map(column).collect(),
        }
    }

    /// Number of directions.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.columns.len()
    }

    /// Pᵀ x `[dimension]` of a vector of the weights' space `[weights]`.
    #[must_use]
    pub fn coordinates(&self, vector: &[f64]) -> Vec<f64> {
        let along = |column: &Vec<(usize, bool)>| {
            let sum: f64 = column
                .iter()
                .map(|&(place, negative)| {
                    if negative {
                        -vector[place]
                    } else {
                        vector[place]
                    }
                })
                .sum();
            self.size * sum
        };
        self.columns.iter().map(along).collect()
    }

    /// P c `[weights]` of coordinates `[dimension]`.
    #[must_use]
    pub fn embed(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut vector = vec![0.0; self.weights];
        for (column, coordinate) in self.columns.iter().zip(coordinates) {
            let value = self.size * coordinate;
            for &(place, negative) in column {
                vector[place] += if negative { -value } else { value };
            }
        }
        vector
    }

    /// The subspace of a model's trainable weights, one tensor after another, in a run of this seed.
    ///
    /// # Errors
    /// [`Error::Configuration`] when there are fewer weights than directions.
    pub fn of<B: Backend>(
        config: SubspaceConfig,
        parameters: &Parameters<B>,
        seed: Seed,
    ) -> Result<Self> {
        let trainable = parameters.iter().filter(|parameter| parameter.trainable);
        let weights: usize = trainable
            .map(|parameter| parameter.value.shape().iter().product::<usize>())
            .sum();
        if config.dimension > weights {
            return Err(Error::Configuration {
                field: "subspace.dimension",
                value: format!(
                    "{} where the model has {weights} trainable weights",
                    config.dimension
                ),
                expected: "at most the number of trainable weights",
            });
        }
        Ok(Self::new(
            weights,
            config.dimension,
            seed.purpose("subspace"),
        ))
    }

    /// Replaces the gradient of the trainable weights by P Pᵀ of it.
    pub(crate) fn project<B: Backend>(
        &self,
        backend: &B,
        parameters: &Parameters<B>,
        gradients: &mut Gradients<B>,
    ) -> Result<()> {
        let mut flat = Vec::with_capacity(self.weights);
        for (parameter, gradient) in parameters.iter().zip(gradients.iter()) {
            if parameter.trainable {
                flat.extend(backend.download_f64(gradient)?);
            }
        }
        let mut rest = self.embed(&self.coordinates(&flat)).into_iter();
        for (parameter, gradient) in parameters.iter().zip(gradients.iter_mut()) {
            if parameter.trainable {
                let shape = gradient.shape().to_vec();
                let values: Vec<f64> = rest.by_ref().take(shape.iter().product()).collect();
                *gradient = backend.upload_f64(&values, &shape)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_back_is_the_transpose() {
        let subspace = RandomSubspace::new(50, 7, Seed::new(3));
        let mut stream = Seed::new(4).stream();
        let mut draw = |n: usize| (0..n).map(|_| stream.normal()).collect::<Vec<f64>>();
        let (vector, coordinates) = (draw(50), draw(7));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let one = dot(&subspace.coordinates(&vector), &coordinates);
        let other = dot(&vector, &subspace.embed(&coordinates));
        assert!((one - other).abs() < 1e-12, "{one} {other}");
    }

    #[test]
    fn columns_are_of_unit_length_and_stay_as_they_are_when_more_are_drawn() {
        let (few, many) = (
            RandomSubspace::new(400, 2, Seed::new(0)),
            RandomSubspace::new(400, 30, Seed::new(0)),
        );
        assert_eq!(few.columns, many.columns[..2]);
        for j in 0..30 {
            let mut unit = vec![0.0; 30];
            unit[j] = 1.0;
            let column = many.embed(&unit);
            let squares: f64 = column.iter().map(|value| value * value).sum();
            assert!((squares - 1.0).abs() < 1e-12);
            assert_eq!(column.iter().filter(|value| **value != 0.0).count(), 20);
        }
        assert_ne!(many, RandomSubspace::new(400, 30, Seed::new(1)));
    }
}
