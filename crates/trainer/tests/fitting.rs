//! Training a tiny classifier: interruption and resumption, threads, divergence, records, damaged files.

mod common;

use common::{bits, classifier, data, images, training};
use srr_coding_rate::Conventions;
use srr_datasets::{Augmentation, Batch};
use srr_kernels::{Backend, Cpu, MatmulPrecision};
use srr_layers::{Classifier, Gradients, Parameters, Variant};
use srr_random::Seed;
use srr_trainer::{
    BatchLoss, Classification, Error, Finite, FitOptions, JsonLines, Objective, Optimizer, Outcome,
    PenalizedLayers, Quantity, RatesConfig, RegularizerConfig, Resumed, Schedule, Scores, Status,
    StopAt, SubspaceConfig, TrainingConfig, TrainingData, evaluate, first_images, fit, layer_rates,
    load_model, save_model, train,
};
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

type C = Cpu<f64>;

/// Everything that can be random is on.
fn full(optimizer: Optimizer) -> TrainingConfig {
    TrainingConfig {
        optimizer,
        schedule: Schedule::WarmupCosine {
            warmup: 0.5,
            floor: 0.1,
        },
        label_smoothing: 0.1,
        clip_norm: Some(1.0),
        regularizer: Some(RegularizerConfig {
            layers: PenalizedLayers::Random,
            ..RegularizerConfig::default()
        }),
        augmentation: vec![Augmentation::Crop { padding: 1 }],
        evaluate_every: 1,
        rates: Some(RatesConfig {
            images: 5,
            every: 2,
            ..RatesConfig::default()
        }),
        ..training()
    }
}

/// One session in a folder, which is asked to stop before step `steps` of this session.
fn session(
    folder: &Path,
    config: &TrainingConfig,
    steps: Option<u64>,
    every: Duration,
) -> Outcome<C> {
    let taken = AtomicU64::new(0);
    let stop = || steps.is_some_and(|steps| taken.fetch_add(1, Ordering::SeqCst) >= steps);
    let options = FitOptions {
        folder: Some(folder.to_owned()),
        checkpoint_every: every,
        stop: Some(&stop),
    };
    let mut log = JsonLines::new(folder.join("log.jsonl"));
    let classifier = classifier(Variant::Crate);
    fit(
        &classifier,
        &data(),
        config,
        Seed::new(4),
        &options,
        &mut [&mut log],
    )
    .unwrap()
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log.jsonl")).unwrap()
}

const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn interrupted_anywhere_a_run_ends_with_the_same_bits() {
    let within = |config: TrainingConfig| TrainingConfig {
        subspace: Some(SubspaceConfig { dimension: 20 }),
        ..config
    };
    for config in [
        full(Optimizer::adam()),
        full(Optimizer::adamw()),
        full(Optimizer::sgd(0.9, true)),
        full(Optimizer::sgd(0.0, false)),
        full(Optimizer::lion()),
        within(full(Optimizer::sgd(0.9, false))),
    ] {
        let whole = tempfile::tempdir().unwrap();
        let expected = session(whole.path(), &config, None, NEVER);
        assert!(matches!(expected.status, Status::Finished { .. }));
        assert_eq!((expected.steps, expected.resumed.clone()), (9, None));
        // At the start, in the middle of epochs, at their ends; with checkpoints at interruptions alone and after every epoch.
        for (steps, every) in [
            (0, NEVER),
            (1, NEVER),
            (2, Duration::ZERO),
            (3, NEVER),
            (4, Duration::ZERO),
            (8, NEVER),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let first = session(folder.path(), &config, Some(steps), every);
            assert_eq!((first.status, first.steps), (Status::Interrupted, steps));
            let second = session(folder.path(), &config, Some(1), every);
            assert_eq!(
                second.resumed,
                Some(Resumed {
                    steps,
                    passed_over: None
                })
            );
            let last = session(folder.path(), &config, None, every);
            let backend = C::new();
            assert_eq!(
                bits(&backend, &last.parameters),
                bits(&backend, &expected.parameters),
                "{:?} interrupted after {steps}",
                config.optimizer
            );
            assert_eq!(last.history, expected.history);
            assert_eq!(log(folder.path()), log(whole.path()));
        }
    }
}

