//! The study as a library: identities of runs, folders that hold something else, workers on one folder.

use serde_json::Value;
use srr_kernels::Cpu;
use srr_layers::Classifier;
use srr_measures::{Cost, Registry};
use srr_study::{
    Error, FORMAT, RunConfig, Shard, StopFlag, Study, StudyOptions,
    data::DataStore,
    files,
    plan::share,
    profile::Profile,
    progress::{Notice, Observer, Silent},
};
use srr_trainer::{evaluate, load_model};
use std::{
    collections::BTreeSet,
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Four runs of a fraction of a second.
const PROFILE: &str = r#"
name = "tiny"
about = "A study for tests."
[data]
name = "optdigits"
train = 40
test = 20
[model]
patch = 4
dim = 4
depth = 1
heads = 2
[training]
batch_size = 8
epochs = 2
[variants]
variants = ["crate", "crate-n"]
seeds = [0, 1]
"#;

fn profile() -> Profile {
    Profile::parse("test", PROFILE).unwrap()
}

fn options(out: &Path) -> StudyOptions {
    StudyOptions {
        out: out.to_path_buf(),
        only: Vec::new(),
        jobs: NonZeroUsize::MIN,
        shard: Shard::WHOLE,
        checkpoint_every: Duration::ZERO,
    }
}

/// The first run of the profile.
fn config() -> RunConfig {
    first_run(&profile())
}

fn first_run(profile: &Profile) -> RunConfig {
    let section = profile.variants.clone().unwrap();
    let setup = section.setup(profile);
    let data = DataStore::new().prepare(&setup.data).unwrap();
    RunConfig::resolve(&setup, &data, section.variants[0], 0).unwrap()
}

#[test]
fn the_identity_of_a_run_survives_its_text_form() {
    let config = config();
    let text = files::canonical_json(&config).unwrap();
    let read: RunConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(read, config);
    assert_eq!(read.id().unwrap(), config.id().unwrap());
    assert_eq!(config.id().unwrap().len(), 16);
}

#[test]
fn identities_do_not_change_between_versions() {
    // Whoever changes this makes every finished run of every user be trained again: only together with `FORMAT`.
    assert_eq!(
        (FORMAT, config().id().unwrap().as_str()),
        (2, "0112705fe7c988cd")
    );
}

#[test]
fn a_precision_is_part_of_the_identity_and_of_the_report_unless_it_is_the_default() {
    let profile = |precision: &str| {
        let text = format!("precision = \"{precision}\"\n{PROFILE}");
        Profile::parse("test", &text).unwrap()
    };
    assert_eq!(first_run(&profile("highest")), config());
    assert_eq!(first_run(&profile("f32")), config());
    let precisions = ["highest", "high", "medium", "f64"];
    let identities = precisions.map(|precision| first_run(&profile(precision)).id().unwrap());
    assert_eq!(BTreeSet::from(identities).len(), precisions.len());

    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile("medium"), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    let artefacts = study.collect(&Silent, &StopFlag::new()).unwrap();
    let settings = format!("{:?}", artefacts[0].configuration);
    assert!(
        settings.contains("products of medium precision"),
        "{settings}"
    );
}

#[test]
fn every_value_of_a_configuration_is_part_of_its_identity() {
    let value = serde_json::to_value(config()).unwrap();
    let mut identities = BTreeSet::from([files::digest(&value).unwrap()]);
    let places = leaves(&value);
    assert!(places.len() > 30, "{places:?}");
    for place in &places {
        let mut changed = value.clone();
        let leaf = changed.pointer_mut(place).unwrap();
        *leaf = match leaf {
            Value::Null => Value::from(1),
            Value::Bool(flag) => Value::from(!*flag),
            Value::Number(number) => Value::from(number.as_f64().unwrap() + 1.0),
            Value::String(text) => Value::from(format!("{text}x")),
            _ => Value::Null,
        };
        assert!(
            identities.insert(files::digest(&changed).unwrap()),
            "{place} does not count"
        );
    }
}

/// JSON pointers to everything that is neither a full map nor a full list.
fn leaves(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| -> Vec<String> {
        leaves(value)
            .into_iter()
            .map(|rest| format!("/{key}{rest}"))
            .collect()
    };
    match value {
        Value::Object(map) if !map.is_empty() => map
            .iter()
            .flat_map(|(key, value)| below(key.clone(), value))
            .collect(),
        Value::Array(list) if !list.is_empty() => list
            .iter()
            .enumerate()
            .flat_map(|(place, value)| below(place.to_string(), value))
            .collect(),
        _ => vec![String::new()],
    }
}

#[test]
fn shards_of_a_plan_are_its_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    let all: BTreeSet<&str> = study.runs().iter().map(|run| run.id.as_str()).collect();
    assert_eq!((study.runs().len(), all.len()), (4, 4));
    let mut together = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let shard: Shard = shard.parse().unwrap();
        together.extend(
            share(study.runs(), shard)
                .into_iter()
                .map(|run| run.id.as_str()),
        );
    }
    assert_eq!(together.len(), 4);
    assert_eq!(together.into_iter().collect::<BTreeSet<_>>(), all);
}

