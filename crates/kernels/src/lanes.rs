//! Vectors of an element type on an instruction set.
//!
//! The instruction set is a type parameter, one of `pulp`'s: what an `S: Simd` computes here compiles to its instructions, whatever
//! the target of the build is. [`Lanes`] are written like numbers.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use pulp::{MemMask, Simd};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::amx::Tiles;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
use crate::bf16::Pairs as Tiles;
use crate::{Element, bf16::Pairs};

/// What the element types know of vectors.
#[doc(hidden)]
pub trait Vectors: Copy {
    /// As many elements as the instruction set takes at once.
    type Vector<S: Simd>: Copy + Send;
    /// Terms of half the width, if any; else the type itself.
    type Halved: Terms<Self>;
    /// The same for tiles of the processor, if any.
    type Tiled: Terms<Self>;

    /// How many they are.
    fn width<S: Simd>() -> usize;
    /// The whole vectors of a slice, and the rest.
    fn whole<S: Simd>(x: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The same, for changing.
    fn whole_mut<S: Simd>(x: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// The first elements of a slice, and zeros if there are too few.
    fn load<S: Simd>(simd: S, x: &[Self]) -> Self::Vector<S>;
    /// The first elements, as many as the slice takes.
    fn store<S: Simd>(simd: S, v: Self::Vector<S>, x: &mut [Self]);
    /// A whole vector from memory.
    ///
    /// # Safety
    /// As many elements as a vector has must be readable from `x` on.
    unsafe fn read<S: Simd>(x: *const Self) -> Self::Vector<S>;
    /// A whole vector to memory.
    ///
    /// # Safety
    /// As many elements as a vector has must be writable from `x` on.
    unsafe fn write<S: Simd>(x: *mut Self, v: Self::Vector<S>);
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn minus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn times<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn quotient<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn root<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// a b + c, with one rounding where there is an instruction for it.
    fn fused<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The larger of two; which one, where either is NaN, is left open.
    fn larger<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `yes` where test > 0, else `no`.
    fn choose<S: Simd>(
        simd: S,
        test: Self::Vector<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of the lanes.
    fn total<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// eˣ for x ≤ 0, within 2 ulp where the result is a normal number.
    fn exp_nonpositive<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S>;
    /// The error function, within 4·10⁻⁷ in `f32`.
    fn erf<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S>;
    /// The columns of a matrix with rows of four, as many as a vector has lanes; their order is that of [`rows`](Self::rows) only.
    fn columns<S: Simd>(simd: S, rows: [Self::Vector<S>; 4]) -> [Self::Vector<S>; 4];
    /// Undoes [`columns`](Self::columns).
    fn rows<S: Simd>(simd: S, columns: [Self::Vector<S>; 4]) -> [Self::Vector<S>; 4];
}

/// How the terms of a sum of products stand in words of the element type.
#[doc(hidden)]
pub trait Terms<T: Vectors> {
    /// Terms of a word.
    const TERMS: usize;
    /// Words that are multiplied together; where there are fewer, words of 0 make up for them.
    const GROUP: usize = 1;
    /// Rows that [`tile`](Self::tile) multiplies, if not 0.
    const TILE_ROWS: usize = 0;

    /// In each lane a word of the terms of one column, in this row and the next; the next counts only where a word holds two.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn word<S: Simd>(simd: S, row: T::Vector<S>, next: T::Vector<S>) -> T::Vector<S>;
    /// The words of consecutive terms, [`TERMS`](Self::TERMS) vectors of them.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    unsafe fn words<S: Simd>(simd: S, first: T::Vector<S>, second: T::Vector<S>) -> T::Vector<S>;
    /// sum + the products of the terms of two words.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    unsafe fn multiply_add<S: Simd>(
        simd: S,
        a: T::Vector<S>,
        b: T::Vector<S>,
        sum: T::Vector<S>,
    ) -> T::Vector<S>;
    /// sums [rows, C vectors] ← a b, with rows of a `stride` words apart and a panel of C vectors a word; nothing without tiles.
    ///
    /// # Safety
    /// As for [`word`](Self::word). `depth`, a multiple of [`GROUP`](Self::GROUP), words must be readable in each row and in the panel,
    /// and the sums writable.
    unsafe fn tile<const C: usize>(
        a: *const T,
        stride: usize,
        panel: *const T,
        depth: usize,
        sums: *mut T,
    ) {
        let _ = (a, stride, panel, depth, sums);
    }
}

/// A term in each word, as it is.
#[derive(Debug)]
pub enum Whole {}

impl<T: Vectors> Terms<T> for Whole {
    const TERMS: usize = 1;

    #[inline(always)]
    unsafe fn word<S: Simd>(_: S, row: T::Vector<S>, _: T::Vector<S>) -> T::Vector<S> {
        row
    }
    #[inline(always)]
    unsafe fn words<S: Simd>(_: S, first: T::Vector<S>, _: T::Vector<S>) -> T::Vector<S> {
        first
    }
    #[inline(always)]
    unsafe fn multiply_add<S: Simd>(
        simd: S,
        a: T::Vector<S>,
        b: T::Vector<S>,
        sum: T::Vector<S>,
    ) -> T::Vector<S> {
        T::fused(simd, a, b, sum)
    }
}

macro_rules! vectors {
    ($type:ident, $vector:ident, $lanes:ident, $whole:ident, $whole_mut:ident, $mask:ident, $length:ident, $load:ident, $store:ident, $splat:ident, $add:ident,
     $sub:ident, $mul:ident, $div:ident, $sqrt:ident, $fused:ident, $max:ident, $greater:ident, $select:ident, $sum:ident, $exp:path, $erf:path, $columns:ident, $rows:ident, $halved:ty, $tiled:ty) => {
        impl Vectors for $type {
            type Vector<S: Simd> = S::$vector;
            type Halved = $halved;
            type Tiled = $tiled;

            #[inline(always)]
            fn width<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn whole<S: Simd>(x: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$whole(x)
            }
            #[inline(always)]
            fn whole_mut<S: Simd>(x: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$whole_mut(x)
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, x: &[Self]) -> S::$vector {
                // `partial_load` would call a thunk for every vector, this compiles to a masked load.
                let mask = MemMask::new(simd.$mask(0, x.len().min(S::$lanes) as $length).mask());
                // SAFETY: the mask leaves out what lies behind the slice.
                unsafe { simd.$load(mask, x.as_ptr()) }
            }
            #[inline(always)]
            fn store<S: Simd>(simd: S, v: S::$vector, x: &mut [Self]) {
                let mask = MemMask::new(simd.$mask(0, x.len().min(S::$lanes) as $length).mask());
                // SAFETY: the mask leaves out what lies behind the slice.
                unsafe { simd.$store(mask, x.as_mut_ptr(), v) }
            }
            #[inline(always)]
            unsafe fn read<S: Simd>(x: *const Self) -> S::$vector {
                // SAFETY: the caller's promise; vectors are plain data.
                unsafe { x.cast::<S::$vector>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn write<S: Simd>(x: *mut Self, v: S::$vector) {
                // SAFETY: the caller's promise.
                unsafe { x.cast::<S::$vector>().write_unaligned(v) }
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn minus<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn quotient<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn root<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                simd.$sqrt(a)
            }
            #[inline(always)]
            fn fused<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$fused(a, b, c)
            }
            #[inline(always)]
            fn larger<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn choose<S: Simd>(
                simd: S,
                test: S::$vector,
                yes: S::$vector,
                no: S::$vector,
            ) -> S::$vector {
                simd.$select(simd.$greater(test, simd.$splat(0.0)), yes, no)
            }
            #[inline(always)]
            fn total<S: Simd>(simd: S, a: S::$vector) -> Self {
                simd.$sum(a)
            }
            #[inline(always)]
            fn exp_nonpositive<S: Simd>(simd: S, x: S::$vector) -> S::$vector {
                $exp(simd, x)
            }
            #[inline(always)]
            fn erf<S: Simd>(simd: S, x: S::$vector) -> S::$vector {
                $erf(simd, x)
            }
            #[inline(always)]
            fn columns<S: Simd>(simd: S, rows: [S::$vector; 4]) -> [S::$vector; 4] {
                simd.$columns(rows)
            }
            #[inline(always)]
            fn rows<S: Simd>(simd: S, columns: [S::$vector; 4]) -> [S::$vector; 4] {
                simd.$rows(columns)
            }
        }
    };
}

vectors!(
    f32,
    f32s,
    F32_LANES,
    as_simd_f32s,
    as_mut_simd_f32s,
    mask_between_m32s,
    u32,
    mask_load_ptr_f32s,
    mask_store_ptr_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    sqrt_f32s,
    mul_add_e_f32s,
    max_f32s,
    greater_than_f32s,
    select_f32s,
    reduce_sum_f32s,
    exp_f32,
    erf_f32,
    deinterleave_shfl_f32s,
    interleave_shfl_f32s,
    Pairs,
    Tiles
);
vectors!(
    f64,
    f64s,
    F64_LANES,
    as_simd_f64s,
    as_mut_simd_f64s,
    mask_between_m64s,
    u64,
    mask_load_ptr_f64s,
    mask_store_ptr_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    sqrt_f64s,
    mul_add_e_f64s,
    max_f64s,
    greater_than_f64s,
    select_f64s,
    reduce_sum_f64s,
    exp_f64,
    erf_f64,
    deinterleave_shfl_f64s,
    interleave_shfl_f64s,
    Whole,
    Whole
);

/// Cephes' `expf` without a branch: x = n ln 2 + r with |r| ≤ ln 2 / 2, a polynomial in r, times 2ⁿ.
#[inline(always)]
#[allow(clippy::excessive_precision)] // the published digits
fn exp_f32<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
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
fn erf_f32<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
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
fn erf_f64<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    lane_by_lane(simd, x, libm::erf)
}

#[inline(always)]
fn exp_f64<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
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

/// A vector that computes like a number.
pub(crate) struct Lanes<T: Element, S: Simd> {
    simd: S,
    pub(crate) vector: T::Vector<S>,
}

impl<T: Element, S: Simd> Clone for Lanes<T, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element, S: Simd> Copy for Lanes<T, S> {}

impl<T: Element, S: Simd> Lanes<T, S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, vector: T::Vector<S>) -> Self {
        Self { simd, vector }
    }

