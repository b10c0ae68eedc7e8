//! The softmax of vectors, in each lane by itself.

use crate::{
    cpu::vector::{each2, each3, vectorized},
    lanes::Lanes,
};

vectorized! {
    /// x ← softmax(scale · x) over vectors, in each lane.
    pub(super) fn softmax<T, S>(simd: S, x: &mut [T], scale: T) {
        let (scale, one) = (Lanes::<T, S>::splat(simd, scale), Lanes::<T, S>::splat(simd, T::one()));
        let (x, _) = T::whole_mut::<S>(x);
        let mut maximum = Lanes::splat(simd, T::neg_infinity());
        for x in x.iter() {
            maximum = maximum.max(scale * Lanes::new(simd, *x));
        }
        let mut total = Lanes::splat(simd, T::zero());
        for x in x.iter_mut() {
            let power = (scale * Lanes::new(simd, *x) - maximum).exp_nonpositive();
            *x = power.vector;
            total += power;
        }
        let inverse = one / total;
        for x in x.iter_mut() {
            *x = (Lanes::new(simd, *x) * inverse).vector;
        }
    }
}

vectorized! {
    /// dy ← scale · y ⊙ (dy − Σ y ⊙ dy) over vectors, in each lane.
    pub(super) fn softmax_backward<T, S>(simd: S, y: &[T], dy: &mut [T], scale: T) {
        let scale = Lanes::<T, S>::splat(simd, scale);
        let ((y, _), (dy, _)) = (T::whole::<S>(y), T::whole_mut::<S>(dy));
        let mut along = Lanes::splat(simd, T::zero());
        for (y, dy) in y.iter().zip(dy.iter()) {
            along = Lanes::new(simd, *y).mul_add(Lanes::new(simd, *dy), along);
        }
        for (y, dy) in y.iter().zip(dy) {
            *dy = (scale * Lanes::new(simd, *y) * (Lanes::new(simd, *dy) - along)).vector;
        }
    }
}

vectorized! {
    /// x ← x + xᵀ for a square matrix of vectors.
    pub(super) fn add_transpose<T, S>(simd: S, n: usize, x: &mut [T]) {
        let (x, _) = T::whole_mut::<S>(x);
        for i in 0..n {
            for j in 0..=i {
                let sum = Lanes::<T, S>::new(simd, x[i * n + j]) + Lanes::new(simd, x[j * n + i]);
                x[i * n + j] = sum.vector;
                x[j * n + i] = sum.vector;
            }
        }
    }
}

vectorized! {
    /// x ← x ⊙ mask.
    pub(super) fn multiply<T, S>(simd: S, mask: &[T], x: &mut [T]) {
        each2(simd, x, mask, #[inline(always)] |x, factor| x * factor);
    }
}

vectorized! {
    /// out ← mask ⊙ x.
    pub(super) fn product<T, S>(simd: S, mask: &[T], x: &[T], out: &mut [T]) {
        each3(simd, out, mask, x, #[inline(always)] |_, factor, x| factor * x);
    }
}
