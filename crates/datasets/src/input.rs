//! Files read within the bounds of what they really hold.

use crate::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// No deflate stream is longer than this many times its compressed form.
const MOST_EXPANSION: u64 = 1032;

/// A file, or the contents of a gzip file, read from front to back.
pub(crate) struct Input {
    path: PathBuf,
    reader: Box<dyn Read>,
    /// Bytes the input cannot exceed, from the size of the file.
    most: u64,
    gzip: bool,
    read: u64,
}

impl Input {
    /// Opens a file; one that ends in `.gz` is decompressed.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let fail = |source| Error::Read {
            path: path.into(),
            source,
        };
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        let gzip = path.extension().is_some_and(|e| e == "gz");
        let file = io::BufReader::new(file);
        Ok(if gzip {
            Self::gzip(path, file, metadata.len())
        } else {
            Self {
                path: path.into(),
                reader: Box::new(file),
                most: metadata.len(),
                gzip,
                read: 0,
            }
        })
    }

    /// A gzip stream of `compressed` bytes that stands for the file at `path`.
    pub(crate) fn gzip(path: &Path, reader: impl Read + 'static, compressed: u64) -> Self {
        Self {
            path: path.into(),
            reader: Box::new(MultiGzDecoder::new(reader)),
            most: compressed.saturating_mul(MOST_EXPANSION),
            gzip: true,
            read: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Exactly `count` bytes, which may make up no more than what the input can hold. `expected` says in words what they are part
    /// of.
    pub(crate) fn take(&mut self, count: u64, expected: &str) -> Result<Vec<u8>> {
        if self.read.saturating_add(count) > self.most {
            // Count what is there, for the message, without keeping it.
            let rest = io::copy(&mut self.reader, &mut io::sink()).map_err(|e| self.failed(e))?;
            return Err(self.size(expected, self.read + rest, false));
        }
        let bytes = self.at_most(count)?;
        if (bytes.len() as u64) < count {
            return Err(self.size(expected, self.read, false));
        }
        Ok(bytes)
    }

    /// Everything up to the end, which must come within `limit` bytes.
    pub(crate) fn rest(&mut self, limit: u64, expected: &str) -> Result<Vec<u8>> {
        let bytes = self.at_most(limit)?;
        self.end(expected)?;
        Ok(bytes)
    }

    /// Nothing follows.
    pub(crate) fn end(&mut self, expected: &str) -> Result<()> {
        let extra = self.at_most(1)?;
        if extra.is_empty() {
            return Ok(());
        }
        if self.gzip {
            return Err(self.size(expected, self.read, true));
        }
        Err(self.size(expected, self.most, false))
    }

    fn at_most(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let outcome = (&mut self.reader).take(count).read_to_end(&mut bytes);
        outcome.map_err(|e| self.failed(e))?;
        self.read += bytes.len() as u64;
        Ok(bytes)
    }

    fn failed(&self, source: io::Error) -> Error {
        let path = self.path.clone();
        if self.gzip {
            Error::Gzip { path, source }
        } else {
            Error::Read { path, source }
        }
    }

    fn size(&self, expected: &str, found: u64, more: bool) -> Error {
        Error::Size {
            path: self.path.clone(),
            expected: expected.into(),
            found,
            more,
        }
    }
}
