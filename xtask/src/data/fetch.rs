//! A data set from its official site: downloaded, unpacked, checked, put in place.

use super::{
    download::{Patience, download},
    install::{Lock, Staging},
    sources::{Source, sources},
};
use crate::say::say;
use srr_datasets::Entry;
use std::{error::Error, fs, path::Path};

/// Downloads what is missing and puts the set in place. An interrupted download goes on where it stopped.
pub(super) fn fetch(entry: &Entry, data_folder: &Path) -> Result<(), Box<dyn Error>> {
    let folder = entry.folder_in(data_folder);
    if entry.verify(&folder).is_ok() {
        say!("{} is already in {}", entry.name, folder.display());
        return Ok(());
    }
    fetch_from(
        entry,
        &sources(entry.name),
        data_folder,
        Patience::default(),
    )?;
    say!("{} is in {}", entry.name, folder.display());
    Ok(())
}

fn fetch_from(
    entry: &Entry,
    sources: &[Source],
    data_folder: &Path,
    patience: Patience,
) -> Result<(), Box<dyn Error>> {
    let _lock = Lock::take(entry, data_folder)?;
    let downloads = data_folder.join(format!(".{}-download", entry.name));
    fs::create_dir_all(&downloads)?;
    let staging = Staging::new(entry, data_folder)?;
    for source in sources {
        let path = downloads.join(&source.file);
        // A whole file of an earlier call was checked when it was completed.
        if !path.is_file() {
            download(source, &downloads, patience)?;
        }
        let single = entry
            .files
            .iter()
            .find(|f| source.file.strip_suffix(".gz") == Some(f.name));
        match single {
            Some(file) => staging.add(file, &path)?,
            None => staging.add_archive(&path)?,
        }
    }
    staging.finish()?;
    fs::remove_dir_all(&downloads)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::server::{Answer, Server};
    use flate2::{Compression, write::GzEncoder};
    use md5::{Digest, Md5};
    use srr_datasets::entry;
    use std::{
        io::{self, Read},
        time::Duration,
    };

    /// An archive of black CIFAR-100 images.
    fn archive() -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for file in entry("cifar100").unwrap().files {
            let mut header = tar::Header::new_gnu();
            header.set_size(file.bytes);
            let name = format!("cifar-100-binary/{}", file.name);
            archive
                .append_data(&mut header, name, io::repeat(0).take(file.bytes))
                .unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn an_interrupted_fetch_goes_on_and_ends_with_the_set_in_place() {
        let to = tempfile::tempdir().unwrap();
        let cifar100 = entry("cifar100").unwrap();
        let archive = archive();
        let half = archive.len() / 2;
        let server = Server::start(
            archive.clone(),
            vec![Answer::Break(half), Answer::Status(404), Answer::Honest],
        );
        let source = Source {
            urls: vec![server.url("c.tar.gz")],
            file: "c.tar.gz".into(),
            md5: Md5::digest(&archive)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
            most_bytes: 1 << 28,
        };
        let patience = Patience {
            tries: 1,
            pause: Duration::ZERO,
        };
        let fetch = || fetch_from(cifar100, std::slice::from_ref(&source), to.path(), patience);
        assert!(fetch().is_err());
        assert!(!cifar100.is_present(to.path()));
        fetch().unwrap();
        let resumed = Some(format!("bytes={half}-"));
        assert_eq!(server.ranges(), [None, resumed.clone(), resumed]);
        assert_eq!(
            cifar100
                .read(&cifar100.folder_in(to.path()))
                .unwrap()
                .test
                .len(),
            10_000
        );
        assert!(!to.path().join(".cifar100-download").exists());
    }

    #[test]
    fn part_of_a_set_is_not_put_in_place() {
        let to = tempfile::tempdir().unwrap();
        let mnist = entry("mnist").unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        io::copy(&mut io::repeat(0).take(mnist.files[1].bytes), &mut gzip).unwrap();
        let bytes = gzip.finish().unwrap();
        let server = Server::start(bytes.clone(), vec![Answer::Honest]);
        let source = Source {
            urls: vec![server.url("x")],
            file: format!("{}.gz", mnist.files[1].name),
            md5: Md5::digest(&bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
            most_bytes: 1 << 28,
        };
        let error = fetch_from(mnist, &[source], to.path(), Patience::default()).unwrap_err();
        // The other three files are missing.
        assert!(
            error
                .to_string()
                .contains("train-images-idx3-ubyte is missing"),
            "{error}"
        );
        assert!(!mnist.folder_in(to.path()).exists());
    }
}
