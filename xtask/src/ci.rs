//! `ci`: everything that keeps the workspace honest, one step after the other; what `.ci/run` runs.

use crate::tidy;
use std::{
    error::Error,
    path::Path,
    process::{Command, ExitStatus},
    time::Instant,
};

/// Runs formatting, lints, documentation, each crate alone, the tests, the tidy checks and the smoke study.
#[derive(clap::Args)]
pub(crate) struct CiArgs {
    /// Only the steps whose name contains this text.
    #[arg(long)]
    only: Option<String>,
    /// List the steps without running them.
    #[arg(long)]
    list: bool,
}

/// One thing to run: a name and a command with its arguments and environment.
struct Step {
    name: String,
    program: &'static str,
    arguments: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Step {
    fn cargo(name: impl Into<String>, arguments: &str) -> Self {
        Self {
            name: name.into(),
            program: "cargo",
            arguments: arguments.split_whitespace().map(String::from).collect(),
            environment: Vec::new(),
        }
    }

    fn with(mut self, key: &'static str, value: &'static str) -> Self {
        self.environment.push((key, value));
        self
    }

    fn run(&self, root: &Path) -> std::io::Result<ExitStatus> {
        Command::new(self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(root)
            .status()
    }
}

/// Entry point of the command.
pub(crate) fn run(args: CiArgs) -> Result<(), Box<dyn Error>> {
    let root = tidy::workspace_root();
    let wanted = |name: &str| args.only.as_deref().is_none_or(|part| name.contains(part));
    let steps = steps(&root)?;
    if args.list {
        println!("tidy");
        steps.iter().for_each(|step| println!("{}", step.name));
        return Ok(());
    }
    let mut failed = Vec::new();
    if wanted("tidy") {
        println!("== tidy");
        let findings = tidy::check(&root)?;
        findings.iter().for_each(|finding| println!("{finding}"));
        if !findings.is_empty() {
            failed.push("tidy".to_owned());
        }
    }
    for step in steps.iter().filter(|step| wanted(&step.name)) {
        println!("== {}", step.name);
        let start = Instant::now();
        let status = step.run(&root)?;
        println!("   {:.0} s", start.elapsed().as_secs_f64());
        if !status.success() {
            failed.push(step.name.clone());
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(format!("failed: {}", names.join(", ")).into()),
    }
}

/// Every step but `tidy`, in order: cheap ones first.
fn steps(root: &Path) -> Result<Vec<Step>, Box<dyn Error>> {
    let crates = tidy::crate_folders(root)?;
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo("lints", "clippy --workspace --all-targets -- -D warnings"),
        Step::cargo("documentation", "doc --workspace --no-deps")
            .with("RUSTDOCFLAGS", "-D warnings"),
    ];
    for package in &crates {
        steps.push(Step::cargo(
            format!("alone: {package}"),
            &format!("check --package {package} --all-targets"),
        ));
    }
    steps.extend([
        Step::cargo(
            "alone: srr-linalg without factorizations",
            "check --package srr-linalg --no-default-features",
        ),
        Step::cargo("tests", "test --workspace"),
        Step::cargo(
            "tests: nalgebra provider",
            "test --package srr-linalg --no-default-features --features nalgebra",
        ),
        Step::cargo("tests: lapack provider", "test --package srr-linalg --features lapack"),
        Step::cargo(
            "smoke study",
            "run --quiet --release --package xtask -- reproduce --profile smoke --out target/smoke-study",
        ),
    ]);
    Ok(steps)
}
