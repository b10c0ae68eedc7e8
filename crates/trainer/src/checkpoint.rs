//! Checkpoint files: written whole or not at all, checked when read, the one before kept.

use crate::{Error, Result};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

const FORMAT: &str = "srr-checkpoint-1";

/// A tensor as bytes (little-endian, row-major).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTensor {
    /// F32 or F64.
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// What a checkpoint holds: a text and named tensors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) state: String,
    pub(crate) tensors: BTreeMap<String, StoredTensor>,
}

/// The two checkpoint files of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    last: PathBuf,
    previous: PathBuf,
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
        }
    }

    /// Writes a new last checkpoint; the last one becomes the previous one.
    pub(crate) fn save(&self, contents: &Contents) -> Result<()> {
        let temporary = self.last.with_extension("partial");
        write_synced(&temporary, &encode(contents, &self.last)?)?;
        if self.last.exists() {
            fs::rename(&self.last, &self.previous).map_err(Error::file("moving", &self.last))?;
        }
        fs::rename(&temporary, &self.last).map_err(Error::file("moving", &temporary))?;
        sync_folder(&self.last)
    }

    /// The last checkpoint that can be read; `None` when there is none at all.
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
            (Ok(Some(contents)), passed_over) => Ok(Some(Loaded {
                path: self.previous.clone(),
                contents,
                passed_over,
            })),
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

/// The contents of a checkpoint file, `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Contents>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::file("reading", path))?,
    };
    decode(&bytes)
        .map(Some)
        .map_err(|reason| Error::CorruptCheckpoint {
            path: path.to_owned(),
            reason,
        })
}

fn encode(contents: &Contents, path: &Path) -> Result<Vec<u8>> {
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("sha256".to_owned(), digest(contents)),
        ("state".to_owned(), contents.state.clone()),
    ]);
    let failed = |error: safetensors::SafeTensorError| Error::CorruptCheckpoint {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let views = contents
        .tensors
        .iter()
        .map(|(name, t)| {
            Ok((
                name,
                TensorView::new(t.dtype, t.shape.clone(), &t.bytes).map_err(failed)?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

fn decode(bytes: &[u8]) -> Result<Contents, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry = |key: &str| {
        metadata
            .get(key)
            .ok_or_else(|| format!("no `{key}` in its metadata"))
    };
    let format = entry("format")?;
    if format != FORMAT {
        return Err(format!("its format is `{format}`, expected `{FORMAT}`"));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let tensors = file
        .iter()
        .map(|(name, view)| {
            let tensor = StoredTensor {
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                bytes: view.data().to_vec(),
            };
            (name.to_owned(), tensor)
        })
        .collect();
    let contents = Contents {
        state: entry("state")?.clone(),
        tensors,
    };
    let (stored, computed) = (entry("sha256")?, digest(&contents));
    if *stored != computed {
        return Err(format!(
            "its contents have digest {computed}, recorded is {stored}"
        ));
    }
    Ok(contents)
}

/// SHA-256 of the state and of every tensor's name, type, shape and bytes.
fn digest(contents: &Contents) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(contents.state.as_bytes());
    for (name, tensor) in &contents.tensors {
        part(name.as_bytes());
        part(format!("{:?} {:?}", tensor.dtype, tensor.shape).as_bytes());
        part(&tensor.bytes);
    }
    hex(&hasher.finalize())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file by new bytes such that a reader sees all of the old or all of the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let temporary = path.with_file_name(name);
    write_synced(&temporary, bytes)?;
    fs::rename(&temporary, path).map_err(Error::file("moving", &temporary))?;
    sync_folder(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::file("creating", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(Error::file("writing", path))
}

/// Makes renames within the folder of `path` last. Folders cannot be opened as files on Windows, where renames need no such step.
fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty())
    {
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(Error::file("writing", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(state: &str, value: f64) -> Contents {
        let tensor = StoredTensor {
            dtype: Dtype::F64,
            shape: vec![1, 2],
            bytes: [value.to_le_bytes(), (-value).to_le_bytes()].concat(),
        };
        Contents {
            state: state.to_owned(),
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
                .save(&contents(&format!("state {i}"), f64::from(i)))
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
        store.save(&contents("first", 1.0)).unwrap();
        store.save(&contents("second", 2.0)).unwrap();
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