    /// The same number in each lane.
    #[inline(always)]
    pub(crate) fn splat(simd: S, x: T) -> Self {
        Self::new(simd, T::splat(simd, x))
    }

    /// The first elements of a slice, and zeros if there are too few.
    #[inline(always)]
    pub(crate) fn load(simd: S, x: &[T]) -> Self {
        Self::new(simd, T::load(simd, x))
    }

    /// Writes as many of the first elements as the slice takes.
    #[inline(always)]
    pub(crate) fn store(self, x: &mut [T]) {
        T::store(self.simd, self.vector, x);
    }

    /// As [`store`](Self::store), and quicker where the slice takes all.
    #[inline(always)]
    pub(crate) fn write(self, x: &mut [T]) {
        if x.len() < T::width::<S>() {
            return self.store(x);
        }
        // SAFETY: the slice takes a whole vector.
        unsafe { T::write(x.as_mut_ptr(), self.vector) }
    }

    /// self · b + c, with one rounding where there is an instruction for it.
    #[inline(always)]
    pub(crate) fn mul_add(self, b: Self, c: Self) -> Self {
        Self::new(
            self.simd,
            T::fused(self.simd, self.vector, b.vector, c.vector),
        )
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Self::new(self.simd, T::root(self.simd, self.vector))
    }

