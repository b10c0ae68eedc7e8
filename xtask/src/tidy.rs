//! The invariants of `docs/architecture.md` that a program can check.

mod manifests;
mod source;

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

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
    let map = fs::read_to_string(root.join("docs/architecture.md"))?;
    let mut checks = functions_named(&map);
    for file in rust_files(root)? {
        let text = fs::read_to_string(&file)?;
        checks.retain(|check| !text.contains(&format!("fn {check}(")));
        let name = file.strip_prefix(root)?.display().to_string();
        source::check(&name, &text, &mut findings);
    }
    for check in checks {
        findings.push(format!(
            "docs/architecture.md: there is no test or function {check}"
        ));
    }
    manifests::check_arrows(root, &mut findings)?;
    manifests::check_packages(root, &mut findings)?;
    Ok(findings)
}

/// The functions that a page names: words of small letters in code type that hold an underscore.
fn functions_named(page: &str) -> BTreeSet<&str> {
    let in_function = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = page.split('`').skip(1).step_by(2);
    words
        .filter(|word| word.contains('_') && word.chars().all(in_function))
        .collect()
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
    use super::functions_named;

    #[test]
    fn functions_are_told_from_other_code() {
        let page =
            "`a_test` and `other`, `a/path_to.rs`, `#[non_exhaustive]`, `b_test_2` and a_third";
        let named: Vec<&str> = functions_named(page).into_iter().collect();
        assert_eq!(named, ["a_test", "b_test_2"]);
    }
}
