//! Profiles: what a study trains, measures and shows, as a TOML file.
//!
//! A profile has tables of defaults (`[data]`, `[model]`, `[training]`, `[measure]`), the table `[zoo]` and one
//! table per artefact. An artefact is part of the study when its table is there, be it empty. An artefact's table may hold
//! tables of the same names as the defaults, such as `[variants.training]`, whose keys win over the defaults.

mod embedded;
mod overlay;
mod read;
mod sections;
mod validate;

pub use embedded::{DEFAULT, embedded, names};
pub use overlay::{Data, Measure, Model, Training};
pub use read::explain_refusal;
pub use sections::{
    Choices, Correlation, Inconsistency, IntrinsicDimension, LayerChoice, Layerwise,
    Regularization, RegularizedLayers, Scatter, Taylor, ToyAscent, Variants, Zoo,
};

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use srr_measures::Registry;
use srr_trainer::ComputePrecision;
use std::path::Path;

/// A study, as its file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Short name: lower-case letters, digits and hyphens.
    pub name: String,
    /// What the study is, in a sentence or two, for the head of the report.
    pub about: String,
    /// What models are trained in: `highest` (`f32`, the default), `high`, `medium` or `f64`. `element` is its older name.
    #[serde(default, alias = "element")]
    pub precision: ComputePrecision,
    /// Defaults of the data.
    #[serde(default)]
    pub data: Data,
    /// Defaults of the model.
    #[serde(default)]
    pub model: Model,
    /// Defaults of the training.
    #[serde(default)]
    pub training: Training,
    /// Defaults of the measuring.
    #[serde(default)]
    pub measure: Measure,
    /// Models of `correlation`, `scatter`, `choices` and `inconsistency`.
    pub zoo: Option<Zoo>,
    /// The artefact of this name.
    pub toy_ascent: Option<ToyAscent>,
    /// The artefact of this name.
    pub taylor: Option<Taylor>,
    /// The artefact of this name.
    pub layerwise: Option<Layerwise>,
    /// The artefact of this name.
    pub variants: Option<Variants>,
    /// The artefact of this name.
    pub correlation: Option<Correlation>,
    /// The artefact of this name.
    pub scatter: Option<Scatter>,
    /// The artefact of this name.
    pub regularization: Option<Regularization>,
    /// The artefact of this name.
    pub regularized_layers: Option<RegularizedLayers>,
    /// The artefact of this name.
    pub choices: Option<Choices>,
    /// The artefact of this name.
    pub inconsistency: Option<Inconsistency>,
    /// The artefact of this name.
    pub intrinsic_dimension: Option<IntrinsicDimension>,
}

/// The settings of an artefact's runs, its own keys over the profile's.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// What models are trained in.
    pub precision: ComputePrecision,
    /// Which images.
    pub data: Data,
    /// The model, but for its variant.
    pub model: Model,
    /// How it is trained.
    pub training: Training,
}

impl Profile {
    /// Reads an embedded profile by name, or a file by path.
    ///
    /// ```
    /// let profile = srr_study::profile::Profile::load("smoke")?;
    /// assert_eq!(profile.name, "smoke");
    /// # Ok::<(), srr_study::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownProfile`] when it is neither; otherwise as [`parse`](Self::parse).
    pub fn load(name_or_path: &str) -> Result<Self> {
        Self::load_with(name_or_path, &Registry::built_in())
    }

    /// As [`load`](Self::load), with measures of one's own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(name_or_path: &str, registry: &Registry) -> Result<Self> {
        if let Some(text) = embedded(name_or_path) {
            return Self::parse_with(name_or_path, text, registry);
        }
        match crate::files::read_text(Path::new(name_or_path))? {
            Some(text) => Self::parse_with(name_or_path, &text, registry),
            None => Err(Error::UnknownProfile {
                name: name_or_path.to_owned(),
                nearest: srr_measures::nearest_name(name_or_path, names()),
                known: names().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Reads a profile from TOML; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] and [`Error::UnknownName`] with the line and the nearest known key or name; [`Error::Profile`]
    /// for other mistakes of the file.
    pub fn parse(origin: &str, text: &str) -> Result<Self> {
        Self::parse_with(origin, text, &Registry::built_in())
    }

    /// As [`parse`](Self::parse), with measures of one's own.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(origin: &str, text: &str, registry: &Registry) -> Result<Self> {
        read::parse(origin, text, registry)
    }
}
