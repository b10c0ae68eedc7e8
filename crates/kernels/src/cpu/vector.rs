//! Loops over slices, a vector at a time, compiled for every instruction set and chosen at run time.
//!
//! A build for plain x86-64 may use SSE2 only, a quarter of what AVX-512 does at once; loops that the compiler vectorizes by itself
//! stop doing so where rows are short. The results of two processors may differ in the last bit (length of the vectors, fused
//! multiplication and addition), those of two numbers of threads never.

use std::sync::OnceLock;

use pulp::Simd;

use crate::{Element, lanes::Lanes};

/// The instruction sets that [`vectorized!`] compiles for.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    V4(pulp::x86::V4),
    /// AVX2 with fused multiplication and addition.
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    /// What the target of the build has.
    Portable(pulp::Scalar128b),
}

/// The best that the processor has, and the environment variable `SRR_INSTRUCTIONS` allows: `avx2` leaves out AVX-512, `portable` all that
/// the target of the build may lack, anything else nothing. Both are asked once.
#[inline]
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

fn detect() -> Level {
    let allowed = std::env::var("SRR_INSTRUCTIONS").unwrap_or_default();
    if allowed == "portable" {
        return Level::Portable(pulp::Scalar128b);
    }
    #[cfg(target_arch = "x86_64")]
    {
        if let (Some(simd), true) = (pulp::x86::V4::try_new(), allowed != "avx2") {
            return Level::V4(simd);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Level::V3(simd);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = pulp::aarch64::Neon::try_new() {
        return Level::Neon(simd);
    }
    Level::Portable(pulp::Scalar128b)
}

/// Defines a function over `T: Element` whose body is compiled for each instruction set `S`, of which the first argument is the
/// token. Everything that the body calls with it must be `#[inline(always)]`, closures included.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident, $s:ident>($simd:ident: S $(, $argument:ident: $type:ty)* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$t: $crate::Element>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<$t: $crate::Element, $s: pulp::Simd>($simd: $s, $($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
            fn v4<$t: $crate::Element>(simd: pulp::x86::V4, $($argument: $type),*) $(-> $result)? {
                body::<$t, _>(simd, $($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,lzcnt")]
            fn v3<$t: $crate::Element>(simd: pulp::x86::V3, $($argument: $type),*) $(-> $result)? {
                body::<$t, _>(simd, $($argument),*)
            }

            use $crate::cpu::vector::Level;
            match $crate::cpu::vector::level() {
                // SAFETY: whoever has the token of an instruction set runs on a processor that has it.
                #[cfg(target_arch = "x86_64")]
                Level::V4(simd) => unsafe { v4::<$t>(simd, $($argument),*) },
                // SAFETY: the same.
                #[cfg(target_arch = "x86_64")]
                Level::V3(simd) => unsafe { v3::<$t>(simd, $($argument),*) },
                #[cfg(target_arch = "aarch64")]
                Level::Neon(simd) => body::<$t, _>(simd, $($argument),*),
                Level::Portable(simd) => body::<$t, _>(simd, $($argument),*),
            }
        }
    };
}
pub(super) use vectorized;

vectorized! {
    /// The elements of a vector on this processor.
    pub(super) fn width<T, S>(simd: S) -> usize {
        let _ = simd;
        T::width::<S>()
    }
}

vectorized! {
    /// The row of four that each lane holds after [`columns`](crate::lanes::Vectors::columns).
    pub(super) fn lane_order<T, S>(simd: S) -> Vec<usize> {
        let numbers: Vec<T> = (0..4 * T::width::<S>()).map(|i| T::from_f64((i / 4) as f64)).collect();
        let (rows, _) = T::whole::<S>(&numbers);
        let [first, ..] = T::columns(simd, std::array::from_fn(|i| rows[i]));
        let mut order = vec![T::zero(); T::width::<S>()];
        T::store(simd, first, &mut order);
        order.into_iter().map(|row| row.to_f64() as usize).collect()
    }
}

/// The vector with index `index` of a slice, 0 beyond its end.
#[inline(always)]
pub(super) fn vector_of<T: Element, S: Simd>(simd: S, x: &[T], index: usize) -> Lanes<T, S> {
    let start = index * T::width::<S>();
    if start + T::width::<S>() <= x.len() {
        // SAFETY: the slice holds the whole vector.
        return Lanes::new(simd, unsafe { T::read(x.as_ptr().add(start)) });
    }
    Lanes::load(simd, &x[start.min(x.len())..])
}

/// outputs ← f(inputs, outputs), vector by vector, for slices of one length; beyond their ends f sees zeros.
#[inline(always)]
pub(super) fn side_by_side<T: Element, S: Simd, const I: usize, const O: usize>(
    simd: S,
    inputs: [&[T]; I],
    mut outputs: [&mut [T]; O],
    mut f: impl FnMut([Lanes<T, S>; I], [Lanes<T, S>; O]) -> [Lanes<T, S>; O],
) {
    let (length, lanes) = (outputs[0].len(), T::width::<S>());
    assert!(inputs.iter().all(|x| x.len() == length) && outputs.iter().all(|x| x.len() == length));
    for start in (0..length / lanes).map(|c| c * lanes) {
        // SAFETY: every slice has a whole vector there.
        unsafe {
            let results = f(
                std::array::from_fn(
                    #[inline(always)]
                    |i| Lanes::new(simd, T::read(inputs[i].as_ptr().add(start))),
                ),
                std::array::from_fn(
                    #[inline(always)]
                    |o| Lanes::new(simd, T::read(outputs[o].as_ptr().add(start))),
                ),
            );
            for (output, result) in outputs.iter_mut().zip(results) {
                T::write(output.as_mut_ptr().add(start), result.vector);
            }
        }
    }
    let rest = length / lanes * lanes;
    if rest < length {
        let results = f(
            std::array::from_fn(
                #[inline(always)]
                |i| Lanes::load(simd, &inputs[i][rest..]),
            ),
            std::array::from_fn(
                #[inline(always)]
                |o| Lanes::load(simd, &outputs[o][rest..]),
            ),
        );
        for (output, result) in outputs.into_iter().zip(results) {
            result.store(&mut output[rest..]);
        }
    }
}

/// y ← f(y) for each vector.
#[inline(always)]
pub(super) fn each<T: Element, S: Simd>(
    simd: S,
    y: &mut [T],
    f: impl Fn(Lanes<T, S>) -> Lanes<T, S>,
) {
    side_by_side(
        simd,
        [],
        [y],
        #[inline(always)]
        |[], [y]| [f(y)],
    );
}

/// y ← f(y, x) for slices of one length.
#[inline(always)]
pub(super) fn each2<T: Element, S: Simd>(
    simd: S,
    y: &mut [T],
    x: &[T],
    f: impl Fn(Lanes<T, S>, Lanes<T, S>) -> Lanes<T, S>,
) {
    side_by_side(
        simd,
        [x],
        [y],
        #[inline(always)]
        |[x], [y]| [f(y, x)],
    );
}

/// z ← f(z, x, y) for slices of one length.
#[inline(always)]
pub(super) fn each3<T: Element, S: Simd>(
    simd: S,
    z: &mut [T],
    x: &[T],
    y: &[T],
    f: impl Fn(Lanes<T, S>, Lanes<T, S>, Lanes<T, S>) -> Lanes<T, S>,
) {
    side_by_side(
        simd,
        [x, y],
        [z],
        #[inline(always)]
        |[x, y], [z]| [f(z, x, y)],
    );
}

/// Σ f(x); f must be 0 at 0.
#[inline(always)]
pub(super) fn sum<T: Element, S: Simd>(
    simd: S,
    x: &[T],
    f: impl Fn(Lanes<T, S>) -> Lanes<T, S>,
) -> T {
    let (whole, rest) = T::whole::<S>(x);
    let mut total = Lanes::splat(simd, T::zero());
    for x in whole {
        total += f(Lanes::new(simd, *x));
    }
    if !rest.is_empty() {
        total += f(Lanes::load(simd, rest));
    }
    total.total()
}

/// Σ f(x, y) over slices of one length; f must be 0 at 0.
#[inline(always)]
pub(super) fn sum2<T: Element, S: Simd>(
    simd: S,
    x: &[T],
    y: &[T],
    f: impl Fn(Lanes<T, S>, Lanes<T, S>) -> Lanes<T, S>,
) -> T {
    let mut total = Lanes::splat(simd, T::zero());
    for c in 0..x.len().div_ceil(T::width::<S>()) {
        total += f(vector_of(simd, x, c), vector_of(simd, y, c));
    }
    total.total()
}

#[cfg(test)]
mod tests {
    use super::{each, lane_order, width};
    use crate::{Element, lanes::Vectors};

    vectorized! {
        /// Each column, and the rows once more.
        fn columns_and_rows<T, S>(simd: S, x: &[T]) -> (Vec<T>, Vec<T>) {
            let (rows, _) = T::whole::<S>(x);
            let columns = T::columns(simd, std::array::from_fn(|i| rows[i]));
            let (mut held, mut back) = (vec![T::zero(); x.len()], vec![T::zero(); x.len()]);
            T::whole_mut::<S>(&mut held).0.copy_from_slice(&columns);
            T::whole_mut::<S>(&mut back).0.copy_from_slice(&T::rows(simd, columns));
            (held, back)
        }
    }

    fn check_columns<T: Element>() {
        let lanes = width::<T>();
        let x: Vec<T> = (0..4 * lanes).map(|i| T::from_f64(i as f64)).collect();
        let (columns, rows) = columns_and_rows(&x);
        assert_eq!(rows, x);
        let order = lane_order::<T>();
        for (c, column) in columns.chunks(lanes).enumerate() {
            for (x, row) in column.iter().zip(&order) {
                assert_eq!(*x, T::from_f64((4 * row + c) as f64));
            }
        }
    }

    #[test]
    fn columns_hold_rows_in_the_lane_order() {
        check_columns::<f32>();
        check_columns::<f64>();
    }

    vectorized! {
        fn exponentials<T, S>(simd: S, x: &mut [T]) {
            each(simd, x, #[inline(always)] |x| x.exp_nonpositive());
        }
    }

    #[test]
    fn the_exponential_is_within_two_ulp() {
        let exact: Vec<f32> = (0..=870_000).map(|i| -(i as f32) * 1e-4).collect();
        let mut got = exact.clone();
        exponentials(&mut got);
        for (&x, &got) in exact.iter().zip(&got) {
            let exact = f64::from(x).exp();
            let ulp = f64::from((exact as f32).next_up() - exact as f32);
            assert!(
                (f64::from(got) - exact).abs() < 2.0 * ulp,
                "exp({x}) = {got}"
            );
        }
        let mut edges = [0.0, f32::NEG_INFINITY, -1e30, f32::NAN];
        exponentials(&mut edges);
        assert_eq!(edges[0], 1.0);
        assert!(edges[1] < 1.2e-38 && edges[2] < 1.2e-38 && edges[3].is_nan());
    }

    vectorized! {
        fn error_functions<T, S>(simd: S, x: &mut [T]) {
            each(simd, x, #[inline(always)] |x| x.erf());
        }
    }

    #[test]
    fn the_error_function_is_close() {
        let mut x: Vec<f32> = (-6000..=6000).map(|i| i as f32 * 1e-3).collect();
        let exact: Vec<f64> = x.iter().map(|&x| libm::erf(f64::from(x))).collect();
        error_functions(&mut x);
        for (got, exact) in x.iter().zip(exact) {
            assert!((f64::from(*got) - exact).abs() < 4e-7, "{got} {exact}");
        }
        let mut nan = [f32::NAN];
        error_functions(&mut nan);
        assert!(nan[0].is_nan());
    }

    #[test]
    fn doubles_take_the_systems_exponential() {
        let mut x: Vec<f64> = (0..23).map(|i| -f64::from(i) * 3.7).collect();
        let exact: Vec<f64> = x.iter().map(|x| x.exp()).collect();
        exponentials(&mut x);
        assert_eq!(x, exact);
        assert!(
            width::<f64>() * 2 == width::<f32>()
                && <f32 as Vectors>::width::<pulp::Scalar128b>() == 4
        );
    }
}