#[test]
fn a_finished_run_is_not_trained_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = full(Optimizer::adam());
    let first = session(folder.path(), &config, None, NEVER);
    let before = log(folder.path());
    let again = session(folder.path(), &config, Some(0), NEVER);
    assert_eq!((again.status, again.steps), (first.status, first.steps));
    assert_eq!(again.history, first.history);
    assert_eq!(log(folder.path()), before);
    let backend = C::new();
    assert_eq!(
        bits(&backend, &again.parameters),
        bits(&backend, &first.parameters)
    );
}

#[test]
fn one_and_two_threads_give_the_same_bits() {
    fn on<B: Backend>(backend: B, threads: usize) -> (Vec<(String, Vec<u64>)>, String) {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let classifier = Classifier::new(backend, common::config(Variant::Crate)).unwrap();
        let config = full(Optimizer::adam());
        let options = FitOptions::default();
        let outcome = pool
            .install(|| {
                fit(
                    &classifier,
                    &data(),
                    &config,
                    Seed::new(9),
                    &options,
                    &mut [],
                )
            })
            .unwrap();
        let history = serde_json::to_string(&outcome.history).unwrap();
        (bits(classifier.backend(), &outcome.parameters), history)
    }
    assert_eq!(on(Cpu::<f32>::new(), 1), on(Cpu::<f32>::new(), 2));
    assert_eq!(on(Cpu::<f64>::new(), 1), on(Cpu::<f64>::new(), 2));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_reported() {
    let config = full(Optimizer::adam());
    let whole = tempfile::tempdir().unwrap();
    let expected = session(whole.path(), &config, None, NEVER);
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), &config, Some(4), NEVER);
    session(folder.path(), &config, Some(2), NEVER);
    let path = folder.path().join("checkpoint.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let resumed = session(folder.path(), &config, None, NEVER);
    let found = resumed.resumed.clone().unwrap();
    assert_eq!(found.steps, 4, "the one before the damaged one");
    assert!(
        found
            .passed_over
            .unwrap()
            .contains("checkpoint.safetensors")
    );
    let backend = C::new();
    assert_eq!(
        bits(&backend, &resumed.parameters),
        bits(&backend, &expected.parameters)
    );
    assert_eq!(log(folder.path()), log(whole.path()));
}

#[test]
fn a_folder_of_another_configuration_is_refused_with_the_keys_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), &training(), Some(1), NEVER);
    let config = TrainingConfig {
        learning_rate: 0.25,
        optimizer: Optimizer::lion(),
        ..training()
    };
    let options = FitOptions {
        folder: Some(folder.path().to_owned()),
        ..FitOptions::default()
    };
    let classifier = classifier(Variant::Crate);
    let refused = fit(
        &classifier,
        &data(),
        &config,
        Seed::new(5),
        &options,
        &mut [],
    )
    .unwrap_err();
    let Error::OtherConfiguration { differences, .. } = &refused else {
        panic!("{refused}")
    };
    let differs = |key: &str| differences.iter().any(|d| d.starts_with(key));
    for key in ["seed", "training.learning_rate", "training.optimizer.kind"] {
        assert!(differs(key), "{key}: {differences:?}");
    }
    assert!(!differs("model") && !differs("data"), "{differences:?}");
}

#[test]
fn a_run_goes_on_with_the_precision_that_it_began_with_alone() {
    let folder = tempfile::tempdir().unwrap();
    let interrupted = |precision| {
        let backend = Cpu::<f32>::new().with_precision(precision);
        let classifier = Classifier::new(backend, common::config(Variant::Crate)).unwrap();
        let options = FitOptions {
            folder: Some(folder.path().to_owned()),
            checkpoint_every: NEVER,
            stop: Some(&|| true),
        };
        let config = training();
        fit(
            &classifier,
            &data(),
            &config,
            Seed::new(4),
            &options,
            &mut [],
        )
    };
    assert!(interrupted(MatmulPrecision::Highest).is_ok());
    assert!(interrupted(MatmulPrecision::Highest).is_ok());
    let refused = interrupted(MatmulPrecision::Medium).err().unwrap();
    let message = refused.to_string();
    assert!(
        message.ends_with("what differs: precision (there: \"f32\", here: \"medium\")"),
        "{message}"
    );
}

