//! The zoo: models over every combination of hyper-parameters, which `correlation`, `scatter` and `choices` share.

use super::{
    common::{list, section, seeds, title},
    settings::describe,
};
use crate::{
    Error, Result, RunConfig,
    grid::Grid,
    measuring::{MeasureRecord, MeasureRequest},
    plan::{Context, PlannedRun},
    profile,
    report::{Artefact, Cell, Column},
    store::RunResult,
};
use srr_measures::{Cost, Measure, statistics::Table};
use std::collections::{BTreeMap, BTreeSet};

/// Name of a hyper-parameter in files and charts, and its value of a run.
type Axis = (&'static str, fn(&RunConfig) -> String);

/// The hyper-parameters of the zoo; those with one value are left out of tables.
const AXES: [Axis; 5] = [
    ("variant", |config| title(config.model.variant).to_owned()),
    ("batch", |config| config.training.batch_size.to_string()),
    ("learning_rate", |config| {
        config.training.learning_rate.to_string()
    }),
    ("width", |config| config.model.dim.to_string()),
    ("dropout", |config| config.model.dropout.to_string()),
];

/// A trained model of the zoo.
pub(super) struct Model {
    /// Its run.
    pub(super) run: PlannedRun,
    /// How it ended.
    pub(super) result: RunResult,
    /// Whether it counts: trained to the stopping criterion, where there is one, with a finite gap.
    pub(super) counts: bool,
    /// What was measured, by digest of the request.
    measures: BTreeMap<String, MeasureRecord>,
}

impl Model {
    /// What was measured by a request.
    pub(super) fn measured(&self, request: &MeasureRequest) -> Result<&MeasureRecord> {
        let digest = request.digest()?;
        self.measures
            .get(&digest)
            .ok_or_else(|| Error::MissingRuns {
                missing: vec![format!("{} ({})", self.run.id, request.measure)],
                total: 1,
            })
    }
}

/// The runs of the zoo, with these measures.
pub(super) fn plan(context: &Context<'_>, requests: &[MeasureRequest]) -> Result<Vec<PlannedRun>> {
    let zoo = section(&context.profile.zoo, "zoo")?;
    plan_with(context, &zoo.seeds, requests)
}

/// The runs of every setting of the zoo with these seeds, those of a setting one after another.
pub(super) fn plan_with(
    context: &Context<'_>,
    seeds: &[u64],
    requests: &[MeasureRequest],
) -> Result<Vec<PlannedRun>> {
    let zoo = section(&context.profile.zoo, "zoo")?;
    let base = zoo.setup(context.profile);
    let batch_sizes = axis(&zoo.batch_sizes);
    let learning_rates = axis(&zoo.learning_rates);
    let dims = axis(&zoo.dims);
    let dropouts = axis(&zoo.dropouts);
    let lengths = [
        zoo.variants.len(),
        batch_sizes.len(),
        learning_rates.len(),
        dims.len(),
        dropouts.len(),
        seeds.len(),
    ];
    let mut runs = Vec::new();
    for setting in Grid::new(lengths).settings() {
        let mut setup = base.clone();
        replace(&mut setup.training.batch_size, batch_sizes[setting[1]]);
        replace(
            &mut setup.training.learning_rate,
            learning_rates[setting[2]],
        );
        replace(&mut setup.model.dim, dims[setting[3]]);
        replace(&mut setup.model.dropout, dropouts[setting[4]]);
        let run = context.run(&setup, zoo.variants[setting[0]], seeds[setting[5]])?;
        runs.push(run.measured(requests));
    }
    Ok(runs)
}

/// The measures of these names; where none is named, all up to a cost but for those that look at test images.
pub(super) fn requests(
    context: &Context<'_>,
    names: &[String],
    cost: Cost,
    settings: &profile::Measure,
) -> Result<Vec<MeasureRequest>> {
    let affordable = |measure: &&dyn Measure| {
        let about = measure.about();
        about.cost <= cost && !about.diagnostic
    };
    let measures: Vec<&dyn Measure> = match names {
        [] => context.registry.iter().filter(affordable).collect(),
        names => context.registry.select(names)?,
    };
    let request = |measure| MeasureRequest::new(measure, settings);
    Ok(measures.into_iter().map(request).collect())
}

/// A measure as the statistics judge it, where a larger value claims a larger gap.
#[derive(Clone)]
pub(super) struct Judged {
    /// Its name there: with a minus sign where its negative is judged.
    pub(super) name: String,
    /// How it is taken.
    pub(super) request: MeasureRequest,
    /// Whether its source takes a higher value for a sign of better generalization: its negative is judged.
    negated: bool,
}

impl Judged {
    /// A request under the name of its measure.
    pub(super) fn new(context: &Context<'_>, request: &MeasureRequest) -> Result<Self> {
        let negated = (context.registry.get(&request.measure)?.about()).higher_is_better;
        let sign = if negated { MINUS } else { "" };
        Ok(Self {
            name: format!("{sign}{}", request.measure),
            request: request.clone(),
            negated,
        })
    }

    /// A measure whose larger value claims a larger gap.
    #[cfg(test)]
    pub(super) fn plain(name: &str, request: &MeasureRequest) -> Self {
        Self {
            name: name.to_owned(),
            request: request.clone(),
            negated: false,
        }
    }

    /// The same measure taken in another way, under a name that says so.
    pub(super) fn by(&self, way: &str, request: &MeasureRequest) -> Self {
        Self {
            name: format!("{} by {way}", self.name),
            request: request.clone(),
            negated: self.negated,
        }
    }

    /// The value of a record, as it is judged.
    pub(super) fn value(&self, record: &MeasureRecord) -> Option<f64> {
        let sign = if self.negated { -1.0 } else { 1.0 };
        Some(sign * record.value?)
    }
}

/// Before the name of a measure whose negative is judged.
const MINUS: &str = "−";

/// What the sign means.
pub(super) const NOTE_NEGATED: &str = "A minus sign before a name: its source takes higher values for a sign of better generalization, \
    and it is the negative that is judged here, so that τ above zero is what every measure claims.";

/// One judged measure per request.
pub(super) fn judged(context: &Context<'_>, requests: &[MeasureRequest]) -> Result<Vec<Judged>> {
    let judged = |request: &MeasureRequest| Judged::new(context, request);
    requests.iter().map(judged).collect()
}

/// The values of an axis, or one that leaves the setting as it is.
fn axis<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    match values {
        [] => vec![None],
        values => values.iter().copied().map(Some).collect(),
    }
}

