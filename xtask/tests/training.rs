//! `train` and `evaluate` as programs.

mod common;

use common::{errors, refuses, succeeds, xtask};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};
use tempfile::TempDir;

/// A model that learns a little in a second.
const CONFIG: &str = r#"
train_images = 200
seed = 3
[model]
patch = 4
dim = 8
depth = 2
heads = 2
[training]
batch_size = 20
epochs = 6
"#;

/// The same, but too long to wait for.
fn long() -> String {
    CONFIG.replace("epochs = 6", "epochs = 60000")
}

/// A folder for a run, with its configuration beside it.
fn run(config: &str) -> (TempDir, Vec<String>, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    fs::write(&file, config).unwrap();
    let out = folder.path().join("out");
    let words = ["train", "--variant", "crate", "--data", "optdigits"].map(String::from);
    let mut words = words.to_vec();
    words.extend(["--config".to_owned(), file.display().to_string()]);
    words.extend(["--out".to_owned(), out.display().to_string()]);
    (folder, words, out)
}

/// Waits for a file that a running program is to write.
fn until_there(file: &Path, child: &mut Child) {
    while !file.exists() {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(
                file.exists(),
                "the program ended ({status}) without {}",
                file.display()
            );
        }
        sleep(Duration::from_micros(200));
    }
}

fn bytes(out: &Path, name: &str) -> Vec<u8> {
    fs::read(out.join(name)).unwrap()
}

#[test]
fn a_model_is_trained_and_evaluated() {
    let (_keep, words, out) = run(CONFIG);
    let said = succeeds(&words);
    assert!(
        said.contains("finished after the last epoch (6 epochs, 60 steps)"),
        "{said}"
    );
    let accuracy = |text: &str, after: &str| {
        let rest = text.split(after).nth(1).unwrap();
        let number = rest.split("accuracy").nth(1).unwrap();
        number.split('%').next().unwrap().trim().to_owned()
    };
    let weights = out.join("model.safetensors");
    let evaluate = |more: &[&str]| {
        let words = ["evaluate", "--data", "optdigits", "--images", "16"];
        let checkpoint = ["--checkpoint", weights.to_str().unwrap()];
        succeeds(words.iter().chain(&checkpoint).chain(more))
    };
    let shown = evaluate(&[]);
    // Both looked at the whole test set.
    assert_eq!(
        accuracy(&said, "\ntest"),
        accuracy(&shown, "optdigits/test")
    );
    assert!(
        shown.contains("(1797 images)") && shown.contains("margins"),
        "{shown}"
    );
    let layers = shown
        .lines()
        .filter(|line| line.trim_start().starts_with(['1', '2']));
    assert_eq!(layers.count(), 2, "{shown}");
    assert!(evaluate(&["--train", "--double", "--norms"]).contains("(3823 images)"));

    // A second time there is nothing to do, and nothing changes.
    let before = (bytes(&out, "model.safetensors"), bytes(&out, "log.jsonl"));
    let again = succeeds(&words);
    assert!(again.starts_with("nothing was to be done"), "{again}");
    let results = |said: &str| said.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(results(&again), results(&said));
    let after = (bytes(&out, "model.safetensors"), bytes(&out, "log.jsonl"));
    assert!(before == after);
}

