//! What can go wrong.

use crate::Variant;
use std::{fmt, path::PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a model is built, run, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the backend failed.
    #[error(transparent)]
    Kernel(#[from] srr_kernels::Error),
    /// A field of a configuration has a value that no model can have.
    #[error("{field} = {value}: {requirement}")]
    Config {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must fulfil.
        requirement: &'static str,
    },
    /// A variant adds its heads to the tokens as they stand and therefore needs K·p = d.
    #[error(
        "variant {variant} needs heads x head_dim = dim, but {heads} x {head_dim} is not {dim}"
    )]
    NotSquare {
        /// The variant.
        variant: Variant,
        /// K.
        heads: usize,
        /// p.
        head_dim: usize,
        /// d.
        dim: usize,
    },
    /// No variant has this name.
    #[error("no variant is called {name:?}; there are {}", Variant::names().join(", "))]
    UnknownVariant {
        /// The name.
        name: String,
    },
    /// A batch of images does not have the shape that the model was built for.
    #[error("the model takes images [B, {}, {}, {}], found {found:?}", expected[0], expected[1], expected[2])]
    ImageShape {
        /// Channels, height and width.
        expected: [usize; 3],
        /// The shape found.
        found: Vec<usize>,
    },
    /// A value that must be finite is not.
    #[error("{name} holds a value that is not finite{}", match index { Some(i) => format!(" (element {i})"), None => String::new() })]
    NonFinite {
        /// The tensor.
        name: String,
        /// Index of the first such element in row-major order, where known.
        index: Option<usize>,
    },
    /// A layer index beyond the model's depth.
    #[error("there is no layer {layer} in a model of depth {depth}")]
    NoSuchLayer {
        /// The layer asked for.
        layer: usize,
        /// The number of layers.
        depth: usize,
    },
    /// A backward pass was given the tape of another model.
    #[error("the tape was recorded by another model")]
    ForeignTape,
    /// Named tensors are not those that the model has.
    #[error("{0}")]
    State(Box<StateMismatch>),
    /// The configuration cannot be told from a checkpoint.
    #[error("the configuration cannot be inferred from the checkpoint: {reason}")]
    Infer {
        /// What is missing or ambiguous.
        reason: String,
    },
    /// What is given for a checkpoint is not what the configuration in the file says.
    #[error(
        "{field} = {given} was given, but the checkpoint's configuration says {field} = {stored}"
    )]
    Contradiction {
        /// The field.
        field: &'static str,
        /// The value given.
        given: String,
        /// The value in the file.
        stored: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not a sound safetensors file, or lacks a tensor that is asked for.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor's element type cannot be used where it stands.
    #[error("{}: tensor {name} holds {dtype}; {expected} is needed", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its element type.
        dtype: String,
        /// What is needed.
        expected: &'static str,
    },
    /// A label is negative or not smaller than the number of classes.
    #[error("label {value} at position {index} is not one of 0..{classes}")]
    Label {
        /// Position in the batch.
        index: usize,
        /// The label.
        value: i64,
        /// The number of classes.
        classes: usize,
    },
}

/// Named tensors against those that a model has: what is missing, what is too much and what has another shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateMismatch {
    /// Names that the model has and the tensors lack.
    pub missing: Vec<String>,
    /// Names that the tensors have and the model lacks.
    pub unexpected: Vec<String>,
    /// Names that both have with different shapes.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor whose shape is not the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// The tensor.
    pub name: String,
    /// The model's shape.
    pub expected: Vec<usize>,
    /// The tensor's shape.
    pub found: Vec<usize>,
}

impl StateMismatch {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

impl fmt::Display for StateMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tensors are not the model's")?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", self.missing.join(", "))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, "; unexpected: {}", self.unexpected.join(", "))?;
        }
        for Misshapen {
            name,
            expected,
            found,
        } in &self.misshapen
        {
            write!(f, "; {name}: expected {expected:?}, found {found:?}")?;
        }
        Ok(())
    }
}
