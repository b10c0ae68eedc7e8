#![doc = include_str!("../README.md")]

pub mod analysis;
pub mod artefacts;
pub mod clock;
mod config;
pub mod data;
mod error;
pub mod examination;
pub mod files;
pub mod grid;
pub mod measuring;
pub mod origin;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod report;
pub mod scheduler;
mod shard;
mod stop;
pub mod store;
mod study;
pub mod subject;
pub mod tables;
mod task;
pub mod taylor;
pub mod toy;
mod training;
mod version;

pub use config::{FORMAT, RunConfig};
pub use error::{Error, Result};
pub use shard::Shard;
pub use stop::StopFlag;
pub use study::{MeasureCost, RunTimings, Study, StudyOptions, StudyTimings};
