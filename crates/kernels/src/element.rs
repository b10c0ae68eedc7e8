//! The element types of tensors.

use srr_linalg::Scalar;

use crate::lanes::Vectors;

/// A type that tensors hold: `f32` or `f64`.
pub trait Element: Scalar + Vectors {}

impl Element for f32 {}
impl Element for f64 {}
