//! A study from its profile to its artefacts: plan, train, measure, collect.

use crate::{
    Error, FORMAT, Result, Shard, StopFlag,
    artefacts::{self, Recipe},
    clock::{Of, Spent, Watch},
    data::DataStore,
    files,
    plan::{Context, PlannedRun, merge, share},
    profile::{self, Profile},
    progress::{Notice, Observer},
    report::{self, Artefact, Provenance},
    scheduler,
    store::{Store, Timings},
    task::{Desk, RunTask, is_done},
    version::versions,
};
use serde::Serialize;
use srr_measures::Registry;
use srr_trainer::FolderLock;
use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

/// What to do of a study, where, and with how many workers. None of it changes a number.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// The study's folder; made if need be.
    pub out: PathBuf,
    /// Artefacts wanted; all of the profile when empty. Others that the folder's report already shows stay in it.
    pub only: Vec<String>,
    /// Workers side by side.
    pub jobs: NonZeroUsize,
    /// The share of the runs that this process trains.
    pub shard: Shard,
    /// Least time between two checkpoints of a run.
    pub checkpoint_every: Duration,
}

/// A study with its images read and its runs planned.
pub struct Study<'a> {
    profile: &'a Profile,
    options: &'a StudyOptions,
    data: DataStore,
    store: Store,
    registry: Arc<Registry>,
    recipes: Vec<&'static dyn Recipe>,
    runs: Vec<PlannedRun>,
}

impl<'a> Study<'a> {
    /// Reads the images and plans the runs, with the measures of `srr-measures`; trains nothing.
    ///
    /// # Errors
    /// A profile that cannot be used, images that cannot be read, a folder that belongs to another study.
    pub fn plan(profile: &'a Profile, options: &'a StudyOptions) -> Result<Self> {
        Self::plan_with(profile, Arc::new(Registry::built_in()), options)
    }

    /// As [`plan`](Self::plan), with measures of one's own.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), and measures of the profile that the registry does not know.
    pub fn plan_with(
        profile: &'a Profile,
        registry: Arc<Registry>,
        options: &'a StudyOptions,
    ) -> Result<Self> {
        let chosen = artefacts::select(profile, &options.only)?;
        let data = DataStore::new();
        let store = Store::open(&options.out, &profile.name)?;
        let context = Context {
            profile,
            data: &data,
            store: &store,
            registry: &registry,
        };
        let (mut recipes, mut wanted) = (Vec::new(), Vec::new());
        for recipe in artefacts::select(profile, &[])? {
            let is_chosen = chosen.iter().any(|other| other.name() == recipe.name());
            if !is_chosen && !is_published(recipe, &store) {
                continue;
            }
            let runs = recipe.plan(&context)?;
            if is_chosen || missing(&runs, &store)?.is_empty() {
                recipes.push(recipe);
                wanted.extend(runs);
            }
        }
        let runs = merge(wanted);
        Ok(Self {
            profile,
            options,
            data,
            store,
            registry,
            recipes,
            runs,
        })
    }

    /// The runs, in stable order.
    #[must_use]
    pub fn runs(&self) -> &[PlannedRun] {
        &self.runs
    }

    /// The artefacts, in the order of the report.
    pub fn artefacts(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.recipes.iter().map(|recipe| recipe.name())
    }

    /// Trains and measures this process's share of the runs, as far as nobody else has.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `stop` was raised; otherwise the first error of a run.
    pub fn train(&self, observer: &dyn Observer, stop: &StopFlag) -> Result<()> {
        self.store.found()?;
        let ours = share(&self.runs, self.options.shard);
        let mut open = Vec::new();
        for run in ours {
            if !is_done(run, &self.store.run(&run.id))? {
                open.push(run);
            }
        }
        observer.notice(&Notice::Planned {
            runs: self.runs.len(),
            finished: self.runs.len() - self.missing()?.len(),
            ours: open.len(),
        });
        let of = if self.options.jobs.get() == 1 {
            Of::Process
        } else {
            Of::Thread
        };
        let checkpoint_every = self.options.checkpoint_every;
        let desk = Desk::new(
            observer,
            of,
            checkpoint_every,
            &self.registry,
            open.iter().map(|run| run.config.cost()).collect(),
        );
        let tasks: Vec<RunTask<'_>> = open
            .iter()
            .enumerate()
            .map(|(place, run)| RunTask::new(place, run, self.store.run(&run.id), &desk))
            .collect();
        let waiting = |runs| observer.notice(&Notice::Waiting { runs });
        let watch = Watch::start(Of::Process);
        scheduler::run_all(&tasks, self.options.jobs, stop, waiting)?;
        if !tasks.is_empty() {
            let threads = match self.options.jobs.get() {
                1 => rayon::current_num_threads(), // all for one run
                jobs => jobs,
            };
            observer.notice(&Notice::Trained {
                runs: tasks.len(),
                spent: watch.spent(),
                threads,
            });
        }
        Ok(())
    }

