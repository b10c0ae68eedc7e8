//! Checkpoint files: written whole or not at all, checked when read, the one before kept.

use crate::{Error, Result};
use sha2::{Digest as _, Sha256};
use srr_layers::{
    HostTensor,
    checkpoint::{Precision, TensorFile, write_tensors},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const FORMAT: &str = "srr-checkpoint-1";

/// What a checkpoint holds: named texts and named tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contents {
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) tensors: BTreeMap<String, HostTensor>,
}

/// The checkpoint files of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    last: PathBuf,
    previous: PathBuf,
    /// Where a last one that cannot be read is put aside, so that it never takes the place of the previous one.
    damaged: PathBuf,
}

/// A checkpoint that was read, and what was wrong with a later one.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) path: PathBuf,
    pub(crate) contents: Contents,
    pub(crate) passed_over: Option<String>,
}

impl Store {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            last: folder.join("checkpoint.safetensors"),
            previous: folder.join("checkpoint.previous.safetensors"),
            damaged: folder.join("checkpoint.damaged.safetensors"),
        }
    }

    fn files(self) -> [PathBuf; 3] {
        [self.last, self.previous, self.damaged]
    }

    /// Writes a new last checkpoint; the last one becomes the previous one.
    pub(crate) fn save(&self, contents: &Contents, precision: Precision) -> Result<()> {
        let mut metadata = contents.texts.clone();
        metadata.insert("format".to_owned(), FORMAT.to_owned());
        metadata.insert("sha256".to_owned(), digest(contents));
        // The last one is whole, or `load` would have put it aside: between the two steps the previous one is.
        match fs::rename(&self.last, &self.previous) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other.map_err(Error::file("moving", &self.last))?,
        }
        Ok(write_tensors(
            &self.last,
            &contents.tensors,
            precision,
            &metadata,
        )?)
    }

    /// The last checkpoint that can be read; `None` when there is none at all. One that is passed over is put aside.
    pub(crate) fn load(&self) -> Result<Option<Loaded>> {
        let last = read(&self.last);
        let reason = match last {
            Ok(Some(contents)) => {
                let path = self.last.clone();
                return Ok(Some(Loaded {
                    path,
                    contents,
                    passed_over: None,
                }));
            }
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        };
        match (read(&self.previous), reason) {
            (Ok(Some(contents)), passed_over) => {
                if passed_over.is_some() {
                    fs::rename(&self.last, &self.damaged)
                        .map_err(Error::file("moving", &self.last))?;
                }
                Ok(Some(Loaded {
                    path: self.previous.clone(),
                    contents,
                    passed_over,
                }))
            }
            (Ok(None), None) => Ok(None),
            (previous, reason) => {
                let absent = |path: &Path| format!("{}: there is none", path.display());
                Err(Error::NoReadableCheckpoint {
                    last: reason.unwrap_or_else(|| absent(&self.last)),
                    previous: match previous {
                        Err(error) => error.to_string(),
                        Ok(_) => absent(&self.previous),
                    },
                })
            }
        }
    }
}

/// Whether a folder holds a checkpoint, be it damaged.
#[must_use]
pub fn has_checkpoints(folder: &Path) -> bool {
    Store::new(folder).files().iter().any(|path| path.exists())
}

/// Removes the checkpoints of a folder whose run has ended and is kept otherwise.
///
/// # Errors
/// [`Error::File`].
pub fn remove_checkpoints(folder: &Path) -> Result<()> {
    for path in Store::new(folder).files() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other.map_err(Error::file("removing", &path))?,
        }
    }
    Ok(())
}

