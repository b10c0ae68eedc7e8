#![doc = include_str!("../README.md")]

mod augmentation;
mod catalog;
mod cifar;
mod digest;
mod error;
mod idx;
mod image_set;
mod input;
mod loader;
mod normalization;
mod optdigits;
mod split;
mod synthetic;

pub use augmentation::{Augmentation, Image, augment, output_shape};
pub use catalog::{DataFile, Entry, catalog, default_folder, entry, open, open_default};
pub use cifar::{cifar10, cifar100};
pub use error::{Error, Result};
pub use idx::{fashion_mnist, idx, mnist};
pub use image_set::{Dataset, ImageSet, ImageSetParts, ImageShape};
pub use loader::{Batch, Batches, Loader, LoaderOptions};
pub use normalization::Normalization;
pub use optdigits::optdigits;
pub use synthetic::{MixtureOptions, SubspaceMixture, subspace_mixture};