fn replace<T>(setting: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *setting = value;
    }
}

/// The trained models of the zoo.
pub(super) fn models(context: &Context<'_>, requests: &[MeasureRequest]) -> Result<Vec<Model>> {
    models_of(context, plan(context, requests)?)
}

/// The trained models of some of its runs.
pub(super) fn models_of(context: &Context<'_>, runs: Vec<PlannedRun>) -> Result<Vec<Model>> {
    let model = |run: PlannedRun| {
        let result = context.result(&run)?;
        let measures = context.folder(&run).measures()?;
        let there = result.loss_gap().is_some_and(f64::is_finite);
        let counts = there && (run.config.training.stop.is_none() || result.at_target());
        Ok(Model {
            run,
            result,
            counts,
            measures,
        })
    };
    runs.into_iter().map(model).collect()
}

/// The hyper-parameters that take more than one value.
pub(super) fn varied(models: &[Model]) -> Vec<Axis> {
    let differs = |of: fn(&RunConfig) -> String| {
        let mut values = models.iter().map(|model| of(&model.run.config));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    AXES.into_iter().filter(|(_, of)| differs(*of)).collect()
}

/// The models that count, as the statistics want them: gaps, hyper-parameters, and a column per measure.
pub(super) fn statistics(models: &[Model], measures: &[Judged]) -> Result<Table> {
    let counted: Vec<&Model> = models.iter().filter(|model| model.counts).collect();
    let gaps: Vec<f64> = counted
        .iter()
        .filter_map(|model| model.result.loss_gap())
        .collect();
    let accuracy: Option<Vec<f64>> = counted
        .iter()
        .map(|model| model.result.accuracy_gap())
        .collect();
    let mut table = Table::new(&gaps)?;
    if let Some(accuracy) = accuracy {
        table = table.with_accuracy_gap(&accuracy)?;
    }
    for (name, of) in varied(models) {
        let values: Vec<String> = counted.iter().map(|model| of(&model.run.config)).collect();
        table = table.with_axis(name, &values)?;
    }
    for judged in measures {
        let value = |model: &&Model| Ok(judged.value(model.measured(&judged.request)?));
        let values = counted
            .iter()
            .map(value)
            .collect::<Result<Vec<Option<f64>>>>()?;
        table = table.with_measure(&judged.name, &values)?;
    }
    Ok(table)
}

/// A number of a request, as `zoo.csv` has it.
pub(super) struct Detail<'a> {
    request: &'a MeasureRequest,
    of: Of,
}

