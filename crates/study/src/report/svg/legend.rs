//! The legend: one entry per name, above the panels, in as many rows as it needs.

use super::canvas::{Anchor, Canvas, Stroke, Type};
use super::ink::{DASH, MARKER, color_of, marker, repeat_dash, shape_of};
use super::layout::{LINE, Sizes};
use super::metrics::width;
use super::palette::{Color, DIVERGING, SEQUENTIAL};
use crate::report::number::{fixed, significant};
use crate::report::{Chart, Ink, Mark, Series};

/// Width of a sample beside its name.
const SAMPLE: f64 = 22.0;
/// Width of a sample that is a marker alone.
const DOT: f64 = 10.0;
/// Width of a color bar.
const BAR: f64 = 96.0;
/// Distance between entries.
const APART: f64 = 16.0;

/// What stands beside a name.
#[derive(Debug, Clone)]
enum Sample {
    Series {
        ink: Ink,
        mark: Mark,
    },
    Rule,
    OffScale,
    Ramp {
        diverging: bool,
        low: String,
        high: String,
    },
}

impl Sample {
    fn width(&self) -> f64 {
        match self {
            Self::OffScale
            | Self::Series {
                mark: Mark::Points, ..
            } => DOT,
            _ => SAMPLE,
        }
    }
}

#[derive(Debug, Clone)]
struct Entry {
    sample: Sample,
    label: String,
    /// Left end, from the left of the figure.
    left: f64,
    row: usize,
}

/// A figure's legend with its place.
#[derive(Debug)]
pub(super) struct Legend {
    entries: Vec<Entry>,
    size: f64,
}

impl Legend {
    /// The legend of a chart, beginning at `left` and not beyond `right` (unless an entry alone is wider).
    pub(super) fn new(
        chart: &Chart,
        off_scale: bool,
        sizes: &Sizes,
        left: f64,
        right: f64,
    ) -> Self {
        let size = sizes.label;
        let mut entries = Vec::new();
        for (sample, label) in collect(chart, off_scale) {
            entries.push(Entry {
                sample,
                label,
                left: 0.0,
                row: 0,
            });
        }
        // A legend that does not fit beside the vertical labels may begin at the figure's edge.
        let total: f64 = entries.iter().map(|e| e.width(size) + APART).sum::<f64>() - APART;
        let left = if total > right - left { 0.0 } else { left };
        let (mut at, mut row) = (left, 0);
        for entry in &mut entries {
            let wide = entry.width(size);
            if at > left && at + wide > right {
                (at, row) = (left, row + 1);
            }
            (entry.left, entry.row) = (at, row);
            at += wide + APART;
        }
        Self { entries, size }
    }

    /// Height of the legend with the distance to what follows.
    pub(super) fn height(&self) -> f64 {
        match self.entries.last() {
            Some(last) => (last.row + 1) as f64 * self.row_height() + 8.0,
            None => 4.0,
        }
    }

    fn row_height(&self) -> f64 {
        1.15 * LINE * self.size
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, chart: &Chart) {
        for entry in &self.entries {
            let middle = (entry.row as f64 + 0.5) * self.row_height();
            entry.draw(canvas, chart, self.size, middle);
        }
    }
}

impl Entry {
    fn width(&self, size: f64) -> f64 {
        match &self.sample {
            Sample::Ramp { low, high, .. } => {
                let label = if self.label.is_empty() {
                    0.0
                } else {
                    width(&self.label, size) + 8.0
                };
                label + width(low, size) + width(high, size) + BAR + 10.0
            }
            _ => self.sample.width() + 6.0 + width(&self.label, size),
        }
    }

    fn draw(&self, canvas: &mut Canvas, chart: &Chart, size: f64, middle: f64) {
        let text = Type::new(size, Color::Ink, Anchor::Start);
        let baseline = middle + 0.35 * size;
        let (left, center) = (self.left, (self.left + self.sample.width() / 2.0, middle));
        let ends = ((left, middle), (left + SAMPLE, middle));
        match &self.sample {
            Sample::Series { ink, mark } => draw_sample(canvas, chart, *ink, *mark, left, center),
            Sample::Rule => canvas.line(
                ends.0,
                ends.1,
                Stroke {
                    dash: DASH,
                    ..Stroke::new(Color::Muted, 1.2)
                },
            ),
            Sample::OffScale => {
                canvas.shape(&marker(2, center, MARKER), Color::Muted, 1.0, None, "")
            }
            Sample::Ramp {
                diverging,
                low,
                high,
            } => {
                self.draw_ramp(canvas, (*diverging, low, high), size, middle);
                return;
            }
        }
        canvas.text(
            (left + self.sample.width() + 6.0, baseline),
            text,
            &self.label,
        );
    }

