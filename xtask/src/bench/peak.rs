//! How many operations a second the processor's multiply-add units reach, with all operands in registers.

use pulp::{Arch, Simd, WithSimd};
use std::{hint::black_box, time::Instant};

/// Independent sums: more than the units' latency can hide behind, and few enough for the registers of every instruction set.
const SUMS: usize = 12;
const ROUNDS: usize = 400_000;

struct Chains;

impl WithSimd for Chains {
    type Output = f64;

    /// Operations done.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = simd.splat_f32s(black_box(0.999));
        let mut sums = [simd.splat_f32s(black_box(1.0)); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, factor);
            }
        }
        black_box(sums);
        (2 * SUMS * ROUNDS * size_of::<S::f32s>() / size_of::<f32>()) as f64
    }
}

/// GFLOP/s in f32 of the current pool, all its threads together.
pub(super) fn measure() -> f64 {
    let start = Instant::now();
    let operations: f64 = rayon::broadcast(|_| Arch::new().dispatch(Chains))
        .iter()
        .sum();
    operations / start.elapsed().as_secs_f64() / 1e9
}
