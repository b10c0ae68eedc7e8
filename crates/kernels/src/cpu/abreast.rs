//! Heads of attention side by side: each lane of a vector belongs to another pair of example and head.
//!
//! Operands are copied so that one element of as many pairs as there are lanes makes a vector. No sum runs across lanes then, no row is
//! padded to whole vectors, and heads far too small for a product of matrices by themselves run like large ones. A few
//! queries at a time pass all keys, so that no attention matrix is ever held as a whole. Where words hold two terms of a sum, an operand
//! is kept once for each axis that sums run along.

use std::{ops::Range, sync::Arc};

use pulp::Simd;

use super::{
    dropout::drop_elements,
    lane_products::products,
    operand::Operand,
    pool::{Buffer, Pool},
    vector::{vectorized, width},
    words::{Words, over_words},
};
use crate::{
    AttentionOptions, Dropout, Element,
    check::Heads,
    lanes::{Lanes, Terms},
};

/// Columns that are rearranged together.
const FOUR: usize = 4;
/// Elements that are copied before they are rearranged: what was just written in pieces cannot be read at once.
const COPIED: usize = 4096;
/// Queries of a block at most.
const QUERIES: usize = 12;

/// Tokens of all lanes.
struct Abreasts<T: Element> {
    /// `[N, words of p̄, lanes]`, p̄ being p up to a multiple of four.
    columns: Buffer<T>,
    /// `[words of N, p̄, lanes]`; empty where a word holds one term, since then it would be the same.
    tokens: Buffer<T>,
}

/// The workspace of as many pairs of example and head as a vector has lanes, with N tokens of dimension p each.
pub(super) struct Abreast<T: Element> {
    heads: usize,
    tokens: usize,
    dim: usize,
    scale: T,
    causal: bool,
    dropout: Option<Dropout>,
    pool: Arc<Pool<T>>,
    /// Lanes of a vector.
    width: usize,
    words: Words,
    /// A of a block of queries, `[queries, N, lanes]`.
    weights: Buffer<T>,
    /// scale dP, the same shape.
    d_weights: Buffer<T>,
    /// M, and M ⊙ A; empty without dropout.
    mask: Buffer<T>,
    kept: Buffer<T>,
}

impl<T: Element> Abreast<T> {
    pub(super) fn new(
        options: &AttentionOptions,
        sizes: &Heads,
        words: Words,
        pool: &Arc<Pool<T>>,
    ) -> Self {
        let Heads {
            tokens, dim, heads, ..
        } = *sizes;
        let dropout = options.dropout.filter(|dropout| dropout.probability > 0.0);
        let elements = (tokens.min(QUERIES + 1) * tokens).next_multiple_of(FOUR);
        let width = width::<T>();
        let block = || pool.take(elements * width);
        let if_dropped = || {
            pool.take(if dropout.is_some() {
                elements * width
            } else {
                0
            })
        };
        Self {
            heads,
            tokens,
            dim,
            scale: T::from_f64(options.scale),
            causal: options.causal,
            dropout,
            width,
            words,
            weights: block(),
            d_weights: block(),
            mask: if_dropped(),
            kept: if_dropped(),
            pool: Arc::clone(pool),
        }
    }

