//! The one error type of the crate.

/// What can go wrong in a matrix operation; each variant carries the facts.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two operands do not fit together.
    #[error("shape mismatch in {operation}: left {left:?}, right {right:?}")]
    ShapeMismatch {
        /// The operation that was asked for.
        operation: &'static str,
        /// Shape of the left operand.
        left: Vec<usize>,
        /// Shape of the right operand (or of the destination).
        right: Vec<usize>,
    },
    /// A square matrix was expected.
    #[error("{operation} needs a square matrix, got {rows}×{columns}")]
    NotSquare {
        /// The operation that was asked for.
        operation: &'static str,
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A NaN or an infinity, found before any work was done.
    #[error("{operation}: the element at row {row}, column {column} is not finite")]
    NotFinite {
        /// The operation that was asked for.
        operation: &'static str,
        /// Row of the first such element.
        row: usize,
        /// Column of the first such element.
        column: usize,
    },
    /// A Cholesky pivot was zero, negative or not a number.
    #[error("the matrix is not positive definite: pivot {index} is {pivot:e}")]
    NotPositiveDefinite {
        /// Index of the pivot; the leading minor of that order + 1 is not positive.
        index: usize,
        /// The value whose square root was needed.
        pivot: f64,
    },
    /// A strided operand reaches beyond its slice.
    #[error("{operation}: operand {operand} needs {needed} elements, its slice has {length}")]
    OutOfBounds {
        /// The operation that was asked for.
        operation: &'static str,
        /// The name of the operand.
        operand: &'static str,
        /// How many elements its shape and strides address.
        needed: usize,
        /// How many there are.
        length: usize,
    },
    /// More orthonormal columns were asked for than there are dimensions.
    #[error("a frame of {columns} orthonormal columns does not fit in {rows} dimensions")]
    FrameTooWide {
        /// Dimension of the space.
        rows: usize,
        /// Number of columns asked for.
        columns: usize,
    },
    /// An iteration did not converge.
    #[error("{operation} did not converge for a {rows}×{columns} matrix")]
    NoConvergence {
        /// The operation that was asked for.
        operation: &'static str,
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A factorization provider reported a failure.
    #[error("{provider} failed in {operation}: {message}")]
    Provider {
        /// Name of the provider.
        provider: &'static str,
        /// The operation that was asked for.
        operation: &'static str,
        /// What the provider said.
        message: String,
    },
}

/// Result with the crate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;
