//! What was measured: as text, as JSON, and as ratios.

use super::{
    contest::{Task, Times},
    roofline::Roofline,
    size::Size,
    work::Work,
};
use crate::say::count;
use serde_json::{Map, Value, json};
use srr_layers::checkpoint::write_atomically;
use std::{error::Error, fmt, fs, path::Path};

/// The processor.
#[derive(Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    features: Vec<&'static str>,
}

impl Machine {
    pub(super) fn find() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let value = |name: &str| {
            let line = cpu.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map(|(_, value)| value.trim())
        };
        let flags = value("flags").unwrap_or_default();
        let interesting = ["avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"];
        let has = |feature: &&str| flags.split(' ').any(|flag| flag == *feature);
        Self {
            processor: value("model name")
                .unwrap_or(std::env::consts::ARCH)
                .to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            features: interesting.into_iter().filter(has).collect(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = self.features.join(" ");
        write!(f, "{}, {} cores, {features}", self.processor, self.cores)
    }
}

/// One thing that was timed, a value a round.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) who: String,
    ours: bool,
    milliseconds: Vec<f64>,
    /// Images that it takes.
    images: Option<usize>,
    /// Useful floating-point operations; 0 where they are not matrix products.
    operations: f64,
    /// What a call of an operator needs at least.
    pub(super) work: Option<Work>,
}

impl Row {
    pub(super) fn of_task(size: &Size, times: Times) -> Self {
        let operations = match times.task {
            Task::Step | Task::PenalizedStep => size.step_operations(),
            Task::Forward => size.forward_operations(),
            Task::Rates => 0.0,
        };
        Self {
            what: times.task.name().to_owned(),
            who: times.who,
            ours: times.ours,
            milliseconds: times.milliseconds,
            images: Some(size.batch),
            operations,
            work: None,
        }
    }

    pub(super) fn of_operator(name: &str, who: String, work: Work, milliseconds: Vec<f64>) -> Self {
        Self {
            what: name.to_owned(),
            who,
            ours: true,
            milliseconds,
            images: None,
            operations: work.operations,
            work: Some(work),
        }
    }

    pub(super) fn median(&self) -> f64 {
        median(&self.milliseconds)
    }

    fn gflops(&self) -> Option<f64> {
        (self.operations > 0.0).then(|| self.operations / self.median() / 1e6)
    }

    fn images_per_second(&self) -> Option<f64> {
        Some(1e3 * self.images? as f64 / self.median())
    }

    fn json(&self, peak: f64) -> Value {
        json!({
            "what": self.what,
            "who": self.who,
            "ms": self.median(),
            "ms_of_rounds": self.milliseconds,
            "images_per_second": self.images_per_second(),
            "gflops": self.gflops(),
            "fraction_of_peak": self.gflops().map(|gflops| gflops / peak),
        })
    }
}

/// All rows of one size on one number of threads.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) size: Size,
    pub(super) threads: usize,
    /// GFLOP/s.
    pub(super) peak: f64,
    /// GB/s.
    pub(super) bandwidth: f64,
    pub(super) rows: Vec<Row>,
    /// At the first of the precisions.
    pub(super) megabytes: Option<f64>,
    /// Its version and megabytes.
    pub(super) peer: Option<(String, f64)>,
}

/// How many times longer one took than another, round by round.
struct Ratio {
    name: String,
    rounds: Vec<f64>,
}

impl Section {
    pub(super) fn new(size: &Size, threads: usize, peak: f64, bandwidth: f64) -> Self {
        Self {
            size: *size,
            threads,
            peak,
            bandwidth,
            rows: Vec::new(),
            megabytes: None,
            peer: None,
        }
    }

    /// The peer's time over ours for each pair in the same task, and a penalized step's over a plain one's.
    fn ratios(&self) -> Vec<Ratio> {
        let prefix = format!("{} {}", self.size.name, count(self.threads, "thread"));
        let ratio = |name: String, over: &Row, under: &Row| Ratio {
            name: format!("{prefix} {name}"),
            rounds: over
                .milliseconds
                .iter()
                .zip(&under.milliseconds)
                .map(|(a, b)| a / b)
                .collect(),
        };
        let mut all = Vec::new();
        for ours in self.rows.iter().filter(|row| row.ours) {
            let rivals = self
                .rows
                .iter()
                .filter(|row| !row.ours && row.what == ours.what);
            for theirs in rivals.filter(|row| comparable(ours, row)) {
                let name = format!("{}: {} over {}", ours.what, theirs.who, ours.who);
                all.push(ratio(name, theirs, ours));
            }
            let plain = |row: &&Row| row.ours && row.what == "step" && row.who == ours.who;
            if ours.what == "penalized step"
                && let Some(plain) = self.rows.iter().find(plain)
            {
                all.push(ratio(
                    format!("penalized step over step: {}", ours.who),
                    ours,
                    plain,
                ));
            }
        }
        all
    }
}

