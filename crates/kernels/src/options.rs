//! What operations take besides tensors, and what they return besides one tensor.

use srr_random::Seed;

/// Whether a matrix enters a product transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transpose {
    /// As it is.
    No,
    /// Transposed.
    Yes,
}

/// A function applied to every element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unary {
    /// max(x, 0); its derivative at 0 is 0.
    Relu,
    /// x Φ(x) with the exact normal distribution function Φ (not the tanh approximation).
    Gelu,
    /// |x|; its derivative at 0 is 0.
    Abs,
    /// −1, 0 or 1; its derivative is 0.
    Sign,
    /// x².
    Square,
    /// √x.
    Sqrt,
    /// eˣ.
    Exp,
    /// ln x.
    Log,
    /// 1/x.
    Reciprocal,
}

impl Unary {
    /// Every function, for tests that leave none out.
    pub const ALL: [Self; 9] = [
        Self::Relu,
        Self::Gelu,
        Self::Abs,
        Self::Sign,
        Self::Square,
        Self::Sqrt,
        Self::Exp,
        Self::Log,
        Self::Reciprocal,
    ];
}

/// Inverted dropout that needs no stored mask.
///
/// The `probability` counts in multiples of 2⁻¹⁶, q of them: the nearest number, 65535 at most. Element c of row r, along the last axis, of
/// length w, takes 16 random bits: half c mod 8, lower halves of words before upper, of the block r ⌈w/8⌉ + ⌊c/8⌋ of the
/// [`seed`](Seed::block). It is kept if and only if they make a number of at least q, and then multiplied by 1/(1 − q 2⁻¹⁶). The same value
/// gives the same mask, forward and backward and on every device; probability 0 is the identity.
///
/// ```
/// # use {srr_kernels::{Backend, Cpu, Dropout}, srr_random::Seed};
/// let dropout = Dropout { probability: 0.25, seed: Seed::new(1) };
/// let cpu = Cpu::<f64>::new();
/// let mut x = cpu.upload(&[1.0; 3000], &[2, 1500])?;
/// cpu.dropout(&mut x, &dropout)?;
/// let x = cpu.download(&x)?;
/// assert!(x.iter().all(|&x| x == 0.0 || x == 1.0 / 0.75));
/// assert!((x.iter().sum::<f64>() / 3000.0 - 1.0).abs() < 0.05);
/// # Ok::<(), srr_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability that an element is dropped, in [0, 1).
    pub probability: f64,
    /// The seed of the mask.
    pub seed: Seed,
}

impl Dropout {
    /// Elements that a block of random words serves.
    pub(crate) const BLOCK: usize = 8;

    /// q: elements with smaller random numbers are dropped.
    pub(crate) fn threshold(&self) -> u16 {
        (self.probability * 65_536.0).round() as u16 // 65535 at most
    }

    /// The factor of what is kept.
    pub(crate) fn scale(&self) -> f64 {
        1.0 / (1.0 - f64::from(self.threshold()) / 65_536.0)
    }
}

/// How heads attend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionOptions {
    /// The number of heads K; the last axis of the operands is K·p.
    pub heads: usize,
    /// The factor on the inner products before the softmax: p^(−1/2) in the official code, 1 in the papers' formulas.
    pub scale: f64,
    /// Whether token i sees tokens 0..=i only.
    pub causal: bool,
    /// Dropout of the attention weights; weight (b, h, i, j) is element i·N + j of row b·K + h.
    pub dropout: Option<Dropout>,
}

/// What [`layer_norm`](crate::Backend::layer_norm) returns; its backward pass takes it back.
#[derive(Clone, Debug)]
pub struct LayerNormOutput<T> {
    /// (x − mean) / √(variance + ε) · gain + bias, in the shape of x.
    pub output: T,
    /// The mean of each row, `[rows]`.
    pub mean: T,
    /// 1/√(variance + ε) of each row, `[rows]`; the variance is the biased one.
    pub inverse_deviation: T,
}

/// What [`cross_entropy`](crate::Backend::cross_entropy) returns.
#[derive(Clone, Debug)]
pub struct CrossEntropy<T> {
    /// The loss of each example in nats, `[B]`.
    pub losses: T,
    /// 1 where the largest logit (the first of equals) is the label's, else 0, `[B]`.
    pub correct: T,
    /// The gradient of the *mean* loss with respect to the logits, `[B, C]`.
    pub gradient: T,
}

/// What [`ista`](crate::Backend::ista) returns; its backward pass takes it back.
#[derive(Clone, Debug)]
pub struct IstaOutput<T> {
    /// relu(x + β (x − x Dᵀ) D − β λ), in the shape of x.
    pub output: T,
    /// What the backward pass needs besides: the residual x − x Dᵀ in the shape of x or, where a backend takes the step as one map,
    /// the map β (I − Dᵀ) D, `[d, d]`.
    pub saved: T,
}

/// Rates of a batch; the gradients are there if they were asked for.
#[derive(Clone, Debug)]
pub struct Rates<T> {
    /// The rate of each example in nats, `[B]`.
    pub values: Vec<f64>,
    /// The gradient of each example's rate with respect to its tokens, `[B, N, d]`.
    pub tokens: Option<T>,
    /// The gradient of the *sum* over the batch with respect to the stacked bases, `[K·p, d]`; none for the coding rate, which has none.
    pub bases: Option<T>,
}

/// One step of Adam, as torch's `Adam` (L2 penalty) and `AdamW` (decoupled decay) define it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The decay of the first moment.
    pub beta1: f64,
    /// The decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// Whether the decay shrinks the weights directly (AdamW) or is added to the gradient (Adam).
    pub decoupled: bool,
    /// The number of this step; the first is 1.
    pub step: u64,
}

impl AdamStep {
    /// 1 − β₁ᵗ and 1 − β₂ᵗ at step t: what the moments fall short of, having started from zero.
    pub fn corrections(&self) -> (f64, f64) {
        let t = self.step as f64;
        (1.0 - self.beta1.powf(t), 1.0 - self.beta2.powf(t))
    }
}

/// One step of stochastic gradient descent, as torch's `SGD` with dampening 0 defines it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The decay of the momentum buffer; 0 leaves the buffer alone.
    pub momentum: f64,
    /// The weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Whether to look ahead (Nesterov).
    pub nesterov: bool,
    /// Whether this is the first step, at which the buffer takes the gradient as it is.
    pub first: bool,
}

/// One step of Lion with decoupled weight decay (Chen et al. 2023, algorithm 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LionStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The weight of the momentum in the sign.
    pub beta1: f64,
    /// The decay of the momentum.
    pub beta2: f64,
    /// The decoupled weight decay.
    pub weight_decay: f64,
}
