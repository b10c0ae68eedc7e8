//! The attention of one head of one example.

use super::{
    dropout::drop_elements,
    rows::{softmax_backward_rows, softmax_rows},
    small::{Operand, padded, small_product},
    vector::{each, each2, vectorized},
};
use crate::{AttentionOptions, Dropout, Element, check::Heads};

/// The workspace of one head: N tokens of dimension p, in rows padded to N̄ and p̄ elements, which are whole vectors.
///
/// Operands and results are slices that start at the head's first element; their rows are `stride` elements apart.
pub(super) struct Head<T> {
    tokens: usize,
    dim: usize,
    stride: usize,
    wide: usize,
    deep: usize,
    scale: T,
    causal: bool,
    dropout: Option<Dropout>,
    /// Kᵀ or Vᵀ, [p, N̄].
    columns: Vec<T>,
    /// The rows of an operand, [N, p̄].
    rows: Vec<T>,
    /// A, [N, N̄].
    weights: Vec<T>,
    /// M ⊙ A, [N, N̄]; empty without dropout.
    kept: Vec<T>,
    /// dA, then dP, [N, N̄].
    d_weights: Vec<T>,
    /// M, [N, N]; empty without dropout.
    mask: Vec<T>,
    /// A result, [N, p̄].
    result: Vec<T>,
}

impl<T: Element> Head<T> {
    pub(super) fn new(options: &AttentionOptions, sizes: &Heads) -> Self {
        let Heads {
            tokens, dim, heads, ..
        } = *sizes;
        let (wide, deep) = (padded(tokens), padded(dim));
        let dropout = options.dropout.filter(|dropout| dropout.probability > 0.0);
        let if_dropped = |length| if dropout.is_some() { length } else { 0 };
        let zeros = |length| vec![T::zero(); length];
        Self {
            tokens,
            dim,
            stride: heads * dim,
            wide,
            deep,
            scale: T::from_f64(options.scale),
            causal: options.causal,
            dropout,
            columns: zeros(dim * wide),
            rows: zeros(tokens * deep),
            weights: zeros(tokens * wide),
            kept: zeros(if_dropped(tokens * wide)),
            d_weights: zeros(tokens * wide),
            mask: zeros(if_dropped(tokens * tokens)),
            result: zeros(tokens * deep),
        }
    }

    /// Y = (M ⊙ A) V for the `pair`-th pair of example and head.
    pub(super) fn forward(&mut self, pair: usize, q: &[T], k: &[T], v: &[T], y: &mut [T]) {
        self.attend(pair, q, k);
        self.pad(v);
        self.from_weights(Source::Kept, false, false);
        self.store(y);
    }

    /// The gradients with respect to q, k and v, given those operands and dy.
    pub(super) fn backward(
        &mut self,
        pair: usize,
        [q, k, v, dy]: [&[T]; 4],
        [dq, dk, dv]: [&mut [T]; 3],
    ) {
        self.attend(pair, q, k);
        self.pad(dy);
        self.from_weights(Source::Kept, true, false); // dV = (M ⊙ A)ᵀ dY
        self.store(dv);
        self.transpose(v);
        self.score_gradient(dy); // scale dP
        self.pad(k);
        self.from_weights(Source::Gradient, false, false); // dQ = scale dP K
        self.store(dq);
        self.pad(q);
        self.from_weights(Source::Gradient, true, false); // dK = scale dPᵀ Q
        self.store(dk);
    }

    /// The gradient with respect to the one operand of subspace self-attention: the three of [`backward`](Self::backward) add up.
    pub(super) fn mssa_backward(&mut self, pair: usize, v: &[T], ds: &[T], dv: &mut [T]) {
        self.attend(pair, v, v); // leaves Vᵀ in `columns`
        self.pad(ds);
        self.from_weights(Source::Kept, true, false); // (M ⊙ A)ᵀ dS
        self.score_gradient(ds); // scale dP
        self.pad(v);
        self.from_weights(Source::Gradient, false, true); // + scale dP V
        self.from_weights(Source::Gradient, true, true); // + scale dPᵀ V
        self.store(dv);
    }

