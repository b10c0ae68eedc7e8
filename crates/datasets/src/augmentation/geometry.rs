//! Operations that move pixels.

use super::image::Image;
use crate::ImageShape;
use srr_random::Stream;

/// A rectangle of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Window {
    pub(super) fn whole(shape: ImageShape) -> Self {
        Self {
            top: 0,
            left: 0,
            height: shape.height,
            width: shape.width,
        }
    }
}

/// Mirrors left and right.
pub(super) fn flip(image: &Image) -> Image {
    let mut out = image.clone();
    for row in out.values_mut().chunks_exact_mut(image.shape().width) {
        row.reverse();
    }
    out
}

/// A piece of the size of the image, anywhere in the image with `padding` black pixels around it.
pub(super) fn padded_crop(image: &Image, padding: usize, stream: &mut Stream) -> Image {
    let positions = 2 * padding as u64 + 1;
    let down = stream.below(positions) as isize - padding as isize;
    let right = stream.below(positions) as isize - padding as isize;
    shift(image, down, right)
}

/// out[y, x] = image[y + down, x + right], black outside.
fn shift(image: &Image, down: isize, right: isize) -> Image {
    let shape = image.shape();
    let mut out = Image::black(shape);
    for (from, to) in image.planes().zip(out.planes_mut()) {
        for y in 0..shape.height {
            let Some(source) = y.checked_add_signed(down).filter(|&s| s < shape.height) else {
                continue;
            };
            for x in 0..shape.width {
                if let Some(s) = x.checked_add_signed(right).filter(|&s| s < shape.width) {
                    to[y * shape.width + x] = from[source * shape.width + s];
                }
            }
        }
    }
    out
}

/// A random window: its share of the area uniform in `area`, the logarithm of its width by height uniform in that of `ratio`.
pub(super) fn random_window(
    shape: ImageShape,
    area: [f64; 2],
    ratio: [f64; 2],
    stream: &mut Stream,
) -> Window {
    let (rows, columns) = (shape.height as f64, shape.width as f64);
    for _ in 0..10 {
        let target = rows * columns * stream.uniform_in(area[0], area[1]);
        let aspect = stream.uniform_in(ratio[0].ln(), ratio[1].ln()).exp();
        let width = (target * aspect).sqrt().round() as usize;
        let height = (target / aspect).sqrt().round() as usize;
        if (1..=shape.width).contains(&width) && (1..=shape.height).contains(&height) {
            return Window {
                top: stream.below((shape.height - height) as u64 + 1) as usize,
                left: stream.below((shape.width - width) as u64 + 1) as usize,
                height,
                width,
            };
        }
    }
    let aspect = (columns / rows).clamp(ratio[0], ratio[1]);
    let width = ((rows * aspect).round().min(columns) as usize).max(1);
    let height = ((columns / aspect).round().min(rows) as usize).max(1);
    Window {
        top: (shape.height - height) / 2,
        left: (shape.width - width) / 2,
        height,
        width,
    }
}

/// The window, resized to `height` × `width` with a triangle filter as wide as a pixel of the coarser of the two grids: bilinear
/// interpolation where it grows, an average where it shrinks. Pixel centers lie at half integers.
pub(super) fn resize(image: &Image, window: Window, height: usize, width: usize) -> Image {
    let shape = image.shape();
    let down = taps(window.top, window.height, height);
    let across = taps(window.left, window.width, width);
    let mut out = Image::black(ImageShape::new(shape.channels, height, width));
    let mut rows = vec![0.0_f32; shape.height * width];
    for (from, to) in image.planes().zip(out.planes_mut()) {
        for y in window.top..window.top + window.height {
            let source = &from[y * shape.width..(y + 1) * shape.width];
            for (tap, out) in across.iter().zip(&mut rows[y * width..(y + 1) * width]) {
                *out = tap
                    .weights
                    .iter()
                    .zip(&source[tap.start..])
                    .map(|(w, v)| w * v)
                    .sum();
            }
        }
        for (tap, row) in down.iter().zip(to.chunks_exact_mut(width)) {
            for (w, y) in tap.weights.iter().zip(tap.start..) {
                for (out, v) in row.iter_mut().zip(&rows[y * width..]) {
                    *out += w * v;
                }
            }
            for out in row {
                *out = out.clamp(0.0, 1.0); // the weights sum to 1 only up to rounding
            }
        }
    }
    out
}

/// What one output coordinate is made of: input coordinates `start..` with these weights.
struct Tap {
    start: usize,
    weights: Vec<f32>,
}

/// The taps of `to` outputs on the inputs `first..first + from`.
fn taps(first: usize, from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let reach = scale.max(1.0);
    (0..to)
        .map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let start = (center - reach).floor().max(0.0) as usize;
            let end = ((center + reach).ceil() as usize).min(from);
            let weight = |j: usize| (1.0 - ((j as f64 + 0.5 - center) / reach).abs()).max(0.0);
            let sum: f64 = (start..end).map(weight).sum();
            Tap {
                start: first + start,
                weights: (start..end).map(|j| (weight(j) / sum) as f32).collect(),
            }
        })
        .collect()
}

/// out(x, y) = image(m·(x, y)) with nearest neighbors and black outside: `m` takes a point of the result to one of the image,
/// both measured in pixels from `origin` (x, y), pixel centers at half integers. m = [a b c; d e f].
pub(super) fn affine(image: &Image, m: [f64; 6], origin: (f64, f64)) -> Image {
    let shape = image.shape();
    let mut out = Image::black(shape);
    let [a, b, c, d, e, f] = m;
    let inside = |v: f64, end: usize| (v >= 0.0 && v < end as f64).then_some(v as usize);
    for row in 0..shape.height {
        for column in 0..shape.width {
            let (x, y) = (column as f64 + 0.5 - origin.0, row as f64 + 0.5 - origin.1);
            let from_x = inside(a * x + b * y + c + origin.0, shape.width);
            let from_y = inside(d * x + e * y + f + origin.1, shape.height);
            let (Some(from_x), Some(from_y)) = (from_x, from_y) else {
                continue;
            };
            for (from, to) in image.planes().zip(out.planes_mut()) {
                to[row * shape.width + column] = from[from_y * shape.width + from_x];
            }
        }
    }
    out
}
