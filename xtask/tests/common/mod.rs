//! Running the program as its users do.

#![allow(dead_code, unreachable_pub)]

use std::{
    ffi::OsStr,
    process::{Command, Output},
};

/// The program, ready for its arguments.
pub fn xtask() -> Command {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
}

/// What it printed, after it ended well.
pub fn succeeds<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = xtask().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What it said against the arguments: one line that begins with `error:`, at exit code 1.
pub fn refuses<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = xtask().args(arguments).output().unwrap();
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: "), "{said}");
    said
}

/// Standard error as text.
pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
