//! `cargo xtask reproduce` as a program: killed, stopped, shared and spread out, it writes the same bytes.

use srr_study::FORMAT;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::Duration,
};
use tempfile::TempDir;

/// A study of a few seconds: every artefact and every kind of run.
const PROFILE: &str = r#"
name = "tiny"
about = "A study for tests."
[data]
name = "optdigits"
train = 96
test = 48
[model]
patch = 4
dim = 8
depth = 2
heads = 2
[training]
batch_size = 8
epochs = 6
learning_rate = 3e-3
augmentation = [{ kind = "crop", padding = 1 }]
[measure]
images = 16
[layerwise]
variants = ["crate", "crate-n"]
[layerwise.training]
rates = { images = 8, every = 1 }
[variants]
variants = ["crate", "vit"]
seeds = [0]
[zoo]
variants = ["crate", "crate-n"]
dropouts = [0.0, 0.1]
[zoo.training]
epochs = 8
stop = { cross_entropy = 1.5, running_mean_below = 9.0 }
[correlation]
measures = ["srr", "params", "l2", "path-norm"]
bootstrap = 20
[scatter]
[regularization]
variants = ["crate"]
seeds = [0]
[regularized-layers]
seeds = [0]
[choices]
bootstrap = 20
measure = { images = 8 }
[inconsistency]
images = 16
bootstrap = 20
[intrinsic-dimension]
variants = ["crate"]
seeds = [0]
dimensions = [20]
training = { epochs = 2, optimizer = { kind = "sgd" } }
[toy-ascent]
tokens = 12
dim = 12
heads = 3
layers = 3
[taylor]
"#;

