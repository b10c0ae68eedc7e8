//! Loops compiled for several instruction sets, of which the best that the processor has is taken at run time.
//!
//! A build for plain x86-64 may use SSE2 only, a quarter of what AVX-512 does at once. [`vectorized!`] compiles a function's body for
//! AVX-512, for AVX2 and for the target's own set; everything that the body calls must be `#[inline(always)]`, or it stays at
//! the target's. The results of the three may differ in the last bit (fused multiplication and addition), never with the number of
//! threads.

use crate::Element;

/// Whether the target itself has fused multiplication and addition.
pub(super) const TARGET_FUSES: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Defines a function over `T: Element` whose body is compiled once for each instruction set; the constant `FUSED` tells the body
/// whether [`multiply_add`](crate::element::multiply_add) is one instruction.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident, const FUSED>($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$t: $crate::Element>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<$t: $crate::Element, const FUSED: bool>($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512<$t: $crate::Element>($($argument: $type),*) $(-> $result)? {
                    body::<$t, true>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2<$t: $crate::Element>($($argument: $type),*) $(-> $result)? {
                    body::<$t, true>($($argument),*)
                }
                match $crate::cpu::vector::level() {
                    // SAFETY: the processor has the instructions.
                    $crate::cpu::vector::Level::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: the processor has the instructions.
                    $crate::cpu::vector::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::cpu::vector::Level::Baseline => {}
                }
            }
            body::<$t, { $crate::cpu::vector::TARGET_FUSES }>($($argument),*)
        }
    };
}
pub(super) use vectorized;

/// What the processor offers, of what [`vectorized!`] compiles for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Baseline,
    Avx2,
    Avx512,
}

/// The processor's level; the question is asked once.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn level() -> Level {
    static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(|| {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx2, avx512) {
            (true, true) => Level::Avx512,
            (true, false) => Level::Avx2,
            (false, _) => Level::Baseline,
        }
    })
}

/// How many accumulators a sum has: one AVX-512 register of `f32`.
pub(super) const LANES: usize = 16;

/// The sum of `f(x)` over a slice, in [`LANES`] interleaved sums that are added in a fixed order.
#[inline(always)]
pub(super) fn sum<T: Element>(x: &[T], f: impl Fn(T) -> T) -> T {
    let mut lanes = [T::zero(); LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f(x);
    }
    reduce(lanes)
}

/// The sum of `f(x, y)` over two slices of one length, as [`sum`].
#[inline(always)]
pub(super) fn sum2<T: Element>(x: &[T], y: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::zero(); LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(x, y);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += f(x, y);
    }
    reduce(lanes)
}

/// Σ x y z over three slices of one length, as [`sum`].
#[inline(always)]
pub(super) fn sum3<T: Element>(x: &[T], y: &[T], z: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let ((x, x_rest), (y, y_rest), (z, z_rest)) = (
        x.as_chunks::<LANES>(),
        y.as_chunks::<LANES>(),
        z.as_chunks::<LANES>(),
    );
    for ((x, y), z) in x.iter().zip(y).zip(z) {
        for (((lane, &x), &y), &z) in lanes.iter_mut().zip(x).zip(y).zip(z) {
            *lane += x * y * z;
        }
    }
    for (((lane, &x), &y), &z) in lanes.iter_mut().zip(x_rest).zip(y_rest).zip(z_rest) {
        *lane += x * y * z;
    }
    reduce(lanes)
}

/// Calls `f` for each element: whole vectors first, so that short rows vectorize as well as long ones.
#[inline(always)]
pub(super) fn each<T: Element>(y: &mut [T], f: impl Fn(&mut T)) {
    let (y, rest) = y.as_chunks_mut::<LANES>();
    for y in y {
        y.iter_mut().for_each(&f);
    }
    rest.iter_mut().for_each(f);
}

/// The same for pairs of elements of two slices of one length.
#[inline(always)]
pub(super) fn each2<T: Element>(y: &mut [T], x: &[T], f: impl Fn(&mut T, T)) {
    let ((y, y_rest), (x, x_rest)) = (y.as_chunks_mut::<LANES>(), x.as_chunks::<LANES>());
    for (y, x) in y.iter_mut().zip(x) {
        y.iter_mut().zip(x).for_each(|(y, &x)| f(y, x));
    }
    y_rest.iter_mut().zip(x_rest).for_each(|(y, &x)| f(y, x));
}

/// The same for triples.
#[inline(always)]
pub(super) fn each3<T: Element>(z: &mut [T], x: &[T], y: &[T], f: impl Fn(&mut T, T, T)) {
    let ((z, z_rest), (x, x_rest), (y, y_rest)) = (
        z.as_chunks_mut::<LANES>(),
        x.as_chunks::<LANES>(),
        y.as_chunks::<LANES>(),
    );
    for ((z, x), y) in z.iter_mut().zip(x).zip(y) {
        z.iter_mut()
            .zip(x)
            .zip(y)
            .for_each(|((z, &x), &y)| f(z, x, y));
    }
    z_rest
        .iter_mut()
        .zip(x_rest)
        .zip(y_rest)
        .for_each(|((z, &x), &y)| f(z, x, y));
}

/// The sum of the lanes, by halves.
#[inline(always)]
pub(super) fn reduce<T: Element>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = lanes[i] + lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The larger of two, or the second if either is NaN.
#[inline(always)]
pub(super) fn larger<T: Element>(a: T, b: T) -> T {
    if a > b { a } else { b }
}
