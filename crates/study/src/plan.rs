//! The runs a study needs, each once, whoever wants it.

use crate::{
    Error, Result, RunConfig, Shard,
    data::{DataStore, Prepared},
    measuring::MeasureRequest,
    profile::{Profile, Setup},
    store::{RunFolder, RunResult, Store},
};
use srr_layers::Variant;
use srr_measures::Registry;
use srr_trainer::EpochRecord;
use std::{collections::HashMap, sync::Arc};

/// A run with its images and what is to be measured on it.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// The run.
    pub config: RunConfig,
    /// Name of its folder.
    pub id: String,
    /// Its images.
    pub data: Arc<Prepared>,
    /// What is to be measured once it is trained.
    pub measures: Vec<MeasureRequest>,
}

impl PlannedRun {
    /// A run of this configuration.
    ///
    /// # Errors
    /// As [`RunConfig::id`].
    pub fn new(config: RunConfig, data: Arc<Prepared>) -> Result<Self> {
        let id = config.id()?;
        Ok(Self {
            config,
            id,
            data,
            measures: Vec::new(),
        })
    }

    /// The same run with these measures.
    #[must_use]
    pub fn measured(mut self, requests: &[MeasureRequest]) -> Self {
        self.measures.extend_from_slice(requests);
        self
    }
}

/// What an artefact plans and collects with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// The images.
    pub data: &'a DataStore,
    /// The results.
    pub store: &'a Store,
    /// The measures.
    pub registry: &'a Registry,
}

impl Context<'_> {
    /// The run of a setup for one variant and seed.
    ///
    /// # Errors
    /// As [`DataStore::prepare`] and [`RunConfig::resolve`].
    pub fn run(&self, setup: &Setup, variant: Variant, seed: u64) -> Result<PlannedRun> {
        let data = self.data.prepare(&setup.data)?;
        let config = RunConfig::resolve(setup, &data, variant, seed);
        PlannedRun::new(
            config.map_err(|error| in_table(self.profile, setup, error))?,
            data,
        )
    }

    /// The folder of a run.
    #[must_use]
    pub fn folder(&self, run: &PlannedRun) -> RunFolder {
        self.store.run(&run.id)
    }

    /// How a run ended.
    ///
    /// # Errors
    /// [`Error::MissingRuns`] when it has not; otherwise as [`RunFolder::result`].
    pub fn result(&self, run: &PlannedRun) -> Result<RunResult> {
        let result = self.folder(run).result(&run.config)?;
        result.ok_or_else(|| Error::MissingRuns {
            missing: vec![run.id.clone()],
            total: 1,
        })
    }

    /// The records of a run's epochs.
    ///
    /// # Errors
    /// As [`RunFolder::log`].
    pub fn log(&self, run: &PlannedRun) -> Result<Vec<EpochRecord>> {
        self.folder(run).log()
    }
}

/// Says in which table of the profile the value stands that a model or a training refuses.
fn in_table(profile: &Profile, setup: &Setup, error: Error) -> Error {
    let (kind, field) = match &error {
        Error::Layers(srr_layers::Error::Config { field, .. }) => ("model", *field),
        Error::Layers(srr_layers::Error::NotSquare { .. }) => ("model", "heads"),
        Error::Trainer(srr_trainer::Error::Configuration { field, .. }) => ("training", *field),
        _ => return error,
    };
    let field = field.split('.').next().unwrap_or(field);
    let used = match kind {
        "model" => serde_json::to_value(&setup.model),
        _ => serde_json::to_value(&setup.training),
    };
    let (Ok(used), Ok(all)) = (used, serde_json::to_value(profile)) else {
        return error;
    };
    let used = used.get(field);
    let owner = all.as_object().into_iter().flatten().find(|(_, table)| {
        let own = table.get(kind).and_then(|table| table.get(field));
        own.is_some() && own == used
    });
    // The zoo has lists of some settings, under their plural.
    let listed = format!("{field}s");
    let list = all.get("zoo").and_then(|zoo| zoo.get(&listed));
    let list = list.and_then(|list| list.as_array());
    let in_list = used.is_some_and(|used| list.is_some_and(|list| list.contains(used)));
    let table = match owner {
        _ if in_list => "zoo".to_owned(),
        Some((name, _)) => format!("{name}.{kind}"),
        None => kind.to_owned(),
    };
    Error::InTable {
        table,
        source: Box::new(error),
    }
}

/// The runs of several artefacts in stable order: each once, with everybody's measures.
#[must_use]
pub fn merge(wanted: impl IntoIterator<Item = PlannedRun>) -> Vec<PlannedRun> {
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut merged: Vec<PlannedRun> = Vec::new();
    for run in wanted {
        match place.get(&run.id) {
            None => {
                place.insert(run.id.clone(), merged.len());
                let measures = run.measures.clone();
                merged.push(PlannedRun {
                    measures: Vec::new(),
                    ..run
                });
                add_measures(merged.last_mut(), measures);
            }
            Some(&at) => add_measures(merged.get_mut(at), run.measures),
        }
    }
    merged
}

fn add_measures(run: Option<&mut PlannedRun>, measures: Vec<MeasureRequest>) {
    let Some(run) = run else { return };
    for request in measures {
        if !run.measures.contains(&request) {
            run.measures.push(request);
        }
    }
}

/// The runs of one shard.
#[must_use]
pub fn share(runs: &[PlannedRun], shard: Shard) -> Vec<&PlannedRun> {
    runs.iter()
        .enumerate()
        .filter(|(place, _)| shard.holds(*place))
        .map(|(_, run)| run)
        .collect()
}