    /// The larger of two, lane by lane; which one, where either is NaN, is left open.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self::new(self.simd, T::larger(self.simd, self.vector, other.vector))
    }

    /// max(self, 0); a NaN stays.
    #[inline(always)]
    pub(crate) fn relu(self) -> Self {
        let zero = Self::splat(self.simd, T::zero());
        (zero - self).if_positive(zero, self)
    }

    /// `yes` where these are positive, else `no`.
    #[inline(always)]
    pub(crate) fn if_positive(self, yes: Self, no: Self) -> Self {
        Self::new(
            self.simd,
            T::choose(self.simd, self.vector, yes.vector, no.vector),
        )
    }

    /// The sum of the lanes.
    #[inline(always)]
    pub(crate) fn total(self) -> T {
        T::total(self.simd, self.vector)
    }

    #[inline(always)]
    pub(crate) fn erf(self) -> Self {
        Self::new(self.simd, T::erf(self.simd, self.vector))
    }

    /// eˣ for x ≤ 0.
    #[inline(always)]
    pub(crate) fn exp_nonpositive(self) -> Self {
        Self::new(self.simd, T::exp_nonpositive(self.simd, self.vector))
    }
}

impl<T: Element, S: Simd> Add for Lanes<T, S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.simd, T::plus(self.simd, self.vector, other.vector))
    }
}

