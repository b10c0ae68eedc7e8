//! Operations that change the values of pixels where they are.

use super::image::Image;

/// factor·image + (1 − factor)·other, clipped to 0..1; `other` gives the value for channel and pixel.
fn blend(mut image: Image, factor: f32, other: impl Fn(usize, usize) -> f32) -> Image {
    for (c, plane) in image.planes_mut().enumerate() {
        for (i, value) in plane.iter_mut().enumerate() {
            *value = (factor * *value + (1.0 - factor) * other(c, i)).clamp(0.0, 1.0);
        }
    }
    image
}

/// Luminance [H, W]: Rec. 601 weights for three channels, the mean for other numbers of channels.
fn gray(image: &Image) -> Vec<f32> {
    const REC_601: [f32; 3] = [0.299, 0.587, 0.114];
    let channels = image.shape().channels;
    let mut gray = vec![0.0; image.shape().pixels()];
    for (c, plane) in image.planes().enumerate() {
        let weight = if channels == 3 {
            REC_601[c]
        } else {
            1.0 / channels as f32
        };
        for (g, v) in gray.iter_mut().zip(plane) {
            *g += weight * v;
        }
    }
    gray
}

/// Away from black (factor above 1) or toward it.
pub(super) fn brightness(image: Image, factor: f32) -> Image {
    blend(image, factor, |_, _| 0.0)
}

/// Away from gray of the same luminance, or toward it. Gray images stay as they are.
pub(super) fn saturation(image: Image, factor: f32) -> Image {
    if image.shape().channels == 1 {
        return image;
    }
    let gray = gray(&image);
    blend(image, factor, |_, i| gray[i])
}

/// Away from the mean luminance, or toward it.
pub(super) fn contrast(image: Image, factor: f32) -> Image {
    let gray = gray(&image);
    let mean = gray.iter().map(|&g| f64::from(g)).sum::<f64>() / gray.len() as f64;
    blend(image, factor, |_, _| mean as f32)
}

/// Away from a smoothed image, or toward it: 3×3 weights 1 with 5 in the middle, over 13; the border is left as it is.
pub(super) fn sharpness(image: Image, factor: f32) -> Image {
    let shape = image.shape();
    if shape.height <= 2 || shape.width <= 2 {
        return image;
    }
    let source = image.clone();
    let width = shape.width;
    let smooth = |c: usize, i: usize| {
        let plane = &source.values()[c * shape.pixels()..(c + 1) * shape.pixels()];
        let (y, x) = (i / width, i % width);
        if y == 0 || x == 0 || y == shape.height - 1 || x == width - 1 {
            return plane[i];
        }
        let around: f32 = [i - width, i, i + width]
            .iter()
            .map(|&j| plane[j - 1] + plane[j] + plane[j + 1])
            .sum();
        (around + 4.0 * plane[i]) / 13.0
    };
    blend(image, factor, smooth)
}

/// The nearest of the 256 levels of a byte.
fn byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

/// Each value replaced by a function of its byte.
fn map_bytes(mut image: Image, f: impl Fn(u8) -> u8) -> Image {
    for value in image.values_mut() {
        *value = f32::from(f(byte(*value))) / 255.0;
    }
    image
}

/// Keeps the `bits` highest bits of each byte; 8 bits are the image itself.
pub(super) fn posterize(image: Image, bits: u32) -> Image {
    if bits >= 8 {
        return image;
    }
    map_bytes(image, |v| v & !(0xFF_u8 >> bits))
}

/// Inverts values at and above the threshold.
pub(super) fn solarize(mut image: Image, threshold: f32) -> Image {
    for value in image.values_mut() {
        if *value >= threshold {
            *value = 1.0 - *value;
        }
    }
    image
}

/// Stretches each channel to the whole range. A constant channel stays as it is.
pub(super) fn auto_contrast(mut image: Image) -> Image {
    for plane in image.planes_mut() {
        let low = plane.iter().copied().fold(f32::INFINITY, f32::min);
        let high = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if high > low {
            for value in plane {
                *value = ((*value - low) / (high - low)).clamp(0.0, 1.0);
            }
        }
    }
    image
}

/// Flattens the histogram of each channel's bytes.
pub(super) fn equalize(mut image: Image) -> Image {
    for plane in image.planes_mut() {
        let mut histogram = [0_usize; 256];
        for &value in plane.iter() {
            histogram[usize::from(byte(value))] += 1;
        }
        let last = histogram
            .iter()
            .rev()
            .find(|&&n| n > 0)
            .copied()
            .unwrap_or(0);
        let step = (plane.len() - last) / 255;
        if step == 0 {
            continue;
        }
        let mut below = step / 2;
        let table = histogram.map(|n| {
            let level = (below / step).min(255) as f32 / 255.0;
            below += n;
            level
        });
        for value in plane {
            *value = table[usize::from(byte(*value))];
        }
    }
    image
}
