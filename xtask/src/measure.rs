//! `measure`: the measures of anybody's checkpoint, and its rates layer by layer.

mod display;

use crate::{
    conventions::ConventionArgs,
    interrupt::{INTERRUPTED, stop_on_signal},
    model::{self, ModelArgs},
    normalization::NormalizationArgs,
    output::is_folder,
    say::say,
    whole::some,
};
use display::Display;
use srr_kernels::Cpu;
use srr_layers::{Classifier, ModelFacts, Parameters};
use srr_measures::{Measure, Options, Registry};
use srr_random::Seed;
use srr_study::{
    examination::{self, Curves, Densities, Findings, Setting},
    files,
    origin::Origin,
    report::PAGE,
    subject::TrainedSubject,
};
use srr_trainer::{Model, TrainingData};
use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Measure a trained model: complexity measures, and R, R^c, ‖Z‖₀ and μ of every layer on training and held-out images
#[derive(Debug, clap::Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// The weights at the start of training; without, what needs them is unavailable
    #[arg(long, value_name = "F0")]
    init: Option<PathBuf>,
    /// Name of a data set; `cargo xtask data list` shows them. A checkpoint in the folder of its run is measured on that run's images
    #[arg(long, value_name = "NAME")]
    data: String,
    /// These measures only, in this order; `cargo xtask measures` lists them
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    measures: Vec<String>,
    /// Also show the parts of values that belong to layers
    #[arg(long)]
    per_layer: bool,
    /// Also take the spectral density of the Hessian on 512 training images, with --per-layer that of every layer: 320 gradients each,
    /// which takes minutes
    #[arg(long)]
    density: bool,
    /// Folder for measures.csv, layers.csv, measure.json, curves.svg and report.html
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Images of each split over which the curves are averaged, with equal numbers of every class. Measures choose their own, and say so
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = some)]
    images: usize,
    #[command(flatten)]
    conventions: ConventionArgs,
    #[command(flatten)]
    normalization: NormalizationArgs,
    /// Learning rate at the end of training [default: that of the run in whose folder the checkpoint lies]
    #[arg(long, value_name = "R", value_parser = positive)]
    learning_rate: Option<f64>,
    /// Images in a batch of the training [default: that of the run in whose folder the checkpoint lies]
    #[arg(long, value_name = "N", value_parser = some)]
    batch_size: Option<usize>,
    /// Seed of what measures draw [default: that of the run in whose folder the checkpoint lies, or else 0]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|error| format!("{error}"))?;
    match value > 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err("expected a positive number".to_owned()),
    }
}

type Subject = TrainedSubject<Cpu<f64>>;

/// Entry point of the command.
///
/// # Errors
/// A checkpoint, data set, name or folder that cannot be used, in words for the terminal.
pub(crate) fn run(args: MeasureArgs) -> Result<ExitCode, Box<dyn Error>> {
    let registry = Registry::with_options(&Options {
        conventions: args.conventions.conventions()?,
        per_layer: args.per_layer,
        ..Options::default()
    });
    let measures = choose(&registry, &args.measures)
        .map_err(|error| format!("{error}; `cargo xtask measures` lists them all"))?;
    if let Some(out) = &args.out {
        is_folder(out)?;
        examination::refuse_runs(out)?;
    }
    let stop = stop_on_signal("after this measure")?;
    let (subject, setting) = prepare(&args)?;
    let display = Display::new(measures.len());
    let curves = Curves::of(&subject, &setting.conventions, setting.curve_images);
    display::curves(&curves, &setting);
    display.head(&measures);
    let found = examination::measure(
        &measures,
        &subject,
        &stop,
        &mut |place, measure| display.before(place, measure),
        &mut |found| display.after(found, args.per_layer),
    );
    let densities = match args.density {
        true => Densities::of(&subject, args.per_layer, &stop, &mut |of| {
            display.before_density(of);
        }),
        false => Densities::default(),
    };
    display.close();
    let findings = Findings {
        stopped: found.len() < measures.len() || densities.stopped,
        curves,
        measures: found,
        densities,
    };
    display::counts(&findings);
    display::densities(&findings.densities);
    if let Some(out) = &args.out {
        let command = command(std::env::args().skip(1));
        let names = examination::write(&setting, &findings, args.per_layer, &command, out)?;
        say!("{} files in {}", names.len(), out.display());
        say!("report: {}", out.join(PAGE).display());
    }
    if findings.stopped {
        let done = findings.measures.len();
        eprintln!("stopped after {done} of {} measures", measures.len());
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::SUCCESS)
}

/// The measures asked for, each once.
fn choose<'a>(
    registry: &'a Registry,
    names: &[String],
) -> Result<Vec<&'a dyn Measure>, srr_measures::Error> {
    let mut chosen: Vec<&dyn Measure> = match names.is_empty() {
        true => registry.iter().collect(),
        false => Vec::new(),
    };
    for measure in registry.select(names)? {
        if !chosen.iter().any(|other| other.name() == measure.name()) {
            chosen.push(measure);
        }
    }
    Ok(chosen)
}

