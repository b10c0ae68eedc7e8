//! The attention of one head of one example.

use super::{
    dropout::drop_elements,
    small::{Operand, RowMajor, small_product},
    vector::{vectorized, width},
};
use crate::{AttentionOptions, Dropout, Element, check::Heads, lanes::Lanes};

/// The workspace of one head with N tokens of dimension p.
///
/// Matrices of weights are kept transposed, keys in rows and queries in columns, so that the softmax of all queries runs down the
/// rows and no vector is ever summed across. Their rows are padded to N̄ elements, whole vectors; what stands in the
/// padding is not read. Operands and results are slices that start at the head's first element; their rows are `stride` apart.
pub(super) struct Head<T> {
    tokens: usize,
    dim: usize,
    stride: usize,
    /// N̄.
    wide: usize,
    scale: T,
    causal: bool,
    dropout: Option<Dropout>,
    /// Qᵀ, then dYᵀ, [p, N̄].
    columns: Vec<T>,
    /// Aᵀ, [N, N̄].
    weights: Vec<T>,
    /// (M ⊙ A)ᵀ, [N, N̄]; empty without dropout.
    kept: Vec<T>,
    /// dAᵀ, then dPᵀ, [N, N̄].
    d_weights: Vec<T>,
    /// M, [N, N]; empty without dropout.
    mask: Vec<T>,
}

impl<T: Element> Head<T> {
    pub(super) fn new(options: &AttentionOptions, sizes: &Heads) -> Self {
        let Heads {
            tokens, dim, heads, ..
        } = *sizes;
        let wide = tokens.next_multiple_of(width::<T>());
        let dropout = options.dropout.filter(|dropout| dropout.probability > 0.0);
        let if_dropped = |length| if dropout.is_some() { length } else { 0 };
        let zeros = |length| vec![T::zero(); length];
        Self {
            tokens,
            dim,
            stride: heads * dim,
            wide,
            scale: T::from_f64(options.scale),
            causal: options.causal,
            dropout,
            columns: zeros(dim * wide),
            weights: zeros(tokens * wide),
            kept: zeros(if_dropped(tokens * wide)),
            d_weights: zeros(tokens * wide),
            mask: zeros(if_dropped(tokens * tokens)),
        }
    }

    /// Y = (M ⊙ A) V for the `pair`-th pair of example and head.
    pub(super) fn forward(&mut self, pair: usize, q: &[T], k: &[T], v: &[T], y: &mut [T]) {
        self.attend(pair, q, k);
        self.apply(Source::Kept, v, y, false);
    }

    /// The gradients with respect to q, k and v, given those operands and dy.
    pub(super) fn backward(
        &mut self,
        pair: usize,
        [q, k, v, dy]: [&[T]; 4],
        [dq, dk, dv]: [&mut [T]; 3],
    ) {
        self.attend(pair, q, k);
        self.apply_transposed(Source::Kept, dy, dv, false); // dV = (M ⊙ A)ᵀ dY
        self.score_gradient(v, dy); // scale dP
        self.apply(Source::Gradient, k, dq, false); // dQ = scale dP K
        self.apply_transposed(Source::Gradient, q, dk, false); // dK = scale dPᵀ Q
    }

    /// The gradient with respect to the one operand of subspace self-attention: the three of [`backward`](Self::backward) add up.
    pub(super) fn mssa_backward(&mut self, pair: usize, v: &[T], ds: &[T], dv: &mut [T]) {
        self.attend(pair, v, v);
        self.apply_transposed(Source::Kept, ds, dv, false); // (M ⊙ A)ᵀ dS
        self.score_gradient(v, ds); // scale dP
        self.apply(Source::Gradient, v, dv, true); // + scale dP V
        self.apply_transposed(Source::Gradient, v, dv, true); // + scale dPᵀ V
    }

    /// A = softmax(scale Q Kᵀ), and M ⊙ A.
    fn attend(&mut self, pair: usize, q: &[T], k: &[T]) {
        let (tokens, wide) = (self.tokens, self.wide);
        self.transpose(q);
        let (k, queries) = (
            self.rows_of(k),
            RowMajor {
                data: &self.columns,
                stride: wide,
            },
        );
        small_product(
            (tokens, self.dim, wide),
            k,
            queries,
            &mut self.weights,
            wide,
            false,
        );
        softmax_columns(&mut self.weights, wide, self.scale, self.causal);
        if let Some(dropout) = &self.dropout {
            self.mask.fill(T::one());
            drop_elements(dropout, (pair * tokens * tokens) as u64, &mut self.mask);
            self.kept.copy_from_slice(&self.weights);
            multiply_transposed(&self.mask, tokens, wide, &mut self.kept);
        }
    }

    /// scale dP with dP = A ⊙ (dA − row sums of A ⊙ dA) and dA = M ⊙ (dY Vᵀ).
    fn score_gradient(&mut self, v: &[T], dy: &[T]) {
        let wide = self.wide;
        self.transpose(dy);
        let (v, dy) = (
            self.rows_of(v),
            RowMajor {
                data: &self.columns,
                stride: wide,
            },
        );
        small_product(
            (self.tokens, self.dim, wide),
            v,
            dy,
            &mut self.d_weights,
            wide,
            false,
        );
        if self.dropout.is_some() {
            multiply_transposed(&self.mask, self.tokens, wide, &mut self.d_weights);
        }
        softmax_columns_backward(&self.weights, &mut self.d_weights, wide, self.scale);
    }

