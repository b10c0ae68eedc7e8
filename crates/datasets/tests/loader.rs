//! Batches depend on the seed and nothing else.

use srr_datasets::{
    Augmentation, Batch, ImageSet, ImageShape, Loader, LoaderOptions, Normalization, optdigits,
};
use srr_random::Seed;
use std::sync::Arc;

fn digits(n: usize) -> Arc<ImageSet> {
    Arc::new(
        optdigits()
            .unwrap()
            .train
            .stratified(n, Seed::new(0))
            .unwrap(),
    )
}

fn options() -> LoaderOptions {
    LoaderOptions {
        batch_size: 32,
        augmentations: vec![
            Augmentation::Crop { padding: 1 },
            Augmentation::RandAugment {
                operations: 2,
                magnitude: 14,
            },
        ],
        ..LoaderOptions::default()
    }
}

fn loader(set: &Arc<ImageSet>, options: LoaderOptions, seed: u64) -> Loader {
    let normalization = Normalization::fit(set).unwrap();
    Loader::new(set.clone(), normalization, options, Seed::new(seed)).unwrap()
}

fn bits(batches: impl Iterator<Item = Batch>) -> Vec<(Vec<u32>, Vec<usize>, Vec<u32>)> {
    batches
        .map(|b| {
            (
                b.images.iter().map(|v| v.to_bits()).collect(),
                b.indices,
                b.labels,
            )
        })
        .collect()
}

#[test]
fn threads_and_the_start_change_no_bit() {
    let set = digits(203);
    let whole = bits(
        loader(
            &set,
            LoaderOptions {
                workers: 0,
                ..options()
            },
            5,
        )
        .epoch(2),
    );
    assert_eq!(whole.len(), 7);
    for (workers, ahead) in [(1, 0), (1, 1), (1, 5), (2, 1), (3, 2), (16, 1)] {
        let loader = loader(
            &set,
            LoaderOptions {
                workers,
                ahead,
                ..options()
            },
            5,
        );
        for first in [0, 1, 5, 6, 7, 100] {
            let part = bits(loader.epoch_from(2, first));
            assert_eq!(
                part,
                whole[first.min(7)..],
                "{workers} workers from {first}"
            );
        }
    }
}

#[test]
fn an_image_is_augmented_alike_in_batches_of_any_size() {
    let set = digits(50);
    let by_image = |batch_size| {
        let mut images = vec![Vec::new(); 50];
        for batch in loader(
            &set,
            LoaderOptions {
                batch_size,
                ..options()
            },
            1,
        )
        .epoch(0)
        {
            for (index, image) in batch.indices.iter().zip(batch.images.chunks_exact(64)) {
                images[*index] = image.to_vec();
            }
        }
        images
    };
    assert_eq!(by_image(7), by_image(50));
}

