//! What is done to an image before it is shown to a model, as a function of the image and a stream of random numbers.

mod color;
mod geometry;
mod image;
mod rand_augment;
#[cfg(test)]
mod tests;

pub use image::Image;

use crate::{Error, ImageShape, Result};
use serde::{Deserialize, Serialize};
use srr_random::Stream;

/// One step of augmentation. In a TOML profile: `{ kind = "crop", padding = 4 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Augmentation {
    /// Mirrors left and right.
    Flip {
        /// How often, 0 to 1. Default ½.
        #[serde(default = "half")]
        probability: f64,
    },
    /// Puts black pixels around the image and cuts out a piece of the original size, anywhere.
    Crop {
        /// Pixels on each side.
        padding: usize,
    },
    /// Cuts out a piece of random area and aspect ratio and resizes it (Szegedy et al. 2015): ten tries at a piece that fits, then
    /// the largest central one of an allowed ratio.
    ResizedCrop {
        /// Rows of the result.
        height: usize,
        /// Columns of the result.
        width: usize,
        /// Least and greatest share of the area. Default 0.08 and 1.
        #[serde(default = "area")]
        area: [f64; 2],
        /// Least and greatest width by height. Default ¾ and 4⁄3.
        #[serde(default = "ratio")]
        ratio: [f64; 2],
    },
    /// Resizes, by bilinear interpolation (averaging over the area where the image shrinks). Not random: evaluation uses it too.
    Resize {
        /// Rows of the result.
        height: usize,
        /// Columns of the result.
        width: usize,
    },
    /// RandAugment (Cubuk et al. 2020): some operations, drawn with replacement from fourteen, at one magnitude.
    RandAugment {
        /// How many. Default 2.
        #[serde(default = "two")]
        operations: usize,
        /// 0 to 30. Default 14.
        #[serde(default = "fourteen")]
        magnitude: usize,
    },
}

/// Rows or columns that an image may be resized to.
const LARGEST_SIDE: usize = 4096;

fn half() -> f64 {
    0.5
}
fn area() -> [f64; 2] {
    [0.08, 1.0]
}
fn ratio() -> [f64; 2] {
    [3.0 / 4.0, 4.0 / 3.0]
}
fn two() -> usize {
    2
}
fn fourteen() -> usize {
    14
}

impl Augmentation {
    /// Checks the parameters; the shape that comes out when `shape` goes in.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the parameter that is out of range.
    pub fn output_shape(&self, shape: ImageShape) -> Result<ImageShape> {
        match *self {
            Self::Flip { probability } => {
                let valid = (0.0..=1.0).contains(&probability);
                require(valid, "flip probability", "0 to 1", probability)?;
                Ok(shape)
            }
            Self::Crop { padding } => {
                let valid = padding <= shape.height.min(shape.width);
                let most = format!("at most the shorter side of {shape}");
                require(valid, "crop padding", most, padding)?;
                Ok(shape)
            }
            Self::ResizedCrop {
                height,
                width,
                area,
                ratio,
            } => {
                check_window(area, ratio)?;
                resized(shape, height, width)
            }
            Self::Resize { height, width } => resized(shape, height, width),
            Self::RandAugment {
                operations,
                magnitude,
            } => {
                let valid = magnitude <= rand_augment::LAST_BIN;
                require(valid, "RandAugment magnitude", "0 to 30", magnitude)?;
                let valid = operations <= 100;
                require(valid, "RandAugment operations", "at most 100", operations)?;
                Ok(shape)
            }
        }
    }

    /// Parameters known to be in range.
    fn apply(&self, image: Image, stream: &mut Stream) -> Image {
        match *self {
            Self::Flip { probability } => {
                if stream.uniform() < probability {
                    geometry::flip(&image)
                } else {
                    image
                }
            }
            Self::Crop { padding } => geometry::padded_crop(&image, padding, stream),
            Self::ResizedCrop {
                height,
                width,
                area,
                ratio,
            } => {
                let window = geometry::random_window(image.shape(), area, ratio, stream);
                geometry::resize(&image, window, height, width)
            }
            Self::Resize { height, width } => {
                let window = geometry::Window::whole(image.shape());
                geometry::resize(&image, window, height, width)
            }
            Self::RandAugment {
                operations,
                magnitude,
            } => rand_augment::rand_augment(image, operations, magnitude, stream),
        }
    }
}

fn require(
    valid: bool,
    what: &'static str,
    expected: impl Into<String>,
    found: impl ToString,
) -> Result<()> {
    match valid {
        true => Ok(()),
        false => Err(Error::invalid(what, expected, found)),
    }
}

/// The shape with another height and width, if it may be resized to.
fn resized(shape: ImageShape, height: usize, width: usize) -> Result<ImageShape> {
    let shape = ImageShape::new(shape.channels, height, width);
    let most = format!("at most {LARGEST_SIDE} a side");
    let valid = height <= LARGEST_SIDE && width <= LARGEST_SIDE;
    require(valid, "size to resize to", most, shape)?;
    shape.checked_len().map(|_| shape)
}

/// Checks the ranges from which a window's share of the area and its width by height are drawn.
fn check_window(area: [f64; 2], ratio: [f64; 2]) -> Result<()> {
    let [low, high] = area;
    require(
        0.0 < low && low <= high && high <= 1.0,
        "crop area",
        "two shares in (0, 1], in order",
        format!("{area:?}"),
    )?;
    let [low, high] = ratio;
    require(
        0.0 < low && low <= high && high.is_finite(),
        "crop ratio",
        "two positive numbers, in order",
        format!("{ratio:?}"),
    )
}

/// Checks all steps in turn; the shape that comes out when `shape` goes in.
///
/// # Errors
/// [`Error::Invalid`] as [`Augmentation::output_shape`].
pub fn output_shape(steps: &[Augmentation], shape: ImageShape) -> Result<ImageShape> {
    shape.checked_len()?;
    steps
        .iter()
        .try_fold(shape, |shape, step| step.output_shape(shape))
}

/// Applies all steps in turn. The result is a function of the image, the steps and the state of the stream.
///
/// ```
/// use srr_datasets::{Augmentation, Image, ImageShape, augment};
/// use srr_random::Seed;
///
/// let image = Image::new((0..6).map(|v| v as f32 / 5.0).collect(), ImageShape::new(1, 2, 3))?;
/// let steps = [Augmentation::Flip { probability: 1.0 }];
/// let mirrored = augment(&steps, &image, &mut Seed::new(0).stream())?;
/// assert_eq!(mirrored.values(), [0.4, 0.2, 0.0, 1.0, 0.8, 0.6]);
/// # Ok::<(), srr_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] as [`output_shape`].
pub fn augment(steps: &[Augmentation], image: &Image, stream: &mut Stream) -> Result<Image> {
    output_shape(steps, image.shape())?;
    Ok(apply_all(steps, image.clone(), stream))
}

/// [`augment`], the steps known to fit the image.
pub(crate) fn apply_all(steps: &[Augmentation], image: Image, stream: &mut Stream) -> Image {
    steps
        .iter()
        .fold(image, |image, step| step.apply(image, stream))
}
