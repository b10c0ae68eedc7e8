//! Vectors of an element type on an instruction set.
//!
//! The instruction set is a type parameter, one of `pulp`'s: what an `S: Simd` computes here compiles to its instructions, whatever
//! the target of the build is. [`Lanes`] are written like numbers.

mod functions;

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use pulp::{MemMask, Simd};

use self::functions::{erf_f32, erf_f64, exp_f32, exp_f64};
use crate::{
    Element,
    terms::{Pairs, Split, Terms, Tiles, Whole},
};

/// What the element types know of vectors.
#[doc(hidden)]
pub trait Vectors: Copy {
    /// As many elements as the instruction set takes at once.
    type Vector<S: Simd>: Copy + Send;
    /// Terms of half the width, if any; else the type itself.
    type Halved: Terms<Self>;
    /// The same for tiles of the processor, if any.
    type Tiled: Terms<Self>;
    /// Each term in two of half the width for the same tiles, if any.
    type Split: Terms<Self>;

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

macro_rules! vectors {
    ($type:ident, $vector:ident, $lanes:ident, $whole:ident, $whole_mut:ident, $mask:ident, $length:ident, $load:ident, $store:ident, $splat:ident, $add:ident,
     $sub:ident, $mul:ident, $div:ident, $sqrt:ident, $fused:ident, $max:ident, $greater:ident, $select:ident, $sum:ident, $exp:path, $erf:path, $columns:ident, $rows:ident, $halved:ty, $tiled:ty, $split:ty) => {
        impl Vectors for $type {
            type Vector<S: Simd> = S::$vector;
            type Halved = $halved;
            type Tiled = $tiled;
            type Split = $split;

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
    Tiles,
    Split
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
    Whole,
    Whole
);

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