/// Reads model and images, says what they are, and puts them together.
fn prepare(args: &MeasureArgs) -> Result<(Subject, Setting), Box<dyn Error>> {
    let dataset = srr_datasets::open_default(&args.data)?;
    let shape = dataset.train.shape();
    let model = args.model.open(Some([shape.height, shape.width]))?;
    // What a run saves says how its images are normalized; other checkpoints may lie beside a configuration of anything.
    let origin = match &model.normalization {
        Some(_) => Origin::beside(&args.model.checkpoint, &model.config)?,
        None => None,
    };
    let own = match &origin {
        Some(origin) if origin.data == args.data => origin.images(dataset.clone())?,
        _ => None,
    };
    let whose = match (&origin, &own) {
        (None, _) => "",
        (Some(_), Some(_)) => ", those of its run",
        (Some(origin), None) if origin.data == args.data => {
            "; which of them its run saw is not known"
        }
        (Some(_), None) => "; it was trained on others",
    };
    let data = match own {
        Some(data) => data,
        None => TrainingData::new(dataset.train, Some(dataset.test.into()))?,
    };
    let (normalization, normalized) = args.normalization.choose(&model, &data.train)?;
    let data = TrainingData {
        normalization,
        ..data
    };
    let setting = setting(args, &model, &data, origin.as_ref(), normalized)?;
    display::setting(&setting, &data, whose);
    Ok((subject(args, &model, data, &setting)?, setting))
}

fn setting(
    args: &MeasureArgs,
    model: &Model,
    data: &TrainingData,
    origin: Option<&Origin>,
    normalized: &str,
) -> Result<Setting, Box<dyn Error>> {
    let held_out = data.validation.as_ref().unwrap_or(&data.train);
    let initial = args.init.as_deref().map(files::digest_of);
    let learning_rate = origin.map(|origin| origin.learning_rate);
    let batch_size = origin.map(|origin| origin.batch_size);
    let seed = origin.map(|origin| origin.seed);
    Ok(Setting {
        model: model.config.clone(),
        weights: files::digest_of(&args.model.checkpoint)?,
        initial: initial.transpose()?,
        training: examination::Images::of(&data.train),
        held_out: examination::Images::of(held_out),
        normalization: data.normalization.clone(),
        normalized: normalized.to_owned(),
        learning_rate: args.learning_rate.or(learning_rate),
        batch_size: args.batch_size.or(batch_size),
        seed: args.seed.or(seed).unwrap_or(0),
        conventions: args.conventions.conventions()?,
        curve_images: args.images,
    })
}

fn subject(
    args: &MeasureArgs,
    model: &Model,
    data: TrainingData,
    setting: &Setting,
) -> Result<Subject, Box<dyn Error>> {
    let path = &args.model.checkpoint;
    let classifier = Classifier::new(Cpu::<f64>::new(), model.config.clone())
        .map_err(|error| model::named(path, &error))?;
    let weights = |path: &Path, model: &Model| -> Result<Parameters<Cpu<f64>>, String> {
        let parameters = classifier.parameters(&model.tensors);
        parameters.map_err(|error| model::named(path, &error))
    };
    let trained = weights(path, model)?;
    let initial = args.init.as_ref().map(|path| {
        let start = model::open(path, &same(model))?;
        Ok::<_, Box<dyn Error>>(weights(path, &start)?)
    });
    let initial = initial.transpose()?;
    let subject = TrainedSubject::new(classifier.clone(), trained, data)?.with_known_training(
        setting.learning_rate,
        setting.batch_size,
        Some(Seed::new(setting.seed)),
    );
    Ok(match initial {
        Some(initial) => subject.with_initial(initial),
        None => subject,
    })
}

/// What a checkpoint of the same model's start must be, should it have a configuration, and is, should it have none.
fn same(model: &Model) -> ModelFacts {
    let [_, height, width] = model.config.image;
    ModelFacts {
        variant: Some(model.config.variant),
        heads: Some(model.config.heads),
        patch: Some(model.config.patch),
        size: Some([height, width]),
        ..ModelFacts::default()
    }
}

/// The command as it was typed, with files by their names alone and without the folder of the output: reports hold no path.
fn command(words: impl Iterator<Item = String>) -> String {
    let mut shown = vec!["cargo xtask".to_owned()];
    let mut words = words;
    while let Some(word) = words.next() {
        if word == "--out" {
            words.next();
        } else if !word.starts_with("--out=") {
            shown.push(file_name(&word));
        }
    }
    shown.join(" ")
}

/// The last part of a word that is the path of a file, be it the value of `--option=value`.
fn file_name(word: &str) -> String {
    let (option, value) = match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (format!("{option}="), value),
        _ => (String::new(), word),
    };
    let path = Path::new(value);
    match path.file_name() {
        Some(name) if path.is_file() => format!("{option}{}", name.to_string_lossy()),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_paths() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.safetensors");
        std::fs::write(&file, "").unwrap();
        let file = file.display().to_string();
        let words = ["measure", "--checkpoint", &file, "--data", "optdigits"];
        let words = words.map(str::to_owned).into_iter();
        let more = [
            format!("--init={file}"),
            "--out".to_owned(),
            "x/y".to_owned(),
        ];
        assert_eq!(
            command(words.chain(more)),
            "cargo xtask measure --checkpoint a.safetensors --data optdigits --init=a.safetensors"
        );
        assert_eq!(command(["--out=x".to_owned()].into_iter()), "cargo xtask");
    }

    #[test]
    fn measures_are_chosen_once_and_in_order() {
        let registry = Registry::built_in();
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let chosen = choose(&registry, &names)?;
            let chosen = chosen.iter().map(|measure| measure.name().to_owned());
            Ok::<Vec<String>, srr_measures::Error>(chosen.collect())
        };
        assert_eq!(names(&["l2", "srr", "l2"]).unwrap(), ["l2", "srr"]);
        assert_eq!(names(&[]).unwrap().len(), registry.iter().count());
        assert!(
            names(&["path-nrom"])
                .unwrap_err()
                .to_string()
                .contains("path-norm")
        );
    }
}