    /// A = softmax(scale Q Kᵀ), and M ⊙ A.
    fn attend(&mut self, pair: usize, q: &[T], k: &[T]) {
        let (tokens, wide) = (self.tokens, self.wide);
        self.transpose(k);
        let q = Operand {
            data: q,
            row: self.stride,
            column: 1,
        };
        product(
            (tokens, self.dim, wide),
            q,
            &self.columns,
            &mut self.weights,
            false,
        );
        scale(self.scale, &mut self.weights);
        softmax_rows(&mut self.weights, wide, tokens, self.causal);
        if let Some(dropout) = &self.dropout {
            self.mask.fill(T::one());
            drop_elements(dropout, (pair * tokens * tokens) as u64, &mut self.mask);
            self.kept.copy_from_slice(&self.weights);
            multiply_rows(&self.mask, tokens, wide, &mut self.kept);
        }
    }

    /// scale dP with dP = A ⊙ (dA − row sums of A ⊙ dA) and dA = M ⊙ (dY Vᵀ); takes Vᵀ in `columns`.
    fn score_gradient(&mut self, dy: &[T]) {
        let dy = Operand {
            data: dy,
            row: self.stride,
            column: 1,
        };
        product(
            (self.tokens, self.dim, self.wide),
            dy,
            &self.columns,
            &mut self.d_weights,
            false,
        );
        if self.dropout.is_some() {
            multiply_rows(&self.mask, self.tokens, self.wide, &mut self.d_weights);
        }
        softmax_backward_rows(&self.weights, &mut self.d_weights, self.wide, self.scale);
    }

    /// `result` ← (or +=) W X with X in `rows`, or Wᵀ X.
    fn from_weights(&mut self, source: Source, transposed: bool, accumulate: bool) {
        let data = match source {
            Source::Gradient => &self.d_weights,
            Source::Kept if self.dropout.is_some() => &self.kept,
            Source::Kept => &self.weights,
        };
        let (row, column) = if transposed {
            (1, self.wide)
        } else {
            (self.wide, 1)
        };
        let sizes = (self.tokens, self.tokens, self.deep);
        product(
            sizes,
            Operand { data, row, column },
            &self.rows,
            &mut self.result,
            accumulate,
        );
    }

    fn transpose(&mut self, x: &[T]) {
        for (i, token) in x.chunks(self.stride).take(self.tokens).enumerate() {
            for (column, &x) in self.columns.chunks_exact_mut(self.wide).zip(token) {
                column[i] = x;
            }
        }
    }

    fn pad(&mut self, x: &[T]) {
        let tokens = x.chunks(self.stride);
        for (row, token) in self.rows.chunks_exact_mut(self.deep).zip(tokens) {
            row[..self.dim].copy_from_slice(&token[..self.dim]);
        }
    }

    fn store(&self, y: &mut [T]) {
        let tokens = y.chunks_mut(self.stride);
        for (row, token) in self.result.chunks_exact(self.deep).zip(tokens) {
            token[..self.dim].copy_from_slice(&row[..self.dim]);
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

vectorized! {
    fn product<T, const FUSED>(sizes: (usize, usize, usize), a: Operand<'_, T>, b: &[T], c: &mut [T], accumulate: bool) {
        small_product::<T, FUSED>(sizes, a, b, c, accumulate);
    }
}

vectorized! {
    fn scale<T, const FUSED>(scale: T, x: &mut [T]) {
        each(x, |x| *x *= scale);
    }
}

vectorized! {
    /// The first `tokens` elements of each row of `wide` times those of the mask, whose rows are not padded.
    fn multiply_rows<T, const FUSED>(mask: &[T], tokens: usize, wide: usize, x: &mut [T]) {
        for (x, mask) in x.chunks_exact_mut(wide).zip(mask.chunks_exact(tokens)) {
            each2(&mut x[..tokens], mask, |x, mask| *x *= mask);
        }
    }
}
