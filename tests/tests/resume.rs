//! Training on real digits leaves the same bits after interruptions, for any number of threads and in single precision.

use srr_datasets::{Augmentation, optdigits};
use srr_kernels::Cpu;
use srr_layers::{Classifier, ClassifierConfig, Variant};
use srr_random::Seed;
use srr_trainer::{
    FitOptions, JsonLines, Outcome, RatesConfig, RegularizerConfig, Schedule, Status,
    TrainingConfig, TrainingData, fit,
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

fn data() -> TrainingData {
    let digits = optdigits().unwrap();
    let train = digits.train.stratified(120, Seed::new(0)).unwrap();
    let validation = digits.test.stratified(60, Seed::new(0)).unwrap();
    TrainingData::new(train, Some(Arc::new(validation))).unwrap()
}

fn training() -> TrainingConfig {
    TrainingConfig {
        batch_size: 32,
        epochs: 3,
        schedule: Schedule::WarmupCosine {
            warmup: 1.0,
            floor: 0.0,
        },
        regularizer: Some(RegularizerConfig::default()),
        augmentation: vec![Augmentation::Crop { padding: 1 }],
        evaluate_every: 1,
        rates: Some(RatesConfig {
            images: 20,
            ..RatesConfig::default()
        }),
        ..TrainingConfig::default()
    }
}

/// A session on its own pool, which ends before step `steps` of it if there is such a number.
fn session(
    folder: &Path,
    variant: Variant,
    threads: usize,
    steps: Option<u64>,
) -> Outcome<Cpu<f32>> {
    let model = ClassifierConfig {
        dropout: 0.1,
        ..ClassifierConfig::new(variant, [1, 8, 8], 2, 10, 24, 2, 3)
    };
    let classifier = Classifier::new(Cpu::<f32>::new(), model).unwrap();
    let taken = AtomicU64::new(0);
    let stop = || steps.is_some_and(|steps| taken.fetch_add(1, Ordering::SeqCst) >= steps);
    let options = FitOptions {
        folder: Some(folder.to_owned()),
        checkpoint_every: Duration::ZERO,
        stop: Some(&stop),
    };
    let mut log = JsonLines::new(folder.join("log.jsonl"));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let (data, training) = (data(), training());
    let train = || {
        fit(
            &classifier,
            &data,
            &training,
            Seed::new(11),
            &options,
            &mut [&mut log],
        )
    };
    pool.install(train).unwrap()
}

fn weights(outcome: &Outcome<Cpu<f32>>) -> Vec<u64> {
    let host = outcome.parameters.to_host(&Cpu::<f32>::new()).unwrap();
    host.into_values()
        .flat_map(|t| t.values)
        .map(f64::to_bits)
        .collect()
}

#[test]
fn interruptions_and_threads_leave_no_trace() {
    for variant in [Variant::Crate, Variant::Transpose] {
        let whole = tempfile::tempdir().unwrap();
        let expected = session(whole.path(), variant, 1, None);
        assert!(matches!(expected.status, Status::Finished { .. }));
        assert_eq!(expected.steps, 12);
        // Three sessions, of one thread and of two in turn, cut in the middle of the first and of the second epoch.
        let parts = tempfile::tempdir().unwrap();
        assert_eq!(session(parts.path(), variant, 2, Some(3)).steps, 3);
        assert_eq!(session(parts.path(), variant, 1, Some(3)).steps, 6);
        let last = session(parts.path(), variant, 2, None);
        assert!(weights(&last) == weights(&expected), "{variant}");
        assert_eq!(last.history, expected.history);
        let log = |folder: &Path| fs::read(folder.join("log.jsonl")).unwrap();
        assert_eq!(log(parts.path()), log(whole.path()));
    }
}
