//! Printing results for people.

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
