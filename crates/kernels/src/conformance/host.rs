//! Naive arrays on the host, and central differences.

use crate::Dropout;

/// A row-major array of `f64`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Host {
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<f64>,
}

impl Host {
    pub(super) fn new(shape: &[usize], mut value: impl FnMut(usize) -> f64) -> Self {
        let length = shape.iter().product();
        Self {
            shape: shape.to_vec(),
            data: (0..length).map(&mut value).collect(),
        }
    }

    pub(super) fn zeros(shape: &[usize]) -> Self {
        Self::new(shape, |_| 0.0)
    }

    pub(super) fn reshaped(mut self, shape: &[usize]) -> Self {
        self.shape = shape.to_vec();
        self
    }

    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::new(&self.shape, |i| f(self.data[i]))
    }

    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self::new(&self.shape, |i| f(self.data[i], other.data[i]))
    }

    /// The length of the last axis.
    pub(super) fn width(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.width())
    }

    /// Every row mapped to another of the same length.
    pub(super) fn map_rows(&self, f: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        Self {
            shape: self.shape.clone(),
            data: self.rows().flat_map(f).collect(),
        }
    }

    /// Element (i, j) of the `b`-th matrix.
    pub(super) fn at(&self, b: usize, i: usize, j: usize) -> f64 {
        let (n, width) = (self.shape[self.shape.len() - 2], self.width());
        self.data[(b * n + i) * width + j]
    }

    pub(super) fn dot(&self, other: &Self) -> f64 {
        self.data.iter().zip(&other.data).map(|(a, b)| a * b).sum()
    }

    /// x Wᵀ for each row of x.
    pub(super) fn times_transposed(&self, w: &Self) -> Self {
        let mut shape = self.shape.clone();
        let last = shape.len() - 1;
        shape[last] = w.shape[0];
        let product = |row: &[f64]| -> Vec<f64> {
            w.rows()
                .map(|w| w.iter().zip(row).map(|(a, b)| a * b).sum())
                .collect()
        };
        Self {
            shape,
            data: self.rows().flat_map(product).collect(),
        }
    }

    pub(super) fn transposed(&self) -> Self {
        let (m, n) = (self.shape[0], self.shape[1]);
        Self::new(&[n, m], |i| self.data[i % m * n + i / m])
    }
}

/// The factor of element `column` of row `row` under dropout, in rows of `width` elements.
pub(super) fn dropout_factor(dropout: &Dropout, row: usize, column: usize, width: usize) -> f64 {
    let q = (dropout.probability * 65536.0).round().min(65535.0);
    let words = dropout
        .seed
        .block((row * width.div_ceil(8) + column / 8) as u64);
    let word = words[column % 8 / 2];
    let half = if column.is_multiple_of(2) {
        word % 65536
    } else {
        word / 65536
    };
    if f64::from(half) >= q {
        1.0 / (1.0 - q / 65536.0)
    } else {
        0.0
    }
}

/// The gradient of `f` with respect to `inputs[index]`, by central differences.
pub(super) fn central_differences(
    inputs: &[&Host],
    index: usize,
    f: impl Fn(&[&Host]) -> f64,
) -> Host {
    const STEP: f64 = 1e-5;
    let mut moved = inputs[index].clone();
    Host::new(&inputs[index].shape, |i| {
        let at = inputs[index].data[i];
        let mut value = |x: f64| {
            moved.data[i] = x;
            let mut all = inputs.to_vec();
            all[index] = &moved;
            f(&all)
        };
        let mut across = |step: f64| value(at + step) - value(at - step);
        // Of fourth order: the third derivatives of rates can be large.
        let difference = 8.0 * across(STEP) - across(2.0 * STEP);
        moved.data[i] = at;
        difference / (12.0 * STEP)
    })
}
