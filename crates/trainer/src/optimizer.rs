//! Optimizers: their hyper-parameters, their state and one step over all trainable tensors.

use crate::Result;
use serde::{Deserialize, Serialize};
use srr_kernels::{AdamStep, Backend, LionStep, SgdStep, Tensor as _};
use srr_layers::{Gradients, Parameters};

/// An update rule with torch's hyper-parameters and defaults; the learning rate is apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015); the weight decay is added to the gradient.
    Adam {
        /// Decay of the mean of gradients.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the mean of squares.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Added to the root of the mean of squares.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// L2 penalty.
        #[serde(default)]
        weight_decay: f64,
    },
    /// AdamW (Loshchilov and Hutter 2019); the weight decay shrinks the weights directly.
    AdamW {
        /// Decay of the mean of gradients.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the mean of squares.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Added to the root of the mean of squares.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// Decoupled weight decay.
        #[serde(default = "defaults::decoupled_decay")]
        weight_decay: f64,
    },
    /// Gradient descent, with momentum (0 for none) and Nesterov's variant of it.
    Sgd {
        /// Decay of the momentum buffer.
        #[serde(default)]
        momentum: f64,
        /// L2 penalty.
        #[serde(default)]
        weight_decay: f64,
        /// Whether to look ahead along the momentum.
        #[serde(default)]
        nesterov: bool,
    },
    /// Lion (Chen et al. 2023), with decoupled weight decay.
    Lion {
        /// Weight of the momentum in the step's sign.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the momentum.
        #[serde(default = "defaults::lion_beta2")]
        beta2: f64,
        /// Decoupled weight decay.
        #[serde(default)]
        weight_decay: f64,
    },
}

/// torch's defaults.
mod defaults {
    pub(super) const fn beta1() -> f64 {
        0.9
    }
    pub(super) const fn beta2() -> f64 {
        0.999
    }
    pub(super) const fn epsilon() -> f64 {
        1e-8
    }
    pub(super) const fn decoupled_decay() -> f64 {
        0.01
    }
    pub(super) const fn lion_beta2() -> f64 {
        0.99
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::adam()
    }
}

impl Optimizer {
    /// Adam with torch's defaults and no weight decay.
    pub const fn adam() -> Self {
        Self::Adam {
            beta1: defaults::beta1(),
            beta2: defaults::beta2(),
            epsilon: defaults::epsilon(),
            weight_decay: 0.0,
        }
    }

    /// AdamW with torch's defaults.
    pub const fn adamw() -> Self {
        Self::AdamW {
            beta1: defaults::beta1(),
            beta2: defaults::beta2(),
            epsilon: defaults::epsilon(),
            weight_decay: defaults::decoupled_decay(),
        }
    }

    /// SGD with momentum and without weight decay.
    pub const fn sgd(momentum: f64, nesterov: bool) -> Self {
        Self::Sgd {
            momentum,
            weight_decay: 0.0,
            nesterov,
        }
    }

    /// Lion with its authors' defaults.
    pub const fn lion() -> Self {
        Self::Lion {
            beta1: defaults::beta1(),
            beta2: defaults::lion_beta2(),
            weight_decay: 0.0,
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`Error::Configuration`](crate::Error) names the value out of range.
    pub fn validate(&self) -> Result<()> {
        let fraction = |field, value: f64| {
            check(
                field,
                value,
                (0.0..1.0).contains(&value),
                "at least 0 and below 1",
            )
        };
        let positive =
            |field, value: f64| check(field, value, value > 0.0 && value.is_finite(), "above 0");
        let decay = |value: f64| {
            let valid = value >= 0.0 && value.is_finite();
            check("optimizer.weight_decay", value, valid, "at least 0")
        };
        match *self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => {
                fraction("optimizer.beta1", beta1)?;
                fraction("optimizer.beta2", beta2)?;
                positive("optimizer.epsilon", epsilon)?;
                decay(weight_decay)
            }
            Self::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => {
                fraction("optimizer.momentum", momentum)?;
                check(
                    "optimizer.momentum",
                    momentum,
                    !nesterov || momentum > 0.0,
                    "above 0 with Nesterov's variant",
                )?;
                decay(weight_decay)
            }
            Self::Lion {
                beta1,
                beta2,
                weight_decay,
            } => {
                fraction("optimizer.beta1", beta1)?;
                fraction("optimizer.beta2", beta2)?;
                decay(weight_decay)
            }
        }
    }

