//! The data sets known by name, and where their files lie.

use crate::{Dataset, Error, Result, cifar10, cifar100, fashion_mnist, mnist, optdigits};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A data set known by name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name that [`open`] takes.
    pub name: &'static str,
    /// Its name in full.
    pub title: &'static str,
    /// Training images.
    pub train: usize,
    /// Test images.
    pub test: usize,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Licence, as far as its authors state one.
    pub licence: &'static str,
    /// Whom to cite.
    pub citation: &'static str,
    /// Its folder in the data folder. Embedded sets have none.
    pub folder: Option<&'static str>,
    /// Its files in that folder.
    pub files: &'static [DataFile],
    read: fn(&Path) -> Result<Dataset>,
}

/// A file of a data set.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DataFile {
    /// Its name.
    pub name: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, where known.
    pub sha256: Option<&'static str>,
}

const fn file(name: &'static str, bytes: u64, sha256: &'static str) -> DataFile {
    DataFile {
        name,
        bytes,
        sha256: Some(sha256),
    }
}

const CIFAR10_BATCH: u64 = 10_000 * 3073;
const MNIST_TRAIN: [u64; 2] = [16 + 60_000 * 784, 8 + 60_000];
const MNIST_TEST: [u64; 2] = [16 + 10_000 * 784, 8 + 10_000];
const KRIZHEVSKY: &str = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, University of \
                          Toronto, 2009";

