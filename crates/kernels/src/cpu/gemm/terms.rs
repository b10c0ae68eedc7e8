//! What a word of a packed operand holds: a term, or two in half the width.

#[cfg(target_arch = "x86_64")]
use super::super::vector::{Level, level};
use crate::{Element, MatmulPrecision, lanes::Terms};

/// What the words of a product hold.
#[derive(Clone, Copy)]
pub(in crate::cpu) enum Words {
    /// One term, as it is.
    Whole,
    /// Two terms rounded to bf16; there is this value only where the processor multiplies them.
    #[cfg(target_arch = "x86_64")]
    Pairs(pulp::x86::V4),
}

impl Words {
    /// The fastest that are as precise as asked for.
    pub(in crate::cpu) fn of<T: Element>(precision: MatmulPrecision) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (MatmulPrecision::Medium, 2, Level::V4(simd)) =
            (precision.on_this_processor(), T::Halved::TERMS, level())
        {
            return Self::Pairs(simd);
        }
        let _ = precision;
        Self::Whole
    }

    /// The words of so many terms.
    pub(in crate::cpu) fn count(self, terms: usize) -> usize {
        match self {
            Self::Whole => terms,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs(_) => terms.div_ceil(2),
        }
    }

    /// The terms of so many words.
    pub(in crate::cpu) fn terms(self, words: usize) -> usize {
        match self {
            Self::Whole => words,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs(_) => 2 * words,
        }
    }
}