/// Which number of a record.
enum Of {
    Value,
    Term(String),
    StandardError,
    Images,
}

impl Detail<'_> {
    /// Key and heading. A dot stands between a measure and what belongs to its value, so that both can be told apart.
    pub(super) fn column(&self) -> Column {
        let name = self.request.measure.as_str();
        let suffix = match &self.of {
            Of::Value => return Column::new(name.replace('-', "_"), name),
            Of::Term(term) => term.as_str(),
            Of::StandardError => "standard_error",
            Of::Images => "images",
        };
        Column::new(
            format!("{}.{suffix}", name.replace('-', "_")),
            format!("{name}: {}", suffix.replace('_', " ")),
        )
    }

    /// The number of a model, or why it has none.
    pub(super) fn cell(&self, model: &Model) -> Result<Cell> {
        let record = model.measured(self.request)?;
        Ok(match &self.of {
            Of::Value => record.cell(),
            Of::Term(term) => record.term(term),
            Of::StandardError => record.standard_error.into(),
            Of::Images => record.images.into(),
        })
    }
}

/// Every number there is of every request: the value, its terms, its standard error, and how many images it is of.
pub(super) fn details<'a>(
    models: &[Model],
    requests: &'a [MeasureRequest],
) -> Result<Vec<Detail<'a>>> {
    let mut details = Vec::new();
    for request in requests {
        let records = models
            .iter()
            .map(|model| model.measured(request))
            .collect::<Result<Vec<_>>>()?;
        let terms: BTreeSet<&String> = records
            .iter()
            .flat_map(|record| record.terms.keys())
            .collect();
        let mut found = vec![Of::Value];
        found.extend(terms.into_iter().map(|term| Of::Term(term.clone())));
        if records.iter().any(|record| record.standard_error.is_some()) {
            found.push(Of::StandardError);
        }
        if records.iter().any(|record| record.images.is_some()) {
            found.push(Of::Images);
        }
        details.extend(found.into_iter().map(|of| Detail { request, of }));
    }
    Ok(details)
}

/// Over how many training images the values of the requests are: `over 512 training images`, with the names of the measures where
/// there are several.
pub(super) fn over_images(models: &[Model], requests: &[MeasureRequest]) -> Result<String> {
    let mut measures_of: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for request in requests {
        for model in models {
            if let Some(images) = model.measured(request)?.images {
                let measures = measures_of.entry(images).or_default();
                if !measures.contains(&request.measure.as_str()) {
                    measures.push(&request.measure);
                }
            }
        }
    }
    if measures_of.is_empty() {
        return Ok("over no training images".to_owned());
    }
    let parts = measures_of.iter().map(|(images, measures)| {
        let over = format!(
            "over {images} training image{}",
            if *images == 1 { "" } else { "s" }
        );
        if requests.len() == 1 {
            over
        } else {
            format!("{} {over}", list(measures))
        }
    });
    Ok(parts.collect::<Vec<_>>().join("; "))
}

/// Adds what the zoo is, and which of its models were left out and why.
pub(super) fn describe_zoo(artefact: Artefact, models: &[Model]) -> Result<Artefact> {
    let runs: Vec<PlannedRun> = models.iter().map(|model| model.run.clone()).collect();
    let counted = models.iter().filter(|model| model.counts).count();
    let axes: Vec<String> = varied(models)
        .iter()
        .map(|(name, _)| name.replace('_', " "))
        .collect();
    let mut zoo_seeds = Vec::new();
    for run in &runs {
        if !zoo_seeds.contains(&run.config.seed) {
            zoo_seeds.push(run.config.seed);
        }
    }
    let mut artefact = describe(artefact, &runs)?
        .setting(
            "Models",
            format!(
                "{counted} of {} at the stopping criterion; varied: {}",
                models.len(),
                axes.join(", ")
            ),
        )
        .seeds(seeds(&zoo_seeds));
    let left_out: Vec<String> = models
        .iter()
        .filter(|model| !model.counts)
        .map(|model| format!("{} ({})", model.run.config.label(), model.result.status))
        .collect();
    if !left_out.is_empty() {
        artefact = artefact.note(format!(
            "{} marked and left out of all statistics: {}.",
            if left_out.len() == 1 {
                "One model is".to_owned()
            } else {
                format!("{} models are", left_out.len())
            },
            left_out.join("; ")
        ));
    }
    Ok(artefact)
}
