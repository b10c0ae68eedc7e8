//! The log of a run: one JSON object per line.

use crate::{EpochRecord, Error, Observer, Result, Start, Status};
use serde::Serialize;
use srr_kernels::Backend;
use srr_layers::{Parameters, checkpoint::write_atomically};
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

/// Writes an [`EpochRecord`] per line, and how the run ended as the last line.
///
/// There are no times in it. A resumed run first cuts the file back to the epochs of its checkpoint, so that it ends with the same
/// bytes as one that was never interrupted.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
}

impl JsonLines {
    /// A log at `path`, which is written when the run starts.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            file: None,
        }
    }

    fn append(&mut self, line: &str) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(line.as_bytes())
            .map_err(Error::file("writing", &self.path))
    }
}

fn line(value: &impl Serialize) -> Result<String> {
    let failed = |error: serde_json::Error| Error::Text {
        what: "a line of the log",
        message: error.to_string(),
    };
    Ok(serde_json::to_string(value).map_err(failed)? + "\n")
}

impl<B: Backend> Observer<B> for JsonLines {
    fn started(&mut self, start: &Start<'_>) -> Result<()> {
        let lines: String = start.history.iter().map(line).collect::<Result<_>>()?;
        write_atomically(&self.path, |out| out.write_all(lines.as_bytes()))?;
        let opened = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(opened.map_err(Error::file("opening", &self.path))?);
        Ok(())
    }

    fn epoch_ended(&mut self, record: &EpochRecord, _parameters: &Parameters<B>) -> Result<()> {
        self.append(&line(record)?)
    }

    fn ended(&mut self, status: &Status) -> Result<()> {
        match status {
            Status::Interrupted => Ok(()),
            Status::Finished { .. } | Status::Diverged { .. } => self.append(&line(status)?),
        }
    }
}
