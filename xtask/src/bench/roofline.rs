//! The roofline (Williams, Waterman and Patterson 2009): what each operator reaches of what processor and memory allow.

use super::{
    results::{Row, Section},
    work::Work,
};
use crate::say::count;
use serde_json::{Value, json};
use srr_kernels::MatmulPrecision;
use std::fmt;

/// One operator under the roof.
struct Entry<'a> {
    row: &'a Row,
    work: Work,
    /// What all its calls take of a training step.
    share_of_step: Option<f64>,
    attainable: f64,
    reached: f64,
    unit: &'static str,
}

impl<'a> Entry<'a> {
    fn new(row: &'a Row, work: Work, section: &Section) -> Self {
        let step = |step: &&Row| step.what == "step" && step.who == row.who;
        let calls = (work.calls * section.size.depth) as f64;
        let rate = |amount: f64| amount / row.median() / 1e6;
        // Without matrix products there is nothing to count but bytes.
        let (attainable, reached, unit) = if work.operations > 0.0 {
            let bound = section.peak.min(work.intensity() * section.bandwidth);
            (bound, rate(work.operations), "GFLOP/s")
        } else {
            (section.bandwidth, rate(work.bytes), "GB/s")
        };
        Self {
            share_of_step: (section.rows.iter().find(step))
                .map(|step| calls * row.median() / step.median()),
            row,
            work,
            attainable,
            reached,
            unit,
        }
    }

    fn json(&self) -> Value {
        json!({
            "what": self.row.what,
            "who": self.row.who,
            "operations": self.work.operations,
            "bytes": self.work.bytes,
            "operations_per_byte": self.work.intensity(),
            "unit": self.unit,
            "attainable": self.attainable,
            "reached": self.reached,
            "fraction_of_attainable": self.reached / self.attainable,
            "fraction_of_step": self.share_of_step,
        })
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let Row { what, who, .. } = self.row;
        let of_step = self.share_of_step.map(percent).unwrap_or_default();
        let [mflop, mb] = [self.work.operations, self.work.bytes].map(|amount| amount / 1e6);
        let (ms, unit) = (self.row.median(), self.unit);
        write!(f, "| {what} | {who} | {ms:.3} | {of_step} ")?;
        match mflop > 0.0 {
            true => write!(f, "| {mflop:.0} | {mb:.2} | {:.1} ", self.work.intensity())?,
            false => write!(f, "| | {mb:.2} | ")?,
        }
        let share = percent(self.reached / self.attainable);
        let [attainable, reached] =
            [self.attainable, self.reached].map(|rate| format!("{rate:.1} {unit}"));
        writeln!(f, "| {attainable} | {reached} | {share} |")
    }
}

/// All operators of one size on one number of threads at the highest precision, since the peak is that of f32; its text is Markdown.
pub(super) struct Roofline<'a> {
    section: &'a Section,
    entries: Vec<Entry<'a>>,
}

impl<'a> Roofline<'a> {
    pub(super) fn of(section: &'a Section) -> Self {
        let highest = MatmulPrecision::Highest.name();
        let rows = section.rows.iter().filter(|row| row.who == highest);
        let entry = |row: &'a Row| Some(Entry::new(row, row.work?, section));
        Self {
            section,
            entries: rows.filter_map(entry).collect(),
        }
    }

    pub(super) fn json(&self) -> Value {
        self.entries.iter().map(Entry::json).collect()
    }
}

impl fmt::Display for Roofline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Section {
            size,
            threads,
            peak,
            bandwidth,
            ..
        } = self.section;
        writeln!(
            f,
            "{size}; {}, peak {peak:.0} GFLOP/s, memory {bandwidth:.1} GB/s\n",
            count(*threads, "thread")
        )?;
        writeln!(
            f,
            "| operator | precision | ms | of a step | Mflop | MB | flop/byte | attainable | reached | of attainable |"
        )?;
        writeln!(
            f,
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        self.entries
            .iter()
            .try_for_each(|entry| write!(f, "{entry}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section of two operators and a step, on a machine of 100 GFLOP/s and 10 GB/s.
    fn section() -> Section {
        let size = "tiny".parse().unwrap();
        let mut section = Section::new(&size, 1, 100.0, 10.0);
        let work = |operations, bytes| Work {
            operations,
            bytes,
            calls: 2,
        };
        section.rows = vec![
            Row::of_operator("step", "highest".to_owned(), work(0.0, 1e6), vec![16.0]),
            Row::of_operator(
                "dense",
                "highest".to_owned(),
                work(40e6, 1e6),
                vec![1.0, 0.5, 0.8],
            ),
            Row::of_operator("thin", "highest".to_owned(), work(2e6, 1e6), vec![0.2]),
            Row::of_operator("copy", "highest".to_owned(), work(0.0, 1e6), vec![0.25]),
        ];
        section.rows[0].work = None;
        section
    }

    #[test]
    fn the_roof_is_the_peak_or_what_the_memory_feeds() {
        let section = section();
        let roofline = Roofline::of(&section);
        let found = |i: usize| {
            let Entry {
                attainable,
                reached,
                unit,
                ..
            } = roofline.entries[i];
            (attainable, reached, unit)
        };
        assert_eq!(found(0), (100.0, 50.0, "GFLOP/s")); // 40 operations a byte: 400 GFLOP/s could be fed
        assert_eq!(found(1), (20.0, 10.0, "GFLOP/s"));
        assert_eq!(found(2), (10.0, 4.0, "GB/s"));
        assert_eq!(roofline.entries.len(), 3);
        // Two calls in each of four layers.
        assert_eq!(roofline.entries[0].share_of_step, Some(0.4));
    }

    #[test]
    fn the_text_is_a_table() {
        let text = Roofline::of(&section()).to_string();
        let cells: Vec<usize> = text
            .lines()
            .skip(2)
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(cells, [11; 5], "{text}");
        let dense = "| dense | highest | 0.800 | 40 % | 40 | 1.00 | 40.0 | 100.0 GFLOP/s | 50.0 GFLOP/s | 50 % |";
        assert!(text.contains(dense), "{text}");
    }
}
