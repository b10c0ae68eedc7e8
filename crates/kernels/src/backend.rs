//! The operations that a device offers.

use std::fmt::Debug;

use srr_coding_rate::Coding;
use srr_linalg::Scalar;

use crate::{
    AdamStep, AttentionOptions, CrossEntropy, Dropout, Element, IstaOutput, LayerNormOutput,
    LionStep, MatmulPrecision, Rates, Result, SgdStep, Transpose, Unary, composed,
};

/// A dense, row-major array on some device.
///
/// Its values are reached through a [`Backend`] only. A clone is independent of its original: changing one through `&mut` leaves
/// the other as it was (whether the clone copies at once or at the first change is the backend's affair).
pub trait Tensor: Clone + Debug + Send + Sync + 'static {
    /// The length of every axis; empty for a scalar.
    fn shape(&self) -> &[usize];

    /// The number of elements.
    fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether there is no element.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A device: a tensor type and the operations on it.
///
/// The first part of the list (memory, products, elementwise, layout, reductions) are *primitives*, which every backend writes. The
/// second part are *coarse* operations with default bodies composed of primitives, or of a round trip to the host where the result
/// is small; a backend overrides them for speed. The conformance suite (feature `conformance`) holds both to the same references.
///
/// Conventions: arrays are row-major, tokens stand in rows, `B` is the batch, `N` the number of tokens, `d` their dimension, `K` the
/// number of heads and `p` the dimension of a head. "Rows" of a tensor are its last axis; everything before counts them. A backward
/// pass returns the gradient with respect to its input and *adds* to the gradients of parameters. Derivations are in
/// `docs/kernels.md`. Every operation refuses operands whose shapes do not fit with [`Error::ShapeMismatch`](crate::Error) or
/// [`Error::Rank`](crate::Error), and options outside their range with [`Error::InvalidOption`](crate::Error); a device that fails
/// says so with [`Error::Device`](crate::Error). What else an operation refuses stands under its own "Errors".
///
/// ```
/// use srr_kernels::{Backend, Cpu, Result, Transpose};
///
/// /// AᵀA on any device.
/// fn gram<B: Backend>(backend: &B, a: &B::Tensor) -> Result<B::Tensor> {
///     backend.matmul(a, Transpose::Yes, a, Transpose::No)
/// }
///
/// let cpu = Cpu::<f64>::new();
/// let a = cpu.upload_f64(&[1.0, 2.0, 3.0, 4.0], &[2, 2])?;
/// assert_eq!(cpu.download(&gram(&cpu, &a)?)?, [10.0, 14.0, 14.0, 20.0]);
/// # Ok::<(), srr_kernels::Error>(())
/// ```
pub trait Backend: Clone + Debug + Send + Sync + 'static {
    /// The type of the elements.
    type Element: Element;
    /// The type of the arrays.
    type Tensor: Tensor;

    /// How precise products of `f32` matrices were asked to be; [`Highest`](MatmulPrecision::Highest) where there is no choice.
    fn precision(&self) -> MatmulPrecision {
        MatmulPrecision::Highest
    }

    // ---------------------------------------------------------------------------------------------------------------- memory

    /// Copies values from the host, in row-major order.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error) when the values do not fill the shape, [`Error::NonFinite`](crate::Error) at a NaN or infinity.
    fn upload(&self, values: &[Self::Element], shape: &[usize]) -> Result<Self::Tensor>;

    /// [`upload`](Self::upload) without the check for NaN and infinities, for results that may have diverged.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error) when the values do not fill the shape.
    fn upload_unchecked(&self, values: &[Self::Element], shape: &[usize]) -> Result<Self::Tensor>;

    /// Copies values to the host, in row-major order.
    fn download(&self, tensor: &Self::Tensor) -> Result<Vec<Self::Element>>;

    /// A tensor of zeros.
    fn zeros(&self, shape: &[usize]) -> Result<Self::Tensor>;

    /// The same elements in another shape of the same length.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error) at a shape of another length.
    fn reshape(&self, x: &Self::Tensor, shape: &[usize]) -> Result<Self::Tensor>;

    /// [`upload`](Self::upload) of numbers that are rounded to the element type.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), a number being refused too that is not finite once it is rounded.
    fn upload_f64(&self, values: &[f64], shape: &[usize]) -> Result<Self::Tensor> {
        let values: Vec<_> = values.iter().map(|&v| Self::Element::from_f64(v)).collect();
        self.upload(&values, shape)
    }

    /// [`download`](Self::download) as `f64`.
    fn download_f64(&self, tensor: &Self::Tensor) -> Result<Vec<f64>> {
        Ok(self
            .download(tensor)?
            .into_iter()
            .map(|v| v.to_f64())
            .collect())
    }

    // -------------------------------------------------------------------------------------------------------------- products

    /// out ← α op(a) op(b) + β out for matrices, or for each pair of matrices of two batches (rank 3, equal first axes).
    /// With β = 0 the old values of `out` do not matter, NaN included.
    fn matmul_into(
        &self,
        alpha: f64,
        a: &Self::Tensor,
        transpose_a: Transpose,
        b: &Self::Tensor,
        transpose_b: Transpose,
        beta: f64,
        out: &mut Self::Tensor,
    ) -> Result<()>;

    /// op(a) op(b) as a new tensor; see [`matmul_into`](Self::matmul_into).
    fn matmul(
        &self,
        a: &Self::Tensor,
        transpose_a: Transpose,
        b: &Self::Tensor,
        transpose_b: Transpose,
    ) -> Result<Self::Tensor> {
        composed::matmul::matmul(self, a, transpose_a, b, transpose_b)
    }

    // ----------------------------------------------------------------------------------------------------------- elementwise

    /// y ← y + α x.
    fn add_scaled(&self, y: &mut Self::Tensor, alpha: f64, x: &Self::Tensor) -> Result<()>;

    /// y ← α y. With α = 0 the old values of y do not matter: NaN and infinities are cleared too.
    fn scale(&self, y: &mut Self::Tensor, alpha: f64) -> Result<()>;

    /// The elementwise product a ⊙ b.
    fn multiply(&self, a: &Self::Tensor, b: &Self::Tensor) -> Result<Self::Tensor>;

    /// f(x) for each element.
    fn unary(&self, function: Unary, x: &Self::Tensor) -> Result<Self::Tensor>;

    /// f′(x) ⊙ dy, with x the *input* of [`unary`](Self::unary).
    fn unary_backward(
        &self,
        function: Unary,
        x: &Self::Tensor,
        dy: &Self::Tensor,
    ) -> Result<Self::Tensor>;

    /// Drops and scales elements of rows in place (a tensor without axes has none); the backward pass is the same operation on the gradient.
    fn dropout(&self, x: &mut Self::Tensor, dropout: &Dropout) -> Result<()>;

    /// a + α b as a new tensor.
    fn combine(&self, a: &Self::Tensor, alpha: f64, b: &Self::Tensor) -> Result<Self::Tensor> {
        let mut sum = a.clone();
        self.add_scaled(&mut sum, alpha, b)?;
        Ok(sum)
    }

    // ------------------------------------------------------------------------------------------------------ rows and columns

    /// Adds `row` `[n]` to every row of `x` `[.., n]`.
    fn add_row(&self, x: &mut Self::Tensor, row: &Self::Tensor) -> Result<()>;

    /// Adds the sum of the rows of `x` `[.., n]` to `out` `[n]`; the backward pass of [`add_row`](Self::add_row).
    fn sum_rows(&self, x: &Self::Tensor, out: &mut Self::Tensor) -> Result<()>;

    /// The softmax of each row.
    fn softmax(&self, x: &Self::Tensor) -> Result<Self::Tensor>;

    /// The gradient of [`softmax`](Self::softmax), given its *output* y: y ⊙ (dy − ⟨y, dy⟩) in each row.
    fn softmax_backward(&self, y: &Self::Tensor, dy: &Self::Tensor) -> Result<Self::Tensor>;

    // ---------------------------------------------------------------------------------------------------------------- layout

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of x.
    ///
    /// # Errors
    /// [`Error::Permutation`](crate::Error) unless `axes` names every axis of x once.
    fn permute(&self, x: &Self::Tensor, axes: &[usize]) -> Result<Self::Tensor>;

    /// A copy of `start..start + length` along an axis.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error) at an axis that x does not have, or a range that ends beyond it.
    fn slice(
        &self,
        x: &Self::Tensor,
        axis: usize,
        start: usize,
        length: usize,
    ) -> Result<Self::Tensor>;

    /// Adds x to `out` at `start..` along an axis: the backward pass of [`slice`](Self::slice).
    ///
    /// # Errors
    /// As [`slice`](Self::slice) of `out`.
    fn add_slice(
        &self,
        out: &mut Self::Tensor,
        axis: usize,
        start: usize,
        x: &Self::Tensor,
    ) -> Result<()>;

    /// Tensors one after another along an axis, all other axes being equal.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error) at an axis that the tensors do not have; no tensor at all is an option outside its range.
    fn concat(&self, parts: &[&Self::Tensor], axis: usize) -> Result<Self::Tensor> {
        composed::layout::concat(self, parts, axis)
    }

    /// Rows `ids` of a table `[V, d]`: `[ids.len(), d]`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error) at an id that is not below V.
    fn gather_rows(&self, table: &Self::Tensor, ids: &[u32]) -> Result<Self::Tensor>;

    /// Adds row i of `x` `[ids.len(), d]` to row `ids[i]` of `out` `[V, d]`: the backward pass of [`gather_rows`](Self::gather_rows).
    ///
    /// # Errors
    /// As [`gather_rows`](Self::gather_rows).
    fn scatter_add_rows(&self, out: &mut Self::Tensor, ids: &[u32], x: &Self::Tensor)
    -> Result<()>;

    /// Square patches of images `[B, C, H, W]` as rows `[B, (H/s)·(W/s), s·s·C]`.
    ///
    /// Patches follow each other row by row; within a patch the order is pixel row, pixel column, channel (fastest), einops'
    /// `'(p1 p2 c)'`. `size` must divide H and W.
    fn patches(&self, images: &Self::Tensor, size: usize) -> Result<Self::Tensor> {
        composed::layout::patches(self, images, size)
    }

    /// Patches back in their places: the inverse of [`patches`](Self::patches), and so its backward pass.
    fn patches_backward(
        &self,
        patches: &Self::Tensor,
        images: &[usize],
        size: usize,
    ) -> Result<Self::Tensor> {
        composed::layout::patches_backward(self, patches, images, size)
    }

    /// The mean over the tokens: `[B, N, d]` to `[B, d]`.
    fn mean_tokens(&self, x: &Self::Tensor) -> Result<Self::Tensor> {
        composed::layout::mean_tokens(self, x)
    }

    /// The gradient of [`mean_tokens`](Self::mean_tokens): `[B, d]` to `[B, N, d]`, dy/N for every token.
    fn mean_tokens_backward(&self, dy: &Self::Tensor, tokens: usize) -> Result<Self::Tensor> {
        composed::layout::mean_tokens_backward(self, dy, tokens)
    }

    // ----------------------------------------------------------------------------------------------------------- host reads

    /// Σ x², accumulated in `f64`.
    fn sum_of_squares(&self, x: &Self::Tensor) -> Result<f64> {
        composed::host::sum_of_squares(self, x)
    }

    /// The number of non-zero elements of each example of `x` `[B, ..]`.
    fn count_nonzero(&self, x: &Self::Tensor) -> Result<Vec<u64>> {
        composed::host::count_nonzero(self, x)
    }

    /// Whether no element is NaN or infinite.
    fn all_finite(&self, x: &Self::Tensor) -> Result<bool> {
        composed::host::all_finite(self, x)
    }

    // ---------------------------------------------------------------------------------------------------------------- layers

    /// x Wᵀ + b for each row of `x` `[.., in]`, with `weight` `[out, in]` and `bias` `[out]`: `[.., out]`.
    fn linear(
        &self,
        x: &Self::Tensor,
        weight: &Self::Tensor,
        bias: Option<&Self::Tensor>,
    ) -> Result<Self::Tensor> {
        composed::linear::linear(self, x, weight, bias)
    }

    /// The gradient of [`linear`](Self::linear): dx = dy W (when `need_input`), and adds dyᵀ x to `d_weight`, Σ dy to `d_bias`.
    fn linear_backward(
        &self,
        x: &Self::Tensor,
        weight: &Self::Tensor,
        dy: &Self::Tensor,
        d_weight: Option<&mut Self::Tensor>,
        d_bias: Option<&mut Self::Tensor>,
        need_input: bool,
    ) -> Result<Option<Self::Tensor>> {
        composed::linear::linear_backward(self, x, weight, dy, d_weight, d_bias, need_input)
    }

    /// (x − mean) / √(variance + ε) · gain + bias over the last axis, with the biased variance, as torch's `LayerNorm`.
    fn layer_norm(
        &self,
        x: &Self::Tensor,
        gain: &Self::Tensor,
        bias: &Self::Tensor,
        epsilon: f64,
    ) -> Result<LayerNormOutput<Self::Tensor>> {
        composed::layer_norm::layer_norm(self, x, gain, bias, epsilon)
    }

    /// The gradient of [`layer_norm`](Self::layer_norm) with respect to x; adds to those of gain and bias.
    fn layer_norm_backward(
        &self,
        x: &Self::Tensor,
        gain: &Self::Tensor,
        forward: &LayerNormOutput<Self::Tensor>,
        dy: &Self::Tensor,
        d_gain: Option<&mut Self::Tensor>,
        d_bias: Option<&mut Self::Tensor>,
    ) -> Result<Self::Tensor> {
        composed::layer_norm::layer_norm_backward(self, x, gain, forward, dy, d_gain, d_bias)
    }

    /// Multi-head subspace self-attention of projected tokens `v` `[B, N, K·p]` (Yu et al. 2023, eq. 11).
    ///
    /// For each head, S = dropout(softmax(scale · V Vᵀ)) V with the softmax along rows (queries in rows): `[B, N, K·p]`.
    fn mssa(&self, v: &Self::Tensor, options: &AttentionOptions) -> Result<Self::Tensor> {
        self.attention(v, v, v, options)
    }

    /// The gradient of [`mssa`](Self::mssa) with respect to v; the attention matrix is computed again.
    fn mssa_backward(
        &self,
        v: &Self::Tensor,
        options: &AttentionOptions,
        ds: &Self::Tensor,
    ) -> Result<Self::Tensor> {
        composed::attention::mssa_backward(self, v, options, ds)
    }

    /// Multi-head attention dropout(softmax(scale · Q Kᵀ)) V of `[B, N, K·p]` operands: `[B, N, K·p]`.
    fn attention(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        options: &AttentionOptions,
    ) -> Result<Self::Tensor> {
        composed::attention::attention(self, q, k, v, options)
    }

    /// The gradients of [`attention`](Self::attention) with respect to q, k and v.
    fn attention_backward(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        options: &AttentionOptions,
        dy: &Self::Tensor,
    ) -> Result<(Self::Tensor, Self::Tensor, Self::Tensor)> {
        composed::attention::attention_backward(self, q, k, v, options, dy)
    }

    /// One step of ISTA with a square dictionary D `[d, d]` (Yu et al. 2023, eq. 17): relu(x + β (x − x Dᵀ) D − β λ) for each row
    /// of `x` `[.., d]`, with β the step size and λ the threshold.
    fn ista(
        &self,
        x: &Self::Tensor,
        dictionary: &Self::Tensor,
        step_size: f64,
        threshold: f64,
    ) -> Result<IstaOutput<Self::Tensor>> {
        composed::ista::ista(self, x, dictionary, step_size, threshold)
    }

    /// The gradient of [`ista`](Self::ista) with respect to x; adds to that of the dictionary.
    fn ista_backward(
        &self,
        x: &Self::Tensor,
        dictionary: &Self::Tensor,
        step_size: f64,
        forward: &IstaOutput<Self::Tensor>,
        dy: &Self::Tensor,
        d_dictionary: Option<&mut Self::Tensor>,
    ) -> Result<Self::Tensor> {
        composed::ista::ista_backward(self, x, dictionary, step_size, forward, dy, d_dictionary)
    }

    /// Softmax cross-entropy of `logits` `[B, C]`, with torch's label smoothing in [0, 1].
    ///
    /// A NaN among the logits makes that example's loss NaN.
    ///
    /// # Errors
    /// [`Error::Label`](crate::Error) at a label that is not below C.
    fn cross_entropy(
        &self,
        logits: &Self::Tensor,
        labels: &[u32],
        smoothing: f64,
    ) -> Result<CrossEntropy<Self::Tensor>> {
        composed::loss::cross_entropy(self, logits, labels, smoothing)
    }

    // ----------------------------------------------------------------------------------------------------------------- rates

    /// The coding rate R of each example of `tokens` `[B, N, d]`, in nats, and the gradient of Σ R with respect to the tokens.
    ///
    /// `coding` is a [`Precision`](srr_coding_rate::Precision) or a [`Coding`]; `head_dim` is p, which the unit-γ precision needs.
    ///
    /// # Errors
    /// [`Error::Rate`](crate::Error) at tokens that are not finite, at none, and where the rate itself cannot be computed.
    fn coding_rate(
        &self,
        tokens: &Self::Tensor,
        coding: impl Into<Coding>,
        head_dim: usize,
        gradient: bool,
    ) -> Result<Rates<Self::Tensor>> {
        composed::rates::coding_rate(self, tokens, coding.into(), head_dim, gradient)
    }

    /// The compressed rate R^c of each example of `tokens` `[B, N, d]` in K subspaces, in nats, and the gradients of Σ R^c with respect
    /// to tokens and bases. `stacked_bases` `[K·p, d]` is the weight of the projection, whose rows k·p..(k+1)·p are U_kᵀ.
    ///
    /// # Errors
    /// [`Error::Rate`](crate::Error) as for [`coding_rate`](Self::coding_rate), at bases that are not finite, and unless `heads` divides
    /// their rows.
    fn compressed_rate(
        &self,
        tokens: &Self::Tensor,
        stacked_bases: &Self::Tensor,
        heads: usize,
        coding: impl Into<Coding>,
        gradient: bool,
    ) -> Result<Rates<Self::Tensor>> {
        composed::rates::compressed_rate(
            self,
            tokens,
            stacked_bases,
            heads,
            coding.into(),
            gradient,
        )
    }

    // ------------------------------------------------------------------------------------------------------------ optimizers

    /// One step of Adam or AdamW on `value`, with its two moments.
    fn adam_step(
        &self,
        value: &mut Self::Tensor,
        gradient: &Self::Tensor,
        first: &mut Self::Tensor,
        second: &mut Self::Tensor,
        step: &AdamStep,
    ) -> Result<()> {
        composed::optimizer::adam_step(self, value, gradient, first, second, step)
    }

    /// One step of stochastic gradient descent on `value`, with its momentum buffer.
    fn sgd_step(
        &self,
        value: &mut Self::Tensor,
        gradient: &Self::Tensor,
        momentum: &mut Self::Tensor,
        step: &SgdStep,
    ) -> Result<()> {
        composed::optimizer::sgd_step(self, value, gradient, momentum, step)
    }

    /// One step of Lion on `value`, with its momentum.
    fn lion_step(
        &self,
        value: &mut Self::Tensor,
        gradient: &Self::Tensor,
        momentum: &mut Self::Tensor,
        step: &LionStep,
    ) -> Result<()> {
        composed::optimizer::lion_step(self, value, gradient, momentum, step)
    }
}
