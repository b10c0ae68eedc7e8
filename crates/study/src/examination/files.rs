//! The files of an examination.

use super::{
    Findings, Setting,
    record::{record, timings},
    report::{artefact, provenance},
};
use crate::{
    Error, Result,
    files::{make_folder, write_json},
    report,
};
use std::{fs, io::ErrorKind, path::Path};

/// Files that are written in some examinations and not in others.
const SOMETIMES: [&str; 5] = [
    "curves.svg",
    "density.csv",
    "density.svg",
    "layers.csv",
    "parts.csv",
];

/// Writes `measures.csv`, `layers.csv`, `curves.svg`, with `per_layer` also `parts.csv`, with densities also
/// `density.csv` and `density.svg`, everything as `measure.json`, the time that every
/// measure took as `timings.json`, the one file with times in it, and last the page. Returns the names of the files, the page first.
///
/// # Errors
/// As [`refuse_runs`]; a file that cannot be written.
pub fn write(
    setting: &Setting,
    findings: &Findings,
    per_layer: bool,
    command: &str,
    folder: &Path,
) -> Result<Vec<String>> {
    refuse_runs(folder)?;
    let artefacts = [artefact(setting, findings, per_layer)?];
    let provenance = provenance(setting, command)?;
    make_folder(folder)?;
    write_json(&folder.join("measure.json"), &record(setting, findings))?;
    write_json(&folder.join("timings.json"), &timings(findings))?;
    let mut names = report::write(&artefacts, &provenance, folder)?;
    names.extend(["measure.json", "timings.json"].map(str::to_owned));
    for name in SOMETIMES {
        if !names.iter().any(|written| written == name) {
            remove(&folder.join(name))?;
        }
    }
    Ok(names)
}

/// An error if the folder is that of a study or of a run, whose files must stay, or no folder.
///
/// # Errors
/// [`Error::ForeignFolder`].
pub fn refuse_runs(folder: &Path) -> Result<()> {
    let foreign = |path: &Path, found: &str| {
        Err(Error::ForeignFolder {
            path: path.to_path_buf(),
            found: found.to_owned(),
            expected: "measures of a model, or nothing".to_owned(),
        })
    };
    if folder.exists() && !folder.is_dir() {
        return foreign(folder, "a file");
    }
    for (name, found) in [
        ("study.json", "a study"),
        ("config.json", "a run of a study"),
        ("config.toml", "a run"),
    ] {
        let path = folder.join(name);
        if path.exists() {
            return foreign(&path, found);
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(Error::io("remove", path)),
    }
}