/// Counts the runs that were started.
#[derive(Default)]
struct Starts(AtomicUsize);

impl Observer for Starts {
    fn notice(&self, notice: &Notice<'_>) {
        if matches!(notice, Notice::Started { .. }) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn two_studies_on_one_folder_start_every_run_once_and_a_third_starts_none() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let starts = Starts::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let study = Study::plan(&profile, &options).unwrap();
                study.train(&starts, &StopFlag::new()).unwrap();
                assert!(study.missing().unwrap().is_empty());
            });
        }
    });
    assert_eq!(starts.0.load(Ordering::SeqCst), 4);
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&starts, &StopFlag::new()).unwrap();
    assert_eq!(starts.0.load(Ordering::SeqCst), 4);
    assert_eq!(study.collect(&Silent, &StopFlag::new()).unwrap().len(), 1);
}

#[test]
fn artefacts_wait_for_their_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    let error = study.collect(&Silent, &StopFlag::new()).unwrap_err();
    assert!(
        matches!(error, Error::MissingRuns { ref missing, total: 4 } if missing.len() == 4),
        "{error}"
    );
}

#[test]
fn choosing_some_artefacts_takes_none_from_the_page() {
    let toys = "[toy-ascent]\ntokens = 6\ndim = 6\nheads = 2\nlayers = 2\n[taylor]\n[variants]";
    let profile = Profile::parse("test", &PROFILE.replace("[variants]", toys)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shown = |only: &[&str]| -> Vec<String> {
        let mut options = options(folder.path());
        options.only = only.iter().map(|&name| name.to_owned()).collect();
        let study = Study::plan(&profile, &options).unwrap();
        study.train(&Silent, &StopFlag::new()).unwrap();
        let artefacts = study.collect(&Silent, &StopFlag::new()).unwrap();
        study.publish(&artefacts, Duration::ZERO).unwrap();
        study.artefacts().map(str::to_owned).collect()
    };
    assert_eq!(shown(&["taylor"]), ["taylor"]);
    assert_eq!(shown(&["toy-ascent"]), ["toy-ascent", "taylor"]);
    assert_eq!(shown(&["variants"]), ["toy-ascent", "taylor", "variants"]);
    // A table whose runs are gone is not made again unasked.
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    assert_eq!(shown(&["taylor"]), ["toy-ascent", "taylor"]);
}

#[test]
fn the_weights_of_a_run_are_a_model_that_evaluates_to_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    for run in study.runs() {
        let at = folder.path().join("runs").join(&run.id);
        let model = load_model(&at.join("weights.safetensors")).unwrap();
        assert_eq!(model.config, run.config.model);
        let classifier = Classifier::new(Cpu::<f32>::new(), model.config).unwrap();
        let parameters = classifier.parameters(&model.tensors).unwrap();
        let normalization = model.normalization.unwrap();
        let found = evaluate(&classifier, &parameters, &run.data.test, &normalization).unwrap();
        let result: Value =
            serde_json::from_slice(&fs::read(at.join("result.json")).unwrap()).unwrap();
        assert_eq!(result["test"]["accuracy"], found.accuracy);
        assert_eq!(result["test"]["loss"], found.loss);
    }
}

#[test]
fn what_a_killed_process_left_in_a_finished_run_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    let at = folder.path().join("runs").join(&study.runs()[0].id);
    let weights = fs::read(at.join("weights.safetensors")).unwrap();
    for name in ["checkpoint.safetensors", ".timings.json.1-2.tmp"] {
        let left = at.join(name);
        fs::write(&left, "left").unwrap();
        assert_eq!(study.missing().unwrap(), [study.runs()[0].id.clone()]);
        study.train(&Silent, &StopFlag::new()).unwrap();
        assert!(!left.exists());
    }
    assert!(fs::read(at.join("weights.safetensors")).unwrap() == weights);
}

