//! Commands of the workspace: `cargo xtask COMMAND`.

fn main() {}
