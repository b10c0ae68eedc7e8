//! Files of a data set put in place: checked first, then all moved to where they are read.

use flate2::read::MultiGzDecoder;
use srr_datasets::{DataFile, Entry};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Why files could not be put in place.
#[derive(Debug, thiserror::Error)]
pub(super) enum InstallError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Data(#[from] srr_datasets::Error),
    #[error("{path} is no folder, expected the one with the files or the one above it")]
    NoFolder { path: PathBuf },
    #[error("{dir} holds no {name} (nor {name}.gz)")]
    NotFound { dir: PathBuf, name: &'static str },
    #[error("{path}: expected {expected} bytes, found {found}")]
    Size {
        path: PathBuf,
        expected: u64,
        found: String,
    },
    #[error("another process is putting this data set in place ({path} is locked)")]
    Busy { path: PathBuf },
}

fn at(path: &Path) -> impl Fn(io::Error) -> InstallError {
    move |source| InstallError::File {
        path: path.into(),
        source,
    }
}

/// Held while the files of a data set are fetched or copied; gone with the process.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(entry: &Entry, data_folder: &Path) -> Result<Self, InstallError> {
        fs::create_dir_all(data_folder).map_err(at(data_folder))?;
        let path = data_folder.join(format!(".{}.lock", entry.name));
        let file = File::create(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(InstallError::Busy { path }),
            Err(TryLockError::Error(source)) => Err(InstallError::File { path, source }),
        }
    }
}

/// Copies the files from `dir`, or from the set's own folder inside it, plain or compressed. Nothing is put in place unless all are the
/// official ones.
pub(super) fn import(entry: &Entry, dir: &Path, data_folder: &Path) -> Result<(), InstallError> {
    if !dir.is_dir() {
        return Err(InstallError::NoFolder { path: dir.into() });
    }
    let _lock = Lock::take(entry, data_folder)?;
    let staging = Staging::new(entry, data_folder)?;
    for file in entry.files {
        staging.add(file, &find(entry, dir, file.name)?)?;
    }
    // What is wrong with a copy is wrong with the file that it is of.
    staging.finish().map_err(|error| match error {
        InstallError::Data(srr_datasets::Error::Digest {
            path,
            expected,
            found,
        }) => {
            let name = entry.files.iter().find(|file| path.ends_with(file.name));
            let original = name.and_then(|file| find(entry, dir, file.name).ok());
            let path = original.unwrap_or(path);
            srr_datasets::Error::Digest {
                path,
                expected,
                found,
            }
            .into()
        }
        error => error,
    })
}

fn find(entry: &Entry, dir: &Path, name: &'static str) -> Result<PathBuf, InstallError> {
    let own = entry.folder_in(dir);
    let candidates = [dir, &own].map(|d| [d.join(name), d.join(format!("{name}.gz"))]);
    let found = candidates.into_iter().flatten().find(|path| path.is_file());
    found.ok_or_else(|| InstallError::NotFound {
        dir: dir.into(),
        name,
    })
}

/// A folder beside the final one that gathers the files.
pub(super) struct Staging<'a> {
    entry: &'a Entry,
    target: PathBuf,
    dir: TempDir,
}

impl<'a> Staging<'a> {
    pub(super) fn new(entry: &'a Entry, data_folder: &Path) -> Result<Self, InstallError> {
        fs::create_dir_all(data_folder).map_err(at(data_folder))?;
        let prefix = format!(".{}-", entry.name);
        let dir = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(data_folder);
        Ok(Self {
            entry,
            target: entry.folder_in(data_folder),
            dir: dir.map_err(at(data_folder))?,
        })
    }

    /// Adds a file from `path`, decompressed if it ends in `.gz`.
    pub(super) fn add(&self, file: &DataFile, path: &Path) -> Result<(), InstallError> {
        let input = File::open(path).map_err(at(path))?;
        if path.extension().is_some_and(|e| e == "gz") {
            self.write(file, MultiGzDecoder::new(io::BufReader::new(input)), path)
        } else {
            self.write(file, input, path)
        }
    }

    /// Adds what the archive at `path` holds of the set, whatever folder it has it in.
    pub(super) fn add_archive(&self, path: &Path) -> Result<(), InstallError> {
        let input = File::open(path).map_err(at(path))?;
        let mut archive = tar::Archive::new(MultiGzDecoder::new(io::BufReader::new(input)));
        for member in archive.entries().map_err(at(path))? {
            let member = member.map_err(at(path))?;
            let name = member.path().map_err(at(path))?;
            let name = name.file_name().map(ToOwned::to_owned).unwrap_or_default();
            let wanted = self.entry.files.iter().find(|file| name == file.name);
            if let Some(file) = wanted.filter(|_| member.header().entry_type().is_file()) {
                self.write(file, member, path)?;
            }
        }
        Ok(())
    }

    /// Writes exactly as many bytes as the file should have.
    fn write(&self, file: &DataFile, input: impl Read, from: &Path) -> Result<(), InstallError> {
        let path = self.dir.path().join(file.name);
        let mut output = File::create(&path).map_err(at(&path))?;
        let found = io::copy(&mut input.take(file.bytes + 1), &mut output).map_err(at(from))?;
        if found != file.bytes {
            let more = if found > file.bytes { " or more" } else { "" };
            return Err(InstallError::Size {
                path: from.into(),
                expected: file.bytes,
                found: format!("{found}{more}"),
            });
        }
        output.sync_all().map_err(at(&path))
    }

