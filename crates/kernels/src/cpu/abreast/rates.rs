//! logdet(I + c VᵀV) of many V side by side, with its gradient, by Cholesky factorization of the smaller Gram matrix.

use std::{ops::Range, sync::Arc};

use srr_coding_rate::is_resolved;
use srr_linalg::{Scalar, log_of_product};

use super::{
    cholesky::{factor, solve},
    groups,
    layout::{FOUR, deinterleave, interleave},
    products::upper_gram,
    starts,
};
use crate::{
    Element,
    check::Heads,
    cpu::{
        operand::Operand,
        pool::{Buffer, Pool},
        vector::width,
    },
};

/// The workspace of as many pairs of example and head as a vector has lanes, each with a V [N, p].
pub(in crate::cpu) struct LogDeterminants<T: Element> {
    sizes: Heads,
    scale: T,
    width: usize,
    /// V, and where asked for what the gradient is: [N, p, lanes], N and p up to multiples of four.
    v: Buffer<T>,
    /// The smaller Gram matrix and its factor, [order, order, lanes].
    gram: Buffer<T>,
    /// The smaller of N and p, up to a multiple of four.
    order: usize,
    /// The factor's diagonal and the largest elements, [1, order + 4, lanes], then [lanes, order + 4].
    diagonal: Buffer<T>,
    unpacked: Vec<T>,
}

impl<T: Element> LogDeterminants<T> {
    /// Bytes of a workspace.
    pub(in crate::cpu) fn bytes(sizes: &Heads) -> usize {
        let (n, p) = padded(sizes);
        (n * p + n.min(p).pow(2)) * width::<T>() * size_of::<T>()
    }

    pub(in crate::cpu) fn new(sizes: &Heads, scale: f64, pool: &Arc<Pool<T>>) -> Self {
        let (n, p) = padded(sizes);
        let (order, width) = (n.min(p), width::<T>());
        Self {
            sizes: *sizes,
            scale: T::from_f64(scale),
            width,
            v: pool.take(n * p * width),
            gram: pool.take(order * order * width),
            order,
            diagonal: pool.take((order + FOUR) * width),
            unpacked: vec![T::zero(); (order + FOUR) * width],
        }
    }

    /// logdet(I + c VᵀV) of some pairs, NaN where it is not finite or drowns in rounding, and into `gradient`, which starts at the example of
    /// the first, half the derivative, c V (I + c VᵀV)⁻¹.
    pub(in crate::cpu) fn evaluate(
        &mut self,
        pairs: Range<usize>,
        v: &[T],
        values: &mut [f64],
        mut gradient: Option<&mut [T]>,
    ) {
        let Heads {
            tokens, heads, dim, ..
        } = self.sizes;
        let stride = heads * dim;
        let (_, p) = padded(&self.sizes);
        let row = p * self.width;
        for (group, values) in groups(&pairs, self.width).zip(values.chunks_mut(self.width)) {
            let places = starts(&self.sizes, &group, 0);
            let rows = ..tokens * row;
            interleave(v, &places, dim, stride, &mut self.v.as_mut_slice()[rows]);
            self.v.as_mut_slice()[tokens * row..].fill(T::zero());
            self.factor(values);
            if let Some(gradient) = &mut gradient {
                self.solve();
                let places = starts(&self.sizes, &group, pairs.start);
                deinterleave(
                    &mut self.v.as_mut_slice()[rows],
                    &places,
                    dim,
                    stride,
                    gradient,
                );
            }
        }
    }

    /// Whether the Gram matrix is VᵀV, not V Vᵀ.
    fn upright(&self) -> bool {
        let (n, p) = padded(&self.sizes);
        p <= n
    }

    fn factor(&mut self, values: &mut [f64]) {
        let (n, p) = padded(&self.sizes);
        let (order, width) = (self.order, self.width);
        let v = Operand {
            data: self.v.as_slice(),
            row: p * width,
            column: width,
        };
        let Heads { tokens, dim, .. } = self.sizes;
        let (sizes, v, used) = if self.upright() {
            ((p, tokens), v.transposed(), dim)
        } else {
            ((n, dim), v, tokens)
        };
        upper_gram(sizes, v, self.gram.as_mut_slice());
        let (diagonal, largest) = self.diagonal.as_mut_slice().split_at_mut(order * width);
        largest.fill(T::zero());
        factor(
            order,
            self.scale,
            self.gram.as_mut_slice(),
            &mut largest[..width],
        );
        for (i, out) in diagonal.chunks_exact_mut(width).enumerate() {
            out.copy_from_slice(&self.gram.as_slice()[i * (order + 1) * width..][..width]);
        }
        let each = order + FOUR;
        let places: Vec<usize> = (0..width).map(|lane| lane * each).collect();
        deinterleave(
            self.diagonal.as_mut_slice(),
            &places,
            each,
            each,
            &mut self.unpacked,
        );
        for (numbers, value) in self.unpacked.chunks_exact(each).zip(values) {
            *value = log_determinant(&numbers[..used], numbers[order]);
        }
    }

    /// V ← c V (I + c VᵀV)⁻¹ = c (I + c V Vᵀ)⁻¹ V.
    fn solve(&mut self) {
        let (_, p) = padded(&self.sizes);
        let row = p * self.width;
        let (place, columns) = if self.upright() {
            ((self.width, row), self.sizes.tokens)
        } else {
            ((row, self.width), p)
        };
        let (gram, v) = (self.gram.as_mut_slice(), self.v.as_mut_slice());
        solve(self.order, self.scale, gram, v, place, columns);
    }
}

/// From the reciprocals of a factor's diagonal and the largest element of the matrix.
fn log_determinant<T: Element>(inverses: &[T], largest: T) -> f64 {
    let inverses = || inverses.iter().map(|&x| Scalar::to_f64(x));
    let value = -2.0 * log_of_product(inverses());
    let pivots = inverses().map(|x| (x * x).recip());
    if value.is_finite() && is_resolved::<T>(pivots, Scalar::to_f64(largest), value) {
        value
    } else {
        f64::NAN
    }
}

/// N and p up to multiples of four.
fn padded(sizes: &Heads) -> (usize, usize) {
    (
        sizes.tokens.next_multiple_of(FOUR),
        sizes.dim.next_multiple_of(FOUR),
    )
}
