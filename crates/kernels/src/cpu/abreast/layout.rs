//! Matrices side by side in the lanes of vectors, and back; and two vectors in one.

use std::mem::MaybeUninit;

use pulp::Simd;

use crate::{
    Element,
    cpu::{vector::vectorized, words::over_words},
};

/// Columns that are rearranged together.
pub(super) const FOUR: usize = 4;
/// Elements that are copied before they are rearranged: what was just written in pieces cannot be read at once.
const COPIED: usize = 4096;

vectorized! {
    /// Copies matrices with rows of `dim` elements, `stride` apart, into lanes: `out` is [rows, dim up to a multiple of four, lanes], in
    /// the [`lane_order`](crate::cpu::vector::lane_order). Lanes without a matrix are 0, as what `dim` is short of.
    pub(super) fn interleave<T, S>(simd: S, x: &[T], starts: &[usize], dim: usize, stride: usize, out: &mut [T]) {
        let lanes = T::width::<S>();
        let row = dim.next_multiple_of(FOUR) * lanes;
        let rows = (COPIED / row).max(1);
        if let Some(starts) = whole::<T, S>(starts, dim) {
            assert_inside(x.len(), starts, dim, stride, out.len() / row);
            for (i, out) in out.chunks_exact_mut(row).enumerate() {
                for (f, out) in out.chunks_exact_mut(FOUR * lanes).enumerate() {
                    // SAFETY: asserted above.
                    let four = unsafe { gather::<T, S>(&x[i * stride + f * FOUR..], starts) };
                    T::whole_mut::<S>(out).0.copy_from_slice(&T::columns(simd, four));
                }
            }
            return;
        }
        if starts.len() < lanes || !dim.is_multiple_of(FOUR) {
            out.fill(T::zero());
        }
        for (block, out) in out.chunks_mut(rows * row).enumerate() {
            for (i, out) in out.chunks_exact_mut(row).enumerate() {
                let x = &x[(block * rows + i) * stride..];
                for (f, out) in out.chunks_exact_mut(FOUR * lanes).enumerate() {
                    let used = FOUR.min(dim - f * FOUR);
                    for (start, place) in starts.iter().zip(out.as_chunks_mut::<FOUR>().0) {
                        let four = &x[start + f * FOUR..][..used];
                        match <&[T; FOUR]>::try_from(four) {
                            Ok(whole) => *place = *whole,
                            Err(_) => place[..used].copy_from_slice(four),
                        }
                    }
                }
            }
            for four in out.chunks_exact_mut(FOUR * lanes) {
                exchange(four, #[inline(always)] |four| T::columns(simd, four));
            }
        }
    }
}

vectorized! {
    /// Undoes [`interleave`]; `abreast` holds nothing of use afterwards.
    pub(super) fn deinterleave<T, S>(simd: S, abreast: &mut [T], starts: &[usize], dim: usize, stride: usize, x: &mut [T]) {
        let lanes = T::width::<S>();
        let row = dim.next_multiple_of(FOUR) * lanes;
        let rows = (COPIED / row).max(1);
        if let Some(starts) = whole::<T, S>(starts, dim) {
            assert_inside(x.len(), starts, dim, stride, abreast.len() / row);
            for (i, abreast) in abreast.chunks_exact(row).enumerate() {
                for (f, abreast) in abreast.chunks_exact(FOUR * lanes).enumerate() {
                    let (four, _) = T::whole::<S>(abreast);
                    let four = T::rows(simd, std::array::from_fn(#[inline(always)] |i| four[i]));
                    // SAFETY: asserted above.
                    unsafe { scatter::<T, S>(four, &mut x[i * stride + f * FOUR..], starts) };
                }
            }
            return;
        }
        for (block, abreast) in abreast.chunks_mut(rows * row).enumerate() {
            for four in abreast.chunks_exact_mut(FOUR * lanes) {
                exchange(four, #[inline(always)] |four| T::rows(simd, four));
            }
            for (i, abreast) in abreast.chunks_exact(row).enumerate() {
                let x = &mut x[(block * rows + i) * stride..];
                for (f, abreast) in abreast.chunks_exact(FOUR * lanes).enumerate() {
                    let used = FOUR.min(dim - f * FOUR);
                    for (start, four) in starts.iter().zip(abreast.as_chunks::<FOUR>().0) {
                        let place = &mut x[start + f * FOUR..][..used];
                        match <&mut [T; FOUR]>::try_from(&mut *place) {
                            Ok(whole) => *whole = *four,
                            Err(_) => place.copy_from_slice(&four[..used]),
                        }
                    }
                }
            }
        }
    }
}

/// The starts, if there is a matrix for each lane and the rows are whole fours.
#[inline(always)]
fn whole<T: Element, S: Simd>(starts: &[usize], dim: usize) -> Option<&[usize]> {
    (starts.len() == T::width::<S>() && dim.is_multiple_of(FOUR)).then_some(starts)
}

fn assert_inside(length: usize, starts: &[usize], dim: usize, stride: usize, rows: usize) {
    let last = starts.iter().max().copied().unwrap_or(0);
    assert!(rows == 0 || last + (rows - 1) * stride + dim <= length);
}

/// Four elements from each start on, in four vectors one after the other.
///
/// # Safety
/// They lie within x, and there are as many starts as lanes.
#[inline(always)]
unsafe fn gather<T: Element, S: Simd>(x: &[T], starts: &[usize]) -> [T::Vector<S>; FOUR] {
    let mut four = MaybeUninit::<[T::Vector<S>; FOUR]>::uninit();
    let places = four.as_mut_ptr().cast::<[T; FOUR]>();
    for lane in 0..T::width::<S>() {
        // SAFETY: the caller's promise; a place is a quarter of what a lane takes of four vectors, which are plain data.
        unsafe {
            let start = *starts.get_unchecked(lane);
            places
                .add(lane)
                .write(x.as_ptr().add(start).cast::<[T; FOUR]>().read());
        }
    }
    // SAFETY: all places were written.
    unsafe { four.assume_init() }
}

/// Undoes [`gather`].
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn scatter<T: Element, S: Simd>(four: [T::Vector<S>; FOUR], x: &mut [T], starts: &[usize]) {
    let places = four.as_ptr().cast::<[T; FOUR]>();
    for lane in 0..T::width::<S>() {
        // SAFETY: as there.
        unsafe {
            let start = *starts.get_unchecked(lane);
            x.as_mut_ptr()
                .add(start)
                .cast::<[T; FOUR]>()
                .write(places.add(lane).read());
        }
    }
}

/// Four vectors become what `f` makes of them.
#[inline(always)]
fn exchange<T: Element, S: Simd>(
    four: &mut [T],
    f: impl Fn([T::Vector<S>; FOUR]) -> [T::Vector<S>; FOUR],
) {
    let (four, _) = T::whole_mut::<S>(four);
    four.copy_from_slice(&f(std::array::from_fn(
        #[inline(always)]
        |i| four[i],
    )));
}

over_words! {
    /// The words of two vectors after one another along an axis of x, [outer, axis, inner], with 0 where there is no second.
    pub(super) fn pair<T, S, W>(
        simd: S,
        outer: (usize, usize),
        axis: (usize, usize),
        inner: usize,
        x: &[T],
        out: &mut [T],
    ) {
        let zero = T::splat(simd, T::zero());
        let ((x, _), (out, _)) = (T::whole::<S>(x), T::whole_mut::<S>(out));
        let mut out = out.chunks_exact_mut(inner);
        for o in 0..outer.0 {
            for first in (0..axis.0).step_by(W::TERMS) {
                let Some(out) = out.next() else {
                    return;
                };
                let start = o * outer.1 + first * axis.1;
                let row = &x[start..start + inner];
                if first + 1 < axis.0 {
                    let next = &x[start + axis.1..][..inner];
                    for ((out, row), next) in out.iter_mut().zip(row).zip(next) {
                        // SAFETY: the processor has the instructions of `W`.
                        *out = unsafe { W::word(simd, *row, *next) };
                    }
                } else {
                    for (out, row) in out.iter_mut().zip(row) {
                        // SAFETY: the processor has the instructions of `W`.
                        *out = unsafe { W::word(simd, *row, zero) };
                    }
                }
            }
        }
    }
}
