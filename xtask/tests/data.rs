//! `data`, `measures` and `convert` as programs.

mod common;

use common::{errors, refuses, succeeds, xtask};
use std::{fs, path::Path};

#[test]
fn data_sets_are_listed_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let listed = succeeds(["data", "--folder", at, "list"]);
    for name in ["optdigits", "cifar10", "cifar100", "mnist", "fashion-mnist"] {
        assert!(listed.contains(&format!("\n{name} — ")), "{listed}");
    }
    assert!(listed.contains(at), "{listed}");
    let verified = succeeds(["data", "verify", "optdigits"]);
    assert!(
        verified.contains("3823 images") && verified.contains("1797 images"),
        "{verified}"
    );
    let said = refuses(["data", "--folder", at, "verify", "mnist"]);
    assert!(said.contains("mnist") && said.contains(at), "{said}");
    let said = refuses(["data", "--folder", at, "verify", "mnits"]);
    assert!(said.contains("known are optdigits"), "{said}");
}

#[test]
fn the_embedded_set_needs_no_folder() {
    let without_home = |words: &[&str]| {
        let output = xtask().args(words).env_clear().output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(without_home(&["data", "verify", "optdigits"]).contains("3823 images"));
    assert!(without_home(&["data", "list"]).contains("data folder: none"));
    for words in [
        ["data", "fetch", "optdigits"].as_slice(),
        &["data", "import", "optdigits", "."],
    ] {
        assert!(without_home(words).contains("nothing to"));
    }
}

#[test]
fn files_that_are_not_the_official_ones_are_not_imported() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in [
        "train-images-idx3",
        "train-labels-idx1",
        "t10k-images-idx3",
        "t10k-labels-idx1",
    ] {
        fs::write(from.path().join(format!("{name}-ubyte")), b"\0\0\x08\x03").unwrap();
    }
    let place = |folder: &Path| folder.to_str().unwrap().to_owned();
    let words = [
        "data",
        "--folder",
        &place(to.path()),
        "import",
        "mnist",
        &place(from.path()),
    ]
    .map(String::from);
    let said = refuses(&words);
    assert!(said.contains("train-images-idx3-ubyte"), "{said}");
    assert!(!to.path().join("mnist").exists(), "nothing half imported");
}

#[test]
fn measures_are_listed_one_a_line() {
    let listed = succeeds(["measures"]);
    let mut lines = listed.lines();
    let head = lines.next().unwrap();
    for column in ["name", "source", "assumptions", "cost"] {
        assert!(head.contains(column), "{head}");
    }
    let names: Vec<&str> = lines
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    for name in [
        "srr",
        "params",
        "l2",
        "l2-dist",
        "param-norm",
        "fro-dist",
        "log-prod-of-spec",
        "log-prod-of-fro",
        "path-norm",
        "inverse-margin",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(succeeds(["measures", "--formulas"]).lines().count() == names.len() + 1);
}

#[test]
fn a_pytorch_checkpoint_becomes_safetensors() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.safetensors");
    let input = |name: &str| fixtures.join(name).to_str().unwrap().to_owned();
    let convert = |name: &str| {
        [
            "convert".to_owned(),
            input(name),
            output.to_str().unwrap().to_owned(),
        ]
    };
    let said = refuses(convert("command.pth"));
    assert!(said.contains("command.pth"), "{said}");
    assert!(!output.exists());
    succeeds(convert("state-dict.pth"));
    assert!(
        srr_layers::checkpoint::TensorFile::open(&output)
            .unwrap()
            .names()
            .count()
            > 0
    );
}
