//! `bench` as a program.

mod common;

use common::{errors, refuses, succeeds, xtask};
use serde_json::Value;
use std::{collections::BTreeMap, fs};

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
        let name = format!("B 1 thread penalized step over step: {precision}");
        let found = ratios.iter().find(|(key, _)| key.starts_with(&name));
        assert!(found.unwrap().1.as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_precision_that_is_computed_as_another_says_so() {
    let words = ["bench", "--size", "B", "--threads", "1", "--rounds", "1"];
    let said = succeeds(words.iter().chain(&["--precision", "high"]));
    let step = said.lines().find(|line| line.starts_with("step ")).unwrap();
    let computed = srr_kernels::MatmulPrecision::High.on_this_processor();
    let expected = match computed {
        srr_kernels::MatmulPrecision::High => "high ".to_owned(),
        other => format!("high (as {other})"),
    };
    assert!(step.contains(&expected), "{said}");
    assert!(!said.contains("medium"), "{said}");
}

#[test]
fn what_cannot_be_timed_is_refused() {
    for (words, expected) in [
        (
            ["bench", "--size", "D"],
            "expected A, B, C, base or tiny, found D",
        ),
        (["bench", "--rounds", "0"], "--rounds"),
        (["bench", "--threads", "0"], "--threads"),
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

#[test]
fn the_roofline_is_printed_as_a_table_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.json");
    let words = "bench --size tiny --threads 1 --rounds 1 --roofline --json";
    let said = succeeds(words.split(' ').chain([path.to_str().unwrap()]));
    let all: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let section = &all["sections"][0];
    let number = |value: &Value| value.as_f64().unwrap();
    let (peak, memory) = (
        number(&section["peak_gflops"]),
        number(&section["memory_gigabytes_per_second"]),
    );
    assert!(peak > 0.0 && memory > 0.0);
    let entries = section["roofline"].as_array().unwrap();
    assert_eq!(entries.len(), 9);
    for entry in entries {
        let what = entry["what"].as_str().unwrap();
        assert!(said.contains(&format!("| {what} | highest | ")), "{said}");
        let bound = match entry["unit"].as_str().unwrap() {
            "GB/s" => memory,
            _ => peak.min(memory * number(&entry["operations_per_byte"])),
        };
        let [attainable, reached] = ["attainable", "reached"].map(|key| number(&entry[key]));
        assert!((attainable / bound - 1.0).abs() < 1e-12, "{entry}");
        let fraction = number(&entry["fraction_of_attainable"]);
        assert!(
            (fraction * attainable / reached - 1.0).abs() < 1e-12,
            "{entry}"
        );
    }
}

#[test]
fn the_curves_are_a_figure_and_a_table_of_all_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let curves = folder.path().join("new").join("curves");
    let words = "bench --size tiny --threads 1 --rounds 1 --curves";
    let said = succeeds(words.split(' ').chain([curves.to_str().unwrap()]));
    assert!(said.contains("| N | 2, 5, 10, 17, 37, 65 |"), "{said}");

    let mut names: Vec<_> = fs::read_dir(&curves)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["cost.csv", "cost.svg"]);

    let text = fs::read_to_string(curves.join("cost.svg")).unwrap();
    let figure = roxmltree::Document::parse(&text).unwrap();
    let words: Vec<&str> = figure
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    for label in ["training step", "forward pass", "dimension d", "time (ms)"] {
        assert!(words.contains(&label), "{label}: {words:?}");
    }

    let text = fs::read_to_string(curves.join("cost.csv")).unwrap();
    let mut lines = text.lines();
    let header = "varied,tokens,dim,depth,heads,batch,threads,task,round,ms";
    assert_eq!(lines.next(), Some(header));
    let mut rows = BTreeMap::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), 10, "{line}");
        assert!(
            fields[1..7]
                .iter()
                .all(|field| field.parse::<u32>().is_ok()),
            "{line}"
        );
        assert!(fields[9].parse::<f64>().unwrap() > 0.0, "{line}");
        *rows.entry((fields[0], fields[7])).or_insert(0) += 1;
    }
    for (varied, values) in [("N", 6), ("d", 5), ("L", 5), ("K", 5), ("batch", 6)] {
        for task in ["step", "forward"] {
            assert_eq!(rows[&(varied, task)], values, "{varied} {task}");
        }
    }
    assert_eq!(rows.len(), 10);
}

#[test]
fn curves_that_cannot_be_drawn_are_refused_before_anything_is_timed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let file = file.to_str().unwrap();
    let said = refuses(["bench", "--curves", file]);
    assert!(
        said.contains(file) && said.contains("is a file, expected a folder"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");

    let new = folder.path().join("new");
    let curves = ["bench", "--curves", new.to_str().unwrap()];
    for (words, expected) in [
        ("--size A", "size A: K is 6, expected a multiple of 4"),
        (
            "--size B,base",
            "--size: expected one value with --curves, found 2",
        ),
        (
            "--threads 1,2",
            "--threads: expected one value with --curves, found 2",
        ),
    ] {
        let said = refuses(curves.into_iter().chain(words.split(' ')));
        assert!(said.contains(expected), "{said}");
    }
    let output = xtask().args(curves).arg("--roofline").output().unwrap();
    assert!(!output.status.success());
    assert!(
        errors(&output).contains("cannot be used with"),
        "{output:?}"
    );
    assert!(!new.exists());
}