static CATALOG: [Entry; 5] = [
    Entry {
        name: "optdigits",
        title: "Optical Recognition of Handwritten Digits",
        train: 3823,
        test: 1797,
        shape: [1, 8, 8],
        classes: 10,
        licence: "CC BY 4.0",
        citation: "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, \
                   doi:10.24432/C50P49",
        folder: None,
        files: &[],
        read: |_| optdigits(),
    },
    Entry {
        name: "cifar10",
        title: "CIFAR-10",
        train: 50_000,
        test: 10_000,
        shape: [3, 32, 32],
        classes: 10,
        licence: "none stated",
        citation: KRIZHEVSKY,
        folder: Some("cifar-10-batches-bin"),
        files: &[
            file(
                "data_batch_1.bin",
                CIFAR10_BATCH,
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            file(
                "data_batch_2.bin",
                CIFAR10_BATCH,
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            file(
                "data_batch_3.bin",
                CIFAR10_BATCH,
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            file(
                "data_batch_4.bin",
                CIFAR10_BATCH,
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            file(
                "data_batch_5.bin",
                CIFAR10_BATCH,
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
            file(
                "test_batch.bin",
                CIFAR10_BATCH,
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
        ],
        read: cifar10,
    },
    Entry {
        name: "cifar100",
        title: "CIFAR-100",
        train: 50_000,
        test: 10_000,
        shape: [3, 32, 32],
        classes: 100,
        licence: "none stated",
        citation: KRIZHEVSKY,
        folder: Some("cifar-100-binary"),
        // Only the digest of the whole archive is published.
        files: &[
            DataFile {
                name: "train.bin",
                bytes: 50_000 * 3074,
                sha256: None,
            },
            DataFile {
                name: "test.bin",
                bytes: 10_000 * 3074,
                sha256: None,
            },
        ],
        read: cifar100,
    },
    Entry {
        name: "mnist",
        title: "MNIST",
        train: 60_000,
        test: 10_000,
        shape: [1, 28, 28],
        classes: 10,
        licence: "CC BY-SA 3.0",
        citation: "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-Based Learning Applied to Document Recognition, \
                   Proceedings of the IEEE 86(11), 1998",
        folder: Some("mnist"),
        files: &[
            file(
                "train-images-idx3-ubyte",
                MNIST_TRAIN[0],
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            file(
                "train-labels-idx1-ubyte",
                MNIST_TRAIN[1],
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            file(
                "t10k-images-idx3-ubyte",
                MNIST_TEST[0],
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            file(
                "t10k-labels-idx1-ubyte",
                MNIST_TEST[1],
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
        read: mnist,
    },
    Entry {
        name: "fashion-mnist",
        title: "Fashion-MNIST",
        train: 60_000,
        test: 10_000,
        shape: [1, 28, 28],
        classes: 10,
        licence: "MIT",
        citation: "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning \
                   Algorithms, arXiv:1708.07747, 2017",
        folder: Some("fashion-mnist"),
        files: &[
            file(
                "train-images-idx3-ubyte",
                MNIST_TRAIN[0],
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            file(
                "train-labels-idx1-ubyte",
                MNIST_TRAIN[1],
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            file(
                "t10k-images-idx3-ubyte",
                MNIST_TEST[0],
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            file(
                "t10k-labels-idx1-ubyte",
                MNIST_TEST[1],
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ],
        read: fashion_mnist,
    },
];

/// All data sets known by name.
pub fn catalog() -> &'static [Entry] {
    &CATALOG
}

/// The data set of that name.
///
/// # Errors
/// [`Error::UnknownName`] lists the names there are.
pub fn entry(name: &str) -> Result<&'static Entry> {
    CATALOG
        .iter()
        .find(|e| e.name == name)
        .ok_or_else(|| Error::UnknownName {
            name: name.into(),
            known: CATALOG.iter().map(|e| e.name).collect(),
        })
}

/// Reads the data set of that name: an embedded one, or the files in its folder inside `data_folder` (see [`default_folder`]).
///
/// ```
/// let digits = srr_datasets::open("optdigits", std::path::Path::new("unused"))?;
/// assert_eq!((digits.train.len(), digits.test.len()), (3823, 1797));
///
/// let error = srr_datasets::open("mnits", std::path::Path::new("unused")).unwrap_err();
/// assert_eq!(error.to_string(), "unknown data set \"mnits\"; known are optdigits, cifar10, cifar100, mnist, fashion-mnist");
/// # Ok::<(), srr_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownName`] lists the names there are; [`Error::Missing`] says which command gets the files; otherwise as the reader
/// of the set.
pub fn open(name: &str, data_folder: &Path) -> Result<Dataset> {
    let entry = entry(name)?;
    entry.read(&entry.folder_in(data_folder))
}

/// Reads the data set of that name from the [default folder](default_folder), which an embedded one does not need.
///
/// ```
/// assert_eq!(srr_datasets::open_default("optdigits")?.train.len(), 3823);
/// # Ok::<(), srr_datasets::Error>(())
/// ```
///
/// # Errors
/// As [`open`] and [`default_folder`].
pub fn open_default(name: &str) -> Result<Dataset> {
    match entry(name)?.folder {
        None => open(name, Path::new("")),
        Some(_) => open(name, &default_folder()?),
    }
}

/// The folder that holds the folders of all data sets: the environment variable `SRR_DATA`, or `srr/data` in the cache folder of the
/// platform (`$XDG_CACHE_HOME` or `~/.cache`; on macOS `~/Library/Caches`; on Windows `%LOCALAPPDATA%`). It need not exist.
///
/// # Errors
/// [`Error::NoFolder`] when none of these variables is set.
pub fn default_folder() -> Result<PathBuf> {
    folder_from(|name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    })
}

fn folder_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    if let Some(folder) = variable("SRR_DATA") {
        return Ok(folder);
    }
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    let cache = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home("Library/Caches")
    } else {
        // The specification has relative paths ignored.
        let xdg = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        xdg.or_else(|| home(".cache"))
    };
    cache
        .map(|cache| cache.join("srr").join("data"))
        .ok_or(Error::NoFolder)
}

/// The error for a file that is not there.
pub(crate) fn missing(name: &str, path: PathBuf) -> Error {
    let hint = match entry(name) {
        Ok(_) => format!(
            "get it with `cargo xtask data fetch {name}`, or `cargo xtask data import {name} DIR` if DIR has it"
        ),
        Err(_) => "put it there".into(),
    };
    Error::Missing {
        name: name.into(),
        path,
        hint,
    }
}

impl Entry {
    /// The folder of this set inside the data folder; the data folder itself for an embedded set.
    pub fn folder_in(&self, data_folder: &Path) -> PathBuf {
        self.folder
            .map_or_else(|| data_folder.into(), |folder| data_folder.join(folder))
    }

    /// True when every file is there (or embedded), whatever it holds.
    pub fn is_present(&self, data_folder: &Path) -> bool {
        let folder = self.folder_in(data_folder);
        self.files
            .iter()
            .all(|file| folder.join(file.name).is_file())
    }

    /// Reads the set from its own folder.
    ///
    /// # Errors
    /// As the reader of the set.
    pub fn read(&self, folder: &Path) -> Result<Dataset> {
        (self.read)(folder)
    }

    /// Compares every file in the set's own folder with its official size and, where known, digest.
    ///
    /// # Errors
    /// As [`DataFile::verify`].
    pub fn verify(&self, folder: &Path) -> Result<()> {
        self.files.iter().try_for_each(|file| {
            let path = folder.join(file.name);
            if !path.exists() {
                return Err(missing(self.name, path));
            }
            file.verify(&path)
        })
    }
}

impl DataFile {
    /// Compares the file at `path` with the official size and, where known, digest.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Size`], [`Error::Digest`].
    pub fn verify(&self, path: &Path) -> Result<()> {
        let fail = |source| Error::Read {
            path: path.into(),
            source,
        };
        let mut file = File::open(path).map_err(fail)?;
        let found = file.metadata().map_err(fail)?.len();
        if found != self.bytes {
            return Err(Error::Size {
                path: path.into(),
                expected: format!("{} bytes", self.bytes),
                found,
                more: false,
            });
        }
        let Some(expected) = self.sha256 else {
            return Ok(());
        };
        let found = sha256(&mut file).map_err(fail)?;
        if found != expected {
            return Err(Error::Digest {
                path: path.into(),
                expected: expected.into(),
                found,
            });
        }
        Ok(())
    }
}

/// SHA-256 of all that is left to read, in hexadecimal digits.
fn sha256(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(crate::digest::hexadecimal(hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_data_folder_follows_the_environment() {
        let folder = |set: &[(&str, &str)]| {
            folder_from(|name| {
                let found = set.iter().find(|(n, _)| *n == name);
                found.map(|(_, v)| PathBuf::from(v))
            })
        };
        assert_eq!(
            folder(&[("SRR_DATA", "/d"), ("HOME", "/h")]).unwrap(),
            Path::new("/d")
        );
        assert!(matches!(folder(&[]), Err(Error::NoFolder)));
        if cfg!(target_os = "linux") {
            assert_eq!(
                folder(&[("HOME", "/h")]).unwrap(),
                Path::new("/h/.cache/srr/data")
            );
            let both = [("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
            assert_eq!(folder(&both).unwrap(), Path::new("/x/srr/data"));
            let relative = [("XDG_CACHE_HOME", "x"), ("HOME", "/h")];
            assert_eq!(folder(&relative).unwrap(), Path::new("/h/.cache/srr/data"));
        }
    }

    #[test]
    fn verification_names_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        // SHA-256 of "abc", from FIPS 180-2.
        let abc = file(
            "x",
            3,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        assert!(matches!(abc.verify(&path), Err(Error::Read { .. })));
        fs::write(&path, "abc").unwrap();
        abc.verify(&path).unwrap();
        fs::write(&path, "abd").unwrap();
        let error = abc.verify(&path).unwrap_err();
        assert!(
            matches!(&error, Error::Digest { found, .. } if found.len() == 64),
            "{error}"
        );
        fs::write(&path, "ab").unwrap();
        assert!(matches!(
            abc.verify(&path),
            Err(Error::Size { found: 2, .. })
        ));
    }

    #[test]
    fn what_is_missing_is_said_with_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        for entry in catalog() {
            let embedded = entry.files.is_empty();
            assert_eq!(entry.is_present(dir.path()), embedded, "{}", entry.name);
            assert_eq!(
                open(entry.name, dir.path()).is_ok(),
                embedded,
                "{}",
                entry.name
            );
            if embedded {
                continue;
            }
            let first = entry.folder_in(dir.path()).join(entry.files[0].name);
            for error in [
                open(entry.name, dir.path()).unwrap_err(),
                entry.verify(&entry.folder_in(dir.path())).unwrap_err(),
            ] {
                let text = error.to_string();
                assert!(text.contains(&first.display().to_string()), "{text}");
                assert!(
                    text.contains(&format!("cargo xtask data fetch {}", entry.name)),
                    "{text}"
                );
            }
        }
    }
}
