//! What a word of a packed operand holds: a term, or two in half the width.

#[cfg(target_arch = "x86_64")]
use super::vector::{Level, level};
#[cfg(target_arch = "x86_64")]
use crate::terms::Pairs;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::terms::{Split, Tiles};
use crate::{
    Element, MatmulPrecision,
    terms::{Terms, Whole},
};

/// What the words of a product hold.
#[derive(Clone, Copy)]
pub(super) enum Words {
    /// One term, as it is.
    Whole,
    /// Two terms rounded to bf16; there is this value only where the processor multiplies them.
    #[cfg(target_arch = "x86_64")]
    Pairs(pulp::x86::V4),
    /// The same, multiplied in tiles.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles(pulp::x86::V4),
    /// Each term as two of bf16, multiplied in tiles.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Split(pulp::x86::V4),
}

impl Words {
    /// The fastest that are as precise as asked for.
    pub(super) fn of<T: Element>(precision: MatmulPrecision) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (true, Level::V4(simd)) = (T::Halved::TERMS > 1, level()) {
            #[cfg(target_os = "linux")]
            let tiles = crate::terms::amx::available();
            return match precision.on_this_processor() {
                #[cfg(target_os = "linux")]
                MatmulPrecision::Medium if tiles => Self::Tiles(simd),
                MatmulPrecision::Medium => Self::Pairs(simd),
                #[cfg(target_os = "linux")]
                MatmulPrecision::High => Self::Split(simd),
                _ => Self::Whole,
            };
        }
        let _ = precision;
        Self::Whole
    }

    /// The same, or more precise, where each lane multiplies words of its own, which tiles cannot.
    pub(super) fn lane_by_lane(self) -> Self {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles(simd) => Self::Pairs(simd),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Split(_) => Self::Whole,
            other => other,
        }
    }

    /// The words of so many terms.
    pub(super) fn count(self, terms: usize) -> usize {
        match self {
            Self::Whole => <Whole as Terms<f32>>::count(terms),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs(_) => Pairs::count(terms),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles(_) => Tiles::count(terms),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Split(_) => Split::count(terms),
        }
    }

    /// The terms of so many words.
    pub(super) fn terms(self, words: usize) -> usize {
        match self {
            Self::Whole => <Whole as Terms<f32>>::terms(words),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs(_) => Pairs::terms(words),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles(_) => Tiles::terms(words),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Split(_) => Split::terms(words),
        }
    }
}

/// Defines a function of [`Words`] over `T: Element`, whose body is compiled for each instruction set `S` and each kind of words
/// `W: Terms<T>` that it has. What is said of [`vectorized`](super::vector::vectorized) holds here too. Wherever the body runs with a
/// `W`, the processor has the instructions of `W`.
macro_rules! over_words {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident, $s:ident, $w:ident>($simd:ident: S $(, $argument:ident: $type:ty)* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name<$t: $crate::Element>(words: $crate::cpu::words::Words, $($argument: $type),*) {
            #[inline(always)]
            fn of_words<$t: $crate::Element, $s: pulp::Simd, $w: $crate::terms::Terms<$t>>($simd: $s, $($argument: $type),*) $body

            $crate::cpu::vector::vectorized! {
                fn whole<$t, $s>(simd: S, $($argument: $type),*) {
                    of_words::<$t, $s, $crate::terms::Whole>(simd, $($argument),*)
                }
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
            fn halved<$t: $crate::Element, $w: $crate::terms::Terms<$t>>(simd: pulp::x86::V4, $($argument: $type),*) {
                of_words::<$t, _, $w>(simd, $($argument),*)
            }

            match words {
                $crate::cpu::words::Words::Whole => whole::<$t>($($argument),*),
                // SAFETY: there is this value only on a processor that has the features.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::words::Words::Pairs(simd) => unsafe { halved::<$t, $t::Halved>(simd, $($argument),*) },
                // SAFETY: the same.
                #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                $crate::cpu::words::Words::Tiles(simd) => unsafe { halved::<$t, $t::Tiled>(simd, $($argument),*) },
                // SAFETY: the same.
                #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                $crate::cpu::words::Words::Split(simd) => unsafe { halved::<$t, $t::Split>(simd, $($argument),*) },
            }
        }
    };
}
pub(super) use over_words;
