//! Locks on folders that die with the process that holds them.

use crate::{Error, Result};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

/// An exclusive lock on a folder, held until it is dropped or the process ends, however it ends.
///
/// It is the operating system's lock on the file `lock` in that folder, so that no stale lock can be left behind. It
/// excludes other workers of the same process as well as other processes.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of `folder`, or returns `None` at once when another worker or process holds it.
    ///
    /// # Errors
    /// [`Error::File`] when the lock file cannot be opened or the file system knows no locks.
    pub fn try_take(folder: &Path) -> Result<Option<Self>> {
        let (path, file) = open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::file("locking", &path)(source)),
        }
    }

    /// Takes the lock of `folder`, which nobody else may hold.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] when somebody does; otherwise as [`try_take`](Self::try_take).
    pub fn claim(folder: &Path) -> Result<Self> {
        Self::try_take(folder)?.ok_or_else(|| Error::FolderInUse {
            path: folder.to_owned(),
        })
    }

    /// Takes the lock of `folder`, as soon as nobody else holds it.
    ///
    /// # Errors
    /// As [`try_take`](Self::try_take).
    pub fn take(folder: &Path) -> Result<Self> {
        let (path, file) = open(folder)?;
        file.lock().map_err(Error::file("locking", &path))?;
        Ok(Self { _file: file })
    }

    /// Removes the temporary files that a killed writer left in the folder. Whoever holds the lock is its only writer.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn sweep(&self, folder: &Path) -> Result<()> {
        for path in temporaries(folder)? {
            fs::remove_file(&path).map_err(Error::file("removing", &path))?;
        }
        Ok(())
    }
}

/// The temporary files of a folder: something is being written, or its writer was killed.
///
/// # Errors
/// [`Error::File`].
pub fn temporaries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("listing", folder))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::file("listing", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The lock file of a folder.
fn open(folder: &Path) -> Result<(PathBuf, File)> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(Error::file("opening", &path))?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::try_take(folder.path()).unwrap();
        assert!(held.is_some());
        let other = std::thread::scope(|scope| {
            let take = || FolderLock::try_take(folder.path()).unwrap().is_some();
            scope.spawn(take).join().unwrap()
        });
        assert!(!other);
        drop(held);
        assert!(FolderLock::try_take(folder.path()).unwrap().is_some());
    }

    #[test]
    fn sweeping_removes_what_killed_writers_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            ".result.json.12-3.tmp",
            "result.json",
            ".hidden",
            "notes.tmp",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let lock = FolderLock::take(folder.path()).unwrap();
        lock.sweep(folder.path()).unwrap();
        let names = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".hidden", "lock", "notes.tmp", "result.json"]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = FolderLock::try_take(&folder.path().join("none")).unwrap_err();
        assert!(matches!(
            error,
            Error::File {
                operation: "opening",
                ..
            }
        ));
    }
}
