//! The words in which subjects and measures talk.

use ndarray::{Array2, ArrayView2, ArrayView3};
use srr_coding_rate::MeasuredNorms;

/// Why a subject has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The subject does not offer this at all.
    #[error("the subject has no {0}")]
    Capability(&'static str),
    /// It does, and failed.
    #[error("the subject's {capability} failed: {reason}")]
    Failed {
        /// What was asked for.
        capability: &'static str,
        /// Why it failed.
        reason: String,
    },
}

impl Unavailable {
    /// A capability that is missing, by its name in plain words.
    pub fn capability(name: &'static str) -> Self {
        Self::Capability(name)
    }

    /// A capability that failed.
    pub fn failed(capability: &'static str, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::Failed { capability, reason }
    }
}

/// Which data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Split {
    /// What the model was trained on.
    #[default]
    Train,
    /// What it never saw.
    Test,
}

/// Which weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// As they are now.
    Now,
    /// As they were drawn before training.
    Start,
}

/// Which tensors count as weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Linear maps alone: no class token, positions, biases and norms.
    #[default]
    Maps,
    /// Every trainable tensor.
    AllTrainable,
}

impl Scope {
    /// In words, for reports; nothing for the default.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Maps => "",
            Self::AllTrainable => "every trainable tensor",
        }
    }
}

/// A choice of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Images {
    /// Where they are from.
    pub split: Split,
    /// At most so many: a fixed, balanced choice of the subject, the same at every call. All images without.
    pub limit: Option<usize>,
    /// Of these, one part only; all of them without.
    pub fold: Option<Fold>,
}

/// One of several disjoint parts of a choice of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fold {
    /// Which part, from 0: image i of the choice belongs to part i modulo `count`.
    pub index: usize,
    /// Number of parts.
    pub count: usize,
}

impl Images {
    /// All images of a split.
    pub const fn all(split: Split) -> Self {
        Self {
            split,
            limit: None,
            fold: None,
        }
    }

    /// All training images.
    pub const fn training() -> Self {
        Self::all(Split::Train)
    }

    /// A fixed choice of `n` training images.
    pub const fn fixed(n: usize) -> Self {
        Self {
            limit: Some(n),
            ..Self::training()
        }
    }

    /// All test images.
    pub const fn test() -> Self {
        Self::all(Split::Test)
    }

    /// Part `index` of `count` of these images.
    #[must_use]
    pub const fn fold(mut self, index: usize, count: usize) -> Self {
        self.fold = Some(Fold { index, count });
        self
    }
}

impl std::fmt::Display for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.limit {
            None => f.write_str("all")?,
            Some(limit) => write!(f, "{limit}")?,
        }
        f.write_str(match self.split {
            Split::Train => " training images",
            Split::Test => " test images",
        })?;
        self.fold.map_or(Ok(()), |Fold { index, count }| {
            write!(f, ", part {index} of {count}")
        })
    }
}

/// Where a map stands in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Maps the input to tokens or hidden units.
    Embedding,
    /// Belongs to this layer, counted from 0.
    Layer(usize),
    /// Maps features to logits.
    Head,
    /// Anything else.
    Other,
}

/// One weight matrix, out × in (a convolution's kernel as out × rest).
#[derive(Clone, Debug, PartialEq)]
pub struct LinearMap {
    /// Its name in the model's state.
    pub name: String,
    /// Where it stands.
    pub role: Role,
    /// Position of its first entry in the flat vectors; the others follow row by row.
    pub offset: usize,
    /// The matrix, [out, in].
    pub matrix: Array2<f64>,
}

/// Features of all images of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// One row per image, [n, d].
    pub values: Array2<f64>,
    /// Class of every image.
    pub labels: Vec<usize>,
}

/// Loss and accuracy on a choice of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share of correct answers.
    pub accuracy: f64,
    /// Number of images.
    pub images: usize,
}

/// A scalar of the network's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The loss of the image.
    Loss,
    /// The logit of this class.
    Logit(usize),
    /// The logit of the image's own class.
    CorrectLogit,
}

/// An input that is not an image of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProbeInput<'a> {
    /// Every entry has this value.
    Constant(f64),
    /// These entries, in the order of the subject's own inputs.
    Values(&'a [f64]),
}

/// What a pass over tokens shall show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenPass {
    /// Whether norms act in this pass.
    pub norms: MeasuredNorms,
    /// Whether the inputs of the attention are needed beside the outputs.
    pub attention_inputs: bool,
    /// Over which images.
    pub images: Images,
}

/// The subspace bases of a layer, stacked as [K·p, d].
#[derive(Clone, Copy, Debug)]
pub struct SubspaceBases<'a> {
    /// Row k·p + i is column i of U_k.
    pub stacked: ArrayView2<'a, f64>,
    /// Number of heads K.
    pub heads: usize,
}

/// The tokens of a batch of images at one layer. The class token, where the model has one, is the first row of an image.
#[derive(Clone, Copy, Debug)]
pub struct LayerBatch<'a> {
    /// Position of the first image in the choice of images.
    pub first_image: usize,
    /// The layer, counted from 0.
    pub layer: usize,
    /// Output of the layer, [B, N, d].
    pub output: ArrayView3<'a, f64>,
    /// Input of its attention, after the norm, [B, N, d]; there if asked for.
    pub attention_input: Option<ArrayView3<'a, f64>>,
    /// Its bases, if it has any.
    pub bases: Option<SubspaceBases<'a>>,
}

/// Correct logit minus the best other logit of every row.
pub(super) fn margins(logits: &Array2<f64>, labels: &[usize]) -> Result<Vec<f64>, Unavailable> {
    if logits.nrows() != labels.len() {
        let reason = format!("{} logits for {} labels", logits.nrows(), labels.len());
        return Err(Unavailable::failed("margins", reason));
    }
    let margin = |(row, &label): (ndarray::ArrayView1<'_, f64>, &usize)| {
        let correct = row.get(label).ok_or_else(|| {
            let reason = format!("label {label} of {} classes", row.len());
            Unavailable::failed("margins", reason)
        })?;
        let others = row.iter().enumerate().filter(|(class, _)| *class != label);
        // `f64::max` would pass over a NaN.
        let best = others.fold(f64::NEG_INFINITY, |best, (_, &logit)| {
            if logit > best || logit.is_nan() {
                logit
            } else {
                best
            }
        });
        Ok(correct - best)
    };
    logits.rows().into_iter().zip(labels).map(margin).collect()
}
