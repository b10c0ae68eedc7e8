//! The images of a run: read once, cut to size, identified by digest.

use crate::{Error, Result, profile};
use serde::{Deserialize, Serialize};
use srr_datasets::{Dataset, ImageSet};
use srr_random::Seed;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// What identifies the images of a run, wherever they were read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Name of the data set.
    pub name: String,
    /// Number of training images.
    pub train: usize,
    /// Number of images that models are judged on.
    pub test: usize,
    /// Whether these are a held-out part of the training set, not the test set.
    pub held_out: bool,
    /// SHA-256 of the training images and labels.
    pub train_digest: String,
    /// SHA-256 of the images and labels that models are judged on.
    pub test_digest: String,
}

/// Images ready to be trained on.
#[derive(Debug)]
pub struct Prepared {
    /// What identifies them.
    pub config: DataConfig,
    /// Training set.
    pub train: Arc<ImageSet>,
    /// Test set, or the held-out part of the training set.
    pub test: Arc<ImageSet>,
}

impl Prepared {
    /// What the gap is measured on: `test` or `held-out training`.
    #[must_use]
    pub fn judged_on(&self) -> &'static str {
        if self.config.held_out {
            "held-out training"
        } else {
            "test"
        }
    }
}

/// Name of a data set, and its folder where it is not the usual one.
type Source = (String, Option<PathBuf>);

/// Reads every data set once and keeps what was made of it.
#[derive(Debug, Default)]
pub struct DataStore {
    sets: Mutex<HashMap<Source, Arc<Dataset>>>,
    prepared: Mutex<HashMap<String, Arc<Prepared>>>,
}

impl DataStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The images a profile asks for.
    ///
    /// The share to hold out is taken from the training set first, then both sets are cut to their sizes; all draws are
    /// stratified by class.
    ///
    /// # Errors
    /// [`Error::Setting`] for a missing name, a share outside (0, 1) or a size that is too large;
    /// [`Error::Data`] when the files cannot be read.
    pub fn prepare(&self, wanted: &profile::Data) -> Result<Arc<Prepared>> {
        let key = crate::files::canonical_json(wanted)?;
        if let Some(found) = lock(&self.prepared).get(&key) {
            return Ok(Arc::clone(found));
        }
        let prepared = Arc::new(self.cut(wanted)?);
        lock(&self.prepared).insert(key, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Up to `n` training images, stratified by class, that no run of these settings is trained on or judged on; `None` where all training
    /// images are.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn unseen(&self, wanted: &profile::Data, n: usize) -> Result<Option<ImageSet>> {
        let (train, _, seed) = self.sets(wanted)?;
        let taken = self.prepare(wanted)?.config.train;
        let (rest, _) = train.split(taken, seed.purpose("train"))?;
        if rest.is_empty() || n == 0 {
            return Ok(None);
        }
        let size = n.min(rest.len());
        Ok(Some(rest.stratified(size, seed.purpose("unseen"))?))
    }

    fn cut(&self, wanted: &profile::Data) -> Result<Prepared> {
        let (train, test, seed) = self.sets(wanted)?;
        let train = part(train, wanted.train, "data.train", seed.purpose("train"))?;
        let test = part(test, wanted.test, "data.test", seed.purpose("test"))?;
        Ok(Prepared {
            config: DataConfig {
                name: wanted.name.clone().unwrap_or_default(),
                train: train.len(),
                test: test.len(),
                held_out: wanted.validation.is_some(),
                train_digest: train.digest(),
                test_digest: test.digest(),
            },
            train: Arc::new(train),
            test: Arc::new(test),
        })
    }

    /// The images to draw training and test images from, and the seed to draw with.
    fn sets(&self, wanted: &profile::Data) -> Result<(ImageSet, ImageSet, Seed)> {
        let name = wanted.name.as_deref().ok_or_else(|| Error::Setting {
            key: "data.name".to_owned(),
            found: "missing".to_owned(),
            expected: "the name of a data set".to_owned(),
        })?;
        let whole = self.read(name, wanted.folder.as_ref())?;
        let seed = Seed::new(wanted.seed.unwrap_or(0));
        let (train, test) = match wanted.validation {
            None => (whole.train.clone(), whole.test.clone()),
            Some(share) => {
                let held = held_out(share, whole.train.len())?;
                whole.train.split(held, seed.purpose("validation"))?
            }
        };
        Ok((train, test, seed))
    }

    fn read(&self, name: &str, folder: Option<&PathBuf>) -> Result<Arc<Dataset>> {
        let key = (name.to_owned(), folder.cloned());
        let mut sets = lock(&self.sets);
        if let Some(found) = sets.get(&key) {
            return Ok(Arc::clone(found));
        }
        let set = Arc::new(match folder {
            Some(folder) => srr_datasets::open(name, folder)?,
            None => srr_datasets::open_default(name)?,
        });
        sets.insert(key, Arc::clone(&set));
        Ok(set)
    }
}