    /// The names of the buffers that the rule keeps beside every trainable tensor.
    fn buffers(&self) -> &'static [&'static str] {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => &["first", "second"],
            Self::Sgd { .. } | Self::Lion { .. } => &["momentum"],
        }
    }
}

/// One step of a rule, in the backend's terms.
enum Step {
    Adam(AdamStep),
    Sgd(SgdStep),
    Lion(LionStep),
}

impl Optimizer {
    /// The step of this number, counted from 1.
    fn step(self, learning_rate: f64, step: u64) -> Step {
        match self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => Step::Adam(AdamStep {
                learning_rate,
                beta1,
                beta2,
                epsilon,
                weight_decay,
                decoupled: matches!(self, Self::AdamW { .. }),
                step,
            }),
            Self::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => Step::Sgd(SgdStep {
                learning_rate,
                momentum,
                weight_decay,
                nesterov,
                first: step == 1,
            }),
            Self::Lion {
                beta1,
                beta2,
                weight_decay,
            } => Step::Lion(LionStep {
                learning_rate,
                beta1,
                beta2,
                weight_decay,
            }),
        }
    }
}

fn check(field: &'static str, value: f64, valid: bool, expected: &'static str) -> Result<()> {
    crate::config::require(field, value, valid, expected)
}

/// An optimizer at work: its rule, its buffers and the number of steps taken.
#[derive(Clone, Debug)]
pub struct OptimizerState<B: Backend> {
    rule: Optimizer,
    steps: u64,
    /// For each buffer of the rule one tensor per trainable parameter, in the order of the parameters.
    buffers: Vec<Vec<B::Tensor>>,
}

impl<B: Backend> OptimizerState<B> {
    /// Buffers of zeros for all trainable tensors of `parameters`.
    ///
    /// # Errors
    /// Hyper-parameters out of range, or a backend that is out of memory.
    pub fn new(rule: Optimizer, backend: &B, parameters: &Parameters<B>) -> Result<Self> {
        rule.validate()?;
        let zeros = |_: &&str| -> Result<Vec<B::Tensor>> {
            let trainable = parameters.iter().filter(|p| p.trainable);
            trainable
                .map(|p| Ok(backend.zeros(p.value.shape())?))
                .collect()
        };
        Ok(Self {
            rule,
            steps: 0,
            buffers: rule.buffers().iter().map(zeros).collect::<Result<_>>()?,
        })
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// Every buffer's tensor with its name, `BUFFER.PARAMETER`.
    pub(crate) fn named<'a>(
        &'a mut self,
        parameters: &'a Parameters<B>,
    ) -> impl Iterator<Item = (String, &'a mut B::Tensor)> {
        let names = self.rule.buffers().iter().zip(&mut self.buffers);
        names.flat_map(|(buffer, tensors)| {
            let trainable = parameters.iter().filter(|p| p.trainable);
            let named = trainable.zip(tensors);
            named.map(move |(p, tensor)| (format!("{buffer}.{}", p.name), tensor))
        })
    }

    /// Moves every trainable tensor one step against its gradient.
    ///
    /// # Errors
    /// Whatever the backend refuses.
    pub fn step(
        &mut self,
        backend: &B,
        parameters: &mut Parameters<B>,
        gradients: &Gradients<B>,
        learning_rate: f64,
    ) -> Result<()> {
        self.steps += 1;
        let trainable = parameters
            .iter_mut()
            .zip(gradients.iter())
            .filter(|(parameter, _)| parameter.trainable)
            .map(|(parameter, gradient)| (&mut parameter.value, gradient));
        let rule = self.rule.step(learning_rate, self.steps);
        match (rule, &mut self.buffers[..]) {
            (Step::Adam(step), [means, squares]) => {
                for (((value, gradient), mean), square) in trainable.zip(means).zip(squares) {
                    backend.adam_step(value, gradient, mean, square, &step)?;
                }
            }
            (Step::Sgd(step), [buffers]) => {
                for ((value, gradient), buffer) in trainable.zip(buffers) {
                    backend.sgd_step(value, gradient, buffer, &step)?;
                }
            }
            (Step::Lion(step), [buffers]) => {
                for ((value, gradient), buffer) in trainable.zip(buffers) {
                    backend.lion_step(value, gradient, buffer, &step)?;
                }
            }
            _ => unreachable!("`new` makes the rule's buffers, and the rule does not change"),
        }
        Ok(())
    }
}