impl<T: Element, S: Simd> AddAssign for Lanes<T, S> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<T: Element, S: Simd> Sub for Lanes<T, S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.simd, T::minus(self.simd, self.vector, other.vector))
    }
}

impl<T: Element, S: Simd> Mul for Lanes<T, S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(self.simd, T::times(self.simd, self.vector, other.vector))
    }
}

impl<T: Element, S: Simd> Div for Lanes<T, S> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self::new(self.simd, T::quotient(self.simd, self.vector, other.vector))
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Scalar128b, Simd};

    use super::Lanes;
    use crate::Element;

    /// Loads, stores, clamps and the treatment of NaN on one instruction set.
    fn check<T: Element, S: Simd>(simd: S) {
        let width = T::width::<S>();
        let values: Vec<T> = (0..width).map(|i| T::from_f64(-0.25 * i as f64)).collect();
        for length in 0..=width {
            let mut out = vec![T::from_f64(9.0); width];
            let loaded = Lanes::<T, S>::load(simd, &values[..length]);
            (loaded + Lanes::splat(simd, T::one())).store(&mut out[..length]);
            for (i, &out) in out.iter().enumerate() {
                let expected = if i < length {
                    1.0 - 0.25 * i as f64
                } else {
                    9.0
                };
                assert_eq!(
                    srr_linalg::Scalar::to_f64(out),
                    expected,
                    "{length} of {width}"
                );
            }
            let total: f64 = (0..length).map(|i| -0.25 * i as f64).sum();
            assert_eq!(srr_linalg::Scalar::to_f64(loaded.total()), total);
        }
        let number = |x: f64| Lanes::<T, S>::splat(simd, T::from_f64(x));
        let first = |x: Lanes<T, S>| {
            let mut out = [T::zero()];
            x.store(&mut out);
            srr_linalg::Scalar::to_f64(out[0])
        };
        assert_eq!(first(number(2.0).max(number(3.0))), 3.0);
        assert!(first(number(f64::NAN).relu()).is_nan());
        assert_eq!(
            [-2.0, 0.0, 3.0].map(|x| first(number(x).relu())),
            [0.0, 0.0, 3.0]
        );
        assert_eq!(
            first(number(f64::NAN).if_positive(number(1.0), number(2.0))),
            2.0
        );
        assert!(
            first(number(f64::NAN).exp_nonpositive()).is_nan()
                && first(number(f64::NAN).erf()).is_nan()
        );
        assert!((first(number(-1.5).exp_nonpositive()) - (-1.5_f64).exp()).abs() < 1e-7);
        assert!(first(number(f64::NEG_INFINITY).exp_nonpositive()) < 1.2e-38);
        assert!((first(number(0.7).erf()) - libm::erf(0.7)).abs() < 4e-7);
        assert_eq!(
            first(number(-50.0).erf()),
            if T::NAME == "f64" {
                -1.0
            } else {
                first(number(-4.0).erf())
            }
        );
    }

    #[test]
    fn every_instruction_set_of_this_processor() {
        check::<f32, _>(Scalar128b);
        check::<f64, _>(Scalar128b);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V3::try_new() {
                check::<f32, _>(simd);
                check::<f64, _>(simd);
            }
            if let Some(simd) = pulp::x86::V4::try_new() {
                check::<f32, _>(simd);
                check::<f64, _>(simd);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(simd) = pulp::aarch64::Neon::try_new() {
            check::<f32, _>(simd);
            check::<f64, _>(simd);
        }
    }
}
