//! Measures by name.

use std::fmt;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, nearest_name};
use crate::measure::{Measure, Reported, Undefined, evaluate};
use crate::measures;
use crate::options::Options;
use crate::subject::{Cached, Subject};

/// The measures that a study knows.
///
/// ```
/// use srr_measures::{Error, Registry};
///
/// let registry = Registry::built_in();
/// assert!(registry.names().any(|name| name == "srr"));
/// let Err(Error::UnknownMeasure { nearest, .. }) = registry.get("path-nrom") else { panic!() };
/// assert_eq!(nearest.as_deref(), Some("path-norm"));
/// ```
#[derive(Default)]
pub struct Registry {
    measures: Vec<Box<dyn Measure>>,
    options: Options,
}

/// What became of one measure for one model.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Name of the measure.
    pub name: String,
    /// The value, or why there is none.
    pub result: Result<Reported, Undefined>,
    /// How long it took, without the passes that measures before it had already paid for.
    pub elapsed: Duration,
}

impl Registry {
    /// No measures.
    pub fn empty() -> Self {
        Self::default()
    }

    /// All measures of this crate, with their default options.
    pub fn built_in() -> Self {
        Self::with_options(&Options::default())
    }

    /// All measures of this crate, with these options.
    pub fn with_options(options: &Options) -> Self {
        Self {
            measures: measures::built_in(options),
            options: *options,
        }
    }

    /// The options of the measures of this crate.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Adds a measure.
    ///
    /// # Errors
    /// [`Error::InvalidName`] if its name is not made of lower-case letters, digits and single hyphens; [`Error::NameTaken`] if a measure
    /// of this name is there already.
    pub fn with(mut self, measure: Box<dyn Measure>) -> Result<Self> {
        if !is_name(measure.name()) {
            return Err(Error::InvalidName {
                name: measure.name().to_owned(),
            });
        }
        if self.names().any(|name| name == measure.name()) {
            return Err(Error::NameTaken {
                name: measure.name().to_owned(),
            });
        }
        self.measures.push(measure);
        Ok(self)
    }

    /// The measure of this name.
    ///
    /// # Errors
    /// [`Error::UnknownMeasure`], with the nearest known name.
    pub fn get(&self, name: &str) -> Result<&dyn Measure> {
        self.iter()
            .find(|measure| measure.name() == name)
            .ok_or_else(|| Error::UnknownMeasure {
                name: name.to_owned(),
                nearest: nearest_name(name, self.names()),
            })
    }

    /// The measures of these names, in their order.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<&dyn Measure>> {
        names.iter().map(|name| self.get(name.as_ref())).collect()
    }

    /// All measures, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Measure> {
        self.measures.iter().map(Box::as_ref)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(Measure::name)
    }

    /// Evaluates all measures of one model; passes that they share are made once.
    pub fn evaluate_all(&self, subject: &dyn Subject) -> Vec<Outcome> {
        let measures: Vec<&dyn Measure> = self.iter().collect();
        evaluate_all(&measures, subject)
    }
}

/// Whether a name is made of lower-case letters, digits and single hyphens: tables turn hyphens into underscores and put what belongs to
/// a value behind a dot.
fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !word.is_empty() && word.chars().all(plain)
    };
    name.split('-').all(word)
}

/// Evaluates several measures of one model; passes that they share are made once.
pub fn evaluate_all(measures: &[&dyn Measure], subject: &dyn Subject) -> Vec<Outcome> {
    let cached = Cached::new(subject);
    let measures = measures.iter();
    measures
        .map(|&measure| evaluate_one(measure, &cached))
        .collect()
}

/// Evaluates one measure of a model whose other measures may have been evaluated before, and leaves its passes for those to come.
pub fn evaluate_one(measure: &dyn Measure, subject: &Cached<'_>) -> Outcome {
    let start = Instant::now();
    let result = evaluate(measure, subject);
    Outcome {
        name: measure.name().to_owned(),
        result,
        elapsed: start.elapsed(),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
