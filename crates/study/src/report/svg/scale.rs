//! From values to positions: ranges of axes, shared among panels where the chart says so.

use crate::report::{Axis, Chart, Mark, Panel, Scale, Share};

/// Largest magnitude that a linear axis shows; beyond it differences overflow.
const LIMIT: f64 = 1e300;

/// Where a value lies on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// At this share of the axis, from 0 to 1.
    At(f64),
    /// Before the beginning, at this (negative) share; minus infinity for an infinite value.
    Below(f64),
    /// After the end, at this share (above 1); infinity for an infinite value.
    Above(f64),
    /// Not a number.
    NotANumber,
    /// Not positive on a logarithmic axis.
    NotPositive,
}

/// The range of an axis. On a logarithmic axis the ends are decimal logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) log: bool,
}

impl Range {
    pub(super) fn place(&self, value: f64) -> Place {
        if value.is_nan() {
            return Place::NotANumber;
        }
        if self.log && value <= 0.0 {
            return Place::NotPositive;
        }
        let position = if self.log { value.log10() } else { value };
        // An ulp of slack, for values at the very end of a range.
        let share = (position - self.low) / (self.high - self.low);
        if share < -1e-9 {
            Place::Below(share)
        } else if share > 1.0 + 1e-9 {
            Place::Above(share)
        } else {
            Place::At(share.clamp(0.0, 1.0))
        }
    }

