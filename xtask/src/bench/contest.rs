//! Contestants that take turns: everything that is compared is timed in the same rounds of the same run.

use super::{
    label,
    ours::{Ours, RateOperands, Rates, save_batch, save_rate_operands},
    peer::{MODES, Peer},
    size::Size,
};
use serde_json::json;
use srr_kernels::{Backend, Cpu, MatmulPrecision};
use srr_layers::checkpoint::TensorFile;
use std::{
    cell::RefCell,
    error::Error,
    path::{Path, PathBuf},
    rc::Rc,
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Time that a turn of one contestant takes at least.
const TURN: Duration = Duration::from_millis(250);
/// Threads of the peer that wait for more work in a loop have gone to sleep after this.
const PAUSE: Duration = Duration::from_millis(20);
/// Norm-wise difference of two sides that compute the same in f64.
const EXACT: f64 = 1e-9;
/// What f32 may change of that in the logits, the loss and the gradient as a whole.
const ROUNDED: f64 = 1e-4;
/// One tensor of the gradient may change by so many times more: here and there rounding brings a number to the other side of a threshold.
const ONE: f64 = 10.0;
/// The same where ours takes operands in bf16: each is off by up to 2⁻⁹ of itself in every product, and over twelve layers the gradient by 4 %.
const ROUNDED_TO_BF16: f64 = 6e-2;

/// The norm of a gradient that is judged by itself, as a share of the norm of all gradients.
const SMALL: f64 = 1e-2;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// One training step: forward, loss, backward, Adam.
    Step,
    /// A step with the sparse rate reduction of the last layer as a penalty.
    PenalizedStep,
    /// A forward pass without gradients.
    Forward,
    /// R, R^c and ‖Z‖₀ of all layers, in f32 or f64.
    Rates,
}

impl Task {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::PenalizedStep => "penalized step",
            Self::Forward => "forward",
            Self::Rates => "rates",
        }
    }
}

/// One contestant in one task: repeats it and returns the mean milliseconds.
pub(super) struct Contestant<'a> {
    task: Task,
    who: String,
    ours: bool,
    run: Box<dyn FnMut(usize) -> Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    /// Our side in a task that `once` does once.
    pub(super) fn ours(task: Task, who: &str, mut once: impl FnMut() -> Result<f64> + 'a) -> Self {
        Self {
            task,
            who: who.to_owned(),
            ours: true,
            run: Box::new(move |repeats| timed(repeats, &mut once)),
        }
    }
}

/// The milliseconds of one contestant in one task, a value a round.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) task: Task,
    pub(super) who: String,
    pub(super) ours: bool,
    pub(super) milliseconds: Vec<f64>,
}

/// The files that both sides read.
struct Shared {
    _folder: TempDir,
    weights: PathBuf,
    batch: PathBuf,
    rates: PathBuf,
}

impl Shared {
    fn new(size: &Size, operands: RateOperands) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let (weights, batch, rates) = (file("weights"), file("batch"), file("rates"));
        Ours::new(Cpu::<f32>::new(), size)?.save_weights(&weights)?;
        save_batch(&batch, size)?;
        save_rate_operands(&rates, operands)?;
        Ok(Self {
            _folder: folder,
            weights,
            batch,
            rates,
        })
    }
}

/// What a run of all contestants gives.
pub(super) struct Contest {
    pub(super) times: Vec<Times>,
    /// The peer's version, and its peak resident megabytes when it takes training steps in its first mode.
    pub(super) peer: Option<(String, f64)>,
}

/// Times every task of one size in the current pool; with the peer if its script is given.
pub(super) fn run(
    size: &Size,
    precisions: &[MatmulPrecision],
    rounds: usize,
    script: Option<&Path>,
) -> Result<Contest> {
    let mut contestants = ours(size, precisions)?;
    let mut found = None;
    if let Some(script) = script {
        let threads = rayon::current_num_threads();
        let shared = Shared::new(size, RateOperands::new(size)?)?;
        let start = || Peer::start(script, &shared.weights, size, threads);
        let mut peer = start()?;
        agree(size, precisions, &shared, &mut peer)?;
        found = Some((peer.version.clone(), memory_of(start()?, &shared)?));
        contestants.extend(theirs(shared, peer));
    }
    let times = take_turns(contestants, rounds, TURN)?;
    Ok(Contest { times, peer: found })
}

