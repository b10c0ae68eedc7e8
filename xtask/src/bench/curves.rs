//! How the cost of a model grows: one quantity of a base size is varied at a time, everything is timed in turns.

mod figure;
mod quantity;

use self::quantity::Quantity;
use super::{
    contest::{Contestant, Task, take_turns},
    ours::Ours,
    results::median,
    size::Size,
};
use crate::say::{count, say};
use srr_kernels::Cpu;
use srr_layers::checkpoint::write_atomically;
use srr_study::{
    files::make_folder,
    report::{
        csv,
        svg::{self, Theme},
    },
};
use std::{cell::RefCell, error::Error, fmt, path::Path, rc::Rc, time::Duration};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Time that a turn takes at least: many models share a run.
const TURN: Duration = Duration::from_millis(80);
/// What is timed of every size.
const TASKS: [Task; 2] = [Task::Step, Task::Forward];

/// Times the curves around a base size and writes `cost.svg` and `cost.csv`.
pub(super) fn run(base: &Size, threads: usize, rounds: usize, folder: &Path) -> Result<()> {
    let sweeps = sweeps(base)?;
    if folder.exists() && !folder.is_dir() {
        let folder = folder.display();
        return Err(
            format!("--curves: {folder} is a file, expected a folder or a new name").into(),
        );
    }
    make_folder(folder)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let points = pool.install(|| measure(&sweeps, rounds).map_err(|error| error.to_string()))?;
    let curves = Curves::new(*base, pool.current_num_threads(), sweeps, points);
    let figure = svg::render(&curves.chart(), Theme::Paper, svg::Size::Wide);
    let table = csv::render(&curves.table())?;
    for (name, text) in [("cost.csv", table), ("cost.svg", figure)] {
        write_atomically(&folder.join(name), |out| out.write_all(text.as_bytes()))?;
    }
    say!("{curves}\ncost.svg and cost.csv: {}", folder.display());
    Ok(())
}

/// The sizes of every quantity.
fn sweeps(base: &Size) -> Result<Vec<(Quantity, Vec<Size>)>> {
    let sweep = |quantity: Quantity| Ok((quantity, quantity.sizes(base)?));
    Quantity::ALL.into_iter().map(sweep).collect()
}

/// One size and the milliseconds of its [`TASKS`], a value a round.
struct Point {
    size: Size,
    milliseconds: [Vec<f64>; TASKS.len()],
}

/// Times every size once, the base too, which all quantities share.
fn measure(sweeps: &[(Quantity, Vec<Size>)], rounds: usize) -> Result<Vec<Point>> {
    let mut sizes: Vec<Size> = Vec::new();
    for size in sweeps.iter().flat_map(|(_, sizes)| sizes) {
        if !sizes.contains(size) {
            sizes.push(*size);
        }
    }
    let mut contestants = Vec::new();
    for size in &sizes {
        contestants.extend(tasks(size)?);
    }
    let mut times = take_turns(contestants, rounds, TURN)?.into_iter();
    let mut next = || {
        times
            .next()
            .map(|times| times.milliseconds)
            .unwrap_or_default()
    };
    let point = |size| Point {
        size,
        milliseconds: TASKS.map(|_| next()),
    };
    Ok(sizes.into_iter().map(point).collect())
}

/// A model with its [`TASKS`].
fn tasks<'a>(size: &Size) -> Result<[Contestant<'a>; TASKS.len()]> {
    let model = Rc::new(RefCell::new(Ours::new(Cpu::<f32>::new(), size)?));
    Ok(TASKS.map(|task| {
        let model = Rc::clone(&model);
        Contestant::ours(task, "highest", move || match task {
            Task::Step => model.borrow_mut().step(false),
            _ => model.borrow().forward(),
        })
    }))
}

/// One curve each for the [`TASKS`].
struct Curve {
    quantity: Quantity,
    points: Vec<Rc<Point>>,
}

/// Everything that was timed.
struct Curves {
    base: Size,
    threads: usize,
    curves: Vec<Curve>,
}

impl Curves {
    fn new(
        base: Size,
        threads: usize,
        sweeps: Vec<(Quantity, Vec<Size>)>,
        points: Vec<Point>,
    ) -> Self {
        let points: Vec<Rc<Point>> = points.into_iter().map(Rc::new).collect();
        let of = |size: &Size| points.iter().find(|point| point.size == *size).cloned();
        let curve = |(quantity, sizes): (Quantity, Vec<Size>)| Curve {
            quantity,
            points: sizes.iter().filter_map(of).collect(),
        };
        Self {
            base,
            threads,
            curves: sweeps.into_iter().map(curve).collect(),
        }
    }
}

impl Curve {
    /// The slope on logarithmic axes from the base to the largest value.
    fn exponent(&self, base: &Size, task: usize) -> Option<f64> {
        let from = self.points.iter().find(|point| point.size == *base)?;
        let to = self.points.last()?;
        let ratio = |of: &dyn Fn(&Point) -> f64| (of(to) / of(from)).ln();
        let growth = ratio(&|point| median(&point.milliseconds[task]));
        Some(growth / ratio(&|point| self.quantity.value(&point.size) as f64))
    }
}

/// A table in Markdown.
impl fmt::Display for Curves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {}\n", self.base, count(self.threads, "thread"))?;
        writeln!(
            f,
            "| varied | values | step (ms) | forward (ms) | exponents from the base on |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- |")?;
        for curve in &self.curves {
            let list = |text: &dyn Fn(&Point) -> String| {
                let all: Vec<String> = curve.points.iter().map(|point| text(point)).collect();
                all.join(", ")
            };
            let ms =
                |task: usize| list(&|point| format!("{:.1}", median(&point.milliseconds[task])));
            let exponents = [0, 1].map(|task| curve.exponent(&self.base, task).unwrap_or(f64::NAN));
            let [step, forward] = exponents;
            let values = list(&|point| curve.quantity.value(&point.size).to_string());
            let name = curve.quantity.name();
            writeln!(
                f,
                "| {name} | {values} | {} | {} | {step:.2}, {forward:.2} |",
                ms(0),
                ms(1)
            )?;
        }
        Ok(())
    }
}
