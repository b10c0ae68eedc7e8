#![doc = include_str!("../README.md")]

mod checkpoint;
mod classification;
mod clip;
mod config;
mod error;
mod evaluation;
mod fingerprint;
mod fit;
mod json_lines;
mod layer_rates;
mod objective;
mod observer;
mod optimizer;
mod progress;
mod record;
mod regularizer;
mod resume;
mod run;
mod schedule;

pub use classification::{Classification, TrainingData};
pub use config::{RatesConfig, Recipe, StopAt, TrainingConfig};
pub use error::{Error, Result};
pub use evaluation::{Evaluation, evaluate, first_images};
pub use fit::fit;
pub use json_lines::JsonLines;
pub use layer_rates::{LayerRates, layer_rates};
pub use objective::{BatchLoss, Finite, Objective};
pub use observer::{Observer, Start, StepReport};
pub use optimizer::{Optimizer, OptimizerState};
pub use progress::Progress;
pub use record::{EpochRecord, Quantity, Reason, RunningMeans, Scores, Status};
pub use regularizer::{PenalizedLayers, Penalty, Regularizer, RegularizerConfig};
pub use run::{FitOptions, Outcome, Resumed, train};
pub use schedule::Schedule;