fn memory_of(mut peer: Peer, shared: &Shared) -> Result<f64> {
    let step = json!({ "do": "step", "mode": MODES[0], "input": shared.batch, "repeats": 3 });
    peer.ask(&step)?;
    peer.memory()
}

/// Times all of them round by round, each for about as long as a turn; the times are in the order of the contestants.
pub(super) fn take_turns(
    contestants: Vec<Contestant<'_>>,
    rounds: usize,
    turn: Duration,
) -> Result<Vec<Times>> {
    let mut times = Vec::new();
    for mut contestant in contestants {
        (contestant.run)(1)?; // first call: caches fill, code is compiled
        let start = Instant::now();
        (contestant.run)(1)?;
        let once = start.elapsed().max(Duration::from_micros(10));
        let repeats = turn.as_secs_f64() / once.as_secs_f64();
        let empty = Times {
            task: contestant.task,
            who: contestant.who.clone(),
            ours: contestant.ours,
            milliseconds: Vec::with_capacity(rounds),
        };
        times.push((contestant, repeats.ceil() as usize, empty));
    }
    for _ in 0..rounds {
        for (contestant, repeats, times) in &mut times {
            sleep(PAUSE);
            times.milliseconds.push((contestant.run)(*repeats)?);
        }
    }
    Ok(times.into_iter().map(|(_, _, times)| times).collect())
}

fn ours<'a>(size: &Size, precisions: &[MatmulPrecision]) -> Result<Vec<Contestant<'a>>> {
    let mut models = Vec::new();
    for &precision in precisions {
        let model = Ours::new(Cpu::<f32>::new().with_precision(precision), size)?;
        models.push((label(precision), Rc::new(RefCell::new(model))));
    }
    let mut all = Vec::new();
    let mut add = |task, who: &str, once: Box<dyn FnMut() -> Result<f64>>| {
        all.push(Contestant::ours(task, who, once));
    };
    for (task, penalized) in [(Task::Step, false), (Task::PenalizedStep, true)] {
        for (who, model) in &models {
            let model = Rc::clone(model);
            let step = move || model.borrow_mut().step(penalized);
            add(task, who, Box::new(step));
        }
    }
    for (who, model) in models {
        add(
            Task::Forward,
            &who,
            Box::new(move || model.borrow().forward()),
        );
    }
    let operands = RateOperands::new(size)?;
    let single = Rates::new(Cpu::<f32>::new(), &operands, size)?;
    let double = Rates::new(Cpu::<f64>::new(), &operands, size)?;
    add(Task::Rates, "f32", Box::new(move || single.compute()));
    add(Task::Rates, "f64", Box::new(move || double.compute()));
    Ok(all)
}

fn timed(repeats: usize, once: &mut dyn FnMut() -> Result<f64>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..repeats {
        if !once()?.is_finite() {
            return Err("the result is not finite".into());
        }
    }
    Ok(1e3 * start.elapsed().as_secs_f64() / repeats as f64)
}

fn theirs<'a>(shared: Shared, peer: Peer) -> Vec<Contestant<'a>> {
    let shared = Rc::new((shared, RefCell::new(peer)));
    let contestant = |task: Task, who: String, key: &'static str, value: &'static str| {
        let shared = Rc::clone(&shared);
        let run = move |repeats: usize| {
            let (files, peer) = &*shared;
            let input = if task == Task::Rates {
                &files.rates
            } else {
                &files.batch
            };
            let mut request = json!({ "do": task.name(), "input": input, "repeats": repeats });
            request[key] = value.into();
            let answer = peer.borrow_mut().ask(&request)?;
            answer["ms"]
                .as_f64()
                .ok_or_else(|| "no number from the peer".into())
        };
        Contestant {
            task,
            who,
            ours: false,
            run: Box::new(run),
        }
    };
    let mut all = Vec::new();
    for task in [Task::Step, Task::Forward] {
        all.extend(MODES.map(|mode| contestant(task, mode.to_owned(), "mode", mode)));
    }
    for dtype in ["f32", "f64"] {
        all.push(contestant(
            Task::Rates,
            format!("torch {dtype}"),
            "dtype",
            dtype,
        ));
    }
    all
}

