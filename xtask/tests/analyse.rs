//! `cargo xtask analyse` as a program: what it writes and says, and what it refuses.

mod common;

use common::{refuses, succeeds, xtask};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const TABLE: &str = "lr,width,gap,good,bad,ok\n0.1,8,0.1,1,4,yes\n0.1,16,0.2,2,3,yes\n0.2,8,0.3,3,2,yes\n0.2,16,0.4,4,1,1\n0.2,16,9,9,9,no\n";

/// A folder with a table in it, and a folder beside it that is not there yet.
fn setting(name: &str, text: &str) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join(name);
    fs::write(&table, text).unwrap();
    let out = folder.path().join("out");
    (folder, table, out)
}

/// The words of the command.
fn words(table: &Path, out: &Path, more: &[&str]) -> Vec<String> {
    let paths = [table, out].map(|path| path.display().to_string());
    let mut words = vec![
        "analyse".to_owned(),
        paths[0].clone(),
        "--out".to_owned(),
        paths[1].clone(),
    ];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words
}

const FLAGS: [&str; 8] = [
    "--gap",
    "gap",
    "--hyper",
    "lr,width",
    "--measures",
    "bad,good",
    "--converged",
    "ok",
];

fn json(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("analysis.json")).unwrap()).unwrap()
}

#[test]
fn a_table_becomes_numbers_figures_and_a_page() {
    let (_keep, table, out) = setting("models.csv", TABLE);
    let said = succeeds(words(&table, &out, &FLAGS));
    for part in [
        "good",
        "1.000 [1.00, 1.00]",
        "4 of 5 rows; 1 did not converge",
        "B = 2000",
        "--test-size",
        "report.html",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let found = json(&out);
    assert_eq!(found["models"], 4);
    assert_eq!(found["measures"]["good"]["tau_a"], 1.0);
    assert_eq!(found["measures"]["bad"]["psi"]["lr"], -1.0);
    assert_eq!(found["baseline"], "good");
    assert_eq!(
        found["measures"]["bad"]["baseline_minus_this"]["tau_a"],
        2.0
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Analysis of models.csv") && !page.contains("does not say"));
    assert!(
        !page.contains(&table.display().to_string()),
        "no path on the page"
    );

    // Again, over the first; other draws, and the sign error.
    let more = [
        &FLAGS[..],
        &[
            "--draws",
            "7",
            "--seed",
            "3",
            "--test-size",
            "1000",
            "--baseline",
            "bad",
        ],
    ]
    .concat();
    let said = succeeds(words(&table, &out, &more));
    assert!(said.contains("B = 7") && said.contains("bad"), "{said}");
    let found = json(&out);
    assert_eq!(found["sign_error"]["test_size"], 1000);
    assert_eq!(
        found["measures"]["good"]["sign_error"]["all"]["environments"],
        0
    );
    assert!(out.join("environments.csv").exists());
}

#[test]
fn threads_change_no_byte() {
    let (keep, table, out) = setting("models.csv", TABLE);
    let bytes = |threads: &str| {
        let out = out.with_extension(threads);
        let output = xtask()
            .args(words(&table, &out, &FLAGS))
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(output.status.success());
        ["analysis.json", "report.html", "correlation.csv"]
            .map(|name| fs::read(out.join(name)).unwrap())
    };
    assert!(bytes("1") == bytes("3"));
    drop(keep);
}

#[test]
fn the_public_layout_needs_no_word() {
    let text = "experiment_id,hp.lr,hp.train_dataset_size,train_dataset_size,is.converged,is.high_train_accuracy,gen.gap,complexity.l2\n\
                0,0.01,1,5,True,True,0.1,1\n1,0.0100000001,2,6,True,True,0.2,2\n2,0.02,1,5,True,True,0.15,3\n3,0.02,1,5,False,True,0.15,3\n\
                4,0.02,1,5,True,False,0.15,3\n5,0.02,1,5,True,True,inf,3\n";
    let (_keep, table, out) = setting("public.csv", text);
    let said = succeeds(words(&table, &out, &["--draws", "5"]));
    assert!(
        said.contains("complexity.l2") && said.contains("3 of 6 rows"),
        "{said}"
    );
    let found = json(&out);
    assert_eq!(found["layout"], "public");
    let levels = serde_json::json!({"hp.lr": ["0.01", "0.02"], "hp.train_size": ["5", "6"]});
    assert_eq!(found["hyper_parameters"], levels);
    assert_eq!(found["sign_error"]["test_size"], 10_000);
}

#[test]
fn what_cannot_be_analysed_is_refused_and_nothing_is_written() {
    let (keep, table, out) = setting("models.csv", TABLE);
    let said = refuses(words(&table, &out, &[]));
    assert!(
        said.contains("--gap COL") && said.contains("lr, width, gap, good, bad, ok"),
        "{said}"
    );
    let said = refuses(words(&table, &out, &["--gap", "gpa", "--measures", "good"]));
    assert!(said.contains("did you mean `gap`?"), "{said}");
    let said = refuses(words(&table, keep.path(), &FLAGS));
    assert!(said.contains("lies in the output folder"), "{said}");
    let other = setting("other.csv", TABLE);
    let said = refuses(words(&table, other.0.path(), &FLAGS));
    assert!(said.contains("`other.csv`"), "{said}");
    let said = refuses(words(&table, &table, &FLAGS));
    assert!(said.contains("models.csv"), "{said}");
    let xlsx = keep.path().join("models.xlsx");
    fs::write(&xlsx, "x").unwrap();
    assert!(refuses(words(&xlsx, &out, &FLAGS)).contains(".parquet"));
    let none = keep.path().join("none.parquet");
    assert!(refuses(words(&none, &out, &FLAGS)).contains("cannot read"));
    assert!(!out.exists());
    for wrong in [
        ["--draws", "0"],
        ["--test-size", "0"],
        ["--test-size", "-3"],
    ] {
        let output = xtask()
            .args(words(&table, &out, &[&FLAGS[..], &wrong].concat()))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
}
