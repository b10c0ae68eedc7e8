//! What a measure is, and what it answers.

use serde::{Deserialize, Serialize};

use crate::gradients::Mean;
use crate::subject::{Subject, Unavailable};
use crate::transform::{Transform, reported};

/// A complexity measure: one number per trained model.
///
/// An implementation is one file (or lives in a crate of its own) and is handed to a [`Registry`](crate::Registry). It describes itself by
/// [`about`](Self::about) and answers with the raw value; [`evaluate`] applies the transform that reports use.
///
/// ```
/// use srr_measures::{About, Cost, Measure, Subject, Undefined, Value};
///
/// /// The larger the steps were, the simpler the model.
/// struct InverseRate;
///
/// impl Measure for InverseRate {
///     fn about(&self) -> About<'_> {
///         About::new("inverse-rate", "this example", r"1/\eta", Cost::Weights)
///     }
///     fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
///         Ok(Value::new(1.0 / subject.learning_rate()?))
///     }
/// }
///
/// let registry = srr_measures::Registry::built_in().with(Box::new(InverseRate))?;
/// assert_eq!(registry.get("inverse-rate")?.about().source, "this example");
/// # Ok::<(), srr_measures::Error>(())
/// ```
pub trait Measure: Send + Sync {
    /// What it is called, where it comes from, and what it takes.
    fn about(&self) -> About<'_>;

    /// The raw value for one model.
    ///
    /// # Errors
    /// [`Undefined`], with the reason, where the measure does not exist for this model.
    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined>;

    /// Its name in tables, such as `log-prod-of-spec`.
    fn name(&self) -> &str {
        self.about().name
    }

    /// The options that decide its value, such as `512 images, 10 draws`. Studies keep a value under them: another setting is another
    /// value.
    fn settings(&self) -> String {
        String::new()
    }
}

/// What reports say of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct About<'a> {
    /// Its name in tables.
    pub name: &'a str,
    /// Paper and equation.
    pub source: &'a str,
    /// The raw value as a KaTeX formula.
    pub definition: &'a str,
    /// What must hold for the value to exist or to mean something.
    pub assumptions: &'a str,
    /// What it has to compute.
    pub cost: Cost,
    /// How raw values are reported.
    pub transform: Transform,
    /// Whether its source takes a *higher* value for a sign of better generalization. Studies judge the negative of such a measure, under
    /// its name with a minus sign.
    pub higher_is_better: bool,
    /// Whether it looks at test images. Such a value tells something about the gap after the fact and predicts nothing: studies leave it
    /// out unless it is asked for by name.
    pub diagnostic: bool,
}

impl<'a> About<'a> {
    /// A measure that assumes nothing, is reported raw, and of which more means more complex.
    #[must_use]
    pub const fn new(name: &'a str, source: &'a str, definition: &'a str, cost: Cost) -> Self {
        Self {
            name,
            source,
            definition,
            assumptions: "none",
            cost,
            transform: Transform::Raw,
            higher_is_better: false,
            diagnostic: false,
        }
    }

    /// What must hold for the value to exist or to mean something.
    #[must_use]
    pub const fn assuming(mut self, assumptions: &'a str) -> Self {
        self.assumptions = assumptions;
        self
    }

    /// Reported in the form of a generalization bound: [`Transform::Bound`].
    #[must_use]
    pub const fn as_bound(mut self) -> Self {
        self.transform = Transform::Bound;
        self
    }

    /// Looks at test images.
    #[must_use]
    pub const fn diagnostic(mut self, diagnostic: bool) -> Self {
        self.diagnostic = diagnostic;
        self
    }

    /// Its source takes a higher value for a sign of better generalization.
    #[must_use]
    pub const fn higher_is_better(mut self) -> Self {
        self.higher_is_better = true;
        self
    }
}

/// The dearest thing that a measure has to compute, from cheap to dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// The weights alone.
    Weights,
    /// A factorization of every weight matrix.
    Factorizations,
    /// One forward pass over the data.
    ForwardPass,
    /// One gradient of the mean loss over the data, and a forward pass or two.
    Gradient,
    /// Gradients of every example.
    ExampleGradients,
    /// By default up to 151 forward passes over the data: a search by trial, over noise or pruned weights.
    Search,
    /// By default up to 122 gradients over the data: two for each Hessian-vector product of Lanczos' iteration.
    Lanczos,
    /// By default 64 gradients over the data: two for each of Hutchinson's random vectors.
    Hutchinson,
    /// By default up to 300 gradients over the data: a search by gradient ascent, beside one by trial.
    Ascent,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Weights => "weights alone",
            Self::Factorizations => "a factorization per weight matrix",
            Self::ForwardPass => "one forward pass over the data",
            Self::Gradient => "one gradient over the data",
            Self::ExampleGradients => "a gradient per example",
            Self::Search => "up to 151 forward passes (search by trial)",
            Self::Lanczos => "up to 122 gradients (Lanczos)",
            Self::Hutchinson => "64 gradients (Hutchinson)",
            Self::Ascent => "up to 300 gradients (search by ascent)",
        })
    }
}

