//! What a word of a packed operand holds: a term, or two in half the width.

#[cfg(target_arch = "x86_64")]
use crate::terms::{Bf16, Pairs};
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::terms::{Split, Tiles, amx::Amx};
use crate::{
    Element, MatmulPrecision,
    terms::{Terms, Whole},
};

/// What the words of a product hold.
#[derive(Clone, Copy)]
pub(super) enum Words {
    /// One term, as it is.
    Whole,
    /// Two terms rounded to bf16.
    #[cfg(target_arch = "x86_64")]
    Pairs(Bf16),
    /// The same, multiplied in tiles.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles(Amx),
    /// Each term as two of bf16, multiplied in tiles.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Split(Amx),
}

impl Words {
    /// The fastest that are as precise as asked for.
    pub(super) fn of<T: Element>(precision: MatmulPrecision) -> Self {
        if T::Halved::TERMS == 1 {
            return Self::Whole;
        }
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        match (precision, Amx::detect()) {
            (MatmulPrecision::High, Some(amx)) => return Self::Split(amx),
            (MatmulPrecision::Medium, Some(amx)) => return Self::Tiles(amx),
            _ => {}
        }
        #[cfg(target_arch = "x86_64")]
        if let (MatmulPrecision::Medium, Some(bf16)) = (precision, Bf16::detect()) {
            return Self::Pairs(bf16);
        }
        let _ = precision;
        Self::Whole
    }

    /// The same, or more precise, where each lane multiplies words of its own, which tiles cannot.
    pub(super) fn lane_by_lane(self) -> Self {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles(amx) => Self::Pairs(amx.bf16()),
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
                $crate::cpu::words::Words::Pairs(bf16) => unsafe { halved::<$t, $t::Halved>(bf16.simd(), $($argument),*) },
                // SAFETY: the same.
                #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                $crate::cpu::words::Words::Tiles(amx) => unsafe { halved::<$t, $t::Tiled>(amx.bf16().simd(), $($argument),*) },
                // SAFETY: the same.
                #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                $crate::cpu::words::Words::Split(amx) => unsafe { halved::<$t, $t::Split>(amx.bf16().simd(), $($argument),*) },
            }
        }
    };
}
pub(super) use over_words;
