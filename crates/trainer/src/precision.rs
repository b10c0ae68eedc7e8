//! What a model computes with, as one option.

use serde::{Deserialize, Serialize};
use srr_kernels::{Backend, MatmulPrecision};
use std::fmt;

/// What a model computes with: `f64`, or `f32` with matrix products of a [`MatmulPrecision`].
///
/// Its text forms are `highest`, `high`, `medium` and `f64`; `f32` is read as `highest`.
///
/// ```
/// use srr_kernels::{Cpu, MatmulPrecision};
/// use srr_trainer::ComputePrecision;
///
/// let backend = Cpu::<f32>::new().with_precision(MatmulPrecision::Medium);
/// let precision = ComputePrecision::of(&backend);
/// assert_eq!(precision.matmul(), Some(MatmulPrecision::Medium));
/// assert_eq!(precision.to_string(), "medium");
/// assert_eq!(ComputePrecision::of(&Cpu::<f64>::new()).matmul(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComputePrecision {
    /// Single precision throughout.
    #[default]
    #[serde(alias = "f32")]
    Highest,
    /// Single precision with products at [`MatmulPrecision::High`].
    High,
    /// Single precision with products at [`MatmulPrecision::Medium`].
    Medium,
    /// Double precision throughout.
    F64,
}

impl ComputePrecision {
    /// What a backend computes with.
    pub fn of<B: Backend>(backend: &B) -> Self {
        if size_of::<B::Element>() != size_of::<f32>() {
            return Self::F64;
        }
        match backend.precision() {
            MatmulPrecision::Highest => Self::Highest,
            MatmulPrecision::High => Self::High,
            MatmulPrecision::Medium => Self::Medium,
        }
    }

    /// The precision of products of `f32` matrices; `None` in `f64`.
    pub const fn matmul(self) -> Option<MatmulPrecision> {
        match self {
            Self::Highest => Some(MatmulPrecision::Highest),
            Self::High => Some(MatmulPrecision::High),
            Self::Medium => Some(MatmulPrecision::Medium),
            Self::F64 => None,
        }
    }

    /// What this processor computes in its place, if it does.
    ///
    /// ```
    /// use srr_trainer::ComputePrecision;
    /// assert_eq!(ComputePrecision::Highest.substitute(), None);
    /// ```
    pub fn substitute(self) -> Option<MatmulPrecision> {
        let asked = self.matmul()?;
        Some(asked.on_this_processor()).filter(|computed| *computed != asked)
    }

    /// Its name in what identifies a run: `highest` is `f32` there, as it was before there were other levels, so that the runs of that time
    /// keep their identity.
    pub const fn identity(self) -> &'static str {
        match self.matmul() {
            Some(MatmulPrecision::Highest) => "f32",
            Some(lower) => lower.name(),
            None => "f64",
        }
    }
}

impl fmt::Display for ComputePrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::ComputePrecision;
    use serde_json::{from_str, to_string};

    #[test]
    fn names_are_read_as_they_are_written_and_as_they_identify() {
        use ComputePrecision::{F64, High, Highest, Medium};
        for precision in [Highest, High, Medium, F64] {
            let text = to_string(&precision).unwrap();
            assert_eq!(text, format!("\"{precision}\""));
            let identity = to_string(precision.identity()).unwrap();
            for text in [text, identity] {
                assert_eq!(from_str::<ComputePrecision>(&text).unwrap(), precision);
            }
        }
        assert_eq!(Highest.identity(), "f32");
        let error = from_str::<ComputePrecision>("\"low\"").unwrap_err();
        let message = error.to_string();
        for name in ["`low`", "`highest`", "`high`", "`medium`", "`f64`"] {
            assert!(message.contains(name), "{message}");
        }
    }
}
