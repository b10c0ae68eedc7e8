//! `bench`: how fast training steps, forward passes, rates and operators are, also beside PyTorch.

mod bandwidth;
mod contest;
mod curves;
mod memory;
mod operators;
mod ours;
mod peak;
mod peer;
mod results;
mod roofline;
mod size;
mod work;

use self::{
    operators::Operands,
    results::{Machine, Report, Row},
    roofline::Roofline,
    size::{BASE, BENCHMARK, Size},
};
use crate::{
    say::say,
    tidy::workspace_root,
    whole::{at_least_one, some},
};
use srr_kernels::{Cpu, MatmulPrecision};
use std::{
    error::Error,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Times training steps, forward passes, rates and operators; with a peer, interleaved with it.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// A (d 384, L 12, K 6, batch 64), B (d 96, L 4, K 4, batch 128), C (d 192, L 6, K 6, batch 128), base (d 192, L 4, K 4, batch 32), 65
    /// tokens each; tiny (d 32, L 4, K 4, batch 8, 17 tokens) to try the commands [default: A,B,C; base with --curves]
    #[arg(long, value_delimiter = ',', value_name = "S,…")]
    size: Vec<Size>,
    /// Numbers of threads [default: 1 and all cores]
    #[arg(long, value_delimiter = ',', value_name = "T,…", value_parser = at_least_one::<NonZeroUsize>)]
    threads: Vec<NonZeroUsize>,
    /// Precisions of our f32 matrix products: highest, high, medium
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "highest,medium",
        value_name = "P,…"
    )]
    precision: Vec<MatmulPrecision>,
    /// Rounds in which all that is compared takes its turn once
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = some)]
    rounds: usize,
    /// Time a peer too; its interpreter is PEER_PYTHON, python3 without it
    #[arg(long, value_enum, value_name = "NAME")]
    peer: Option<PeerName>,
    /// Print what each operator reaches of what processor and memory allow, as a table in Markdown
    #[arg(long)]
    roofline: bool,
    /// Instead, time how the cost of one size grows with N, d, L, K and batch; write cost.svg and cost.csv into this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["peer", "roofline", "json"])]
    curves: Option<PathBuf>,
    /// Write all numbers to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Take a few training steps and print the peak memory of this process in megabytes; what `bench` runs to find it
    #[arg(long, hide = true)]
    memory: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PeerName {
    /// The same model in PyTorch: pip install torch einops
    Pytorch,
}

/// What a size is timed with.
struct Conditions<'a> {
    precisions: &'a [MatmulPrecision],
    threads: usize,
    rounds: usize,
    /// The peer's.
    script: Option<&'a Path>,
}

/// The name of a precision in rows and ratios, with what this processor computes in its place if it does.
fn label(precision: MatmulPrecision) -> String {
    match precision.on_this_processor() {
        same if same == precision => precision.to_string(),
        other => format!("{precision} (as {other})"),
    }
}

/// Runs the command.
///
/// # Errors
/// A peer that cannot be run or that computes something else, in words for the terminal.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    if args.memory {
        let size = args.size.first().ok_or("no size")?;
        let precision = args.precision.first().ok_or("no precision")?;
        say!("{}", memory::of_this_process(size, *precision)?);
        return Ok(());
    }
    if let Some(folder) = &args.curves {
        return curves(&args, folder);
    }
    let script = args
        .peer
        .map(|PeerName::Pytorch| workspace_root().join("xtask/peers/pytorch_crate.py"));
    let mut threads = match args.threads.as_slice() {
        [] => vec![1, cores()],
        given => given.iter().map(|threads| threads.get()).collect(),
    };
    threads.dedup();
    let mut report = Report::new(Machine::find());
    say!("{}", report.machine);
    let sizes = match args.size.as_slice() {
        [] => &BENCHMARK,
        given => given,
    };
    for size in sizes {
        for &threads in &threads {
            let conditions = Conditions {
                precisions: &args.precision,
                threads,
                rounds: args.rounds,
                script: script.as_deref(),
            };
            let section = one(size, &conditions)?;
            if args.roofline {
                say!("{}", Roofline::of(&section));
            }
            report.add(section);
        }
    }
    if let Some(path) = &args.json {
        report.write(path)?;
        say!("all numbers: {}", path.display());
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The cost curves of one size on one number of threads.
fn curves(args: &BenchArgs, folder: &Path) -> Result<()> {
    let base = only("--size", &args.size, BASE)?;
    let given: Vec<usize> = args.threads.iter().map(|threads| threads.get()).collect();
    let threads = only("--threads", &given, cores())?;
    say!("{}", Machine::find());
    curves::run(&base, threads, args.rounds, folder)
}

/// The one value that was given, or the default.
fn only<T: Copy>(option: &str, given: &[T], default: T) -> Result<T> {
    match given {
        [] => Ok(default),
        [one] => Ok(*one),
        more => Err(format!(
            "{option}: expected one value with --curves, found {}",
            more.len()
        )
        .into()),
    }
}

/// What the processor and its memory reach at best: whatever disturbs a measurement only lowers it.
#[derive(Clone, Copy, Default)]
struct Limits {
    /// GFLOP/s.
    peak: f64,
    /// GB/s.
    bandwidth: f64,
}

impl Limits {
    fn look_again(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.peak = self.peak.max(peak::measure());
        }
        self.bandwidth = bandwidth::measure(rounds)
            .into_iter()
            .fold(self.bandwidth, f64::max);
    }
}

/// Times one size on one number of threads and prints what came out.
fn one(size: &Size, conditions: &Conditions<'_>) -> Result<results::Section> {
    let &Conditions {
        precisions,
        threads,
        rounds,
        script,
    } = conditions;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let timed = pool.install(|| -> std::result::Result<_, String> {
        let mut limits = Limits::default();
        limits.look_again(rounds);
        let contest = contest::run(size, precisions, rounds, script);
        let contest = contest.map_err(|error| error.to_string())?;
        limits.look_again(rounds);
        let operators = precisions
            .iter()
            .map(|&precision| operator_times(size, precision, rounds));
        let operators: Result<Vec<_>> = operators.collect();
        let operators = operators.map_err(|error| error.to_string())?;
        limits.look_again(rounds);
        Ok((limits, contest, operators.concat()))
    });
    let (limits, contest, operators) = timed?;
    let mut section = results::Section::new(size, threads, limits.peak, limits.bandwidth);
    section.rows = contest
        .times
        .into_iter()
        .map(|times| Row::of_task(size, times))
        .collect();
    section.rows.extend(operators);
    if let Some(&first) = precisions.first() {
        section.megabytes = memory::of_a_step(size, first, threads)?;
    }
    section.peer = contest.peer;
    say!("{section}");
    Ok(section)
}

fn operator_times(size: &Size, precision: MatmulPrecision, rounds: usize) -> Result<Vec<Row>> {
    let backend = Cpu::<f32>::new().with_precision(precision);
    let mut operands = Operands::new(backend, size)?;
    let mut rows = Vec::new();
    for mut operator in operands.operators(size)? {
        (operator.run)()?;
        let start = Instant::now();
        (operator.run)()?;
        let repeats = (0.05 / start.elapsed().as_secs_f64().max(1e-6)).ceil() as usize;
        let mut milliseconds = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let start = Instant::now();
            for _ in 0..repeats {
                (operator.run)()?;
            }
            milliseconds.push(1e3 * start.elapsed().as_secs_f64() / repeats as f64);
        }
        rows.push(Row::of_operator(
            operator.name,
            label(precision),
            operator.work,
            milliseconds,
        ));
    }
    Ok(rows)
}
