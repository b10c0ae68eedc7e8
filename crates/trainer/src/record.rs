//! What a run says about itself: a record per epoch, and how it ended.

use crate::LayerRates;
use serde::{Deserialize, Serialize};

/// A loss and an accuracy over a whole set, in evaluation mode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Mean loss, without smoothing or penalty.
    pub loss: f64,
    /// Share of examples whose label is predicted; absent where there are no labels.
    pub accuracy: Option<f64>,
    /// Number of examples.
    pub examples: u64,
}

/// Means over the batches of an epoch while it trained: augmentation, dropout and smoothing included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningMeans {
    /// The loss without the penalty.
    pub loss: f64,
    /// What the regularizer added; zero without one.
    pub penalty: f64,
    /// Share of examples whose label is predicted; absent where there are no labels.
    pub accuracy: Option<f64>,
    /// Global norm of the gradient before clipping, mean over the steps.
    pub gradient_norm: f64,
}

/// The state at the end of an epoch. It holds no times, so that the same run always leaves the same records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of epochs trained; 0 is the state at the start.
    pub epoch: usize,
    /// Number of steps taken.
    pub steps: u64,
    /// Learning rate of the last step; absent at the start.
    pub learning_rate: Option<f64>,
    /// Means over the epoch; absent at the start.
    pub running: Option<RunningMeans>,
    /// The training set in evaluation mode, where it was evaluated.
    pub train: Option<Scores>,
    /// What the run is judged on, in evaluation mode, where it was evaluated: held-out images, or the test set where none are held out.
    /// In files it is called `judged_on`.
    #[serde(rename = "judged_on", alias = "validation")]
    pub validation: Option<Scores>,
    /// Layer-wise rates, where they were measured.
    pub layers: Option<Vec<LayerRates>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase", deny_unknown_fields)]
pub enum Status {
    /// All was trained.
    Finished {
        /// What ended the run.
        reason: Reason,
    },
    /// A value left the finite numbers.
    Diverged {
        /// The step, from 0, in which it did so; the parameters are those before this step.
        step: u64,
        /// The first such quantity, in the order in which a step computes them.
        quantity: Quantity,
    },
    /// The caller asked to stop; the run goes on from its checkpoint.
    Interrupted,
}

/// What ended a finished run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The stopping criterion was met.
    Target,
    /// The last epoch ended.
    Epochs,
}

/// A value that a training step computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Quantity {
    /// The batch.
    Input,
    /// A parameter.
    Parameter {
        /// Its name.
        name: String,
    },
    /// The tokens that a layer gives out.
    Tokens {
        /// The layer, from 0; absent for the tokens before the first.
        layer: Option<usize>,
    },
    /// The model's output.
    Output,
    /// The loss without the penalty.
    Loss,
    /// The regularizer.
    Penalty,
    /// The gradient with respect to a parameter.
    Gradient {
        /// The parameter's name.
        name: String,
    },
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input => write!(f, "the input"),
            Self::Parameter { name } => write!(f, "parameter `{name}`"),
            Self::Tokens { layer: None } => write!(f, "the tokens before the first layer"),
            Self::Tokens { layer: Some(layer) } => write!(f, "the tokens of layer {}", layer + 1),
            Self::Output => write!(f, "the output"),
            Self::Loss => write!(f, "the loss"),
            Self::Penalty => write!(f, "the penalty"),
            Self::Gradient { name } => write!(f, "the gradient of `{name}`"),
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished {
                reason: Reason::Target,
            } => write!(f, "finished at the target"),
            Self::Finished {
                reason: Reason::Epochs,
            } => write!(f, "finished after the last epoch"),
            Self::Diverged { step, quantity } => {
                write!(f, "diverged at step {step}: NaN or infinity in {quantity}")
            }
            Self::Interrupted => write!(f, "interrupted"),
        }
    }
}