    /// Y = (M ⊙ A) V for some pairs; `y` starts at the example of the first.
    pub(super) fn forward(&mut self, pairs: Range<usize>, [q, k, v]: [&[T]; 3], y: &mut [T]) {
        let mut y_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let [q, k, v] = [q, k, v].map(|x| self.pack(x, &group));
            self.attention(&group, [&q, &k, &v], &mut y_abreast);
            self.unpack(&mut y_abreast, &group, pairs.start, y);
        }
    }

    /// [`forward`](Self::forward) with queries, keys and values in one.
    pub(super) fn mssa(&mut self, pairs: Range<usize>, v: &[T], s: &mut [T]) {
        let mut s_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let v = self.pack(v, &group);
            self.attention(&group, [&v; 3], &mut s_abreast);
            self.unpack(&mut s_abreast, &group, pairs.start, s);
        }
    }

    fn attention(&mut self, group: &Range<usize>, [q, k, v]: [&Abreasts<T>; 3], y: &mut Buffer<T>) {
        y.as_mut_slice().fill(T::zero());
        for queries in blocks(self.tokens) {
            self.attend(group, &queries, q, k);
            self.apply(self.kept(), &queries, v, y);
        }
    }

    /// The gradients with respect to q, k and v, given those operands and dy.
    pub(super) fn backward(
        &mut self,
        pairs: Range<usize>,
        operands: [&[T]; 4],
        mut gradients: [&mut [T]; 3],
    ) {
        let mut d_abreast: [Buffer<T>; 3] = std::array::from_fn(|_| self.buffer());
        for group in groups(&pairs, self.width) {
            for gradient in &mut d_abreast {
                gradient.as_mut_slice().fill(T::zero());
            }
            let [q, k, v, dy] = &operands.map(|x| self.pack(x, &group));
            let [dq, dk, dv] = &mut d_abreast;
            for queries in blocks(self.tokens) {
                self.attend(&group, &queries, q, k);
                self.apply_transposed(self.kept(), &queries, dy, dv); // dV += (M ⊙ A)ᵀ dY
                self.score_gradient(&queries, v, dy); // scale dP
                self.apply(&self.d_weights, &queries, k, dq); // dQ += scale dP K
                self.apply_transposed(&self.d_weights, &queries, q, dk); // dK += scale dPᵀ Q
            }
            for (gradient, out) in d_abreast.iter_mut().zip(&mut gradients) {
                self.unpack(gradient, &group, pairs.start, out);
            }
        }
    }

    /// The gradient with respect to the one operand of [`mssa`](Self::mssa): the three of [`backward`](Self::backward) add up.
    pub(super) fn mssa_backward(&mut self, pairs: Range<usize>, v: &[T], ds: &[T], dv: &mut [T]) {
        let mut d_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let [v, ds] = &[v, ds].map(|x| self.pack(x, &group));
            let d = &mut d_abreast;
            d.as_mut_slice().fill(T::zero());
            for queries in blocks(self.tokens) {
                self.attend(&group, &queries, v, v);
                self.apply_transposed(self.kept(), &queries, ds, d); // (M ⊙ A)ᵀ dS
                self.score_gradient(&queries, v, ds); // scale dP
                self.apply(&self.d_weights, &queries, v, d); // + scale dP V
                self.apply_transposed(&self.d_weights, &queries, v, d); // + scale dPᵀ V
            }
            self.unpack(d, &group, pairs.start, dv);
        }
    }

    /// A = softmax(scale Q Kᵀ) and M ⊙ A for a block of queries.
    fn attend(
        &mut self,
        group: &Range<usize>,
        queries: &Range<usize>,
        q: &Abreasts<T>,
        k: &Abreasts<T>,
    ) {
        let (stride, visible) = (self.tokens * self.width, self.visible(queries));
        let sizes = (queries.len(), self.words.count(self.dim), visible);
        let (q, k) = (self.rows(q, queries), self.rows(k, &(0..visible)));
        let weights = self.weights.as_mut_slice();
        products(self.words, sizes, q, k.transposed(), weights, stride, false);
        let hidden = self.causal.then_some(queries.start + 1);
        for (r, weights) in weights
            .chunks_exact_mut(stride)
            .take(queries.len())
            .enumerate()
        {
            let (shown, rest) = weights[..visible * self.width]
                .split_at_mut(hidden.map_or(visible, |first| first + r) * self.width);
            softmax(shown, self.scale);
            rest.fill(T::zero());
        }
        self.draw_mask(group, queries);
    }

    fn draw_mask(&mut self, group: &Range<usize>, queries: &Range<usize>) {
        let Some(dropout) = &self.dropout else {
            return;
        };
        let length = queries.len() * self.tokens;
        let mut masks = self.pool.take(group.len() * length);
        masks.as_mut_slice().fill(T::one());
        for (pair, mask) in group
            .clone()
            .zip(masks.as_mut_slice().chunks_exact_mut(length))
        {
            let first = (pair * self.tokens + queries.start) * self.tokens;
            drop_elements(dropout, first as u64, mask);
        }
        let starts: Vec<usize> = (0..group.len()).map(|pair| pair * length).collect();
        let mask = self.mask.as_mut_slice();
        let rows = &mut mask[..length.next_multiple_of(FOUR) * self.width];
        interleave(masks.as_slice(), &starts, length, length, rows);
        let all = ..length * self.width;
        self.kept.as_mut_slice()[all].copy_from_slice(&self.weights.as_slice()[all]);
        multiply(&mask[all], &mut self.kept.as_mut_slice()[all]);
    }

    /// scale dP with dP = A ⊙ (dA − row sums of A ⊙ dA) and dA = M ⊙ (dY Vᵀ).
    fn score_gradient(&mut self, queries: &Range<usize>, v: &Abreasts<T>, dy: &Abreasts<T>) {
        let (stride, visible) = (self.tokens * self.width, self.visible(queries));
        let sizes = (queries.len(), self.words.count(self.dim), visible);
        let (dy, v) = (self.rows(dy, queries), self.rows(v, &(0..visible)));
        let d_weights = self.d_weights.as_mut_slice();
        products(
            self.words,
            sizes,
            dy,
            v.transposed(),
            d_weights,
            stride,
            false,
        );
        if self.dropout.is_some() {
            multiply(self.mask.as_slice(), d_weights);
        }
        let weights = self.weights.as_slice().chunks_exact(stride);
        for (d_weights, weights) in d_weights
            .chunks_exact_mut(stride)
            .zip(weights)
            .take(queries.len())
        {
            let shown = ..visible * self.width;
            softmax_backward(&weights[shown], &mut d_weights[shown], self.scale);
        }
    }

    /// The rows of y that belong to a block of queries += W x.
    fn apply(
        &self,
        weights: &Buffer<T>,
        queries: &Range<usize>,
        x: &Abreasts<T>,
        y: &mut Buffer<T>,
    ) {
        let (words, visible, row) = (self.words, self.visible(queries), self.row());
        let sizes = (queries.len(), words.count(visible), self.dim);
        let paired = self.paired((queries.len(), self.tokens), (visible, 1), 1, weights);
        let weights = match &paired {
            Some(paired) => self.operand(paired, words.count(visible)),
            None => self.operand(weights, self.tokens),
        };
        let (x, y) = (self.columns(x, &(0..visible)), y.as_mut_slice());
        products(
            words,
            sizes,
            weights,
            x,
            &mut y[queries.start * row..],
            row,
            true,
        );
    }

    /// y += Wᵀ x, with the rows of x that belong to a block of queries.
    fn apply_transposed(
        &self,
        weights: &Buffer<T>,
        queries: &Range<usize>,
        x: &Abreasts<T>,
        y: &mut Buffer<T>,
    ) {
        let (words, visible) = (self.words, self.visible(queries));
        let sizes = (visible, words.count(queries.len()), self.dim);
        let paired = self.paired((1, 0), (queries.len(), self.tokens), visible, weights);
        let weights = match &paired {
            Some(paired) => self.operand(paired, visible),
            None => self.operand(weights, self.tokens),
        };
        let (weights, x) = (weights.transposed(), self.columns(x, queries));
        products(words, sizes, weights, x, y.as_mut_slice(), self.row(), true);
    }

    /// Words of two terms along an axis of a matrix of vectors, `[outer, words of axis, inner]`, if words hold two. Of the outer ones
    /// and of the axis: how many there are, and vectors between them.
    fn paired(
        &self,
        outer: (usize, usize),
        axis: (usize, usize),
        inner: usize,
        x: &Buffer<T>,
    ) -> Option<Buffer<T>> {
        if let Words::Whole = self.words {
            return None;
        }
        let length = outer.0 * self.words.count(axis.0) * inner * self.width;
        let mut paired = self.pool.take(length);
        pair(
            self.words,
            outer,
            axis,
            inner,
            x.as_slice(),
            paired.as_mut_slice(),
        );
        Some(paired)
    }

    fn kept(&self) -> &Buffer<T> {
        if self.dropout.is_some() {
            &self.kept
        } else {
            &self.weights
        }
    }

    /// The keys that any of the queries sees.
    fn visible(&self, queries: &Range<usize>) -> usize {
        if self.causal {
            queries.end
        } else {
            self.tokens
        }
    }

    /// Elements of a token of all lanes.
    fn row(&self) -> usize {
        self.dim.next_multiple_of(FOUR) * self.width
    }

    /// Some tokens, [tokens, words of p].
    fn rows<'a>(&self, x: &'a Abreasts<T>, tokens: &Range<usize>) -> Operand<'a, T> {
        let row = self.words.count(self.row());
        Operand {
            data: &x.columns.as_slice()[tokens.start * row..tokens.end * row],
            row,
            column: self.width,
        }
    }

    /// Some tokens from an even one on, [words of tokens, p].
    fn columns<'a>(&self, x: &'a Abreasts<T>, tokens: &Range<usize>) -> Operand<'a, T> {
        let (row, words) = (self.row(), self.words);
        let data = match words {
            Words::Whole => x.columns.as_slice(),
            #[cfg(target_arch = "x86_64")]
            Words::Pairs(_) => x.tokens.as_slice(),
        };
        Operand {
            data: &data[words.count(tokens.start) * row..words.count(tokens.end) * row],
            row,
            column: self.width,
        }
    }

    /// A matrix of vectors with rows of `columns`.
    fn operand<'a>(&self, weights: &'a Buffer<T>, columns: usize) -> Operand<'a, T> {
        Operand {
            data: weights.as_slice(),
            row: columns * self.width,
            column: self.width,
        }
    }

    fn buffer(&self) -> Buffer<T> {
        self.pool.take(self.tokens * self.row())
    }

    /// Where the first elements of a group's pairs stand in a tensor that begins with the example of pair `first`.
    fn starts(&self, group: &Range<usize>, first: usize) -> Vec<usize> {
        let start = |pair: usize| {
            let (example, head) = (pair / self.heads, pair % self.heads);
            (example - first / self.heads) * self.tokens * self.heads * self.dim + head * self.dim
        };
        group.clone().map(start).collect()
    }

    fn pack(&self, x: &[T], group: &Range<usize>) -> Abreasts<T> {
        let (starts, stride) = (self.starts(group, 0), self.heads * self.dim);
        let mut whole = self.buffer();
        interleave(x, &starts, self.dim, stride, whole.as_mut_slice());
        let columns = self.row() / self.width;
        // Rows have an even number of columns, so that a word never holds terms of two.
        let by_column = self.paired((1, 0), (self.tokens * columns, 1), 1, &whole);
        let by_token = self.paired((1, 0), (self.tokens, columns), columns, &whole);
        match (by_column, by_token) {
            (Some(columns), Some(tokens)) => Abreasts { columns, tokens },
            _ => Abreasts {
                columns: whole,
                tokens: self.pool.take(0),
            },
        }
    }

    fn unpack(&self, abreast: &mut Buffer<T>, group: &Range<usize>, first: usize, x: &mut [T]) {
        let (starts, stride) = (self.starts(group, first), self.heads * self.dim);
        deinterleave(abreast.as_mut_slice(), &starts, self.dim, stride, x);
    }
}