/// Both sides compute the same before either is timed.
fn agree(
    size: &Size,
    precisions: &[MatmulPrecision],
    shared: &Shared,
    peer: &mut Peer,
) -> Result<()> {
    let answers = shared.weights.with_file_name("answers");
    peer.ask(&json!({ "do": "check", "input": shared.batch, "output": answers }))?;
    let theirs = TensorFile::open(&answers)?;
    let exact = differences(Ours::new(Cpu::<f64>::new(), size)?, &theirs)?;
    // A gradient is judged by its own norm, or where it is small by a share of that of all.
    let least = SMALL * Difference::all("", &exact).norm;
    for one in &exact {
        one.check("f64", if one.is_gradient() { least } else { 0.0 }, EXACT)?;
    }
    for &precision in precisions {
        let tolerance = match precision.on_this_processor() {
            MatmulPrecision::Medium => ROUNDED_TO_BF16,
            _ => ROUNDED,
        };
        let backend = Cpu::<f32>::new().with_precision(precision);
        let rounded = differences(Ours::new(backend, size)?, &theirs)?;
        let (who, gradient) = (label(precision), Difference::all("the gradient", &rounded));
        gradient.check(&who, 0.0, tolerance)?;
        for one in &rounded {
            let (least, share) = if one.is_gradient() {
                (least, ONE)
            } else {
                (0.0, 1.0)
            };
            one.check(&who, least, share * tolerance)?;
        }
    }
    let request = json!({ "do": "rates", "dtype": "f64", "input": shared.rates });
    let theirs = peer.ask(&request)?["value"].as_f64();
    let ours = Rates::new(Cpu::<f64>::new(), &RateOperands::new(size)?, size)?.compute()?;
    match theirs {
        Some(theirs) if (ours - theirs).abs() <= EXACT * theirs.abs() => Ok(()),
        theirs => Err(format!("rates: ours sum to {ours}, the peer's to {theirs:?}").into()),
    }
}

/// Logits, loss and every gradient of ours against the peer's.
fn differences<B: Backend>(mut ours: Ours<B>, theirs: &TensorFile) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    for (name, ours) in ours.outcome()? {
        let theirs = theirs.floats(&name)?.values;
        if ours.len() != theirs.len() {
            let (ours, theirs) = (ours.len(), theirs.len());
            return Err(format!("{name}: {ours} numbers, the peer has {theirs}").into());
        }
        found.push(Difference::new(name, &ours, &theirs));
    }
    Ok(found)
}

/// How far a tensor of ours is from the peer's.
struct Difference {
    name: String,
    difference: f64,
    /// The peer's.
    norm: f64,
}

impl Difference {
    fn new(name: String, ours: &[f64], theirs: &[f64]) -> Self {
        let squares = ours.iter().zip(theirs).map(|(a, b)| (a - b).powi(2));
        Self {
            name,
            difference: squares.sum::<f64>().sqrt(),
            norm: theirs.iter().map(|x| x.powi(2)).sum::<f64>().sqrt(),
        }
    }

    /// That of all gradients as one.
    fn all(name: &str, differences: &[Self]) -> Self {
        let norm = |of: fn(&Self) -> f64| {
            let gradients = differences.iter().filter(|one| one.is_gradient());
            gradients.map(|one| of(one).powi(2)).sum::<f64>().sqrt()
        };
        Self {
            name: name.to_owned(),
            difference: norm(|one| one.difference),
            norm: norm(|one| one.norm),
        }
    }

    fn is_gradient(&self) -> bool {
        self.name.starts_with("grad.")
    }

    /// Refuses a difference beyond `tolerance` of the norm, or of `least` if that is larger.
    fn check(&self, who: &str, least: f64, tolerance: f64) -> Result<()> {
        let relative = self.difference / self.norm.max(least);
        if relative <= tolerance {
            return Ok(());
        }
        Err(format!(
            "{who}: {} differs from the peer's by {relative:.1e} of its norm, expected at most {tolerance:.0e}; nothing was timed",
            self.name
        )
        .into())
    }
}
