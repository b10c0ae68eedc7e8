//! What can go wrong in an operation.

use crate::MatmulPrecision;

/// The result of an operation on tensors.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes that an operation cannot bring together.
    #[error("shape mismatch in {operation}: {left:?} does not go with {right:?}")]
    ShapeMismatch {
        /// The operation.
        operation: &'static str,
        /// The shape of the operand that set the expectation.
        left: Vec<usize>,
        /// The shape that did not meet it.
        right: Vec<usize>,
    },
    /// A tensor with too few or too many axes.
    #[error("{operation} takes a tensor of rank {expected}, not one of shape {shape:?}")]
    Rank {
        /// The operation.
        operation: &'static str,
        /// The ranks that it takes, in words.
        expected: &'static str,
        /// The shape that was given.
        shape: Vec<usize>,
    },
    /// A number of values that does not fill a shape.
    #[error("{operation}: {values} values do not fill the shape {shape:?}")]
    Length {
        /// The operation.
        operation: &'static str,
        /// How many values there are.
        values: usize,
        /// The shape that they should fill.
        shape: Vec<usize>,
    },
    /// An axis, a range or an index outside a tensor.
    #[error("{operation}: {index} is outside the bound {bound} ({what})")]
    OutOfRange {
        /// The operation.
        operation: &'static str,
        /// What was out of range, such as "axis", "row" or "slice end".
        what: &'static str,
        /// The index.
        index: usize,
        /// The bound that it should stay below (for the end of a slice: should not exceed).
        bound: usize,
    },
    /// Axes that are not a permutation.
    #[error("{axes:?} is not an order of the axes of {shape:?}")]
    Permutation {
        /// The axes that were given.
        axes: Vec<usize>,
        /// The shape whose axes they should order.
        shape: Vec<usize>,
    },
    /// A class label that the logits do not have.
    #[error("label {label} of example {example} is not below the number of classes, {classes}")]
    Label {
        /// The position in the batch.
        example: usize,
        /// The label.
        label: u32,
        /// How many classes the logits have.
        classes: usize,
    },
    /// An option outside its range.
    #[error("{operation}: {option} is {value}, but must be {requirement}")]
    InvalidOption {
        /// The operation.
        operation: &'static str,
        /// The name of the option.
        option: &'static str,
        /// Its value.
        value: f64,
        /// What it must be, in words.
        requirement: &'static str,
    },
    /// No level of precision has this name.
    #[error("no precision of matrix products is called {name:?}; there are {}", MatmulPrecision::ALL.map(MatmulPrecision::name).join(", "))]
    UnknownPrecision {
        /// The name.
        name: String,
    },
    /// A NaN or an infinity where there should be none.
    #[error("{operation}: value {index} is not finite")]
    NonFinite {
        /// The operation.
        operation: &'static str,
        /// The position of the value in row-major order.
        index: usize,
    },
    /// A rate that does not exist.
    #[error(transparent)]
    Rate(#[from] srr_coding_rate::Error),
    /// A product that does not exist.
    #[error(transparent)]
    Product(#[from] srr_linalg::Error),
    /// A failure of a device: no memory, no driver, a kernel that did not run.
    #[error("{operation} failed on the device: {message}")]
    Device {
        /// The operation.
        operation: &'static str,
        /// What the device said.
        message: String,
    },
}