/// Pairs that share a vector.
fn groups(pairs: &Range<usize>, width: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = pairs.end;
    pairs
        .clone()
        .step_by(width)
        .map(move |first| first..end.min(first + width))
}

/// Blocks of queries that begin with an even one, as few as [`QUERIES`] allows, about equal; the last has one more at most.
fn blocks(tokens: usize) -> impl Iterator<Item = Range<usize>> {
    let count = tokens.div_ceil(QUERIES);
    let start = move |block: usize| (block * tokens / count) & !1;
    (0..count).map(move |block| {
        let end = if block + 1 == count {
            tokens
        } else {
            start(block + 1)
        };
        start(block)..end
    })
}

over_words! {
    /// The words of two vectors after one another along an axis of x, [outer, axis, inner], with 0 where there is no second.
    fn pair = pair_of_words(outer: (usize, usize), axis: (usize, usize), inner: usize, x: &[T], out: &mut [T])
}

/// # Safety
/// The processor must have the instructions of `W`.
#[inline(always)]
unsafe fn pair_of_words<T: Element, S: Simd, W: Terms<T>>(
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
                    // SAFETY: the caller's promise.
                    *out = unsafe { W::word(simd, *row, *next) };
                }
            } else {
                for (out, row) in out.iter_mut().zip(row) {
                    // SAFETY: the caller's promise.
                    *out = unsafe { W::word(simd, *row, zero) };
                }
            }
        }
    }
}