#[test]
fn divergence_is_recorded_at_its_step_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let config = TrainingConfig {
        learning_rate: 1e200,
        optimizer: Optimizer::sgd(0.0, false),
        ..training()
    };
    let outcome = session(folder.path(), &config, None, NEVER);
    let Status::Diverged { step: 1, quantity } = outcome.status.clone() else {
        panic!("{}", outcome.status)
    };
    // The weights are about 10²⁰⁰ and finite; what overflows first is within the forward pass.
    assert!(
        matches!(quantity, Quantity::Tokens { .. } | Quantity::Output),
        "{quantity}"
    );
    let last = log(folder.path()).lines().last().unwrap().to_owned();
    assert_eq!(
        serde_json::from_str::<Status>(&last).unwrap(),
        outcome.status
    );
    let again = session(folder.path(), &config, Some(0), NEVER);
    assert_eq!((again.status, again.steps), (outcome.status, 1));
}

/// A classification whose batch number 1 of every epoch holds a NaN.
struct Poisoned<'a>(Classification<'a, C>);

impl Objective<C> for Poisoned<'_> {
    type Batch = Batch;

    fn backend(&self) -> &C {
        self.0.backend()
    }

    fn batches_per_epoch(&self) -> usize {
        self.0.batches_per_epoch()
    }

    fn batches(&self, epoch: u64, first: usize) -> impl Iterator<Item = Batch> {
        self.0.batches(epoch, first).map(|mut batch| {
            if batch.number == 1 {
                batch.images[7] = f32::NAN;
            }
            batch
        })
    }

    fn loss_and_gradient(
        &self,
        parameters: &Parameters<C>,
        batch: &Batch,
        step: Seed,
        gradients: &mut Gradients<C>,
    ) -> srr_trainer::Result<Finite<BatchLoss>> {
        self.0.loss_and_gradient(parameters, batch, step, gradients)
    }

    fn training_scores(&self, parameters: &Parameters<C>) -> srr_trainer::Result<Finite<Scores>> {
        self.0.training_scores(parameters)
    }

    fn validation_scores(
        &self,
        parameters: &Parameters<C>,
    ) -> srr_trainer::Result<Option<Finite<Scores>>> {
        self.0.validation_scores(parameters)
    }
}

#[test]
fn a_nan_in_the_data_is_recorded_at_its_step() {
    let (classifier, config, seed) = (classifier(Variant::Crate), training(), Seed::new(4));
    let objective = Classification::new(&classifier, &data(), &config, seed).unwrap();
    let outcome = train(
        &Poisoned(objective),
        classifier.initialize(seed).unwrap(),
        &config.recipe(),
        seed,
        &serde_json::Value::Null,
        &FitOptions::default(),
        &mut [],
    )
    .unwrap();
    let quantity = Quantity::Input;
    assert_eq!(outcome.status, Status::Diverged { step: 1, quantity });
    assert_eq!((outcome.steps, outcome.epochs), (1, 0));
}

#[test]
fn training_learns_and_stops_at_its_target() {
    let config = TrainingConfig {
        epochs: 300,
        learning_rate: 1e-2,
        stop: Some(StopAt::default()),
        ..training()
    };
    let classifier = classifier(Variant::Crate);
    let data = data();
    let options = FitOptions::default();
    let outcome = fit(&classifier, &data, &config, Seed::new(1), &options, &mut []).unwrap();
    assert_eq!(outcome.status.to_string(), "finished at the target");
    let scores = outcome.training_scores().unwrap();
    assert!(scores.loss <= 0.01 && scores.accuracy == Some(1.0));
    let evaluation = evaluate(
        &classifier,
        &outcome.parameters,
        &data.train,
        &data.normalization,
    )
    .unwrap();
    assert_eq!((evaluation.loss, evaluation.n), (scores.loss, 20));
    assert!(evaluation.margins.iter().all(|&m| m > 0.0), "all are right");
    for record in &outcome.history[1..] {
        let looked_at = record.train.is_some();
        assert_eq!(
            looked_at,
            record.running.unwrap().loss < 0.1,
            "epoch {}",
            record.epoch
        );
    }
}

