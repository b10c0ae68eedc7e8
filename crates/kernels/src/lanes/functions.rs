//! Functions of vectors that instruction sets do not have.

use pulp::Simd;

/// Cephes' `expf` without a branch: x = n ln 2 + r with |r| ≤ ln 2 / 2, a polynomial in r, times 2ⁿ.
#[inline(always)]
#[allow(clippy::excessive_precision)] // the published digits
pub(super) fn exp_f32<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// The coefficients of r⁷, r⁶, …, r².
    const COEFFICIENTS: [f32; 6] = [
        1.987_569_150_0e-4,
        1.398_199_950_7e-3,
        8.333_451_907_3e-3,
        4.166_579_589_4e-2,
        1.666_666_545_9e-1,
        5.000_000_120_1e-1,
    ];
    /// 1.5 · 2²³: adding it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// Below this the result is no longer a normal number.
    const LOWEST: f32 = -87.336_54;
    let splat = |x: f32| simd.splat_f32s(x);
    // Comparisons are false for a NaN, which passes.
    let x = simd.select_f32s(simd.less_than_f32s(x, splat(LOWEST)), splat(LOWEST), x);
    // ln 2 comes in two parts, so that n times the first is exact.
    let shifted = simd.mul_add_e_f32s(x, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(shifted, splat(ROUND));
    let r = simd.mul_add_e_f32s(
        n,
        splat(2.121_944_40e-4),
        simd.mul_add_e_f32s(n, splat(-0.693_359_375), x),
    );
    let mut polynomial = splat(COEFFICIENTS[0]);
    for c in &COEFFICIENTS[1..] {
        polynomial = simd.mul_add_e_f32s(polynomial, r, splat(*c));
    }
    let power = simd.add_f32s(
        simd.mul_add_e_f32s(polynomial, simd.mul_f32s(r, r), r),
        splat(1.0),
    );
    let n = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(power), n)) // · 2ⁿ
}

/// The rational approximation of Eigen and XLA, of degree 13 over 8, on [−4, 4], beyond which erf is ±1.
#[inline(always)]
#[allow(clippy::excessive_precision)] // the published digits
pub(super) fn erf_f32<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// The coefficients of x¹³, x¹¹, …, x.
    const NUMERATOR: [f32; 7] = [
        -2.726_142_258_013_06e-10,
        2.770_681_424_959_02e-8,
        -2.101_024_020_825_08e-6,
        -5.692_506_394_623_46e-5,
        -7.349_906_303_268_55e-4,
        -2.954_599_808_540_25e-3,
        -1.609_603_332_624_15e-2,
    ];
    /// The coefficients of x⁸, x⁶, …, 1.
    const DENOMINATOR: [f32; 5] = [
        -1.456_607_184_649_96e-5,
        -2.133_740_552_789_05e-4,
        -1.682_826_974_382_03e-3,
        -7.373_329_167_204_68e-3,
        -1.426_473_905_141_89e-2,
    ];
    let splat = |x: f32| simd.splat_f32s(x);
    // Comparisons are false for a NaN, which passes.
    let x = simd.select_f32s(simd.less_than_f32s(x, splat(-4.0)), splat(-4.0), x);
    let x = simd.select_f32s(simd.greater_than_f32s(x, splat(4.0)), splat(4.0), x);
    let square = simd.mul_f32s(x, x);
    let mut above = splat(NUMERATOR[0]);
    for c in &NUMERATOR[1..] {
        above = simd.mul_add_e_f32s(above, square, splat(*c));
    }
    let mut below = splat(DENOMINATOR[0]);
    for c in &DENOMINATOR[1..] {
        below = simd.mul_add_e_f32s(below, square, splat(*c));
    }
    simd.div_f32s(simd.mul_f32s(x, above), below)
}

#[inline(always)]
pub(super) fn erf_f64<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    lane_by_lane(simd, x, libm::erf)
}

#[inline(always)]
pub(super) fn exp_f64<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    lane_by_lane(simd, x, f64::exp)
}

#[inline(always)]
fn lane_by_lane<S: Simd>(simd: S, x: S::f64s, f: impl Fn(f64) -> f64) -> S::f64s {
    let mut lanes = [0.0; 8]; // the longest vector
    let lanes = &mut lanes[..S::F64_LANES];
    simd.partial_store_f64s(lanes, x);
    lanes.iter_mut().for_each(|x| *x = f(*x));
    simd.partial_load_f64s(lanes)
}