/// Rates are compared in the same precision; everything else with everything.
fn comparable(ours: &Row, theirs: &Row) -> bool {
    ours.what != "rates" || theirs.who.ends_with(&ours.who)
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{}; {}, measured f32 peak {:.0} GFLOP/s, memory {:.1} GB/s",
            self.size,
            count(self.threads, "thread"),
            self.peak,
            self.bandwidth
        )?;
        let peer = self.peer.as_ref();
        let peer = peer.map(|(version, megabytes)| (version.as_str(), *megabytes));
        for (who, megabytes) in self
            .megabytes
            .map(|own| ("ours", own))
            .into_iter()
            .chain(peer)
        {
            writeln!(
                f,
                "peak memory of a process that trains, {who}: {megabytes:.0} MB"
            )?;
        }
        writeln!(
            f,
            "{:<20} {:<17} {:>10} {:>20} {:>9} {:>9} {:>7}",
            "", "", "ms", "(fastest–slowest)", "images/s", "GFLOP/s", "of peak"
        )?;
        for row in &self.rows {
            let (least, most) = range(&row.milliseconds);
            let number = |value: Option<f64>, digits: usize| {
                value.map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let share = row.gflops().map(|gflops| 100.0 * gflops / self.peak);
            writeln!(
                f,
                "{:<20} {:<17} {:>10.3} {:>20} {:>9} {:>9} {:>7}",
                row.what,
                row.who,
                row.median(),
                format!("({least:.3}–{most:.3})"),
                number(row.images_per_second(), 1),
                number(row.gflops(), 1),
                share.map_or(String::new(), |share| format!("{share:.0} %")),
            )?;
        }
        for ratio in self.ratios() {
            let (least, most) = range(&ratio.rounds);
            let median = median(&ratio.rounds);
            writeln!(f, "{}  {median:.2} ({least:.2}–{most:.2})", ratio.name)?;
        }
        Ok(())
    }
}

/// Everything that a run measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: Machine,
    sections: Vec<Section>,
}

impl Report {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            sections: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Writes all of it; `ratios` holds the median of each ratio, `ratio_rounds` every round of it.
    pub(super) fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let ratios: Vec<Ratio> = self.sections.iter().flat_map(Section::ratios).collect();
        let of = |value: &dyn Fn(&Ratio) -> Value| -> Map<String, Value> {
            ratios
                .iter()
                .map(|ratio| (ratio.name.clone(), value(ratio)))
                .collect()
        };
        let sections = self.sections.iter().map(|section| {
            json!({
                "size": section.size.name,
                "threads": section.threads,
                "peak_gflops": section.peak,
                "memory_gigabytes_per_second": section.bandwidth,
                "peak_megabytes": section.megabytes,
                "peer": section.peer.as_ref().map(|(version, _)| version),
                "peer_peak_megabytes": section.peer.as_ref().map(|(_, megabytes)| megabytes),
                "rows": section.rows.iter().map(|row| row.json(section.peak)).collect::<Vec<_>>(),
                "roofline": Roofline::of(section).json(),
            })
        });
        let all = json!({
            "machine": self.machine.to_string(),
            "sections": sections.collect::<Vec<_>>(),
            "ratios": of(&|ratio| median(&ratio.rounds).into()),
            "ratio_rounds": of(&|ratio| ratio.rounds.clone().into()),
        });
        let text = serde_json::to_string_pretty(&all)?;
        Ok(write_atomically(path, |out| {
            out.write_all(text.as_bytes())
        })?)
    }
}

/// The median; of an even number of values the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ if sorted.is_empty() => f64::NAN,
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

pub(super) fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), &value| (least.min(value), most.max(value)),
    )
}
