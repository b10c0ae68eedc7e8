//! Attention of many heads side by side.
//!
//! A few queries at a time pass all keys, so that no attention matrix is ever held as a whole. Where words hold two terms of a sum, an
//! operand is kept once for each axis that sums run along.

use std::{ops::Range, sync::Arc};

use super::{
    groups,
    layout::{FOUR, deinterleave, interleave, pair},
    products::products,
    softmax::{add_transpose, multiply, product, softmax, softmax_backward},
    starts,
};
use crate::cpu::{
    dropout::draw_abreast,
    operand::Operand,
    pool::{Buffer, Pool},
    vector::{lane_order, width},
    words::Words,
};
use crate::{AttentionOptions, Dropout, Element, check::Heads};

/// Queries of a block, about.
const QUERIES: usize = 12;
/// Tokens that make one block: their weights stay in the nearest cache.
const ONE_BLOCK: usize = 24;

/// Tokens of all lanes.
struct Tokens<T: Element> {
    /// `[N, words of p̄, lanes]`, for sums over columns; p̄ is p up to a multiple of four.
    by_column: Buffer<T>,
    /// `[words of N, p̄, lanes]`, for sums over tokens; none where a word holds one term, since it would be the same.
    by_token: Option<Buffer<T>>,
}

/// The workspace of as many pairs of example and head as a vector has lanes, with N tokens of dimension p each.
pub(in crate::cpu) struct Attention<T: Element> {
    sizes: Heads,
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
    /// Which pair of a group each lane holds; none without dropout.
    order: Vec<usize>,
}

