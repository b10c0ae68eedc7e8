//! One model, whoever trained it: its measures, and its rates layer by layer on training and on held-out images.

mod curves;
mod density;
mod files;
mod record;
mod report;

pub use curves::{Curve, Curves};
pub use density::{Densities, Density};
pub use files::{refuse_runs, write};

use crate::{StopFlag, subject::TrainedSubject};
use serde::Serialize;
use srr_coding_rate::Conventions;
use srr_datasets::{ImageSet, Normalization};
use srr_kernels::Backend;
use srr_layers::ClassifierConfig;
use srr_measures::{Cached, Cost, Measure, Outcome, Unavailable, Undefined, evaluate_one};

/// Everything that decides the numbers of an examination.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// The model.
    pub model: ClassifierConfig,
    /// SHA-256 of the file with its weights.
    pub weights: String,
    /// SHA-256 of the file with the weights at the start of training, where there is one.
    pub initial: Option<String>,
    /// What it was trained on, or is taken to be trained on.
    pub training: Images,
    /// What it never saw.
    pub held_out: Images,
    /// How images are normalized.
    pub normalization: Normalization,
    /// Where that is from, such as `as stored in the checkpoint`.
    pub normalized: String,
    /// Learning rate at the end of training, where known.
    pub learning_rate: Option<f64>,
    /// Images in a batch of the training, where known.
    pub batch_size: Option<usize>,
    /// Seed of what measures draw.
    pub seed: u64,
    /// How rates are taken.
    pub conventions: Conventions,
    /// Images of each split over which the curves are averaged, at most.
    pub curve_images: usize,
}

/// What identifies some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Images {
    /// Name, such as `optdigits/train`.
    pub name: String,
    /// Their number.
    pub count: usize,
    /// SHA-256 of images and labels.
    pub digest: String,
}

impl Images {
    /// Those of a set.
    #[must_use]
    pub fn of(set: &ImageSet) -> Self {
        Self {
            name: set.name().to_owned(),
            count: set.len(),
            digest: set.digest(),
        }
    }
}

/// Everything that an examination found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The rates by layer.
    pub curves: Curves,
    /// A measure and what became of it, in the order of evaluation.
    pub measures: Vec<Found>,
    /// How the eigenvalues of the Hessian are distributed, where that was asked for.
    pub densities: Densities,
    /// Whether the examination was stopped before everything that was asked for was there.
    pub stopped: bool,
}

/// What became of one measure.
#[derive(Clone, Debug)]
pub struct Found {
    /// The value or why there is none, and how long it took.
    pub outcome: Outcome,
    /// Paper and equation.
    pub source: String,
    /// The raw value as a formula.
    pub definition: String,
    /// What must hold for the value to mean something.
    pub assumptions: String,
    /// Its own settings, in its words.
    pub settings: String,
    /// What it has to compute.
    pub cost: Cost,
    /// Whether its source takes a higher value for a sign of better generalization.
    pub higher_is_better: bool,
    /// Whether it looks at held-out images.
    pub diagnostic: bool,
}

/// How many measures came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those with a value.
    pub values: usize,
    /// Those that need something which is not known of the model.
    pub unavailable: usize,
    /// Those that do not exist for the model.
    pub undefined: usize,
}

impl Findings {
    /// How many measures came to what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for found in &self.measures {
            match &found.outcome.result {
                Ok(_) => counts.values += 1,
                Err(why) if is_unavailable(why) => counts.unavailable += 1,
                Err(_) => counts.undefined += 1,
            }
        }
        counts
    }

    /// The numbers of images over which measures searched or multiplied with the Hessian, ascending, each once.
    #[must_use]
    pub fn searched(&self) -> Vec<usize> {
        let dear = self
            .measures
            .iter()
            .filter(|found| found.cost >= Cost::Search);
        let images = dear.filter_map(|found| found.outcome.result.as_ref().ok()?.value.images);
        let mut images: Vec<usize> = images.collect();
        images.sort_unstable();
        images.dedup();
        images
    }
}

/// Whether a measure lacks something that a user may still say of the model, rather than having no value for it.
#[must_use]
pub fn is_unavailable(why: &Undefined) -> bool {
    matches!(why, Undefined::Unavailable(Unavailable::Capability(_)))
}

/// Evaluates measures one after another; passes that they share are made once. `before` hears of a measure before it is evaluated, with its
/// place in the list, and `after` of what became of it. Once `stop` is raised no further one is evaluated.
pub fn measure<B: Backend>(
    measures: &[&dyn Measure],
    subject: &TrainedSubject<B>,
    stop: &StopFlag,
    before: &mut dyn FnMut(usize, &dyn Measure),
    after: &mut dyn FnMut(&Found),
) -> Vec<Found> {
    let cached = Cached::new(subject);
    let mut all = Vec::new();
    for (place, &measure) in measures.iter().enumerate() {
        if stop.raised() {
            break;
        }
        before(place, measure);
        let about = measure.about();
        let found = Found {
            outcome: evaluate_one(measure, &cached),
            source: about.source.to_owned(),
            definition: about.definition.to_owned(),
            assumptions: about.assumptions.to_owned(),
            settings: measure.settings(),
            cost: about.cost,
            higher_is_better: about.higher_is_better,
            diagnostic: about.diagnostic,
        };
        after(&found);
        all.push(found);
    }
    all
}
