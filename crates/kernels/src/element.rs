//! The element types of tensors.

/// A type that tensors hold: `f32` or `f64`.
pub trait Element: srr_linalg::Scalar {}

impl Element for f32 {}
impl Element for f64 {}
