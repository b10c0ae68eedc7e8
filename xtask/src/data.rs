//! `data`: which data sets there are, and how their files get to where they are read.

mod download;
mod fetch;
mod install;
#[cfg(test)]
mod server;
mod sources;

use crate::say::say;
use clap::{Args, Subcommand};
use srr_datasets::{Entry, catalog, default_folder, entry};
use std::{
    error::Error,
    path::{Path, PathBuf},
};

/// Lists, fetches, imports and verifies data sets.
#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
    /// Folder that holds the data sets [default: $SRR_DATA, or srr/data in the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum DataCommand {
    /// List the data sets: sizes, where they are, licences and whom to cite
    List,
    /// Download a data set from its official site, going on where an earlier try stopped
    Fetch {
        /// A name from the list
        name: String,
    },
    /// Copy the files of a data set from a folder that has them
    Import {
        /// A name from the list
        name: String,
        /// The folder with the files, or the one above it
        dir: PathBuf,
    },
    /// Compare the files of a data set with the official digests and read them
    Verify {
        /// A name from the list
        name: String,
    },
}

/// Runs one subcommand.
pub(crate) fn run(args: DataArgs) -> Result<(), Box<dyn Error>> {
    let folder = || args.folder.clone().map_or_else(default_folder, Ok);
    match args.command {
        DataCommand::List => {
            say!("{}", list(folder().ok().as_deref()).trim_end());
            Ok(())
        }
        DataCommand::Fetch { name } => {
            let entry = entry(&name)?;
            if entry.folder.is_none() {
                say!("{name} is part of the library: nothing to fetch");
                return Ok(());
            }
            fetch::fetch(entry, &folder()?)
        }
        DataCommand::Import { name, dir } => {
            let entry = entry(&name)?;
            if entry.folder.is_none() {
                say!("{name} is part of the library: nothing to import");
                return Ok(());
            }
            let folder = folder()?;
            install::import(entry, &dir, &folder)?;
            say!("{name} is in {}", entry.folder_in(&folder).display());
            Ok(())
        }
        DataCommand::Verify { name } => {
            let entry = entry(&name)?;
            let folder = match entry.folder {
                None => PathBuf::new(),
                Some(_) => folder()?,
            };
            say!("{}", verify(entry, &folder)?.trim_end());
            Ok(())
        }
    }
}

/// One paragraph per data set.
fn list(folder: Option<&Path>) -> String {
    let mut text = match folder {
        Some(folder) => format!("data folder: {}\n", folder.display()),
        None => "data folder: none, set SRR_DATA to a folder\n".to_owned(),
    };
    for entry in catalog() {
        let [channels, height, width] = entry.shape;
        let megabytes = entry.files.iter().map(|f| f.bytes).sum::<u64>() as f64 / 1e6;
        let place = match (entry.folder, folder) {
            (None, _) => "embedded in the library".into(),
            (Some(_), None) => format!("missing ({megabytes:.0} MB)"),
            (Some(_), Some(folder)) => {
                let present = entry.is_present(folder);
                let state = if present { "present" } else { "missing" };
                let path = entry.folder_in(folder);
                format!("{state}, {} ({megabytes:.0} MB)", path.display())
            }
        };
        text += &format!(
            "\n{} — {}\n  {} training and {} test images, {channels}×{height}×{width}, {} classes\n  {place}\n  licence: {}\n  cite: {}\n",
            entry.name,
            entry.title,
            entry.train,
            entry.test,
            entry.classes,
            entry.licence,
            entry.citation,
        );
    }
    text
}

/// Checks files and contents; says what was found.
fn verify(entry: &Entry, folder: &Path) -> Result<String, srr_datasets::Error> {
    let own = entry.folder_in(folder);
    entry.verify(&own)?;
    let data = entry.read(&own)?;
    let mut text = String::new();
    for set in [&data.train, &data.test] {
        text += &format!(
            "{}: {} images, SHA-256 {}\n",
            set.name(),
            set.len(),
            set.digest()
        );
    }
    let undigested = entry.files.iter().any(|f| f.sha256.is_none());
    text += match (entry.folder, undigested) {
        (None, _) => "embedded in the library\n",
        (_, false) => "all files are the official ones\n",
        (_, true) => {
            "sizes and labels are right; no digest is published for single files of this set\n"
        }
    };
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        data: DataArgs,
    }

    #[test]
    fn the_list_says_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let text = list(Some(dir.path()));
        for entry in catalog() {
            assert!(text.contains(entry.name) && text.contains(entry.licence));
        }
        assert_eq!(text.matches("missing, ").count(), 4);
        assert!(list(None).contains("missing (") && list(None).contains("SRR_DATA"));
        assert!(text.contains("optdigits — ") && text.contains("embedded in the library"));
    }

    #[test]
    fn the_folder_may_come_before_or_after_the_subcommand() {
        for words in [
            ["x", "--folder", "f", "list"],
            ["x", "list", "--folder", "f"],
        ] {
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(cli.data.folder.as_deref(), Some(Path::new("f")));
        }
    }

    #[test]
    fn the_embedded_set_is_verified_without_files() {
        let text = verify(entry("optdigits").unwrap(), Path::new("nowhere")).unwrap();
        assert!(text.contains("optdigits/train: 3823 images"), "{text}");
        assert!(verify(entry("mnist").unwrap(), Path::new("nowhere")).is_err());
    }
}