    /// Checks the files, reads the set, and moves everything to its place.
    pub(super) fn finish(self) -> Result<(), InstallError> {
        self.entry.verify(self.dir.path())?;
        self.entry.read(self.dir.path())?;
        fs::create_dir_all(&self.target).map_err(at(&self.target))?;
        for file in self.entry.files {
            let target = self.target.join(file.name);
            fs::rename(self.dir.path().join(file.name), &target).map_err(at(&target))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_datasets::entry;

    /// Files of the right sizes that hold zeros: images all black, of class 0. CIFAR-100 publishes no digest for single files, so they
    /// pass.
    fn black_cifar100(dir: &Path) {
        for file in entry("cifar100").unwrap().files {
            let f = File::create(dir.join(file.name)).unwrap();
            f.set_len(file.bytes).unwrap();
        }
    }

    #[test]
    fn a_wrong_file_is_named_where_it_lies() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mnist = entry("mnist").unwrap();
        for file in mnist.files {
            let f = File::create(from.path().join(file.name)).unwrap();
            f.set_len(file.bytes).unwrap();
        }
        let said = import(mnist, from.path(), to.path())
            .unwrap_err()
            .to_string();
        let wrong = from.path().join(mnist.files[0].name);
        assert!(said.starts_with(&wrong.display().to_string()), "{said}");
        let nowhere = from.path().join("nowhere");
        let error = import(mnist, &nowhere, to.path()).unwrap_err();
        assert!(matches!(error, InstallError::NoFolder { path } if path == nowhere));
    }

    #[test]
    fn imported_files_are_checked_and_moved_together() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cifar100 = entry("cifar100").unwrap();
        black_cifar100(from.path());
        File::options()
            .write(true)
            .open(from.path().join("test.bin"))
            .unwrap()
            .set_len(100)
            .unwrap();
        let error = import(cifar100, from.path(), to.path()).unwrap_err();
        assert!(
            matches!(
                error,
                InstallError::Size {
                    expected: 30_740_000,
                    ..
                }
            ),
            "{error}"
        );
        assert!(!cifar100.folder_in(to.path()).exists());

        black_cifar100(from.path());
        import(cifar100, from.path(), to.path()).unwrap();
        assert!(cifar100.is_present(to.path()));
        let left: Vec<_> = fs::read_dir(to.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 2, "{left:?}"); // the set and the lock
    }

    #[test]
    fn other_files_of_the_right_size_are_refused() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mnist = entry("mnist").unwrap();
        for file in mnist.files {
            let f = File::create(from.path().join(file.name)).unwrap();
            f.set_len(file.bytes).unwrap();
        }
        let error = import(mnist, from.path(), to.path()).unwrap_err();
        assert!(
            matches!(
                error,
                InstallError::Data(srr_datasets::Error::Digest { .. })
            ),
            "{error}"
        );
        assert!(!mnist.is_present(to.path()));
    }

    #[test]
    fn a_missing_file_and_a_bomb() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mnist = entry("mnist").unwrap();
        let error = import(mnist, from.path(), to.path()).unwrap_err();
        assert!(
            error.to_string().contains("train-images-idx3-ubyte"),
            "{error}"
        );
        // Compressed zeros, more than the file may hold.
        let path = from.path().join("train-images-idx3-ubyte.gz");
        let mut encoder = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        io::copy(&mut io::repeat(0).take(50_000_000), &mut encoder).unwrap();
        encoder.finish().unwrap();
        let error = import(mnist, from.path(), to.path()).unwrap_err();
        assert!(
            error.to_string().contains("found 47040017 or more"),
            "{error}"
        );
    }

    #[test]
    fn one_process_at_a_time() {
        let to = tempfile::tempdir().unwrap();
        let mnist = entry("mnist").unwrap();
        let lock = Lock::take(mnist, to.path()).unwrap();
        let error = import(mnist, to.path(), to.path()).unwrap_err();
        assert!(matches!(error, InstallError::Busy { .. }), "{error}");
        drop(lock);
        let error = import(mnist, to.path(), to.path()).unwrap_err();
        assert!(matches!(error, InstallError::NotFound { .. }), "{error}");
    }

    #[test]
    fn an_archive_gives_its_files_wherever_it_has_them() {
        let to = tempfile::tempdir().unwrap();
        let cifar100 = entry("cifar100").unwrap();
        let path = to.path().join("c.tar.gz");
        let gzip = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        let mut archive = tar::Builder::new(gzip);
        let mut add = |name: &str, bytes: u64| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, name, io::repeat(0).take(bytes))
                .unwrap();
        };
        add("cifar-100-binary/coarse_label_names.txt", 10);
        for file in cifar100.files {
            add(&format!("cifar-100-binary/{}", file.name), file.bytes);
        }
        archive.into_inner().unwrap().finish().unwrap();
        let staging = Staging::new(cifar100, to.path()).unwrap();
        staging.add_archive(&path).unwrap();
        assert!(!staging.dir.path().join("coarse_label_names.txt").exists());
        staging.finish().unwrap();
        assert!(cifar100.is_present(to.path()));

        fs::write(&path, b"no archive").unwrap();
        let staging = Staging::new(cifar100, to.path()).unwrap();
        assert!(matches!(
            staging.add_archive(&path),
            Err(InstallError::File { .. })
        ));
    }
}
