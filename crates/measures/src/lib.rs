#![doc = include_str!("../README.md")]

mod error;
pub mod statistics;

pub use error::{Error, Result};
