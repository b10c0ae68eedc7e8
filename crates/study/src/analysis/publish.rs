//! The folder of an analysis: `analysis.json`, the page, its tables and figures.

use super::{TableAnalysis, json::KIND, sections};
use crate::{
    Error, Result,
    files::{self, make_folder, read_json, write_atomically},
    report,
};
use serde::Deserialize;
use srr_trainer::FolderLock;
use std::path::Path;

/// Name of the file for programs; it says that a folder is that of an analysis.
pub const FILE: &str = "analysis.json";

/// What a folder's file says it is.
#[derive(Deserialize)]
struct Owner {
    kind: Option<String>,
}

impl TableAnalysis {
    /// Writes everything into a folder: `analysis.json` first, the page last, each file whole or not at all, one process at a time. What an
    /// earlier analysis left there is replaced. `name` is what the page calls the table. Returns the names of the files, the page first.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] for a folder that holds something else; with the path when it is no folder or cannot be written to.
    pub fn publish(&self, folder: &Path, name: &str) -> Result<Vec<String>> {
        Self::check_folder(folder)?;
        let json = self.json()?;
        let sections = self.sections();
        let provenance = self.provenance(name)?;
        // Everything is rendered before the folder is touched.
        report::render(&sections, &provenance)?;
        make_folder(folder)?;
        let lock = FolderLock::take(folder)?;
        lock.sweep(folder)?;
        write_atomically(&folder.join(FILE), json.as_bytes())?;
        let mut names = report::write(&sections, &provenance, folder)?;
        report::remove_stale(&sections::all_there_may_be(), &names, folder)?;
        names.push(FILE.to_owned());
        Ok(names)
    }

    /// Whether an analysis may be written here: to a folder that is not there, is empty, or holds an earlier analysis.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] for anything else; [`Error::Io`] for what cannot be looked into.
    pub fn check_folder(folder: &Path) -> Result<()> {
        let foreign = |path: &Path, found: String| Error::ForeignFolder {
            path: path.to_path_buf(),
            found,
            expected: "nothing, or an earlier analysis of a table".to_owned(),
        };
        let path = folder.join(FILE);
        match read_json::<Owner>(&path)? {
            Some(Owner { kind: Some(kind) }) if kind == KIND => Ok(()),
            Some(_) => Err(foreign(&path, "something else".to_owned())),
            None => match files::first_besides(folder, &["lock"])? {
                Some(other) => Err(foreign(folder, format!("`{other}`"))),
                None => Ok(()),
            },
        }
    }
}
