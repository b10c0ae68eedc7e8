//! Files written atomically, JSON in one canonical form, and its digest.

use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{fs, io::ErrorKind, path::Path};

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part.
///
/// # Errors
/// [`Error::Layers`] with the path when the folder cannot be written to.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    srr_layers::checkpoint::write_atomically(path, |file| file.write_all(bytes))?;
    Ok(())
}

/// The first name in a folder, by the alphabet, that is not among `known`; hidden files do not count, and a folder that is not there has
/// none.
///
/// # Errors
/// [`Error::Io`].
pub fn first_besides(folder: &Path, known: &[&str]) -> Result<Option<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::io("list", folder))?,
    };
    let mut first: Option<String> = None;
    for entry in entries {
        let name = entry.map_err(Error::io("list", folder))?.file_name();
        let name = name.to_string_lossy().into_owned();
        let counts = !name.starts_with('.') && !known.contains(&name.as_str());
        if counts && first.as_ref().is_none_or(|first| name < *first) {
            first = Some(name);
        }
    }
    Ok(first)
}

/// JSON with sorted keys, two spaces of indentation and a line feed at the end: the same value gives the same bytes.
///
/// # Errors
/// [`Error::Invalid`] for a value that JSON cannot hold, such as a map with keys that are no text.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<String> {
    let problem = |error: serde_json::Error| Error::Invalid {
        what: "writing JSON".to_owned(),
        problem: error.to_string(),
    };
    // `serde_json::Value` keeps its maps sorted by key.
    let value = serde_json::to_value(value).map_err(problem)?;
    let mut text = serde_json::to_string_pretty(&value).map_err(problem)?;
    text.push('\n');
    Ok(text)
}

/// The first 16 hexadecimal digits of the SHA-256 of the [canonical JSON](canonical_json) of `value`.
///
/// # Errors
/// As [`canonical_json`].
pub fn digest<T: Serialize>(value: &T) -> Result<String> {
    let sum = Sha256::digest(canonical_json(value)?.as_bytes());
    Ok(sum
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// [`Error::Io`].
pub fn digest_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let sum = Sha256::digest(&bytes);
    Ok(sum.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a value as canonical JSON, atomically.
///
/// # Errors
/// As [`canonical_json`] and [`write_atomically`].
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write_atomically(path, canonical_json(value)?.as_bytes())
}

/// Reads a value from JSON; `None` when there is no such file.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Corrupt`] when it does not hold such a value.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = read_text(path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Error::Corrupt {
            path: path.to_path_buf(),
            problem: error.to_string(),
        })
}

/// Reads a text file; `None` when there is none.
///
/// # Errors
/// [`Error::Io`] when the file is there but cannot be read.
pub fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// Makes a folder and those above it.
///
/// # Errors
/// [`Error::Io`] when it cannot be made.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("make the folder", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_json_does_not_depend_on_the_order_of_keys() {
        let one = json!({"b": 1, "a": {"d": 0.1, "c": [1, 2]}});
        let two: serde_json::Value =
            serde_json::from_str(r#"{"a":{"c":[1,2],"d":0.1},"b":1}"#).unwrap();
        assert_eq!(canonical_json(&one).unwrap(), canonical_json(&two).unwrap());
        assert_eq!(digest(&one).unwrap(), digest(&two).unwrap());
        assert_ne!(
            digest(&one).unwrap(),
            digest(&json!({"b": 2, "a": {"d": 0.1, "c": [1, 2]}})).unwrap()
        );
    }

    #[test]
    fn digest_is_a_known_one() {
        // SHA-256 of the three bytes `{}` and line feed.
        assert_eq!(digest(&json!({})).unwrap(), "ca3d163bab055381");
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        write_json(&path, &json!({"a": 1})).unwrap();
        write_json(&path, &json!({"a": 2})).unwrap();
        assert_eq!(
            read_json::<serde_json::Value>(&path).unwrap(),
            Some(json!({"a": 2}))
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(
            read_json::<serde_json::Value>(&folder.path().join("none")).unwrap(),
            None
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        write_atomically(&path, b"{").unwrap();
        let error = read_json::<serde_json::Value>(&path).unwrap_err();
        assert!(matches!(error, Error::Corrupt { path: found, .. } if found == path));
    }
}