    /// Folder names of the runs that are not trained and measured yet, of all shards.
    ///
    /// # Errors
    /// Folders that hold something else.
    pub fn missing(&self) -> Result<Vec<String>> {
        missing(&self.runs, &self.store)
    }

    /// Puts the artefacts together.
    ///
    /// # Errors
    /// [`Error::MissingRuns`] when some runs are not there yet; [`Error::Interrupted`] when `stop` was raised; otherwise what an
    /// artefact cannot work with.
    pub fn collect(&self, observer: &dyn Observer, stop: &StopFlag) -> Result<Vec<Artefact>> {
        let missing = self.missing()?;
        if !missing.is_empty() {
            return Err(Error::MissingRuns {
                missing,
                total: self.runs.len(),
            });
        }
        let context = Context {
            profile: self.profile,
            data: &self.data,
            store: &self.store,
            registry: &self.registry,
        };
        let mut found = Vec::new();
        for recipe in &self.recipes {
            observer.notice(&Notice::Collecting {
                artefact: recipe.name(),
            });
            found.push(recipe.collect(&context)?);
            if stop.raised() {
                return Err(Error::Interrupted);
            }
        }
        Ok(found)
    }

    /// Writes tables, figures, the page and `timings.json` into the study's folder; one process at a time. Returns the names of the
    /// files of the report, the page first.
    ///
    /// # Errors
    /// [`Error::Report`] for tables and charts that are not well formed, and with the path when a file cannot be written.
    pub fn publish(&self, artefacts: &[Artefact], this_process: Duration) -> Result<Vec<String>> {
        self.store.found()?;
        let root = self.store.root();
        let lock = FolderLock::take(root)?;
        lock.sweep(root)?;
        let names = report::write(artefacts, &self.provenance()?, root)?;
        report::remove_stale(artefacts, &names, root)?;
        files::write_json(&root.join("timings.json"), &self.timings(this_process)?)?;
        Ok(names)
    }

    /// Where the numbers come from; nothing in it differs between two runs of the same study.
    ///
    /// # Errors
    /// As [`files::digest`].
    pub fn provenance(&self) -> Result<Provenance> {
        let mut data: Vec<(String, String)> = Vec::new();
        for run in &self.runs {
            let config = &run.data.config;
            let sets = [
                (
                    format!("{}, {} training images", config.name, config.train),
                    &config.train_digest,
                ),
                (
                    format!(
                        "{}, {} {} images",
                        config.name,
                        config.test,
                        run.data.judged_on()
                    ),
                    &config.test_digest,
                ),
            ];
            for (name, digest) in sets {
                if !data.iter().any(|(_, known)| known == digest) {
                    data.push((name, digest.clone()));
                }
            }
        }
        let mut versions = versions();
        versions.push(("run format".to_owned(), FORMAT.to_string()));
        Ok(Provenance {
            title: "Sparse rate reduction in transformer-like models".to_owned(),
            subtitle: self.profile.about.trim().to_owned(),
            profile: self.profile.name.clone(),
            configuration_digest: self.digest()?,
            data,
            versions,
            command: self.command(),
            references: REFERENCES.iter().map(|&line| line.to_owned()).collect(),
        })
    }

    /// What makes this study again: a profile that is not embedded comes from a file, whose path is nobody's business.
    fn command(&self) -> String {
        let name = &self.profile.name;
        match profile::embedded(name).map(|text| Profile::parse(name, text)) {
            Some(Ok(embedded)) if embedded == *self.profile => {
                format!("cargo xtask reproduce --profile {name}")
            }
            _ => format!("cargo xtask reproduce {name}.toml"),
        }
    }

