//! The zip archive that `torch.save` writes: `NAME/data.pkl`, `NAME/data/KEY` for each storage, `NAME/byteorder`.

use super::ConvertError;
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipArchive};

/// The pickle may not be longer than this; that of a model of a thousand layers has less than a mebibyte.
const MOST_PICKLE: u64 = 16 << 20;

/// An open checkpoint.
pub(super) struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    /// Path of everything inside the archive, with its slash.
    prefix: String,
    /// Whether a number has their highest byte first.
    pub(super) big_endian: bool,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, ConvertError> {
        let fail = |source| ConvertError::File {
            path: path.into(),
            source,
        };
        let format = |problem: String| ConvertError::Format {
            path: path.into(),
            problem,
        };
        let mut file = BufReader::new(File::open(path).map_err(fail)?);
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(fail)?;
        file.rewind().map_err(fail)?;
        if head.starts_with(&[0x80, 0x02, 0x8a, 0x0a]) {
            return Err(format(
                "this is the format of PyTorch before 1.6; load it in PyTorch and save it again with torch.save".into(),
            ));
        }
        if !head.starts_with(b"PK") {
            return Err(format(
                "expected a PyTorch checkpoint (a zip archive), found something else".into(),
            ));
        }
        let zip = ZipArchive::new(file).map_err(|source| ConvertError::Zip {
            path: path.into(),
            source,
        })?;
        let prefix = only_prefix(&zip).ok_or_else(|| {
            format("expected a zip archive with one data.pkl, found none or several".into())
        })?;
        let mut archive = Self {
            path: path.into(),
            zip,
            prefix,
            big_endian: false,
        };
        archive.big_endian = archive.read_byte_order()?;
        Ok(archive)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The pickle that describes the checkpoint.
    pub(super) fn pickle(&mut self) -> Result<Vec<u8>, ConvertError> {
        let bytes = self.read("data.pkl", MOST_PICKLE + 1)?;
        if bytes.len() as u64 > MOST_PICKLE {
            return Err(self.format(format!("its data.pkl is longer than {MOST_PICKLE} bytes")));
        }
        Ok(bytes)
    }

    /// The bytes of a storage, exactly `expected`.
    pub(super) fn storage(&mut self, key: &str, expected: u64) -> Result<Vec<u8>, ConvertError> {
        let bytes = self.read(&format!("data/{key}"), expected.saturating_add(1))?;
        if bytes.len() as u64 != expected {
            let more = if bytes.len() as u64 > expected {
                " or more"
            } else {
                ""
            };
            let problem = format!(
                "expected {expected} bytes in data/{key}, found {}{more}",
                bytes.len()
            );
            return Err(self.format(problem));
        }
        Ok(bytes)
    }

    fn read_byte_order(&mut self) -> Result<bool, ConvertError> {
        if self
            .zip
            .index_for_name(&format!("{}byteorder", self.prefix))
            .is_none()
        {
            return Ok(false); // PyTorch before 2.0 wrote none
        }
        match self.read("byteorder", 16)?.as_slice() {
            b"little" => Ok(false),
            b"big" => Ok(true),
            other => {
                let found = String::from_utf8_lossy(other).into_owned();
                Err(self.format(format!(
                    "byteorder should be little or big, found {found:?}"
                )))
            }
        }
    }

    /// At most `most` bytes of a member. Memory grows with what is really there.
    fn read(&mut self, name: &str, most: u64) -> Result<Vec<u8>, ConvertError> {
        let path = self.path.clone();
        let member = self.zip.by_name(&format!("{}{name}", self.prefix));
        let member = member.map_err(|source| ConvertError::Format {
            path: path.clone(),
            problem: format!("{name}: {source}"),
        })?;
        if member.compression() != CompressionMethod::Stored {
            return Err(ConvertError::Format {
                path,
                problem: format!("{name} is compressed, which torch.save never does"),
            });
        }
        let mut bytes = Vec::new();
        member
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|source| ConvertError::Format {
                path,
                problem: format!("{name}: {source}"),
            })?;
        Ok(bytes)
    }

    pub(super) fn format(&self, problem: String) -> ConvertError {
        ConvertError::Format {
            path: self.path.clone(),
            problem,
        }
    }
}

/// The one folder (at most one level deep) that holds a pickle, with its slash.
fn only_prefix(zip: &ZipArchive<BufReader<File>>) -> Option<String> {
    let mut prefixes = zip.file_names().filter_map(|name| {
        let name = name.ok()?;
        let prefix = name.strip_suffix("data.pkl")?;
        let top = prefix.is_empty() || prefix.find('/') == Some(prefix.len() - 1);
        top.then(|| prefix.to_owned())
    });
    let only = prefixes.next();
    only.filter(|_| prefixes.next().is_none())
}
