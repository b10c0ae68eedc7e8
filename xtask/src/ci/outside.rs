//! A program outside the workspace that depends on one crate of it alone, by its path: the example of the crate's front page.

use std::{fs, io, path::Path};
use tempfile::TempDir;

/// Writes a package whose one dependency is `crates/{name}` and whose program is the first example of that crate's README.
///
/// Versions are those of the workspace's lock file.
pub(super) fn package(root: &Path, name: &str) -> io::Result<TempDir> {
    let dependency = root.join("crates").join(name);
    let readme = fs::read_to_string(dependency.join("README.md"))?;
    let example = example(&readme)
        .ok_or_else(|| io::Error::other(format!("no example in the README of {name}")))?;
    let package = tempfile::tempdir()?;
    let manifest = format!(
        "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[dependencies]\nsrr-{name}.path = {dependency:?}\n\n[workspace]\n"
    );
    fs::create_dir(package.path().join("src"))?;
    fs::write(package.path().join("src/main.rs"), example)?;
    fs::write(package.path().join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), package.path().join("Cargo.lock"))?;
    Ok(package)
}

/// The first fenced block as a program. Its last line is an `Ok` of the type that `main` returns, hidden as rustdoc hides lines.
fn example(readme: &str) -> Option<String> {
    let block = readme.split("\n```").nth(1)?.split_once('\n')?.1;
    let lines: Vec<&str> = block
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .collect();
    let (result, body) = lines.split_last()?;
    let kind = result.strip_prefix("Ok::<")?.strip_suffix(">(())")?;
    let body = body.join("\n");
    Some(format!(
        "fn main() -> Result<{kind}> {{\n{body}\n{result}\n}}\n"
    ))
}
