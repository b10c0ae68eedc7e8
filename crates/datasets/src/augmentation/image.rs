//! One image of floating-point numbers.

use crate::{Error, ImageShape, Result};

/// One image [C, H, W] of numbers between 0 (black) and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    values: Vec<f32>,
    shape: ImageShape,
}

impl Image {
    /// An image from its values.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the number of values is not that of the shape, or one is not between 0 and 1.
    pub fn new(values: Vec<f32>, shape: ImageShape) -> Result<Self> {
        if shape.checked_len()? != values.len() {
            return Err(Error::invalid(
                "image",
                format!("{shape} values"),
                values.len(),
            ));
        }
        if let Some(v) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(Error::invalid("value of an image", "0 to 1", v));
        }
        Ok(Self { values, shape })
    }

    /// Bytes divided by their scale; sizes and range known to fit.
    pub(crate) fn from_bytes(bytes: &[u8], shape: ImageShape, scale: u8) -> Self {
        let scale = f32::from(scale);
        Self {
            values: bytes.iter().map(|&v| f32::from(v) / scale).collect(),
            shape,
        }
    }

    /// A black image.
    pub(super) fn black(shape: ImageShape) -> Self {
        Self {
            values: vec![0.0; shape.len()],
            shape,
        }
    }

    /// The values [C, H, W].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Channels, height and width.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The channels, each [H, W].
    pub(super) fn planes(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.shape.pixels())
    }

    pub(super) fn planes_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.values.chunks_exact_mut(self.shape.pixels())
    }
}
