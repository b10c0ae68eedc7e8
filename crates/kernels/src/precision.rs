//! How precise products of `f32` matrices are.

use std::{fmt, str::FromStr};

use crate::{Error, Result};

/// How precise products of `f32` matrices are, by the names of `torch.set_float32_matmul_precision`.
///
/// It concerns `f32` only, and there the operands of linear maps, ISTA steps and attention, and of `matmul` of two matrices: sums, master
/// weights, norms, softmax, rates and batches of `matmul` stay in `f32` or better. Where the processor has no instructions that make a level
/// faster, [`Highest`](Self::Highest) is used; [`on_this_processor`](Self::on_this_processor) says so.
///
/// ```
/// use srr_kernels::{Backend, Cpu, MatmulPrecision};
///
/// let cpu = Cpu::<f32>::new().with_precision("medium".parse()?);
/// assert_eq!(cpu.precision(), MatmulPrecision::Medium);
/// assert_eq!(Cpu::<f32>::new().precision(), MatmulPrecision::Highest);
/// # Ok::<(), srr_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MatmulPrecision {
    /// The accuracy of `f32`.
    #[default]
    Highest,
    /// Each `f32` as the sum of two bf16 numbers, and the three larger products of these. Only AMX tiles make that faster than one product
    /// of `f32`: without them it is computed as [`Highest`](Self::Highest), and with them attention within heads is.
    High,
    /// Operands rounded to bf16. It needs AVX-512 BF16, and is computed as [`Highest`](Self::Highest) without; AMX tiles multiply where
    /// Linux grants them.
    Medium,
}

impl MatmulPrecision {
    /// Every level, the most accurate first.
    pub const ALL: [Self; 3] = [Self::Highest, Self::High, Self::Medium];

    /// The name by which it is read and written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::High => "high",
            Self::Medium => "medium",
        }
    }

    /// The level that this processor computes it as.
    ///
    /// ```
    /// use srr_kernels::MatmulPrecision;
    ///
    /// assert_eq!(MatmulPrecision::Highest.on_this_processor(), MatmulPrecision::Highest);
    /// ```
    pub fn on_this_processor(self) -> Self {
        match self {
            Self::High if has_tiles() => Self::High,
            Self::Medium if has_bf16() => Self::Medium,
            _ => Self::Highest,
        }
    }
}

/// Whether the processor multiplies pairs of bf16 numbers in vectors of 512 bits.
fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        crate::terms::Bf16::detect().is_some()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Whether it multiplies them in tiles, and the system lets it.
fn has_tiles() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        crate::terms::amx::Amx::detect().is_some()
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    {
        false
    }
}

impl fmt::Display for MatmulPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for MatmulPrecision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| Error::UnknownPrecision { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::MatmulPrecision;

    #[test]
    fn names_are_read_as_they_are_written() {
        for precision in MatmulPrecision::ALL {
            let read: MatmulPrecision = precision.to_string().parse().unwrap();
            assert_eq!(read, precision);
        }
        let error = "low".parse::<MatmulPrecision>().unwrap_err().to_string();
        assert_eq!(
            error,
            "no precision of matrix products is called \"low\"; there are highest, high, medium"
        );
    }
}
