//! The element types: `f32` and `f64`, and nothing else.

use std::iter::Sum;

use ndarray::NdFloat;
use num_traits::NumAssign;

mod sealed {
    pub trait Sealed: crate::factorization::Provide {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point element: `f32` or `f64`.
///
/// The trait is sealed; products and factorizations are implemented for these two alone.
pub trait Scalar: sealed::Sealed + NdFloat + NumAssign + Sum + Default {
    /// Name of the type as it is written in Rust, `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The same value as an `f64`, without loss.
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";

    #[inline]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";

    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline]
    fn to_f64(self) -> f64 {
        self
    }
}
