//! What manifests and packages must hold.

use super::crate_folders;
use std::{error::Error, fs, path::Path, process::Command};

/// Who may depend on whom: a crate, and every crate of ours that it may name in `[dependencies]`.
const ARROWS: [(&str, &[&str]); 9] = [
    ("random", &[]),
    ("linalg", &["random"]),
    ("coding-rate", &["linalg"]),
    ("kernels", &["random", "linalg", "coding-rate"]),
    ("layers", &["random", "kernels"]),
    ("datasets", &["random"]),
    (
        "trainer",
        &[
            "random",
            "linalg",
            "coding-rate",
            "kernels",
            "layers",
            "datasets",
        ],
    ),
    ("measures", &["random", "linalg", "coding-rate"]),
    (
        "study",
        &[
            "random",
            "linalg",
            "coding-rate",
            "kernels",
            "layers",
            "datasets",
            "trainer",
            "measures",
        ],
    ),
];

/// Invariants 1, 5 and 6, and the picture above them: no crate names one that it may not.
pub(super) fn check_arrows(root: &Path, findings: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for name in crate_folders(root)? {
        if !ARROWS
            .iter()
            .any(|(known, _)| name == format!("srr-{known}"))
        {
            findings.push(format!(
                "{name}: xtask/src/tidy/manifests.rs does not say what it may depend on"
            ));
        }
    }
    for (name, allowed) in ARROWS {
        let path = root.join("crates").join(name).join("Cargo.toml");
        for target in dependencies(&fs::read_to_string(&path)?) {
            if !allowed.contains(&target) {
                findings.push(format!(
                    "crates/{name}/Cargo.toml: may not depend on srr-{target}"
                ));
            }
        }
    }
    Ok(())
}

/// The crates of ours that a manifest names outside `[dev-dependencies]`, as keys, as tables or under another name; without `srr-`.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        let header = line.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
        let name = match header {
            Some(header) => {
                inside = header.contains("dependencies") && !header.contains("dev-dependencies");
                header.split("dependencies.").nth(1)
            }
            None => line.split("package = \"").nth(1).or(Some(line)),
        };
        if let (true, Some(name)) = (inside, name.and_then(|name| name.strip_prefix("srr-"))) {
            let end = name.find(['.', ' ', '=', '"']).unwrap_or(name.len());
            found.push(&name[..end]);
        }
    }
    found
}

/// `cargo package --list` holds what belongs to a crate and nothing else.
pub(super) fn check_packages(
    root: &Path,
    findings: &mut Vec<String>,
) -> Result<(), Box<dyn Error>> {
    for name in crate_folders(root)? {
        let output = Command::new("cargo")
            .args(["package", "--list", "--allow-dirty", "--package", &name])
            .current_dir(root)
            .output()?;
        if !output.status.success() {
            findings.push(format!("{name}: cargo package --list fails"));
            continue;
        }
        let listing = String::from_utf8_lossy(&output.stdout);
        for required in [
            "README.md",
            "Cargo.toml",
            "src/lib.rs",
            "LICENSE-MIT",
            "LICENSE-APACHE",
        ] {
            if !listing.lines().any(|line| line == required) {
                findings.push(format!("{name}: its package lacks {required}"));
            }
        }
        // `Cargo.toml.orig` is the manifest as written, which cargo itself adds.
        let strays =
            |line: &&str| line.ends_with(".tmp") || line.ends_with(".rej") || line.ends_with('~');
        for line in listing.lines().filter(strays) {
            findings.push(format!("{name}: its package holds {line}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::dependencies;

    #[test]
    fn dependencies_are_found_however_they_are_written() {
        let manifest = r#"
[package]
name = "srr-x"
[dependencies]
srr-random.workspace = true
srr-linalg = { workspace = true, features = ["faer"] }
renamed = { package = "srr-kernels", path = "../kernels" }
rayon.workspace = true
[dependencies.srr-layers]
workspace = true
[target.'cfg(unix)'.dependencies]
srr-trainer.workspace = true
[build-dependencies.srr-study]
workspace = true
[dev-dependencies]
srr-datasets.workspace = true
[dev-dependencies.srr-measures]
workspace = true
[features]
faer = ["dep:faer"]
"#;
        let expected = ["random", "linalg", "kernels", "layers", "trainer", "study"];
        assert_eq!(dependencies(manifest), expected);
    }
}