/// The contents of a checkpoint file, `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Contents>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::file("reading", path))?,
    };
    decode(path, bytes)
        .map(Some)
        .map_err(|reason| Error::CorruptCheckpoint {
            path: path.to_owned(),
            reason,
        })
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<Contents, String> {
    let file = TensorFile::from_bytes(path, bytes).map_err(|e| e.to_string())?;
    let mut texts = file.metadata().clone();
    let mut take = |key: &str| {
        let entry = texts.remove(key);
        entry.ok_or_else(|| format!("no `{key}` in its metadata"))
    };
    let (format, stored) = (take("format")?, take("sha256")?);
    if format != FORMAT {
        return Err(format!("its format is `{format}`, expected `{FORMAT}`"));
    }
    let tensor = |name: &str| match file.floats(name) {
        Ok(tensor) => Ok((name.to_owned(), tensor)),
        Err(error) => Err(error.to_string()),
    };
    let tensors = file.names().map(tensor).collect::<Result<_, _>>()?;
    let contents = Contents { texts, tensors };
    let computed = digest(&contents);
    if stored != computed {
        return Err(format!(
            "its contents have digest {computed}, recorded is {stored}"
        ));
    }
    Ok(contents)
}

/// SHA-256 of every text and of every tensor's name, shape and values.
fn digest(contents: &Contents) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for (key, text) in &contents.texts {
        part(key.as_bytes());
        part(text.as_bytes());
    }
    for (name, tensor) in &contents.tensors {
        part(name.as_bytes());
        part(format!("{:?}", tensor.shape).as_bytes());
        let values = tensor.values.iter().flat_map(|v| v.to_le_bytes());
        part(&values.collect::<Vec<_>>());
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(state: &str, value: f64) -> Contents {
        let tensor = HostTensor {
            shape: vec![1, 2],
            values: vec![value, -value],
        };
        Contents {
            texts: BTreeMap::from([("state".to_owned(), state.to_owned())]),
            tensors: BTreeMap::from([("w".to_owned(), tensor)]),
        }
    }

    #[test]
    fn the_last_one_is_read_back_and_the_one_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        assert!(store.load().unwrap().is_none());
        for i in 0..3 {
            store
                .save(
                    &contents(&format!("state {i}"), f64::from(i)),
                    Precision::Double,
                )
                .unwrap();
        }
        let loaded = store.load().unwrap().unwrap();
        assert_eq!(loaded.contents, contents("state 2", 2.0));
        assert_eq!(loaded.passed_over, None);
        assert_eq!(
            read(&store.previous).unwrap().unwrap(),
            contents("state 1", 1.0)
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no temporary file stays"
        );
    }

    #[test]
    fn any_truncation_and_any_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        store
            .save(&contents("first", 1.0), Precision::Double)
            .unwrap();
        store
            .save(&contents("second", 2.0), Precision::Double)
            .unwrap();
        let whole = fs::read(&store.last).unwrap();
        let falls_back = |bytes: &[u8], what: &str| {
            fs::write(&store.last, bytes).unwrap();
            let loaded = store.load().unwrap().unwrap();
            assert_eq!(loaded.contents, contents("first", 1.0), "{what}");
            assert!(loaded.passed_over.is_some(), "{what}");
        };
        for length in 0..whole.len() {
            falls_back(&whole[..length], &format!("cut to {length}"));
        }
        // The header may hold spaces that mean nothing; all other bytes count.
        for position in (0..whole.len()).filter(|&p| whole[p] != b' ') {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            falls_back(&changed, &format!("byte {position} changed"));
        }
    }

    #[test]
    fn a_damaged_file_never_takes_the_place_of_a_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        for (state, value) in [("first", 1.0), ("second", 2.0)] {
            store
                .save(&contents(state, value), Precision::Double)
                .unwrap();
        }
        fs::write(&store.last, b"cut").unwrap();
        assert!(store.load().unwrap().unwrap().passed_over.is_some());
        store
            .save(&contents("third", 3.0), Precision::Double)
            .unwrap();
        // Killed between the two steps of this save, or the last one damaged again: the first is still there.
        fs::remove_file(&store.last).unwrap();
        let loaded = store.load().unwrap().unwrap();
        assert_eq!(loaded.contents, contents("first", 1.0));
        remove_checkpoints(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_unreadable_files_are_an_error_that_names_both() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        fs::write(&store.last, b"nothing").unwrap();
        let message = store.load().unwrap_err().to_string();
        assert!(
            message.contains("checkpoint.safetensors") && message.contains("there is none"),
            "{message}"
        );
        fs::write(&store.previous, b"").unwrap();
        assert!(matches!(
            store.load(),
            Err(Error::NoReadableCheckpoint { .. })
        ));
    }
}
