#![doc = include_str!("../README.md")]

mod augmentation;
mod error;
mod image_set;
mod input;
mod loader;
mod normalization;
mod optdigits;

pub use augmentation::{Augmentation, Image, augment, output_shape};
pub use error::{Error, Result};
pub use image_set::{Dataset, ImageSet, ImageSetParts, ImageShape};
pub use loader::{Batch, Batches, Loader, LoaderOptions};
pub use normalization::Normalization;
pub use optdigits::optdigits;
