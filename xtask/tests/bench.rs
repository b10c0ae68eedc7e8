//! `bench` as a program.

mod common;

use common::{errors, succeeds, xtask};
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
        // At two precisions, or in two types.
        let rows: Vec<&Value> = rows.iter().filter(|row| row["what"] == name).collect();
        assert_eq!(rows.len(), 2, "{name}");
        for row in rows {
            let who = row["who"].as_str().unwrap();
            let printed = said
                .lines()
                .any(|line| line.starts_with(name) && line.contains(who));
            assert!(row["ms"].as_f64().unwrap() > 0.0 && printed, "{row}");
            assert_eq!(row["ms_of_rounds"].as_array().unwrap().len(), 1);
        }
    }
    let ratios = all["ratios"].as_object().unwrap();
    for precision in ["highest", "medium"] {
        let name = format!("B 1 threads penalized step over step: {precision}");
        let found = ratios.iter().find(|(key, _)| key.starts_with(&name));
        assert!(found.unwrap().1.as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_precision_that_is_computed_as_another_says_so() {
    let words = ["bench", "--size", "B", "--threads", "1", "--rounds", "1"];
    let said = succeeds(words.iter().chain(&["--precision", "high"]));
    let step = said.lines().find(|line| line.starts_with("step ")).unwrap();
    assert!(step.contains("high (as highest)"), "{said}");
    assert!(!said.contains("medium"), "{said}");
}

#[test]
fn what_cannot_be_timed_is_refused() {
    for (words, expected) in [
        (["bench", "--size", "D"], "expected A, B or C"),
        (["bench", "--rounds", "0"], "--rounds"),
        (
            ["bench", "--precision", "low"],
            "there are highest, high, medium",
        ),
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
