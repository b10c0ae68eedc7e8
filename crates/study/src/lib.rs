#![doc = include_str!("../README.md")]

pub mod clock;
mod error;
pub mod files;
pub mod grid;
pub mod lock;
pub mod progress;
pub mod report;
pub mod scheduler;
mod shard;
mod stop;

pub use error::{Error, Result};
pub use shard::Shard;
pub use stop::StopFlag;