/// Maps are whole whatever panicked beside them.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Number of images that a share of `n` is.
fn held_out(share: f64, n: usize) -> Result<usize> {
    let held = (share * n as f64).round();
    if share > 0.0 && held >= 1.0 && held < n as f64 {
        return Ok(held as usize);
    }
    Err(Error::Setting {
        key: "data.validation".to_owned(),
        found: share.to_string(),
        expected: format!("a share of the {n} training images above 0 and below 1"),
    })
}

/// A stratified part of `size` images, or all.
fn part(set: ImageSet, size: Option<usize>, key: &str, seed: Seed) -> Result<ImageSet> {
    match size {
        None => Ok(set),
        Some(size) if size == set.len() => Ok(set),
        Some(size) if size > 0 && size < set.len() => Ok(set.stratified(size, seed)?),
        Some(size) => Err(Error::Setting {
            key: key.to_owned(),
            found: size.to_string(),
            expected: format!("1 to {}", set.len()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> profile::Data {
        profile::Data {
            name: Some("optdigits".to_owned()),
            ..profile::Data::default()
        }
    }

    #[test]
    fn sets_are_cut_to_size_and_kept() {
        let store = DataStore::new();
        let wanted = profile::Data {
            train: Some(100),
            test: Some(50),
            ..digits()
        };
        let one = store.prepare(&wanted).unwrap();
        assert_eq!(
            (one.config.train, one.config.test, one.config.held_out),
            (100, 50, false)
        );
        assert!(Arc::ptr_eq(&one, &store.prepare(&wanted).unwrap()));
        let other = store
            .prepare(&profile::Data {
                seed: Some(1),
                ..wanted
            })
            .unwrap();
        assert_ne!(one.config.train_digest, other.config.train_digest);
        let whole = store.prepare(&digits()).unwrap();
        assert_eq!((whole.config.train, whole.config.test), (3823, 1797));
    }

    #[test]
    fn unseen_images_are_those_that_no_run_is_trained_on() {
        let store = DataStore::new();
        let wanted = profile::Data {
            train: Some(3000),
            validation: Some(0.1),
            ..digits()
        };
        let pixels = |set: &ImageSet| -> std::collections::HashSet<Vec<u8>> {
            (0..set.len())
                .map(|i| set.image(i).unwrap().to_vec())
                .collect()
        };
        let unseen = store.unseen(&wanted, 10_000).unwrap().unwrap();
        let prepared = store.prepare(&wanted).unwrap();
        // 3823 − 382 held out − 3000. No two digits of the training set are equal.
        assert_eq!(unseen.len(), 441);
        let all: Vec<_> = [&unseen, &prepared.train, &prepared.test]
            .map(pixels)
            .into();
        assert_eq!(all.iter().map(|set| set.len()).sum::<usize>(), 3823);
        let union: std::collections::HashSet<_> = all.iter().flatten().collect();
        assert_eq!(union.len(), 3823);
        let few = store.unseen(&wanted, 30).unwrap().unwrap();
        assert_eq!(few.class_counts(), [3; 10]);
        assert!(pixels(&few).is_subset(&all[0]));
        assert!(store.unseen(&digits(), 30).unwrap().is_none());
    }

    #[test]
    fn a_validation_part_is_held_out_of_the_training_set() {
        let store = DataStore::new();
        let split = store
            .prepare(&profile::Data {
                validation: Some(0.2),
                ..digits()
            })
            .unwrap();
        assert_eq!((split.config.train, split.config.test), (3058, 765));
        assert!(split.config.held_out);
        let test = store.prepare(&digits()).unwrap();
        assert_ne!(split.config.test_digest, test.config.test_digest);
    }

    #[test]
    fn sizes_that_cannot_be_are_named() {
        let store = DataStore::new();
        for (wanted, at) in [
            (profile::Data::default(), "data.name"),
            (
                profile::Data {
                    train: Some(4000),
                    ..digits()
                },
                "data.train",
            ),
            (
                profile::Data {
                    test: Some(0),
                    ..digits()
                },
                "data.test",
            ),
            (
                profile::Data {
                    validation: Some(1.0),
                    ..digits()
                },
                "data.validation",
            ),
            (
                profile::Data {
                    validation: Some(-0.5),
                    ..digits()
                },
                "data.validation",
            ),
            (
                profile::Data {
                    validation: Some(f64::NAN),
                    ..digits()
                },
                "data.validation",
            ),
        ] {
            let error = store.prepare(&wanted).unwrap_err();
            assert!(
                matches!(&error, Error::Setting { key, .. } if key == at),
                "{error}"
            );
        }
    }
}
