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

/// The first block of Rust.
fn example(readme: &str) -> Option<&str> {
    readme.split_once("```rust\n")?.1.split("```").next()
}