#[test]
fn epochs_and_seeds_differ_and_each_shows_every_image_once() {
    let set = digits(100);
    let order = |seed, epoch| -> Vec<usize> {
        loader(&set, options(), seed)
            .epoch(epoch)
            .flat_map(|b| b.indices)
            .collect()
    };
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
    for epoch in 0..3 {
        let mut order = order(1, epoch);
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
    let plain = LoaderOptions {
        shuffle: false,
        ..options()
    };
    let mut batches = loader(&set, plain, 1).epoch(3);
    assert_eq!(
        (batches.len(), batches.next().unwrap().indices),
        (4, (0..32).collect())
    );
    assert_eq!(batches.len(), 3);
}

#[test]
fn labels_and_pixels_belong_to_the_indices() {
    let set = digits(90);
    let normalization = Normalization::fit(&set).unwrap();
    let plain = LoaderOptions {
        batch_size: 25,
        ..LoaderOptions::default()
    };
    let (mut sum, mut squares) = (0.0, 0.0);
    for batch in loader(&set, plain, 3).epoch(0) {
        assert_eq!(batch.shape, ImageShape::new(1, 8, 8));
        for (b, &i) in batch.indices.iter().enumerate() {
            assert_eq!(batch.labels[b], set.labels()[i]);
            for (value, &byte) in batch.images[b * 64..].iter().zip(set.image(i).unwrap()) {
                let mut one = [f32::from(byte) / 16.0];
                normalization
                    .apply(&mut one, ImageShape::new(1, 1, 1))
                    .unwrap();
                assert_eq!(*value, one[0]);
                sum += f64::from(*value);
                squares += f64::from(*value).powi(2);
            }
        }
    }
    let n = 90.0 * 64.0;
    assert!((sum / n).abs() < 1e-6 && (squares / n - 1.0).abs() < 1e-6);
}

#[test]
fn augmentation_that_does_nothing_changes_no_bit() {
    let set = digits(40);
    let with = |augmentations| {
        bits(
            loader(
                &set,
                LoaderOptions {
                    augmentations,
                    ..options()
                },
                1,
            )
            .epoch(0),
        )
    };
    assert_eq!(with(vec![]), with(vec![Augmentation::Crop { padding: 0 }]));
    assert_ne!(with(vec![]), with(vec![Augmentation::Crop { padding: 2 }]));
}

#[test]
fn images_may_change_their_size() {
    let set = digits(10);
    let augmentations = vec![Augmentation::Resize {
        height: 12,
        width: 16,
    }];
    let loader = loader(
        &set,
        LoaderOptions {
            augmentations,
            ..options()
        },
        1,
    );
    assert_eq!(loader.shape(), ImageShape::new(1, 12, 16));
    let batch = loader.epoch(0).next().unwrap();
    assert_eq!((batch.len(), batch.images.len()), (10, 10 * 12 * 16));
}

#[test]
fn a_short_last_batch_may_be_left_out() {
    let set = digits(100);
    let full = LoaderOptions {
        drop_last: true,
        ..options()
    };
    let loader = loader(&set, full, 1);
    assert_eq!(loader.batches(), 3);
    assert!(loader.epoch(0).all(|b| b.len() == 32));
}

#[test]
fn dropping_the_batches_ends_their_threads() {
    let set = digits(200);
    let loader = loader(
        &set,
        LoaderOptions {
            workers: 3,
            ..options()
        },
        1,
    );
    let mut batches = loader.epoch(0);
    assert!(batches.next().is_some());
    drop(batches);
    drop(loader);
    // A thread still running would hold on to the set.
    assert_eq!(Arc::strong_count(&set), 1);
}

#[test]
fn what_cannot_be_served_is_refused() {
    let set = digits(10);
    let normalization = Normalization::fit(&set).unwrap();
    let refused = |set: &Arc<ImageSet>, normalization: Normalization, options: LoaderOptions| {
        Loader::new(set.clone(), normalization, options, Seed::new(0))
            .unwrap_err()
            .to_string()
    };
    let empty = Arc::new(set.subset(&[]).unwrap());
    assert!(refused(&empty, normalization.clone(), options()).contains("not empty"));
    assert!(Normalization::fit(&empty).is_err());
    let zero = LoaderOptions {
        batch_size: 0,
        ..options()
    };
    assert!(refused(&set, normalization.clone(), zero).contains("batch size"));
    assert!(refused(&set, Normalization::identity(3), options()).contains("of 1 channels"));
    let mut broken = normalization.clone();
    broken.mean[0] = f32::NAN;
    assert!(refused(&set, broken, options()).contains("finite"));
    let mut broken = normalization.clone();
    broken.deviation[0] = 0.0;
    assert!(refused(&set, broken, options()).contains("positive"));
    let crop = LoaderOptions {
        augmentations: vec![Augmentation::Crop { padding: 9 }],
        ..options()
    };
    assert!(refused(&set, normalization, crop).contains("crop padding"));
}

#[test]
fn a_batch_size_beyond_the_set_gives_one_batch() {
    let set = digits(10);
    let options = LoaderOptions {
        batch_size: usize::MAX,
        ..options()
    };
    let batches: Vec<_> = loader(&set, options, 0).epoch(0).collect();
    assert_eq!((batches.len(), batches[0].len()), (1, 10));
}
