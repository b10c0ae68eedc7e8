//! RandAugment (Cubuk, Zoph, Shlens & Le, "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space", 2020).

use super::{color, geometry, image::Image};
use srr_random::Stream;

/// Magnitudes go from 0 to this: 31 bins.
pub(super) const LAST_BIN: usize = 30;

/// The fourteen operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}

pub(super) const OPERATIONS: [Operation; 14] = [
    Operation::Identity,
    Operation::ShearX,
    Operation::ShearY,
    Operation::TranslateX,
    Operation::TranslateY,
    Operation::Rotate,
    Operation::Brightness,
    Operation::Color,
    Operation::Contrast,
    Operation::Sharpness,
    Operation::Posterize,
    Operation::Solarize,
    Operation::AutoContrast,
    Operation::Equalize,
];

/// `count` operations at `magnitude`, one after another, drawn with replacement; each has its sign drawn where it has one.
pub(super) fn rand_augment(
    image: Image,
    count: usize,
    magnitude: usize,
    stream: &mut Stream,
) -> Image {
    (0..count).fold(image, |image, _| {
        let operation = OPERATIONS[stream.below(OPERATIONS.len() as u64) as usize];
        let negative = stream.below(2) == 1;
        apply(operation, image, magnitude, negative)
    })
}

/// One operation at strength magnitude/30 of its range.
pub(super) fn apply(operation: Operation, image: Image, magnitude: usize, negative: bool) -> Image {
    let strength = magnitude as f64 / LAST_BIN as f64;
    let signed = if negative { -strength } else { strength };
    // Enhancements blend by 1 ± 0.9·strength.
    let factor = (1.0 + 0.9 * signed) as f32;
    // Translations reach 150 pixels of 331, the image size of the search that found the ranges; whole pixels.
    let pixels = |side: usize| (150.0 / 331.0 * side as f64 * signed).trunc();
    let shape = image.shape();
    let corner = (0.0, 0.0);
    match operation {
        Operation::Identity => image,
        Operation::ShearX => {
            geometry::affine(&image, [1.0, 0.3 * signed, 0.0, 0.0, 1.0, 0.0], corner)
        }
        Operation::ShearY => {
            geometry::affine(&image, [1.0, 0.0, 0.0, 0.3 * signed, 1.0, 0.0], corner)
        }
        Operation::TranslateX => geometry::affine(
            &image,
            [1.0, 0.0, pixels(shape.width), 0.0, 1.0, 0.0],
            corner,
        ),
        Operation::TranslateY => geometry::affine(
            &image,
            [1.0, 0.0, 0.0, 0.0, 1.0, pixels(shape.height)],
            corner,
        ),
        Operation::Rotate => {
            let (sin, cos) = (30.0 * signed).to_radians().sin_cos();
            let center = (shape.width as f64 / 2.0, shape.height as f64 / 2.0);
            geometry::affine(&image, [cos, -sin, 0.0, sin, cos, 0.0], center)
        }
        Operation::Brightness => color::brightness(image, factor),
        Operation::Color => color::saturation(image, factor),
        Operation::Contrast => color::contrast(image, factor),
        Operation::Sharpness => color::sharpness(image, factor),
        Operation::Posterize => color::posterize(image, 8 - (4.0 * strength).round() as u32),
        Operation::Solarize => color::solarize(image, (1.0 - strength) as f32),
        Operation::AutoContrast => color::auto_contrast(image),
        Operation::Equalize => color::equalize(image),
    }
}
