//! Reading tensors.

use super::half;
use crate::{Error, HostTensor, Result};
use safetensors::{Dtype, SafeTensors};
use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

/// A safetensors file in memory, whose tensors are converted when they are asked for.
#[derive(Clone, Debug)]
pub struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl TensorFile {
    /// Reads a file and checks its header.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] for what is not a sound safetensors file.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })?;
        Self::from_bytes(path, bytes)
    }

    /// Checks the content of a file that was read already; `path` serves messages alone.
    ///
    /// # Errors
    /// [`Error::File`] for what is not a sound safetensors file.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let is_zip = bytes.starts_with(b"PK\x03\x04");
        let fail = |error: safetensors::SafeTensorError| Error::File {
            path: path.into(),
            reason: match is_zip {
                true => "a zip archive, as PyTorch writes them, not safetensors: convert it first"
                    .into(),
                false => format!("not a whole safetensors file: {error}"),
            },
        };
        SafeTensors::deserialize(&bytes).map_err(fail)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(fail)?;
        let start = header + 8;
        let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let (begin, end) = info.data_offsets;
            let entry = Entry {
                dtype: info.dtype,
                shape: info.shape.clone(),
                range: start + begin..start + end,
            };
            (name, entry)
        };
        let entries = metadata.tensors().into_iter().map(entry).collect();
        let metadata = metadata.metadata().iter().flatten();
        let metadata = metadata.map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self {
            path: path.into(),
            bytes,
            entries,
            metadata,
        })
    }

    /// Where the file came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors' names in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is a tensor with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The file's metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// A tensor of F64, F32, F16 or BF16, widened to f64. Values that are not finite are let through.
    ///
    /// # Errors
    /// [`Error::File`] where there is no such tensor; [`Error::ElementType`].
    pub fn floats(&self, name: &str) -> Result<HostTensor> {
        let (entry, data) = self.entry(name)?;
        let values = match entry.dtype {
            Dtype::F64 => numbers(data, f64::from_le_bytes),
            Dtype::F32 => numbers(data, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F16 => numbers(data, |b| half::f16(u16::from_le_bytes(b))),
            Dtype::BF16 => numbers(data, |b| half::bf16(u16::from_le_bytes(b))),
            _ => return Err(self.element_type(name, entry, "F64, F32, F16 or BF16")),
        };
        Ok(HostTensor {
            shape: entry.shape.clone(),
            values,
        })
    }

    /// Shape and values of a tensor of signed or unsigned integers.
    ///
    /// # Errors
    /// [`Error::File`] where there is no such tensor or a value exceeds i64; [`Error::ElementType`].
    pub fn integers(&self, name: &str) -> Result<(Vec<usize>, Vec<i64>)> {
        let (entry, data) = self.entry(name)?;
        let values = match entry.dtype {
            Dtype::I64 => numbers(data, i64::from_le_bytes),
            Dtype::I32 => numbers(data, |b| i64::from(i32::from_le_bytes(b))),
            Dtype::I16 => numbers(data, |b| i64::from(i16::from_le_bytes(b))),
            Dtype::I8 => numbers(data, |b| i64::from(i8::from_le_bytes(b))),
            Dtype::U32 => numbers(data, |b| i64::from(u32::from_le_bytes(b))),
            Dtype::U16 => numbers(data, |b| i64::from(u16::from_le_bytes(b))),
            Dtype::U8 => numbers(data, |b| i64::from(u8::from_le_bytes(b))),
            _ => return Err(self.element_type(name, entry, "a tensor of integers up to I64")),
        };
        Ok((entry.shape.clone(), values))
    }

    fn entry(&self, name: &str) -> Result<(&Entry, &[u8])> {
        let missing = || Error::File {
            path: self.path.clone(),
            reason: format!("there is no tensor {name:?}, {}", self.inventory()),
        };
        let entry = self.entries.get(name).ok_or_else(missing)?;
        Ok((entry, &self.bytes[entry.range.clone()]))
    }

    /// Which tensors there are, the first few by name.
    fn inventory(&self) -> String {
        const NAMED: usize = 8;
        let names: Vec<&str> = self.names().take(NAMED).collect();
        match self.entries.len() {
            0 => "nor any other".to_owned(),
            n if n > NAMED => format!("only {} and {} others", names.join(", "), n - NAMED),
            _ => format!("only {}", names.join(", ")),
        }
    }

    fn element_type(&self, name: &str, entry: &Entry, expected: &'static str) -> Error {
        Error::ElementType {
            path: self.path.clone(),
            name: name.into(),
            dtype: format!("{:?}", entry.dtype),
            expected,
        }
    }
}

/// Little-endian numbers of `N` bytes each.
fn numbers<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = data.as_chunks::<N>();
    chunks.iter().map(|&bytes| number(bytes)).collect()
}
