//! The report of a study: data in ([`Artefact`], [`Table`], [`Chart`]), files out (comma-separated values, SVG figures, one HTML page).

mod artefact;
mod chart;
pub mod csv;
mod error;
pub mod html;
pub mod markup;
pub(crate) mod number;
pub mod svg;
mod table;
pub mod terminal;
#[cfg(test)]
mod tests;
pub(crate) mod words;
mod write;

pub use artefact::{Artefact, Provenance};
pub use chart::{
    Axis, Chart, Direction, Heat, Ink, Mark, Panel, Point, Rule, Scale, Sequence, Series, Share,
};
pub use error::{ReportError, Result};
pub use table::{Cell, Column, Form, Table};
pub use write::{PAGE, remove_stale, render, write};
