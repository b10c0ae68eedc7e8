//! The one error type of the crate.

/// What can go wrong when a rate is computed; each variant carries the facts.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A precision that is zero, negative or not finite.
    #[error("{name} must be positive and finite, and so its square, got {}", shown(*value))]
    Precision {
        /// Which quantity was given: `"epsilon"` or `"epsilon squared"`.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// There are no tokens, or tokens without coordinates.
    #[error("a rate needs at least one token of at least one dimension, got shape {shape:?}")]
    Empty {
        /// Shape of the tokens.
        shape: Vec<usize>,
    },
    /// The subspace bases are not K matrices of the same shape.
    #[error("stacked bases of shape {shape:?} do not divide into {heads} heads")]
    Heads {
        /// Shape of the stacked bases.
        shape: Vec<usize>,
        /// Number of heads asked for.
        heads: usize,
    },
    /// Tokens and bases live in spaces of different dimension.
    #[error("shape mismatch in {operation}: tokens {tokens:?}, other operand {other:?}")]
    ShapeMismatch {
        /// The operation that was asked for.
        operation: &'static str,
        /// Shape of the tokens.
        tokens: Vec<usize>,
        /// Shape of the operand that does not fit.
        other: Vec<usize>,
    },
    /// A NaN or an infinity among the inputs.
    #[error("{what} are not finite at {index:?}")]
    NotFinite {
        /// `"tokens"` or `"bases"`.
        what: &'static str,
        /// Index of the first such element; within one image of a batch, [row, column].
        index: Vec<usize>,
    },
    /// The inputs are finite but their Gram matrix is not.
    #[error("the Gram matrix of {what} overflows {element}")]
    Overflow {
        /// `"tokens"` or `"projected tokens"`.
        what: &'static str,
        /// The element type, `"f32"` or `"f64"`.
        element: &'static str,
    },
    /// The Gram matrix is so large and so close to singular that the identity beside it is lost in its rounding.
    #[error(
        "the Gram matrix of {what} is too large for {element} to resolve the identity beside it"
    )]
    Resolution {
        /// `"tokens"` or `"projected tokens"`.
        what: &'static str,
        /// The element type, `"f32"` or `"f64"`.
        element: &'static str,
    },
    /// The convention reads R^c at the attention's input, which was not given.
    #[error(
        "the convention reads the compressed rate at the input of the attention, but only the layer's output was given"
    )]
    MissingAttentionInput,
    /// The class token is left out, and nothing else is there.
    #[error("no token is left once the class token is left out")]
    OnlyClassToken,
    /// A failure of the linear algebra below.
    #[error(transparent)]
    Linalg(#[from] srr_linalg::Error),
}

/// Result with the crate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A number as people write it, as a power of ten where it is very large or small.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || (1e-4..1e9).contains(&size) => value.to_string(),
        _ => format!("{value:e}"),
    }
}