#[test]
fn a_model_is_trained_at_medium_precision_and_goes_on_at_no_other() {
    let (folder, words, out) = run(&format!("precision = \"medium\"\n{CONFIG}"));
    let said = succeeds(&words);
    assert!(said.contains("6 epochs, 60 steps"), "{said}");
    let config = String::from_utf8(bytes(&out, "config.toml")).unwrap();
    assert!(config.contains("precision = \"medium\"\n"), "{config}");
    fs::write(folder.path().join("run.toml"), CONFIG).unwrap();
    let said = refuses(&words);
    assert!(
        said.contains("precision (there: \"medium\", here: \"highest\")"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn control_c_exits_with_130_and_the_run_goes_on_to_the_same_bits() {
    let (_keep, words, out) = run(CONFIG);
    succeeds(&words);
    let whole = (bytes(&out, "model.safetensors"), bytes(&out, "log.jsonl"));

    let (_keep, words, out) = run(CONFIG);
    let mut interrupted = 0;
    // Too early, the signal ends the program before its handler is there; too late, the run has ended. Both are tried again.
    for attempt in 0..200 {
        let mut child = xtask().args(&words).stderr(Stdio::piped()).spawn().unwrap();
        until_there(&out.join("log.jsonl"), &mut child);
        sleep(Duration::from_millis(attempt % 7));
        let id = child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        match output.status.code() {
            Some(130) => {
                assert!(errors(&output).contains("stopping at the next checkpoint"));
                assert!(out.join("checkpoint.safetensors").exists());
                interrupted += 1;
            }
            Some(0) if interrupted > 0 => break,
            Some(0) => fs::remove_dir_all(&out).unwrap(),
            _ => {}
        }
    }
    assert!(interrupted > 0);
    succeeds(&words);
    assert!(whole == (bytes(&out, "model.safetensors"), bytes(&out, "log.jsonl")));
}

#[test]
fn a_second_process_leaves_the_folder_to_the_first() {
    let (_keep, words, out) = run(&long());
    let mut first = xtask().args(&words).stderr(Stdio::null()).spawn().unwrap();
    until_there(&out.join("log.jsonl"), &mut first);
    let said = refuses(&words);
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(said.contains("another process"), "{said}");
    assert!(said.contains(&*out.to_string_lossy()), "{said}");
}

#[test]
fn a_folder_keeps_its_configuration() {
    let (folder, words, _out) = run(CONFIG);
    succeeds(&words);
    let other = CONFIG.replace("dim = 8", "dim = 16");
    fs::write(folder.path().join("run.toml"), other).unwrap();
    let said = refuses(&words);
    assert!(said.contains("model.dim (there: 8, here: 16)"), "{said}");
}

#[test]
fn the_folder_of_a_study_is_no_folder_for_a_model() {
    let (_keep, words, out) = run(CONFIG);
    fs::create_dir(&out).unwrap();
    fs::write(out.join("study.json"), "{}").unwrap();
    let said = refuses(&words);
    assert!(
        said.contains("study.json says that the folder holds a study"),
        "{said}"
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}

#[test]
fn a_run_that_diverges_says_at_which_step() {
    let (_keep, words, out) =
        run(&CONFIG.replace("[training]", "[training]\nlearning_rate = 1e30"));
    let output = xtask().args(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("diverged at step"), "{said}");
    // The library's warning, next to the program's own line.
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        warned.contains("WARN") && warned.contains("diverged"),
        "{warned}"
    );
    let log = fs::read_to_string(out.join("log.jsonl")).unwrap();
    assert!(
        log.lines().last().unwrap().contains("\"diverged\""),
        "{log}"
    );
    assert!(!out.join("model.safetensors").exists());
}

#[test]
fn wrong_names_are_answered_with_what_there_is() {
    let (_keep, mut words, out) = run(CONFIG);
    words[4] = "optdigit".to_owned();
    assert!(refuses(&words).contains("optdigits"), "{}", refuses(&words));
    assert!(!out.exists());

    let (_keep, words, _out) = run(&CONFIG.replace("epochs", "epoch"));
    let said = refuses(&words);
    assert!(
        said.contains("run.toml") && said.contains("`training.epoch`") && said.contains("`epochs`"),
        "{said}"
    );

    let (keep, ..) = run(CONFIG);
    let empty = keep.path().join("nothing.safetensors");
    fs::write(&empty, b"").unwrap();
    let said = refuses([
        "evaluate",
        "--data",
        "optdigits",
        "--checkpoint",
        empty.to_str().unwrap(),
    ]);
    assert!(said.contains("nothing.safetensors"), "{said}");
}

#[test]
fn a_precision_that_is_computed_as_another_is_noted() {
    for (name, precision) in [
        ("high", srr_kernels::MatmulPrecision::High),
        ("highest", srr_kernels::MatmulPrecision::Highest),
    ] {
        let (_folder, words, _) = run(&format!("precision = \"{name}\"\n{CONFIG}"));
        let output = xtask().args(&words).output().unwrap();
        let noted = errors(&output).contains("precision high is computed as highest");
        assert!(output.status.success());
        assert_eq!(noted, precision.on_this_processor() != precision);
    }
}
