//! Printing results for people.

use srr_datasets::ImageSet;
use srr_layers::ClassifierConfig;
use srr_trainer::ComputePrecision;
use std::io::{ErrorKind, Write as _, stdout};

/// As `println!`, but nothing to panic about when the reader has gone away, as in `… | head`.
macro_rules! say {
    ($($part:tt)*) => { $crate::say::line(&format!($($part)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: &str) {
    match writeln!(stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("writing to standard output: {error}");
        }
        _ => {}
    }
}

/// `1 run`, `2 runs`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Notes that this processor computes a precision as another, if it does.
pub(crate) fn note_substitute(precision: ComputePrecision) {
    if let Some(computed) = precision.substitute() {
        eprintln!("precision {precision} is computed as {computed} on this processor");
    }
}

/// Says that images are resized to what a model takes, if they are.
pub(crate) fn note_resizing(set: &ImageSet, model: &ClassifierConfig) {
    let [_, height, width] = set.shape().to_array();
    let [_, rows, columns] = model.image;
    if [height, width] != [rows, columns] {
        say!("images resized from {height}×{width} to {rows}×{columns}");
    }
}
