//! Checks a report as a whole and writes its files.

use std::{fs, path::Path};

use super::error::{ReportError, Result};
use super::svg::{self, Size, Theme};
use super::{Artefact, Provenance, csv, html};
use crate::{
    Error,
    files::{make_folder, write_atomically},
};

/// Name of the page among the files of a report.
pub const PAGE: &str = "report.html";

/// All files of a report as name and content: the page, one `NAME.csv` per table and one `NAME.svg` per chart, in reading order.
///
/// # Errors
/// [`ReportError`] when a name is taken twice or cannot be a file name, or when a table or a heat map is not well formed.
pub fn render(artefacts: &[Artefact], provenance: &Provenance) -> Result<Vec<(String, String)>> {
    check(artefacts)?;
    let mut files = vec![(PAGE.to_owned(), html::render(artefacts, provenance))];
    for artefact in artefacts {
        for table in &artefact.tables {
            files.push((format!("{}.csv", table.name), csv::render(table)?));
        }
        for chart in &artefact.charts {
            files.push((
                format!("{}.svg", chart.name),
                svg::render(chart, Theme::Paper, Size::Wide),
            ));
        }
    }
    Ok(files)
}

/// Writes all files of a report into a folder, which is made if it is not there. Everything is rendered before the first file is
/// touched, each file appears whole or not at all, and the page comes last. Returns the names of the files, the page first.
///
/// # Errors
/// As [`render`]; and with the path when the folder or a file cannot be written.
pub fn write(
    artefacts: &[Artefact],
    provenance: &Provenance,
    folder: &Path,
) -> crate::Result<Vec<String>> {
    let files = render(artefacts, provenance)?;
    make_folder(folder)?;
    for (name, content) in files.iter().rev() {
        write_atomically(&folder.join(name), content.as_bytes())?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// Removes the tables and figures of these artefacts that an earlier report had and that are not among the `names` of this one's
/// files.
///
/// # Errors
/// With the path of a file that cannot be removed.
pub fn remove_stale(artefacts: &[Artefact], names: &[String], folder: &Path) -> crate::Result<()> {
    let listing = || Error::io("list", folder);
    for entry in fs::read_dir(folder).map_err(listing())? {
        let path = entry.map_err(listing())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".csv").or(name.strip_suffix(".svg"));
        let belongs = |artefact: &Artefact| {
            let rest = stem.and_then(|stem| stem.strip_prefix(artefact.name.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if artefacts.iter().any(belongs) && !names.iter().any(|written| *written == *name) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Checks names and shapes.
fn check(artefacts: &[Artefact]) -> Result<()> {
    let names = |of: fn(&Artefact) -> Vec<&str>| artefacts.iter().flat_map(of).collect::<Vec<_>>();
    check_names("artefact", &names(|a| vec![&a.name]))?;
    check_names(
        "table",
        &names(|a| a.tables.iter().map(|t| t.name.as_str()).collect()),
    )?;
    check_names(
        "chart",
        &names(|a| a.charts.iter().map(|c| c.name.as_str()).collect()),
    )?;
    artefacts
        .iter()
        .flat_map(|a| &a.charts)
        .try_for_each(check_heat)
}

fn check_names(kind: &'static str, names: &[&str]) -> Result<()> {
    for (i, name) in names.iter().enumerate() {
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
        let plain = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
        if !begins || !plain {
            return Err(ReportError::BadName {
                kind,
                name: (*name).to_owned(),
            });
        }
        if names[..i].contains(name) {
            return Err(ReportError::DuplicateName {
                kind,
                name: (*name).to_owned(),
            });
        }
    }
    Ok(())
}

fn check_heat(chart: &super::Chart) -> Result<()> {
    for (panel, contents) in chart.panels.iter().enumerate() {
        let Some(heat) = &contents.heat else { continue };
        let (rows, columns) = (contents.y.categories.len(), contents.x.categories.len());
        let found_rows = heat.values.len();
        let odd = heat.values.iter().position(|row| row.len() != columns);
        let row = odd.or((found_rows != rows).then_some(found_rows.min(rows)));
        if let Some(row) = row {
            let found_columns = heat.values.get(row).map_or(0, Vec::len);
            let chart = chart.name.clone();
            return Err(ReportError::HeatShape {
                chart,
                panel,
                rows,
                columns,
                row,
                found_rows,
                found_columns,
            });
        }
    }
    Ok(())
}