vectorized! {
    /// Copies matrices with rows of `dim` elements, `stride` apart, into lanes: `out` is [rows, dim up to a multiple of four, lanes], in
    /// an order of lanes that only [`deinterleave`] knows. Lanes without a matrix are 0, as what `dim` is short of.
    fn interleave<T, S>(simd: S, x: &[T], starts: &[usize], dim: usize, stride: usize, out: &mut [T]) {
        let lanes = T::width::<S>();
        let row = dim.next_multiple_of(FOUR) * lanes;
        let rows = (COPIED / row).max(1);
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
    fn deinterleave<T, S>(simd: S, abreast: &mut [T], starts: &[usize], dim: usize, stride: usize, x: &mut [T]) {
        let lanes = T::width::<S>();
        let row = dim.next_multiple_of(FOUR) * lanes;
        let rows = (COPIED / row).max(1);
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

vectorized! {
    /// x ← softmax(scale · x) over vectors, in each lane.
    fn softmax<T, S>(simd: S, x: &mut [T], scale: T) {
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
    fn softmax_backward<T, S>(simd: S, y: &[T], dy: &mut [T], scale: T) {
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

/// x ← x ⊙ mask.
fn multiply<T: Element>(mask: &[T], x: &mut [T]) {
    for (x, &factor) in x.iter_mut().zip(mask) {
        *x *= factor;
    }
}
