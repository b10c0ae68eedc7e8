//! Locks on folders that die with the process that holds them.

use crate::{Error, Result};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
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
    /// [`Error::Io`] when the lock file cannot be opened or the file system knows no locks.
    pub fn try_take(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::Io {
                action: "lock",
                path,
                source,
            }),
        }
    }
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
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = FolderLock::try_take(&folder.path().join("none")).unwrap_err();
        assert!(matches!(error, Error::Io { action: "open", .. }));
    }
}
