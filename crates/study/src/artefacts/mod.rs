//! The artefacts of the study, one per file: which runs each needs, and what it makes of them.

mod choices;
mod common;
mod correlation;
mod inconsistency;
mod intrinsic_dimension;
mod layerwise;
mod paired;
mod regularization;
mod regularized_layers;
mod scatter;
mod settings;
mod taylor;
mod toy_ascent;
mod variants;
mod zoo;

pub(crate) use common::title;
pub use settings::conventions;
pub(crate) use settings::model;

use crate::{
    Error, Result,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::Artefact,
};
use srr_measures::nearest_name;

/// One artefact: its runs and what is made of them.
pub trait Recipe: Sync {
    /// Its name, that of its table in the profile.
    fn name(&self) -> &'static str;

    /// Whether the profile asks for it.
    fn wanted(&self, profile: &Profile) -> bool;

    /// The runs it needs, in an order that depends on the profile alone.
    ///
    /// # Errors
    /// A setting that cannot be used, or images that cannot be read.
    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>>;

    /// Puts it together when all its runs are there.
    ///
    /// # Errors
    /// Results that are missing or cannot be read, or numbers that cannot be worked with.
    fn collect(&self, context: &Context<'_>) -> Result<Artefact>;
}

/// Every artefact, in the order of the report.
pub const ALL: [&dyn Recipe; 11] = [
    &toy_ascent::ToyAscent,
    &taylor::Taylor,
    &layerwise::Layerwise,
    &variants::Variants,
    &correlation::Correlation,
    &scatter::Scatter,
    &regularization::Regularization,
    &regularized_layers::RegularizedLayers,
    &choices::Choices,
    &inconsistency::Inconsistency,
    &intrinsic_dimension::IntrinsicDimension,
];

/// Names of all artefacts, in the order of the report.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|recipe| recipe.name())
}

/// The artefacts that a profile has, or those of them named in `only` when it is not empty. The profile's values are checked first: what
/// is selected here can be planned.
///
/// # Errors
/// As [`Profile::validate`];
/// [`Error::UnknownArtefact`] for a name that is no artefact, or none of this profile.
pub fn select(profile: &Profile, only: &[String]) -> Result<Vec<&'static dyn Recipe>> {
    profile.validate()?;
    let there: Vec<_> = ALL
        .into_iter()
        .filter(|recipe| recipe.wanted(profile))
        .collect();
    if there.is_empty() {
        return Err(Error::NoArtefacts {
            known: names().map(|name| format!("[{name}]")).collect(),
        });
    }
    for name in only {
        if !there.iter().any(|recipe| recipe.name() == name) {
            let known: Vec<_> = there.iter().map(|recipe| recipe.name()).collect();
            return Err(Error::UnknownArtefact {
                name: name.clone(),
                profile: profile.name.clone(),
                nearest: nearest_name(name, known.iter().copied()),
                known: known.join(", "),
            });
        }
    }
    let chosen =
        |recipe: &&dyn Recipe| only.is_empty() || only.iter().any(|name| name == recipe.name());
    Ok(there.into_iter().filter(chosen).collect())
}