    /// y ← (or +=) W x for a matrix of weights.
    fn apply(&self, source: Source, x: &[T], y: &mut [T], accumulate: bool) {
        let weights = Operand {
            data: self.weights_of(source),
            row: 1,
            column: self.wide,
        };
        self.product(weights, x, y, accumulate);
    }

    /// y ← (or +=) Wᵀ x for a matrix of weights.
    fn apply_transposed(&self, source: Source, x: &[T], y: &mut [T], accumulate: bool) {
        let weights = Operand {
            data: self.weights_of(source),
            row: self.wide,
            column: 1,
        };
        self.product(weights, x, y, accumulate);
    }

    fn product(&self, weights: Operand<'_, T>, x: &[T], y: &mut [T], accumulate: bool) {
        let x = RowMajor {
            data: x,
            stride: self.stride,
        };
        small_product(
            (self.tokens, self.tokens, self.dim),
            weights,
            x,
            y,
            self.stride,
            accumulate,
        );
    }

    fn weights_of(&self, source: Source) -> &[T] {
        match source {
            Source::Gradient => &self.d_weights,
            Source::Kept if self.dropout.is_some() => &self.kept,
            Source::Kept => &self.weights,
        }
    }

    fn rows_of<'a>(&self, x: &'a [T]) -> Operand<'a, T> {
        Operand {
            data: x,
            row: self.stride,
            column: 1,
        }
    }

    fn transpose(&mut self, x: &[T]) {
        let x = &x[..(self.tokens - 1) * self.stride + self.dim];
        for (c, column) in self.columns.chunks_exact_mut(self.wide).enumerate() {
            for (i, slot) in column[..self.tokens].iter_mut().enumerate() {
                *slot = x[i * self.stride + c];
            }
        }
    }
}

/// Which matrix of weights a product takes.
#[derive(Clone, Copy)]
enum Source {
    /// M ⊙ A.
    Kept,
    /// scale dP.
    Gradient,
}

/// The softmax of scale · x down each column of a matrix with rows of `wide` elements; with `causal`, column i has its first i + 1
/// rows, and 0 below.
fn softmax_columns<T: Element>(x: &mut [T], wide: usize, scale: T, causal: bool) {
    if !causal {
        exponentials_of_columns(x, wide, scale);
        return;
    }
    x.iter_mut().for_each(|x| *x *= scale);
    // Key j is hidden from the queries before it.
    let hide = |x: &mut [T], value: T| {
        x.chunks_exact_mut(wide)
            .enumerate()
            .for_each(|(j, row)| row[..j].fill(value))
    };
    hide(x, T::neg_infinity());
    exponentials_of_columns(x, wide, T::one());
    hide(x, T::zero());
}

vectorized! {
    /// exp(scale · x), each column divided by its sum.
    fn exponentials_of_columns<T, S>(simd: S, x: &mut [T], wide: usize, scale: T) {
        let (scale, one) = (Lanes::<T, S>::splat(simd, scale), Lanes::<T, S>::splat(simd, T::one()));
        let (x, _) = T::whole_mut::<S>(x);
        let vectors = wide / T::width::<S>();
        for column in 0..vectors {
            let mut maximum = Lanes::splat(simd, T::neg_infinity());
            for x in x[column..].iter().step_by(vectors) {
                maximum = maximum.max(scale * Lanes::new(simd, *x));
            }
            let mut total = Lanes::splat(simd, T::zero());
            for x in x[column..].iter_mut().step_by(vectors) {
                let power = (scale * Lanes::new(simd, *x) - maximum).exp_nonpositive();
                *x = power.vector;
                total += power;
            }
            let inverse = one / total;
            for x in x[column..].iter_mut().step_by(vectors) {
                *x = (Lanes::new(simd, *x) * inverse).vector;
            }
        }
    }
}

vectorized! {
    /// dy ← scale · y ⊙ (dy − column sums of y ⊙ dy).
    fn softmax_columns_backward<T, S>(simd: S, y: &[T], dy: &mut [T], wide: usize, scale: T) {
        let scale = Lanes::<T, S>::splat(simd, scale);
        let ((y, _), (dy, _)) = (T::whole::<S>(y), T::whole_mut::<S>(dy));
        let vectors = wide / T::width::<S>();
        for column in 0..vectors {
            let mut along = Lanes::splat(simd, T::zero());
            for (y, dy) in y[column..].iter().zip(&dy[column..]).step_by(vectors) {
                along = Lanes::new(simd, *y).mul_add(Lanes::new(simd, *dy), along);
            }
            for (y, dy) in y[column..].iter().zip(&mut dy[column..]).step_by(vectors) {
                *dy = (scale * Lanes::new(simd, *y) * (Lanes::new(simd, *dy) - along)).vector;
            }
        }
    }
}

/// x ← x ⊙ maskᵀ, x having rows of `wide` elements and the mask rows of `tokens`.
fn multiply_transposed<T: Element>(mask: &[T], tokens: usize, wide: usize, x: &mut [T]) {
    for (j, row) in x.chunks_exact_mut(wide).enumerate() {
        for (x, &factor) in row.iter_mut().zip(mask[j..].iter().step_by(tokens)) {
            *x *= factor;
        }
    }
}