#[test]
fn the_report_says_how_it_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let command = |profile: &Profile| {
        let study = Study::plan(profile, &options).unwrap();
        study.provenance().unwrap().command
    };
    assert_eq!(command(&profile()), "cargo xtask reproduce tiny.toml");
    let smoke = Profile::load("smoke").unwrap();
    assert_eq!(command(&smoke), "cargo xtask reproduce --profile smoke");
    let mut edited = smoke;
    edited.training.epochs = Some(3);
    assert_eq!(command(&edited), "cargo xtask reproduce smoke.toml");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "planning writes nothing"
    );
}

#[test]
fn folders_of_studies_and_of_single_models_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "seed = 1\n").unwrap();
    let error = Study::plan(&profile(), &options(folder.path()))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("holds a single model, expected the study `tiny`"),
        "{error}"
    );
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let refused = || {
        let study = Study::plan(&profile, &options);
        study.err().map(|error| error.to_string())
    };
    fs::create_dir(folder.path().join("runs")).unwrap();
    assert_eq!(refused(), None, "what a start that was killed leaves");
    fs::write(folder.path().join("report.html"), "mine").unwrap();
    let said = refused().unwrap();
    assert!(
        said.contains("holds `report.html`, expected the study `tiny`"),
        "{said}"
    );
}

#[test]
fn a_raised_flag_stops_the_study_and_it_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    let stop = StopFlag::new();
    stop.raise();
    assert!(matches!(
        study.train(&Silent, &stop),
        Err(Error::Interrupted)
    ));
    assert_eq!(study.missing().unwrap().len(), 4);
    study.train(&Silent, &StopFlag::new()).unwrap();
    assert!(study.missing().unwrap().is_empty());
}

#[test]
fn a_run_folder_that_holds_another_configuration_is_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    let run = &study.runs()[0];
    let other = RunConfig {
        seed: 99,
        ..run.config.clone()
    };
    let path = folder.path().join("runs").join(&run.id).join("config.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, files::canonical_json(&other).unwrap()).unwrap();
    match study.train(&Silent, &StopFlag::new()).unwrap_err() {
        Error::ForeignFolder {
            path: at,
            found,
            expected,
        } => {
            assert_eq!(at, path);
            assert!(
                found.contains("\"seed\": 99") && expected.contains("\"seed\": 0"),
                "{found} {expected}"
            );
        }
        error => panic!("{error}"),
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        files::canonical_json(&other).unwrap()
    );
}

#[test]
fn another_format_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, options) = (profile(), options(folder.path()));
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    let path = folder
        .path()
        .join("runs")
        .join(&study.runs()[0].id)
        .join("result.json");
    let newer = fs::read_to_string(&path)
        .unwrap()
        .replace(&format!("\"format\": {FORMAT}"), "\"format\": 999");
    fs::write(&path, newer).unwrap();
    let error = study.collect(&Silent, &StopFlag::new()).unwrap_err();
    assert!(
        matches!(error, Error::FormatVersion { path: ref at, found: 999, expected: FORMAT } if *at == path),
        "{error}"
    );
}

#[test]
fn a_run_that_diverges_is_recorded_and_the_study_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = PROFILE.replace(
        "epochs = 2",
        "epochs = 2\nlearning_rate = 1e30\noptimizer = { kind = \"sgd\" }",
    );
    let profile = Profile::parse("test", &text).unwrap();
    let options = options(folder.path());
    let study = Study::plan(&profile, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    let artefacts = study.collect(&Silent, &StopFlag::new()).unwrap();
    let result = fs::read_to_string(
        folder
            .path()
            .join("runs")
            .join(&study.runs()[0].id)
            .join("result.json"),
    )
    .unwrap();
    assert!(
        result.contains("\"diverged\"") && result.contains("\"step\""),
        "{result}"
    );
    assert!(
        artefacts[0]
            .notes
            .iter()
            .any(|note| note.contains("diverged at step")),
        "{:?}",
        artefacts[0].notes
    );
}

#[test]
fn runs_wanted_by_several_artefacts_are_planned_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{PROFILE}\n[regularization]\nvariants = [\"crate\"]\nseeds = [0, 1]\n");
    let profile = Profile::parse("test", &text).unwrap();
    let options = options(folder.path());
    // Four of `variants`, and two with the penalty; the two without are those of `variants`.
    assert_eq!(Study::plan(&profile, &options).unwrap().runs().len(), 6);
}

