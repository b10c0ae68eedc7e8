//! `ci`: everything that keeps the workspace honest, one step after the other; what `.ci/run` runs.

mod outside;

use crate::tidy;
use std::{
    error::Error,
    ffi::OsString,
    path::Path,
    process::{Command, ExitStatus},
    time::Instant,
};

/// Runs formatting, lints, documentation, each crate alone, a program outside, the tests, the tidy checks and the smoke study.
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
    program: OsString,
    arguments: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Step {
    fn cargo(name: impl Into<String>, arguments: &str) -> Self {
        Self {
            name: name.into(),
            program: "cargo".into(),
            arguments: arguments.split_whitespace().map(String::from).collect(),
            environment: Vec::new(),
        }
    }

    /// This very program with these arguments.
    fn xtask(name: impl Into<String>, arguments: &str) -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self {
            program: program.into_os_string(),
            ..Self::cargo(name, arguments)
        })
    }

    fn with(mut self, key: &'static str, value: &'static str) -> Self {
        self.environment.push((key, value));
        self
    }

    /// Runs it in the environment of a shell: what `cargo run` tells this program about itself would make build scripts run again that
    /// look at it, and what depends on them be built again.
    fn run(&self, root: &Path) -> std::io::Result<ExitStatus> {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&key);
            }
        }
        command
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
    let outside = outside::package(&root, "coding-rate")?;
    let steps = steps(&root, outside.path())?;
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

/// Lints of one crate that is built with the features it asks for itself, not with those that others in the workspace add to them.
fn alone(name: &str, selection: &str) -> Step {
    Step::cargo(
        format!("lints, alone: {name}"),
        &format!("clippy {selection} -- -D warnings"),
    )
}

/// Every step but `tidy`, in order: cheap ones first. `outside` is the folder of the package outside the workspace.
fn steps(root: &Path, outside: &Path) -> Result<Vec<Step>, Box<dyn Error>> {
    let crates = tidy::crate_folders(root)?;
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo("documentation", "doc --workspace --no-deps")
            .with("RUSTDOCFLAGS", "-D warnings"),
    ];
    for package in crates
        .iter()
        .map(String::as_str)
        .chain(["xtask", "srr-tests"])
    {
        steps.push(alone(
            package,
            &format!("--package {package} --all-targets"),
        ));
    }
    steps.push(alone(
        "srr-linalg without factorizations",
        "--package srr-linalg --no-default-features",
    ));
    let mut program = Step::cargo(
        "outside program",
        "run --quiet --offline --target-dir target/outside --manifest-path",
    );
    program
        .arguments
        .push(outside.join("Cargo.toml").display().to_string());
    steps.push(program);
    steps.push(Step::cargo("tests", "test --workspace --no-fail-fast"));
    // What the processor has is not all that users' processors have. The test programs of `srr-kernels` are named, and the workspace is
    // selected: for the package alone, with the features it alone asks for, everything below it would be built again.
    let tests = test_programs(&root.join("crates/kernels/tests"))?
        .iter()
        .fold("test --workspace --lib".to_owned(), |all, name| {
            format!("{all} --test {name}")
        });
    for instructions in ["avx2", "portable"] {
        steps.push(
            Step::cargo(format!("tests of kernels: {instructions}"), &tests)
                .with("SRR_INSTRUCTIONS", instructions),
        );
    }
    // The rest of the workspace is not built with the other two providers of factorizations.
    let provider = "--package srr-linalg --features";
    steps.extend([
        Step::cargo(
            "tests: nalgebra provider",
            &format!("test {provider} nalgebra --no-default-features"),
        ),
        Step::cargo("tests: lapack provider", &format!("test {provider} lapack")),
        alone(
            "srr-linalg with all providers",
            &format!("{provider} nalgebra,lapack --all-targets"),
        ),
        Step::cargo(
            "documentation: all providers",
            &format!("doc {provider} nalgebra,lapack --no-deps"),
        )
        .with("RUSTDOCFLAGS", "-D warnings"),
    ]);
    steps.push(Step::xtask(
        "smoke study",
        "reproduce --profile smoke --out target/smoke-study",
    )?);
    Ok(steps)
}

/// Names of the test programs in a folder `tests`.
fn test_programs(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let (Some("rs"), Some(stem)) = (
            path.extension().and_then(|end| end.to_str()),
            path.file_stem().and_then(|stem| stem.to_str()),
        ) {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