    fn draw_ramp(
        &self,
        canvas: &mut Canvas,
        (diverging, low, high): (bool, &str, &str),
        size: f64,
        middle: f64,
    ) {
        let text = Type::new(size, Color::Ink, Anchor::Start);
        let muted = Type::new(size, Color::Muted, Anchor::Start);
        let baseline = middle + 0.35 * size;
        let mut left = self.left;
        if !self.label.is_empty() {
            canvas.text((left, baseline), text, &self.label);
            left += width(&self.label, size) + 8.0;
        }
        canvas.text((left, baseline), muted, low);
        left += width(low, size) + 5.0;
        let steps = if diverging { DIVERGING } else { SEQUENTIAL };
        let step = BAR / steps as f64;
        for i in 0..steps {
            let color = if diverging {
                Color::Diverging(i)
            } else {
                Color::Sequential(i)
            };
            // A little overlap, so that no hairline shows between the steps.
            let wide = if i + 1 < steps { step + 0.5 } else { step };
            canvas.rectangle(
                (left + i as f64 * step, middle - 5.0),
                (wide, 10.0),
                color,
                "",
            );
        }
        canvas.text((left + BAR + 5.0, baseline), muted, high);
    }
}

fn draw_sample(
    canvas: &mut Canvas,
    chart: &Chart,
    ink: Ink,
    mark: Mark,
    left: f64,
    center: (f64, f64),
) {
    let color = color_of(ink, chart);
    let ends = ((left, center.1), (left + SAMPLE, center.1));
    let dash = if mark == Mark::Dashed {
        DASH
    } else {
        repeat_dash(ink)
    };
    match mark {
        Mark::Line | Mark::Dashed => canvas.line(
            ends.0,
            ends.1,
            Stroke {
                dash,
                ..Stroke::new(color, 2.0)
            },
        ),
        Mark::LineAndPoints | Mark::Forest => canvas.line(
            ends.0,
            ends.1,
            Stroke {
                dash,
                ..Stroke::new(color, 1.7)
            },
        ),
        Mark::Bars => canvas.rectangle(
            (left + 4.0, center.1 - 5.5),
            (SAMPLE - 8.0, 11.0),
            color,
            "",
        ),
        Mark::Points => {}
    }
    if matches!(mark, Mark::LineAndPoints | Mark::Forest | Mark::Points) {
        canvas.shape(
            &marker(shape_of(ink), center, MARKER),
            color,
            1.0,
            Some(Color::Paper),
            "",
        );
    }
}

/// Samples and names in the order in which they first appear.
fn collect(chart: &Chart, off_scale: bool) -> Vec<(Sample, String)> {
    let mut entries: Vec<(Sample, String)> = Vec::new();
    let all = || chart.panels.iter().flat_map(|p| &p.series);
    let known = |entries: &[(Sample, String)], label: &str| entries.iter().any(|(_, l)| l == label);
    for Series {
        name, ink, mark, ..
    } in all()
    {
        if !name.is_empty() && !matches!(ink, Ink::Sequence(_)) && !known(&entries, name) {
            entries.push((
                Sample::Series {
                    ink: *ink,
                    mark: *mark,
                },
                name.clone(),
            ));
        }
    }
    for rule in chart.panels.iter().flat_map(|p| &p.rules) {
        if !rule.label.is_empty() && !known(&entries, &rule.label) {
            entries.push((Sample::Rule, rule.label.clone()));
        }
    }
    let ramp = |diverging, low: f64, high: f64| Sample::Ramp {
        diverging,
        low: short(low),
        high: short(high),
    };
    if let Some(sequence) = &chart.sequence {
        entries.push((
            ramp(false, sequence.first, sequence.last),
            sequence.label.clone(),
        ));
    }
    for heat in chart.panels.iter().filter_map(|p| p.heat.as_ref()) {
        if !known(&entries, &heat.label) {
            entries.push((
                ramp(heat.diverging, heat.low, heat.high),
                heat.label.clone(),
            ));
        }
    }
    if off_scale {
        entries.push((Sample::OffScale, "beyond the axis".to_owned()));
    }
    entries
}

/// An end of a color bar: whole numbers as they are, others with three digits.
fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e6 {
        fixed(value, 0)
    } else {
        significant(value, 3)
    }
}
