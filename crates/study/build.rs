//! Which commit is built, for the report: `SRR_COMMIT`.

use std::{env, fs, path::Path, process::Command};

/// What decides the numbers, in the workspace, as git takes paths.
const SOURCES: [&str; 4] = [
    "Cargo.lock",
    ":(glob)crates/*/Cargo.toml",
    ":(glob)crates/*/src/**",
    "crates/study/profiles",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let commit = commit().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=SRR_COMMIT={commit}");
}

/// The commit, with `-dirty` where a source differs from it; `None` outside of a clone of the workspace, as in a tarball.
fn commit() -> Option<String> {
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    // A copy of this crate in somebody else's repository is not described by that repository's commits.
    if git(&here, &["rev-parse", "--show-prefix"])? != "crates/study/" {
        return None;
    }
    let root = git(&here, &["rev-parse", "--show-toplevel"])?;
    let commit = git(&root, &["rev-parse", "--short=12", "HEAD"])?;
    watch(&root);
    let mut compare = vec!["diff", "--quiet", "HEAD", "--"];
    compare.extend(SOURCES);
    let dirty = if git(&root, &compare).is_some() {
        ""
    } else {
        "-dirty"
    };
    Some(format!("{commit}{dirty}"))
}

/// Has this script run again when another commit is checked out or a source changes.
fn watch(root: &str) {
    let mut paths = vec![git(root, &["rev-parse", "--git-path", "HEAD"])];
    if let Some(branch) = git(root, &["symbolic-ref", "--quiet", "HEAD"]) {
        paths.push(git(root, &["rev-parse", "--git-path", &branch]));
    }
    paths.push(git(root, &["rev-parse", "--git-path", "packed-refs"]));
    let crates = fs::read_dir(Path::new(root).join("crates"));
    for folder in crates.into_iter().flatten().flatten() {
        let name = folder.file_name();
        paths.extend(
            ["src", "Cargo.toml"]
                .map(|part| Some(format!("crates/{}/{part}", name.to_string_lossy()))),
        );
    }
    paths.extend(["crates/study/profiles", "Cargo.lock"].map(|path| Some(path.to_owned())));
    for path in paths.into_iter().flatten() {
        let path = Path::new(root).join(path);
        // What is watched and not there makes cargo build anew every time.
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}

/// What git says in a folder; `None` when there is no git or it fails.
fn git(folder: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
