//! The invariants of `docs/architecture.md` that a program can check.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

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

/// The folder of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The package names of the library crates, sorted.
pub(crate) fn crate_folders(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        names.push(format!("srr-{}", entry?.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

/// All findings, one a line; empty when the house is tidy.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut findings = Vec::new();
    for file in rust_files(root)? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root)?.display().to_string();
        check_file(&name, &text, &mut findings);
    }
    check_arrows(root, &mut findings)?;
    check_packages(root, &mut findings)?;
    Ok(findings)
}

fn check_file(name: &str, text: &str, findings: &mut Vec<String>) {
    let head = text.trim_start();
    if !head.starts_with("//!") && !head.starts_with("#![doc = include_str!") {
        findings.push(format!(
            "{name}: does not open with a `//!` line that says what it is"
        ));
    }
    // Invariant 2: layers are written on the Backend trait alone.
    if name.starts_with("crates/layers/src") {
        let code = text.split("#[cfg(test)]").next().unwrap_or(text);
        for (number, line) in code.lines().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            if is_code && (line.contains("Cpu<") || line.contains("Cpu::") || line.contains("cuda"))
            {
                findings.push(format!(
                    "{name}:{}: layers must not name a device",
                    number + 1
                ));
            }
        }
    }
    // Invariant 8: a library neither prints nor exits.
    if name.starts_with("crates/") && name.contains("/src/") {
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let forbidden = [
                "println!(",
                "eprintln!(",
                "print!(",
                "eprint!(",
                "process::exit(",
            ];
            if !code.starts_with("//") && forbidden.iter().any(|call| code.contains(call)) {
                findings.push(format!(
                    "{name}:{}: a library does not print or exit",
                    number + 1
                ));
            }
        }
    }
}

fn check_arrows(root: &Path, findings: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for (name, allowed) in ARROWS {
        let path = root.join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(&path)?;
        let dependencies = manifest
            .split("[dependencies]")
            .nth(1)
            .unwrap_or("")
            .split("\n[")
            .next()
            .unwrap_or("");
        for line in dependencies
            .lines()
            .filter_map(|line| line.strip_prefix("srr-"))
        {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            let target = &line[..end];
            if !allowed.contains(&target) {
                findings.push(format!(
                    "crates/{name}/Cargo.toml: may not depend on srr-{target}"
                ));
            }
        }
    }
    Ok(())
}

/// `cargo package --list` holds what belongs to a crate and nothing else.
fn check_packages(root: &Path, findings: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
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
        for required in ["README.md", "Cargo.toml", "src/lib.rs"] {
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

fn rust_files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = ["crates", "xtask", "tests"]
        .map(|name| root.join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::check_file;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check_file(name, text, &mut found);
        found
    }

    #[test]
    fn a_file_without_header_a_device_in_layers_and_a_print_are_found() {
        assert_eq!(findings("crates/x/src/a.rs", "fn f() {}").len(), 1);
        assert_eq!(
            findings("crates/layers/src/a.rs", "//! A.\nfn f(b: Cpu<f32>) {}").len(),
            1
        );
        assert_eq!(
            findings("crates/x/src/a.rs", "//! A.\nfn f() { println!(\"x\"); }").len(),
            1
        );
        assert!(findings("crates/x/src/a.rs", "//! A.\n/// println!(no)\nfn f() {}").is_empty());
    }
}
