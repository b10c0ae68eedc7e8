//! `bench` as a program.

mod common;

use common::{errors, xtask};
use serde_json::Value;
use std::fs;

#[test]
fn all_that_was_timed_is_printed_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.json");
    let json = path.to_str().unwrap();
    let words = [
        "bench",
        "--size",
        "b",
        "--threads",
        "1",
        "--rounds",
        "1",
        "--json",
        json,
    ];
    let output = xtask().args(words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let all: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let rows = all["sections"][0]["rows"].as_array().unwrap();
    for name in [
        "step",
        "penalized step",
        "forward",
        "rates",
        "linear backward",
        "mssa",
    ] {
        let row = rows.iter().find(|row| row["what"] == name).unwrap();
        assert!(
            row["ms"].as_f64().unwrap() > 0.0 && said.contains(name),
            "{row}"
        );
        assert_eq!(row["ms_of_rounds"].as_array().unwrap().len(), 1);
    }
    let ratio = &all["ratios"]["B 1 threads penalized step over step: highest"];
    assert!(ratio.as_f64().unwrap() > 0.0);
}

#[test]
fn what_cannot_be_timed_is_refused() {
    for (words, expected) in [
        (["bench", "--size", "D"], "expected A, B or C"),
        (["bench", "--rounds", "0"], "--rounds"),
    ] {
        let output = xtask().args(words).output().unwrap();
        let said = errors(&output);
        assert!(
            !output.status.success() && said.contains(expected),
            "{said}"
        );
    }
    let words = [
        "bench",
        "--size",
        "B",
        "--threads",
        "1",
        "--peer",
        "pytorch",
    ];
    let output = xtask()
        .args(words)
        .env("PEER_PYTHON", "/no/such/python")
        .output()
        .unwrap();
    let said = errors(&output);
    assert!(
        !output.status.success() && said.contains("PEER_PYTHON"),
        "{said}"
    );
}