#[test]
fn rates_are_recorded_at_the_start_when_due_and_at_the_end() {
    let outcome = session(
        tempfile::tempdir().unwrap().path(),
        &full(Optimizer::adam()),
        None,
        NEVER,
    );
    let recorded: Vec<bool> = outcome.history.iter().map(|r| r.layers.is_some()).collect();
    assert_eq!(recorded, [true, false, true, true]);
    let classifier = classifier(Variant::Crate);
    let (data, conventions) = (data(), Conventions::default());
    let images = first_images(&classifier, &data.train, &data.normalization, 5).unwrap();
    let rates = layer_rates(&classifier, &outcome.parameters, &images, &conventions).unwrap();
    assert_eq!(outcome.history[3].layers.as_ref().unwrap(), &rates);
    assert_eq!((rates.len(), rates[0].images), (2, 5));
    let initial = layer_rates(&classifier, &outcome.initial, &images, &conventions).unwrap();
    assert_eq!(outcome.history[0].layers.as_ref().unwrap(), &initial);
}

#[test]
fn a_model_survives_its_file_and_so_does_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let classifier = classifier(Variant::Fix);
    let parameters = classifier.initialize(Seed::new(2)).unwrap();
    let path = folder.path().join("model.safetensors");
    save_model(&path, &classifier, &parameters, &data().normalization).unwrap();
    let model = load_model(&path).unwrap();
    assert_eq!(model.config, *classifier.config());
    assert_eq!(model.normalization, Some(data().normalization));
    let again = classifier.parameters(&model.tensors).unwrap();
    assert_eq!(bits(&C::new(), &again), bits(&C::new(), &parameters));

    let outcome = session(folder.path(), &training(), None, NEVER);
    let model = load_model(&folder.path().join("checkpoint.safetensors")).unwrap();
    let classifier = Classifier::new(C::new(), model.config.clone()).unwrap();
    let again = classifier.parameters(&model.tensors).unwrap();
    assert_eq!(
        bits(&C::new(), &again),
        bits(&C::new(), &outcome.parameters)
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    let classifier = classifier(Variant::Crate);
    let fit_to = |data: &TrainingData, config: &TrainingConfig| {
        let fitted = fit(
            &classifier,
            data,
            config,
            Seed::new(1),
            &FitOptions::default(),
            &mut [],
        );
        fitted.unwrap_err().to_string()
    };
    let empty = Arc::new(images(0, 1));
    let without = TrainingData {
        validation: Some(empty),
        ..data()
    };
    assert_eq!(fit_to(&without, &training()), "the validation set is empty");
    let nothing = TrainingConfig {
        batch_size: 0,
        ..training()
    };
    assert!(fit_to(&data(), &nothing).contains("batch_size"));
    let two = Classifier::new(
        C::new(),
        srr_layers::ClassifierConfig {
            classes: 2,
            ..common::config(Variant::Crate)
        },
    );
    let two = two.unwrap();
    let refused = fit(
        &two,
        &data(),
        &training(),
        Seed::new(1),
        &FitOptions::default(),
        &mut [],
    )
    .unwrap_err();
    assert!(matches!(refused, Error::DataMismatch { .. }), "{refused}");
    let vit = Classifier::new(C::new(), common::config(Variant::Vit)).unwrap();
    let rates = full(Optimizer::adam()).rates;
    let config = TrainingConfig {
        rates,
        ..training()
    };
    let refused = fit(
        &vit,
        &data(),
        &config,
        Seed::new(1),
        &FitOptions::default(),
        &mut [],
    )
    .unwrap_err();
    assert!(matches!(refused, Error::NoBases { .. }), "{refused}");
}