#[test]
fn the_profiles_on_embedded_digits_can_be_planned_as_documented() {
    for (name, zoo, artefacts) in [("smoke", 8, 11), ("digits", 32, 9), ("digits-full", 64, 11)] {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::load(name).unwrap();
        let only = |artefact: &str| StudyOptions {
            only: vec![artefact.to_owned()],
            ..options(folder.path())
        };
        let runs = |artefact: &str| {
            let options = only(artefact);
            let study = Study::plan(&profile, &options).unwrap();
            let ids = study.runs().iter().map(|run| run.id.clone());
            ids.collect::<BTreeSet<String>>()
        };
        assert_eq!(runs("correlation").len(), zoo, "{name}");
        assert_eq!(runs("scatter"), runs("correlation"), "{name}");
        assert_eq!(runs("choices"), runs("correlation"), "{name}");
        // The runs of `regularization` without the penalty are runs of `variants`.
        let (regularized, variants) = (runs("regularization"), runs("variants"));
        let shared = regularized.intersection(&variants).count();
        assert_eq!(2 * shared, regularized.len(), "{name}");
        if name == "digits-full" {
            assert_eq!(runs("inconsistency"), runs("correlation"));
            // Four variants, five numbers of directions and all weights, four learning rates, three seeds.
            assert_eq!(runs("intrinsic-dimension").len(), 4 * 6 * 4 * 3);
        }
        let whole = options(folder.path());
        assert_eq!(
            Study::plan(&profile, &whole).unwrap().artefacts().count(),
            artefacts,
            "{name}"
        );
    }
}

/// Every measure that a profile can afford stands in all three artefacts of the zoo: in `digits` those of less than 5 s a model, in
/// `digits-full` all; diagnostics of test images in none.
#[test]
fn artefacts_of_the_zoo_hold_every_measure_within_the_budget() {
    let registry = Registry::built_in();
    for (name, zoo, choices) in [
        ("digits", Cost::Lanczos, Cost::Lanczos),
        ("digits-full", Cost::Ascent, Cost::Lanczos),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::load(name).unwrap();
        let measured = |artefact: &str| {
            let options = StudyOptions {
                only: vec![artefact.to_owned()],
                ..options(folder.path())
            };
            let study = Study::plan(&profile, &options).unwrap();
            let requests = study.runs().iter().flat_map(|run| &run.measures);
            requests
                .map(|request| request.measure.clone())
                .collect::<BTreeSet<String>>()
        };
        let within = |cost: Cost| {
            let affordable = registry.iter().filter(|measure| {
                let about = measure.about();
                about.cost <= cost && !about.diagnostic
            });
            affordable
                .map(|measure| measure.name().to_owned())
                .collect::<BTreeSet<String>>()
        };
        assert_eq!(measured("correlation"), within(zoo), "{name}");
        assert_eq!(measured("scatter"), within(zoo), "{name}");
        assert_eq!(measured("choices"), within(choices), "{name}");
    }
    assert_eq!(registry.iter().filter(|m| m.about().diagnostic).count(), 4);
}

#[test]
fn tuning_on_held_out_images_never_meets_the_final_study() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let text = PROFILE.replace("train = 40", "train = 40\nvalidation = 0.2");
    let tuning = Profile::parse("test", &text).unwrap();
    let plan = |profile: &Profile| {
        let study = Study::plan(profile, &options).unwrap();
        study
            .runs()
            .iter()
            .map(|run| run.id.clone())
            .collect::<BTreeSet<_>>()
    };
    assert!(plan(&tuning).is_disjoint(&plan(&profile())));
    let study = Study::plan(&tuning, &options).unwrap();
    study.train(&Silent, &StopFlag::new()).unwrap();
    let artefacts = study.collect(&Silent, &StopFlag::new()).unwrap();
    let notes = &artefacts[0].notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("not on the test set")),
        "{notes:?}"
    );
}

#[test]
fn images_are_resized_where_the_profile_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let resize = "epochs = 2\naugmentation = [{ kind = \"resize\", height = 12, width = 12 }]\nrates = { images = 4 }";
    let text = PROFILE.replace("epochs = 2", resize).replace(
        "[variants]\nvariants = [\"crate\", \"crate-n\"]\nseeds = [0, 1]",
        "[zoo]\nvariants = [\"crate\"]\nseeds = [0, 1]\n[scatter]",
    );
    let profile = Profile::parse("test", &text).unwrap();
    let options = options(folder.path());
    let study = Study::plan(&profile, &options).unwrap();
    assert!(
        study
            .runs()
            .iter()
            .all(|run| run.config.model.image == [1, 12, 12])
    );
    study.train(&Silent, &StopFlag::new()).unwrap();
    let artefacts = study.collect(&Silent, &StopFlag::new()).unwrap();
    assert_eq!(artefacts[0].tables[0].rows.len(), 2);
}