/// A number that belongs to a value: a term of it, or the same at one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// At which layer, counted from 0; of the whole network without.
    pub layer: Option<usize>,
    /// The number.
    pub value: f64,
    /// Standard error of an estimate.
    #[serde(default)]
    pub standard_error: Option<f64>,
}

/// What a measure found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The raw value.
    pub raw: f64,
    /// How many images it is computed from, where images come in.
    pub images: Option<usize>,
    /// Standard error of an estimate by random draws.
    pub standard_error: Option<f64>,
    /// Its terms, and what there is per layer.
    pub parts: Vec<Part>,
}

impl Value {
    /// A number without further detail.
    pub fn new(raw: f64) -> Self {
        Self {
            raw,
            images: None,
            standard_error: None,
            parts: Vec::new(),
        }
    }

    /// Records the number of images.
    #[must_use]
    pub fn with_images(mut self, images: usize) -> Self {
        self.images = Some(images);
        self
    }

    /// Records the standard error of an estimate.
    #[must_use]
    pub fn with_standard_error(mut self, error: f64) -> Self {
        self.standard_error = Some(error);
        self
    }

    /// Adds a term, of one layer or of the whole network.
    #[must_use]
    pub fn with_part(mut self, name: &str, layer: Option<usize>, value: f64) -> Self {
        self.parts.push(Part {
            name: name.to_owned(),
            layer,
            value,
            standard_error: None,
        });
        self
    }

    /// Adds a term that is a mean, with its standard error.
    #[must_use]
    pub fn with_mean(mut self, name: &str, layer: Option<usize>, mean: Mean) -> Self {
        self.parts.push(Part {
            name: name.to_owned(),
            layer,
            value: mean.value,
            standard_error: mean.standard_error,
        });
        self
    }

    /// The part of this name and layer.
    pub fn part(&self, name: &str, layer: Option<usize>) -> Option<f64> {
        let mut parts = self.parts.iter();
        parts
            .find(|part| part.name == name && part.layer == layer)
            .map(|part| part.value)
    }
}

/// Why a measure does not exist for a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// The subject cannot answer something that the measure needs.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The margin is zero or negative: a tenth of the training images is not fitted.
    #[error("the margin is {}, not positive", short(*margin))]
    Margin {
        /// The 10 % smallest margin.
        margin: f64,
    },
    /// A quantity that must be positive is not.
    #[error("{what} is {}, not positive", short(*value))]
    NotPositive {
        /// Which quantity.
        what: String,
        /// Its value.
        value: f64,
    },
    /// A value overflowed or has none.
    #[error("{what} is not finite")]
    NonFinite {
        /// Which value.
        what: String,
    },
    /// No perturbation that was tried lowers the accuracy by what was asked for.
    #[error(
        "the search for {what} ended at {size:.3e}, where the accuracy falls by {drop:.3} and not by {target}"
    )]
    Search {
        /// What was searched.
        what: &'static str,
        /// The size tried last.
        size: f64,
        /// By how much the accuracy falls there.
        drop: f64,
        /// By how much it should.
        target: f64,
    },
    /// Two weights that belong together do not fit, or there are none.
    #[error("{0}")]
    Misfit(String),
    /// A computation below failed.
    #[error("{what} failed: {reason}")]
    Failed {
        /// Which computation.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

/// A number in a sentence: four digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e4).contains(&size) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

impl Undefined {
    /// One of a few words, for counting: `missing capability`, `margin`, `search`, `not positive`, `not finite` or `failed`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(Unavailable::Capability(_)) => "missing capability",
            Self::Margin { .. } => "margin",
            Self::Search { .. } => "search",
            Self::NotPositive { .. } => "not positive",
            Self::NonFinite { .. } => "not finite",
            Self::Unavailable(Unavailable::Failed { .. })
            | Self::Misfit(_)
            | Self::Failed { .. } => "failed",
        }
    }
}

/// A value together with the number that goes into tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// What the measure found.
    pub value: Value,
    /// The raw value after the measure's [`Transform`].
    pub reported: f64,
}

/// Evaluates one measure for one model; every number in the answer is finite.
///
/// # Errors
/// [`Undefined`], with the reason, where the measure does not exist for this model.
pub fn evaluate(measure: &dyn Measure, subject: &dyn Subject) -> Result<Reported, Undefined> {
    let value = measure.evaluate(subject)?;
    let finite = |what: &str, number: f64| {
        if number.is_finite() {
            return Ok(());
        }
        let what = format!("{what} of {}", measure.name());
        Err(Undefined::NonFinite { what })
    };
    finite("the value", value.raw)?;
    for part in &value.parts {
        finite(&part.name, part.value)?;
        finite(&part.name, part.standard_error.unwrap_or(0.0))?;
    }
    if let Some(error) = value.standard_error {
        finite("the standard error", error)?;
    }
    let reported = reported(measure, value.raw, subject)?;
    Ok(Reported { value, reported })
}
