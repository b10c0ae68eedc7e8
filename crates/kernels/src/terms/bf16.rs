//! Two terms in a word of 32 bits, rounded to bf16: eight bits of exponent and seven of fraction.

#[cfg(target_arch = "x86_64")]
use {
    super::Terms,
    pulp::Simd,
    std::{
        arch::x86_64::{
            __m256bh, __m256i, __m512, __m512bh, _mm512_castsi512_ps, _mm512_cvtepu16_epi32,
            _mm512_cvtne2ps_pbh, _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_or_si512,
            _mm512_slli_epi32, _mm512_sub_ps,
        },
        mem::{transmute, transmute_copy},
    },
};

/// The sign that the processor has AVX-512 with its bf16 extension.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bf16(pulp::x86::V4);

#[cfg(target_arch = "x86_64")]
impl Bf16 {
    pub(crate) fn detect() -> Option<Self> {
        match crate::cpu::level() {
            crate::cpu::Level::V4(simd) if is_x86_feature_detected!("avx512bf16") => {
                Some(Self(simd))
            }
            _ => None,
        }
    }

    pub(crate) fn simd(self) -> pulp::x86::V4 {
        self.0
    }
}

/// Two terms of a sum, the first in the lower half. Only AVX-512 with its bf16 extension multiplies them; NaN stays NaN.
#[derive(Debug)]
#[cfg(target_arch = "x86_64")]
pub enum Pairs {}

/// There are no instructions for two.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use super::Whole as Pairs;

#[cfg(target_arch = "x86_64")]
impl Terms<f32> for Pairs {
    const TERMS: usize = 2;

    #[inline(always)]
    unsafe fn word<S: Simd>(_: S, row: S::f32s, next: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe {
            let half = |x: __m256bh| _mm512_cvtepu16_epi32(transmute::<__m256bh, __m256i>(x));
            let low = half(_mm512_cvtneps_pbh(wide(row)));
            let high = half(_mm512_cvtneps_pbh(wide(next)));
            let words = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
            narrow(_mm512_castsi512_ps(words))
        }
    }

    #[inline(always)]
    unsafe fn words<S: Simd>(_: S, first: S::f32s, second: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe {
            let words = _mm512_cvtne2ps_pbh(wide(second), wide(first));
            narrow(transmute::<__m512bh, __m512>(words))
        }
    }

    #[inline(always)]
    unsafe fn multiply_add<S: Simd>(_: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe {
            let pairs = |x: __m512| transmute::<__m512, __m512bh>(x);
            narrow(_mm512_dpbf16_ps(wide(sum), pairs(wide(a)), pairs(wide(b))))
        }
    }
}

/// What rounding to bf16 leaves of numbers, exactly.
///
/// # Safety
/// The processor must have AVX-512 and its bf16 extension, and the vectors must be of 512 bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn remainder<V: Copy>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let half = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(wide(x)));
        let rounded = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half));
        narrow(_mm512_sub_ps(wide(x), _mm512_castsi512_ps(rounded)))
    }
}

/// A vector of 512 bits as what it is.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn wide<V: Copy>(vector: V) -> __m512 {
    const { assert!(size_of::<V>() == size_of::<__m512>()) };
    // SAFETY: both are 512 bits of plain data.
    unsafe { transmute_copy(&vector) }
}

/// The same the other way round.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn narrow<V: Copy>(vector: __m512) -> V {
    const { assert!(size_of::<V>() == size_of::<__m512>()) };
    // SAFETY: both are 512 bits of plain data.
    unsafe { transmute_copy(&vector) }
}