/// Starts the command on `out`.
fn start(out: &Path, more: &[&str], environment: &[(&str, &str)]) -> Child {
    let profile = out.with_extension("toml");
    fs::write(&profile, PROFILE).unwrap();
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("reproduce")
        .arg(profile)
        .arg("--out")
        .arg(out)
        .args(["--checkpoint-every", "0"])
        .args(more)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs it to its end, which must be a good one.
fn finish(out: &Path, more: &[&str], environment: &[(&str, &str)]) -> Output {
    let output = start(out, more, environment).wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A folder of its own for a study.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    (folder, out)
}

/// Everything a study writes that must not depend on how it came about: tables, figures, the page, logs, results, weights.
fn kept(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![out.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !["timings.json", "lock"].contains(&name.as_str()) {
                found.insert(
                    path.strip_prefix(out).unwrap().to_path_buf(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

/// The files of an uninterrupted study with one worker on one thread.
fn reference() -> &'static BTreeMap<PathBuf, Vec<u8>> {
    static REFERENCE: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let (_keep, out) = folder();
        finish(&out, &["--jobs", "1"], &[("RAYON_NUM_THREADS", "1")]);
        kept(&out)
    })
}

/// The same files with the same bytes as the reference.
fn assert_same(out: &Path, how: &str) {
    let found = kept(out);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(reference()), "{how}");
    for (name, bytes) in reference() {
        assert!(found[name] == *bytes, "{how}: {} differs", name.display());
    }
}

#[test]
fn the_reference_has_a_table_and_a_figure_of_every_artefact() {
    let names: Vec<String> = reference()
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    for artefact in srr_study::artefacts::names() {
        for kind in ["csv", "svg"] {
            assert!(
                names.contains(&format!("{artefact}.{kind}")),
                "{artefact}.{kind} of {names:?}"
            );
        }
    }
    assert!(names.contains(&"report.html".to_owned()));
    let results = names.iter().filter(|name| name.ends_with("result.json"));
    // 11, four of the zoo with another seed, and two of `intrinsic-dimension`.
    assert_eq!(results.count(), 17);
    assert!(
        !names.iter().any(|name| name.contains("checkpoint")),
        "{names:?}"
    );
}

#[test]
fn threads_and_workers_do_not_change_a_byte() {
    for (jobs, threads, used) in [("1", "2", 2), ("2", "1", 2), ("5", "3", 5)] {
        let (_keep, out) = folder();
        let output = finish(&out, &["--jobs", jobs], &[("RAYON_NUM_THREADS", threads)]);
        let shown = String::from_utf8_lossy(&output.stderr);
        let busy = format!(", {used} threads ");
        assert!(
            shown.contains(&busy) || !cfg!(target_os = "linux"),
            "{shown}"
        );
        assert_same(&out, &format!("{jobs} jobs, {threads} threads"));
    }
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    for first in [20, 50] {
        let (_keep, out) = folder();
        // Ever longer lives, so that it gets to its end whatever the machine's speed.
        let mut life = first;
        loop {
            let mut child = start(&out, &["--jobs", "2"], &[]);
            sleep(Duration::from_millis(life));
            if child
                .try_wait()
                .unwrap()
                .is_some_and(|status| status.success())
            {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            life += life / 3;
        }
        assert_same(&out, &format!("killed first after {first} ms"));
    }
}

#[test]
fn two_processes_on_one_folder_train_every_run_once() {
    let (_keep, out) = folder();
    let children = [
        start(&out, &["--jobs", "1"], &[]),
        start(&out, &["--jobs", "2"], &[]),
    ];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_same(&out, "two processes");
    for run in fs::read_dir(out.join("runs")).unwrap() {
        let timings = fs::read_to_string(run.unwrap().path().join("timings.json")).unwrap();
        assert!(timings.contains("\"sessions\": 1"), "{timings}");
    }
}

#[test]
fn shards_together_are_the_whole() {
    let (_keep, out) = folder();
    let first = finish(&out, &["--shard", "1/2"], &[]);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(said.contains("8 of 17 runs are missing"), "{said}");
    assert!(!out.join("report.html").exists());
    finish(&out, &["--shard", "2/2"], &[]);
    assert_same(&out, "two shards");
}

#[cfg(unix)]
#[test]
fn control_c_leaves_a_checkpoint_and_exits_with_130() {
    let (_keep, out) = folder();
    let mut code = None;
    // The signal can come before the handler is there or after the end; then try again in a fresh folder.
    for attempt in 0..20 {
        let _ = fs::remove_dir_all(&out);
        let mut child = start(&out, &["--jobs", "1"], &[]);
        while !any_checkpoint(&out) && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        let signal = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        code = output.status.code();
        if signal.success() && code == Some(130) {
            assert!(any_checkpoint(&out), "attempt {attempt}");
            break;
        }
    }
    assert_eq!(code, Some(130));
    finish(&out, &[], &[]);
    assert_same(&out, "stopped by Ctrl-C");
}

#[cfg(unix)]
fn any_checkpoint(out: &Path) -> bool {
    let runs = fs::read_dir(out.join("runs")).into_iter().flatten();
    runs.flatten()
        .any(|run| run.path().join("checkpoint.safetensors").exists())
}

#[test]
fn bad_wishes_are_answered_with_the_nearest_good_one() {
    let (_keep, out) = folder();
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("reproduce")
            .args(arguments)
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["--profile", "smok"]).contains("did you mean `smoke`?"));
    assert!(
        refused(&["--profile", "smoke", "--only", "layer-wise"])
            .contains("did you mean `layerwise`?")
    );
    let wrong = out.with_extension("toml");
    fs::write(&wrong, PROFILE.replace("learning_rate", "learning_rat")).unwrap();
    let said = refused(&[wrong.to_str().unwrap()]);
    assert!(
        said.contains(
            "line 16: unknown key `training.learning_rat`, did you mean `learning_rate`?"
        ),
        "{said}"
    );
}

#[test]
fn a_folder_of_another_study_is_left_alone() {
    let refused = |study: String| {
        let (_keep, out) = folder();
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("study.json"), &study).unwrap();
        let output = start(&out, &[], &[]).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(fs::read_to_string(out.join("study.json")).unwrap(), study);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let other = refused(format!(
        "{{ \"format\": {FORMAT}, \"profile\": \"other\" }}"
    ));
    assert!(
        other.contains("holds the study `other`, expected the study `tiny`"),
        "{other}"
    );
    let old = refused("{ \"format\": 1, \"profile\": \"tiny\" }".to_owned());
    assert!(
        old.contains(&format!("has format version 1, expected {FORMAT}")),
        "{old}"
    );
}
