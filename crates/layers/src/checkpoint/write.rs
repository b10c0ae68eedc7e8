//! Writing tensors.

use crate::{Error, HostTensor, Result};
use serde_json::{Map, Value, json};
use srr_kernels::Backend;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The element type in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// F32; values are rounded.
    Single,
    /// F64.
    Double,
}

impl Precision {
    /// The precision that a backend computes in.
    pub fn of<B: Backend>(_: &B) -> Self {
        match size_of::<B::Element>() {
            4 => Self::Single,
            _ => Self::Double,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Single => "F32",
            Self::Double => "F64",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Double => 8,
        }
    }
}

/// Writes named tensors to a safetensors file, atomically. Equal content gives equal bytes: tensors and metadata are sorted by name.
///
/// # Errors
/// [`Error::Io`].
pub fn write_tensors(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    precision: Precision,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    write_atomically(path, |out| {
        let header = header(tensors, precision, metadata);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for tensor in tensors.values() {
            for &value in &tensor.values {
                match precision {
                    Precision::Single => out.write_all(&(value as f32).to_le_bytes())?,
                    Precision::Double => out.write_all(&value.to_le_bytes())?,
                }
            }
        }
        Ok(())
    })
}

/// The JSON header, filled up with spaces to a multiple of eight bytes. `safetensors::serialize` keeps metadata in a hash map, whose
/// order changes from run to run; this does not.
fn header(
    tensors: &BTreeMap<String, HostTensor>,
    precision: Precision,
    metadata: &BTreeMap<String, String>,
) -> String {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert("__metadata__".into(), json!(metadata));
    }
    let mut begin = 0;
    for (name, tensor) in tensors {
        let end = begin + tensor.values.len() * precision.bytes();
        let entry = json!({
            "dtype": precision.name(),
            "shape": tensor.shape,
            "data_offsets": [begin, end],
        });
        entries.insert(name.clone(), entry);
        begin = end;
    }
    let mut header = Value::Object(entries).to_string();
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    header
}

/// Writes a file so that a reader, also after a crash, finds the old content or all of the new: under another name in the same folder,
/// synchronized, then renamed.
///
/// # Errors
/// [`Error::Io`]; the old file, if there was one, stays.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let temporary = temporary_name(path);
    let result = write_and_rename(path, &temporary, content);
    if result.is_err() {
        let _ = fs::remove_file(&temporary); // it may not exist; the first error is the one to tell
    }
    result.map_err(|source| Error::Io {
        path: path.into(),
        source,
    })
}

fn write_and_rename(
    path: &Path,
    temporary: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(temporary)?);
    content(&mut out)?;
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(temporary, path)?;
    synchronize_folder(path)
}

/// A name in the same folder that no other thread or process uses.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{count}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// Makes the rename itself outlast a loss of power, where the system lets folders be opened.
#[cfg(unix)]
fn synchronize_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn synchronize_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