impl<T: Element> Attention<T> {
    pub(in crate::cpu) fn new(
        options: &AttentionOptions,
        sizes: &Heads,
        words: Words,
        pool: &Arc<Pool<T>>,
    ) -> Self {
        let tokens = sizes.tokens;
        let dropout = options.dropout.filter(|dropout| dropout.threshold() > 0);
        let queries = blocks(tokens).map(|block| block.len()).max().unwrap_or(0);
        let elements = (queries * tokens).next_multiple_of(FOUR);
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
            sizes: *sizes,
            scale: T::from_f64(options.scale),
            causal: options.causal,
            dropout,
            width,
            words,
            weights: block(),
            d_weights: block(),
            mask: if_dropped(),
            kept: if_dropped(),
            order: dropout.map_or_else(Vec::new, |_| lane_order::<T>()),
            pool: Arc::clone(pool),
        }
    }

    /// Y = (M ⊙ A) V for some pairs; `y` starts at the example of the first.
    pub(in crate::cpu) fn forward(
        &mut self,
        pairs: Range<usize>,
        [q, k, v]: [&[T]; 3],
        y: &mut [T],
    ) {
        let mut y_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let [q, k, v] = [q, k, v].map(|x| self.pack(x, &group));
            self.attention(&group, [&q, &k, &v], &mut y_abreast);
            self.unpack(&mut y_abreast, &group, pairs.start, y);
        }
    }

    /// [`forward`](Self::forward) with queries, keys and values in one.
    pub(in crate::cpu) fn mssa(&mut self, pairs: Range<usize>, v: &[T], s: &mut [T]) {
        let mut s_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let v = self.pack(v, &group);
            self.attention(&group, [&v; 3], &mut s_abreast);
            self.unpack(&mut s_abreast, &group, pairs.start, s);
        }
    }

    fn attention(&mut self, group: &Range<usize>, [q, k, v]: [&Tokens<T>; 3], y: &mut Buffer<T>) {
        for queries in blocks(self.sizes.tokens) {
            self.attend(group, &queries, q, k);
            self.apply(self.kept(), &queries, v, y, false);
        }
    }

    /// The gradients with respect to q, k and v, given those operands and dy.
    pub(in crate::cpu) fn backward(
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
            for queries in blocks(self.sizes.tokens) {
                self.attend(&group, &queries, q, k);
                self.apply_transposed(self.kept(), &queries, dy, dv); // dV += (M ⊙ A)ᵀ dY
                self.score_gradient(&queries, v, dy); // scale dP
                self.apply(&self.d_weights, &queries, k, dq, true); // dQ += scale dP K
                self.apply_transposed(&self.d_weights, &queries, q, dk); // dK += scale dPᵀ Q
            }
            for (gradient, out) in d_abreast.iter_mut().zip(&mut gradients) {
                self.unpack(gradient, &group, pairs.start, out);
            }
        }
    }

    /// The gradient with respect to the one operand of [`mssa`](Self::mssa): the three of [`backward`](Self::backward) add up.
    pub(in crate::cpu) fn mssa_backward(
        &mut self,
        pairs: Range<usize>,
        v: &[T],
        ds: &[T],
        dv: &mut [T],
    ) {
        let mut d_abreast = self.buffer();
        for group in groups(&pairs, self.width) {
            let [v, ds] = &[v, ds].map(|x| self.pack(x, &group));
            let d = &mut d_abreast;
            d.as_mut_slice().fill(T::zero());
            for queries in blocks(self.sizes.tokens) {
                self.attend(&group, &queries, v, v);
                self.apply_transposed(self.kept(), &queries, ds, d); // (M ⊙ A)ᵀ dS
                self.score_gradient(&queries, v, ds); // scale dP
                if queries.len() == self.sizes.tokens {
                    add_transpose(queries.len(), self.d_weights.as_mut_slice());
                } else {
                    self.apply_transposed(&self.d_weights, &queries, v, d); // + scale dPᵀ V
                }
                self.apply(&self.d_weights, &queries, v, d, true); // + scale dP V
            }
            self.unpack(d, &group, pairs.start, dv);
        }
    }

    /// A = softmax(scale Q Kᵀ) and M ⊙ A for a block of queries.
    fn attend(
        &mut self,
        group: &Range<usize>,
        queries: &Range<usize>,
        q: &Tokens<T>,
        k: &Tokens<T>,
    ) {
        let (stride, visible) = (self.sizes.tokens * self.width, self.visible(queries));
        let sizes = (queries.len(), self.words.count(self.sizes.dim), visible);
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

    /// M and M ⊙ A for a block of queries.
    fn draw_mask(&mut self, group: &Range<usize>, queries: &Range<usize>) {
        let Some(dropout) = &self.dropout else {
            return;
        };
        let (tokens, width) = (self.sizes.tokens, self.width);
        let blocks = (tokens * tokens).div_ceil(Dropout::BLOCK);
        let start = |&lane: &usize| ((group.start + lane) * blocks) as u64;
        let starts: Vec<u64> = self.order.iter().map(start).collect();
        let all = ..queries.len() * tokens * width;
        let mask = &mut self.mask.as_mut_slice()[all];
        draw_abreast(
            dropout.seed,
            &starts,
            queries.start * tokens..queries.end * tokens,
            dropout.threshold(),
            T::from_f64(dropout.scale()),
            mask,
        );
        let (weights, kept) = (self.weights.as_slice(), self.kept.as_mut_slice());
        product(mask, &weights[all], &mut kept[all]);
    }

    /// scale dP with dP = A ⊙ (dA − row sums of A ⊙ dA) and dA = M ⊙ (dY Vᵀ).
    fn score_gradient(&mut self, queries: &Range<usize>, v: &Tokens<T>, dy: &Tokens<T>) {
        let (stride, visible) = (self.sizes.tokens * self.width, self.visible(queries));
        let sizes = (queries.len(), self.words.count(self.sizes.dim), visible);
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
            let all = ..queries.len() * stride;
            multiply(&self.mask.as_slice()[all], &mut d_weights[all]);
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

    /// The rows of y that belong to a block of queries ← W x, or += W x.
    fn apply(
        &self,
        weights: &Buffer<T>,
        queries: &Range<usize>,
        x: &Tokens<T>,
        y: &mut Buffer<T>,
        accumulate: bool,
    ) {
        let (words, visible, row) = (self.words, self.visible(queries), self.row());
        let sizes = (queries.len(), words.count(visible), self.sizes.dim);
        let paired = self.paired((queries.len(), self.sizes.tokens), (visible, 1), 1, weights);
        let weights = match &paired {
            Some(paired) => self.operand(paired, words.count(visible)),
            None => self.operand(weights, self.sizes.tokens),
        };
        let (x, y) = (self.columns(x, &(0..visible)), y.as_mut_slice());
        products(
            words,
            sizes,
            weights,
            x,
            &mut y[queries.start * row..],
            row,
            accumulate,
        );
    }

    /// y += Wᵀ x, with the rows of x that belong to a block of queries.
    fn apply_transposed(
        &self,
        weights: &Buffer<T>,
        queries: &Range<usize>,
        x: &Tokens<T>,
        y: &mut Buffer<T>,
    ) {
        let (words, visible) = (self.words, self.visible(queries));
        let sizes = (visible, words.count(queries.len()), self.sizes.dim);
        let paired = self.paired((1, 0), (queries.len(), self.sizes.tokens), visible, weights);
        let weights = match &paired {
            Some(paired) => self.operand(paired, visible),
            None => self.operand(weights, self.sizes.tokens),
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
        if self.words.count(2) == 2 {
            return None; // a word holds one term
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
            self.sizes.tokens
        }
    }

    /// Elements of a token of all lanes.
    fn row(&self) -> usize {
        self.sizes.dim.next_multiple_of(FOUR) * self.width
    }

    /// Some tokens, [tokens, words of p].
    fn rows<'a>(&self, x: &'a Tokens<T>, tokens: &Range<usize>) -> Operand<'a, T> {
        let row = self.words.count(self.row());
        Operand {
            data: &x.by_column.as_slice()[tokens.start * row..tokens.end * row],
            row,
            column: self.width,
        }
    }

    /// Some tokens from an even one on, [words of tokens, p].
    fn columns<'a>(&self, x: &'a Tokens<T>, tokens: &Range<usize>) -> Operand<'a, T> {
        let (row, words) = (self.row(), self.words);
        let data = x.by_token.as_ref().unwrap_or(&x.by_column).as_slice();
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
        self.pool.take(self.sizes.tokens * self.row())
    }

    fn pack(&self, x: &[T], group: &Range<usize>) -> Tokens<T> {
        let (starts, stride) = (
            starts(&self.sizes, group, 0),
            self.sizes.heads * self.sizes.dim,
        );
        let mut whole = self.buffer();
        interleave(x, &starts, self.sizes.dim, stride, whole.as_mut_slice());
        let columns = self.row() / self.width;
        // Rows have an even number of columns, so that no word holds terms of two.
        let by_column = self.paired((1, 0), (self.sizes.tokens * columns, 1), 1, &whole);
        let by_token = self.paired((1, 0), (self.sizes.tokens, columns), columns, &whole);
        Tokens {
            by_column: by_column.unwrap_or(whole),
            by_token,
        }
    }

    fn unpack(&self, abreast: &mut Buffer<T>, group: &Range<usize>, first: usize, x: &mut [T]) {
        let (starts, stride) = (
            starts(&self.sizes, group, first),
            self.sizes.heads * self.sizes.dim,
        );
        deinterleave(abreast.as_mut_slice(), &starts, self.sizes.dim, stride, x);
    }
}

/// Blocks of queries that begin with an even one: one, or as few as [`QUERIES`] allows, about equal, the last with one more at most.
fn blocks(tokens: usize) -> impl Iterator<Item = Range<usize>> {
    let most = if tokens <= ONE_BLOCK {
        ONE_BLOCK
    } else {
        QUERIES
    };
    let count = tokens.div_ceil(most);
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