    /// The share at which bars begin: zero where the axis has it, else the nearer end.
    pub(super) fn base(&self) -> f64 {
        if self.log {
            0.0
        } else {
            ((0.0 - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        }
    }

    /// Whether zero lies well inside, so that both signs matter.
    pub(super) fn straddles_zero(&self) -> bool {
        let room = 0.08 * (self.high - self.low);
        !self.log && self.low < -room && self.high > room
    }
}

/// Horizontal and vertical range of every panel.
pub(super) fn ranges(chart: &Chart, columns: usize) -> Vec<(Range, Range)> {
    let group = |share: Share, panel: usize| match share {
        Share::None => panel,
        Share::Row => panel / columns,
        Share::Column => panel % columns,
        Share::All => 0,
    };
    let range = |share: Share, panel: usize, horizontal: bool| {
        let own = axis_of(&chart.panels[panel], horizontal);
        let mut extent = Extent::default();
        for (i, member) in chart.panels.iter().enumerate() {
            // Axes of different kinds have nothing to share.
            if group(share, i) == group(share, panel)
                && axis_of(member, horizontal).scale == own.scale
            {
                extent.add(member, horizontal);
            }
        }
        extent.range(own)
    };
    (0..chart.panels.len())
        .map(|panel| {
            (
                range(chart.share_x, panel, true),
                range(chart.share_y, panel, false),
            )
        })
        .collect()
}

fn axis_of(panel: &Panel, horizontal: bool) -> &Axis {
    if horizontal { &panel.x } else { &panel.y }
}

/// Smallest and largest position of some data.
#[derive(Debug, Default)]
struct Extent {
    ends: Option<(f64, f64)>,
    zero: bool,
}

impl Extent {
    fn add(&mut self, panel: &Panel, horizontal: bool) {
        let axis = axis_of(panel, horizontal);
        let log = axis.scale == Scale::Log;
        self.zero |= axis.zero;
        for series in &panel.series {
            let along = (series.mark == Mark::Forest) == horizontal;
            self.zero |= series.mark == Mark::Bars && !horizontal;
            for point in &series.points {
                self.value(if horizontal { point.x } else { point.y }, log);
                if let Some((low, high)) = point.interval.filter(|_| along) {
                    self.value(low, log);
                    self.value(high, log);
                }
            }
        }
        for rule in &panel.rules {
            if (rule.direction == crate::report::Direction::Vertical) == horizontal {
                self.value(rule.at, log);
            }
        }
    }

    fn value(&mut self, value: f64, log: bool) {
        if !value.is_finite() || (log && value <= 0.0) || value.abs() > LIMIT && !log {
            return;
        }
        let position = if log { value.log10() } else { value };
        self.ends = Some(match self.ends {
            None => (position, position),
            Some((low, high)) => (low.min(position), high.max(position)),
        });
    }

    fn range(&self, axis: &Axis) -> Range {
        if !axis.categories.is_empty() {
            return Range {
                low: -0.5,
                high: axis.categories.len() as f64 - 0.5,
                log: false,
            };
        }
        let log = axis.scale == Scale::Log;
        let fixed = axis
            .range
            .filter(|(low, high)| low.is_finite() && high.is_finite() && low < high);
        match fixed.filter(|(low, _)| !log || *low > 0.0) {
            Some((low, high)) if log => Range {
                low: low.log10(),
                high: high.log10(),
                log,
            },
            Some((low, high)) => Range {
                low: low.max(-LIMIT),
                high: high.min(LIMIT),
                log,
            },
            None => self.chosen(log),
        }
    }

    /// A range with a little room around the data, none below a zero that bounds it.
    fn chosen(&self, log: bool) -> Range {
        let (mut low, mut high) = self.ends.unwrap_or((0.0, 1.0));
        if self.zero && !log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let room = if high > low {
            0.045 * (high - low)
        } else if log {
            0.15
        } else if low == 0.0 {
            0.5
        } else {
            0.05 * low.abs()
        };
        let low_end = if self.zero && low == 0.0 && high > 0.0 {
            0.0
        } else {
            low - room
        };
        let high_end = if self.zero && high == 0.0 && low < 0.0 {
            0.0
        } else {
            high + room
        };
        Range {
            low: low_end,
            high: high_end,
            log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Point, Series};

    #[test]
    fn ranges_ignore_what_cannot_be_shown() {
        let points = [
            (1.0, f64::NAN),
            (2.0, f64::INFINITY),
            (3.0, -5.0),
            (4.0, 10.0),
            (5.0, 1000.0),
        ];
        let series = Series::new("a", 0, Mark::Line).points(points);
        let panel = Panel::new("", Axis::new(""), Axis::new("").log()).series(series);
        let (_, y) = ranges(&Chart::new("c", "", "").panel(panel), 1)[0];
        assert!(
            y.log && y.low < 1.0 && y.low > 0.8 && y.high > 3.0 && y.high < 3.2,
            "{y:?}"
        );
        assert_eq!(y.place(f64::NAN), Place::NotANumber);
        assert_eq!(y.place(-5.0), Place::NotPositive);
        assert_eq!(y.place(f64::INFINITY), Place::Above(f64::INFINITY));
    }

    #[test]
    fn shared_ranges_cover_their_group_only() {
        let panel = |top: f64| {
            let series = Series::new("a", 0, Mark::Points)
                .points([Point::at(0.0, 0.0), Point::at(1.0, top)]);
            Panel::new("", Axis::new(""), Axis::new("")).series(series)
        };
        let tops = [1.0, 2.0, 30.0, 40.0];
        let mut chart = tops
            .into_iter()
            .fold(Chart::new("c", "", ""), |chart, top| {
                chart.panel(panel(top))
            });
        let highs = |chart: &Chart| {
            ranges(chart, 2)
                .into_iter()
                .map(|(_, y)| y.high.floor())
                .collect::<Vec<_>>()
        };
        chart.share_y = Share::Row;
        assert_eq!(highs(&chart), [2.0, 2.0, 41.0, 41.0]);
        chart.share_y = Share::Column;
        assert_eq!(highs(&chart), [31.0, 41.0, 31.0, 41.0]);
        chart.share_y = Share::All;
        assert_eq!(highs(&chart), [41.0; 4]);
    }

    #[test]
    fn linear_and_logarithmic_axes_do_not_share() {
        let panel = |axis: Axis| {
            let series = Series::new("a", 0, Mark::Points).points([(0.0, 1.0), (1.0, 1e300)]);
            Panel::new("", Axis::new(""), axis).series(series)
        };
        let chart = Chart::new("c", "", "")
            .panel(panel(Axis::new("")))
            .panel(panel(Axis::new("").log()));
        let ranges = ranges(&chart.share(Share::All, Share::All), 2);
        assert!(ranges[0].1.high > 1e300);
        assert!(ranges[1].1.high < 400.0);
    }

    #[test]
    fn bars_begin_at_zero_and_intervals_count() {
        let bars = Series::new("a", 0, Mark::Bars).points([Point::at(0.0, 4.0).between(3.0, 8.0)]);
        let panel = Panel::new("", Axis::categories("", ["one"]), Axis::new("")).series(bars);
        let (x, y) = ranges(&Chart::new("c", "", "").panel(panel), 1)[0];
        assert_eq!((x.low, x.high), (-0.5, 0.5));
        assert_eq!(y.low, 0.0);
        assert!(y.high > 8.0);
        assert_eq!(y.base(), 0.0);
    }
}