    /// Digest of everything that decides the artefacts.
    fn digest(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Resolved<'p> {
            format: u64,
            artefacts: Vec<&'static str>,
            runs: Vec<(&'p str, Vec<String>)>,
            settings: serde_json::Value,
        }
        let mut runs = Vec::new();
        for run in &self.runs {
            let measures = run
                .measures
                .iter()
                .map(|request| request.digest())
                .collect::<Result<_>>()?;
            runs.push((run.id.as_str(), measures));
        }
        let profile = self.profile;
        files::digest(&Resolved {
            format: FORMAT,
            artefacts: self.artefacts().collect(),
            runs,
            settings: serde_json::json!({
                "toy-ascent": profile.toy_ascent,
                "taylor": profile.taylor,
                "correlation": profile.correlation,
                "choices": profile.choices,
            }),
        })
    }

    /// Time spent on every run, in all sessions and processes together, beside that of this process.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a file cannot be read.
    pub fn timings(&self, this_process: Duration) -> Result<StudyTimings> {
        let (mut runs, mut measures) = (BTreeMap::new(), BTreeMap::new());
        let mut total = Spent::zero();
        for run in &self.runs {
            let spent = self.store.run(&run.id).timings()?;
            for (measure, &seconds) in &spent.measures {
                let cost: &mut MeasureCost = measures.entry(measure.clone()).or_default();
                cost.add(seconds);
            }
            total = total.plus(spent.training).plus(spent.measuring);
            runs.insert(
                run.id.clone(),
                RunTimings {
                    label: run.config.label(),
                    spent,
                },
            );
        }
        Ok(StudyTimings {
            this_process: this_process.as_secs_f64(),
            jobs: self.options.jobs.get(),
            total,
            measures,
            runs,
        })
    }
}

/// Whether the artefact's table stands in the folder already.
fn is_published(recipe: &dyn Recipe, store: &Store) -> bool {
    store.root().join(format!("{}.csv", recipe.name())).exists()
}

/// Folder names of those runs that are not trained and measured yet.
fn missing(runs: &[PlannedRun], store: &Store) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for run in runs {
        if !is_done(run, &store.run(&run.id))? {
            missing.push(run.id.clone());
        }
    }
    Ok(missing)
}

/// Time spent on a study, as `timings.json` keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct StudyTimings {
    /// Seconds from the start of the process that wrote the report.
    pub this_process: f64,
    /// Its number of workers.
    pub jobs: usize,
    /// On all runs; wall times of runs side by side are added up.
    pub total: Spent,
    /// On each measure, by name.
    pub measures: BTreeMap<String, MeasureCost>,
    /// On each run, by folder name.
    pub runs: BTreeMap<String, RunTimings>,
}

/// Time that a measure took. Passes that several measures of a model share are paid for by the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MeasureCost {
    /// Seconds on all models.
    pub seconds: f64,
    /// Number of models.
    pub models: usize,
    /// Seconds on the model that took longest.
    pub longest: f64,
}

impl MeasureCost {
    fn add(&mut self, seconds: f64) {
        self.seconds += seconds;
        self.models += 1;
        self.longest = self.longest.max(seconds);
    }
}

/// Time spent on one run.
#[derive(Clone, Debug, Serialize)]
pub struct RunTimings {
    /// What the run is, for people.
    pub label: String,
    /// The time.
    pub spent: Timings,
}

/// Sources of what reports compare with.
pub(crate) const REFERENCES: [&str; 5] = [
    "Hu, Zou, Xu: An In-depth Investigation of Sparse Rate Reduction in Transformer-like Models. NeurIPS 2024, arXiv:2411.17182.",
    "Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele, Ma: White-Box Transformers via Sparse Rate Reduction. NeurIPS 2023.",
    "Yu, Chan, You, Song, Ma: Learning Diverse and Discriminative Representations via the Principle of Maximal Coding Rate \
     Reduction. NeurIPS 2020.",
    "Jiang, Neyshabur, Mobahi, Krishnan, Bengio: Fantastic Generalization Measures and Where to Find Them. ICLR 2020.",
    "Dziugaite, Drouin, Neal, Rajkumar, Caballero, Wang, Mitliagkas, Roy: In Search of Robust Measures of Generalization. \
     NeurIPS 2020.",
];
