//! The curves as a figure and as a table.

use super::{Curve, Curves, Point as Timed, TASKS};
use crate::bench::{
    contest::Task,
    results::{median, range},
};
use srr_study::report::{Axis, Cell, Chart, Column, Ink, Mark, Panel, Point, Series, Share, Table};

/// How far above the curve of the base the guides begin.
const LIFT: f64 = 2.5;

fn legend(task: Task) -> &'static str {
    match task {
        Task::Step => "training step",
        _ => "forward pass",
    }
}

impl Curves {
    /// A panel for each quantity, on logarithmic axes.
    pub(super) fn chart(&self) -> Chart {
        let caption = format!(
            "Milliseconds around {}, {} threads: medians, from the fastest round to the slowest.",
            self.base, self.threads
        );
        let mut chart = Chart::new("cost", "How cost grows", caption)
            .columns(3)
            .share(Share::None, Share::All);
        for curve in &self.curves {
            chart = chart.panel(self.panel(curve));
        }
        chart
    }

    fn panel(&self, curve: &Curve) -> Panel {
        let x = Axis::new(curve.quantity.label()).log();
        let mut panel = Panel::new("", x, Axis::new("time (ms)").log());
        for (ink, task) in TASKS.into_iter().enumerate() {
            let points =
                |interval| (curve.points.iter()).map(move |p| point(curve, p, ink, interval));
            let line = Series::new("", ink, Mark::Line).points(points(false));
            let spread = Series::new(legend(task), ink, Mark::Points).points(points(true));
            panel = panel.series(line).series(spread);
        }
        for (slope, mark) in [(1, Mark::Line), (2, Mark::Dashed)] {
            if slope == 1 || curve.quantity.is_quadratic() {
                let name = format!("slope {slope}");
                let ends = self.guide(curve, slope);
                panel = panel.series(Series::new(name, Ink::Neutral, mark).points(ends));
            }
        }
        panel
    }

    /// From above the base to the next value: short, so that no curve crosses it.
    fn guide(&self, curve: &Curve, slope: i32) -> Vec<(f64, f64)> {
        let value = |point: &Timed| curve.quantity.value(&point.size) as f64;
        let mut points = curve.points.iter();
        let base = points.find(|point| point.size == self.base);
        let (Some(base), Some(next)) = (base, points.next()) else {
            return Vec::new();
        };
        let begin = LIFT * median(&base.milliseconds[0]);
        let growth = (value(next) / value(base)).powi(slope);
        vec![(value(base), begin), (value(next), begin * growth)]
    }

    /// Every round of every size; the base stands in the rows of each quantity.
    pub(super) fn table(&self) -> Table {
        let keys = [
            "varied", "tokens", "dim", "depth", "heads", "batch", "threads", "task", "round", "ms",
        ];
        let mut table =
            Table::new("cost", "How cost grows").columns(keys.map(|key| Column::new(key, key)));
        for curve in &self.curves {
            for point in &curve.points {
                self.rows(curve, point, &mut table);
            }
        }
        table
    }

    fn rows(&self, curve: &Curve, point: &Timed, table: &mut Table) {
        let size = &point.size;
        let shape = [
            size.tokens(),
            size.dim,
            size.depth,
            size.heads,
            size.batch,
            self.threads,
        ];
        for (task, rounds) in TASKS.iter().zip(&point.milliseconds) {
            for (round, ms) in rounds.iter().enumerate() {
                let mut row = vec![Cell::text(curve.quantity.name())];
                row.extend(shape.map(Cell::from));
                row.extend([task.name().into(), Cell::from(round + 1), Cell::from(*ms)]);
                table.push(row);
            }
        }
    }
}

fn point(curve: &Curve, timed: &Timed, task: usize, interval: bool) -> Point {
    let rounds = &timed.milliseconds[task];
    let point = Point::at(curve.quantity.value(&timed.size) as f64, median(rounds));
    let (fastest, slowest) = range(rounds);
    if interval {
        point.between(fastest, slowest)
    } else {
        point
    }
}
