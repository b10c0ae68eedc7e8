//! From values to positions: ranges of axes, shared among panels where the chart says so, and ticks at round numbers.

use crate::report::number::{exponent, fixed, significant};
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

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Share of the axis, from 0 to 1.
    pub(super) at: f64,
    /// Marked-up label; empty for a small tick between labeled ones.
    pub(super) label: String,
}

/// Ticks of an axis: about `target` labeled ones.
pub(super) fn ticks(axis: &Axis, range: &Range, target: usize) -> Vec<Tick> {
    let target = target.max(2);
    if !axis.categories.is_empty() {
        let n = axis.categories.len() as f64;
        return (axis.categories.iter().enumerate())
            .map(|(i, label)| Tick {
                at: (i as f64 + 0.5) / n,
                label: label.clone(),
            })
            .collect();
    }
    if range.log {
        log_ticks(range, target)
    } else {
        linear_ticks(range, axis.integers, target)
    }
}

fn linear_ticks(range: &Range, integers: bool, target: usize) -> Vec<Tick> {
    let values = round_numbers(range.low, range.high, target, integers);
    let labels = linear_labels(&values);
    let share = |value: f64| (value - range.low) / (range.high - range.low);
    values
        .iter()
        .zip(labels)
        .map(|(value, label)| Tick {
            at: share(*value),
            label,
        })
        .collect()
}

/// Multiples of 1, 2 or 5 times a power of ten between two ends, about as many as wanted.
fn round_numbers(low: f64, high: f64, target: usize, integers: bool) -> Vec<f64> {
    let rough = (high - low) / target as f64;
    if rough <= 0.0 || !rough.is_finite() {
        return vec![low];
    }
    let power = exponent(rough);
    // Larger steps first: of two that are equally far from the target, the one with fewer ticks wins.
    let candidates = (power - 1..=power + 1)
        .rev()
        .flat_map(|p| [5.0, 2.0, 1.0].map(|m| (m, p)));
    let usable = candidates.filter(|(_, p)| !integers || *p >= 0);
    let count = |(m, p): (f64, i32)| {
        let step = m * 10f64.powi(p);
        (high / step).floor() - (low / step).ceil() + 1.0
    };
    // One tick alone does not make a scale.
    let error = |step: (f64, i32)| {
        let alone = if count(step) < 2.0 { 1e3 } else { 0.0 };
        (count(step) - target as f64).abs() + alone
    };
    let (multiple, power) = usable
        .min_by(|a, b| error(*a).total_cmp(&error(*b)))
        .unwrap_or((1.0, 0));
    let slack = 1e-9 * (high - low);
    let step = multiple * 10f64.powi(power);
    let first = ((low - slack) / step).ceil();
    let n = (((high + slack) / step).floor() - first).clamp(-1.0, 100.0) as i64;
    // By division where the step is a fraction, so that 3 · 0.1 is 0.3.
    let value = |i: i64| {
        let k = first + i as f64;
        if power < 0 {
            k * multiple / 10f64.powi(-power)
        } else {
            k * step
        }
    };
    (0..=n)
        .map(value)
        .map(|v| if v == 0.0 { 0.0 } else { v })
        .collect()
}

/// Labels with the same number of decimals; thousands and millions by letter, powers of ten beyond and for the very small.
fn linear_labels(values: &[f64]) -> Vec<String> {
    let largest = values.iter().map(|v| v.abs()).fold(0.0, f64::max);
    if largest >= 1e12 || (largest > 0.0 && largest < 1e-3) {
        return values.iter().map(|v| short_power(*v)).collect();
    }
    let (unit, letter) = match largest {
        l if l >= 1e9 => (1e9, "G"),
        l if l >= 1e6 => (1e6, "M"),
        l if l >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled: Vec<f64> = values.iter().map(|v| v / unit).collect();
    let exact = |decimals: &usize| {
        scaled.iter().all(|v| {
            let shown: f64 = format!("{v:.decimals$}").parse().unwrap_or(f64::NAN);
            (shown - v).abs() <= 1e-9 * largest / unit
        })
    };
    let decimals = (0..9).find(exact).unwrap_or(9);
    let letter = |v: f64| if v == 0.0 { "" } else { letter };
    scaled
        .iter()
        .map(|v| format!("{}{}", fixed(*v, decimals), letter(*v)))
        .collect()
}

/// A number as m×10^p with as few digits as it needs.
fn short_power(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = (1..6)
        .map(|digits| format!("{value:.*e}", digits - 1))
        .find(|text| {
            let back: f64 = text.parse().unwrap_or(f64::NAN);
            (back - value).abs() <= 1e-9 * value.abs()
        });
    let text = text.unwrap_or_else(|| format!("{value:.4e}"));
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power = format!("10^{{{}}}", power.replace('-', "\u{2212}"));
    match mantissa {
        "1" => power,
        "-1" => format!("\u{2212}{power}"),
        _ => format!("{}×{power}", mantissa.replace('-', "\u{2212}")),
    }
}

fn log_ticks(range: &Range, target: usize) -> Vec<Tick> {
    let decades = range.high - range.low;
    if decades < 0.7 {
        let values = round_numbers(10f64.powf(range.low), 10f64.powf(range.high), target, false);
        let positive: Vec<f64> = values.into_iter().filter(|v| *v > 0.0).collect();
        let labels = linear_labels(&positive);
        let at = |v: f64| (v.log10() - range.low) / decades;
        return positive
            .iter()
            .zip(labels)
            .map(|(v, label)| Tick { at: at(*v), label })
            .collect();
    }
    let multiples: &[f64] = match decades * 3.0 <= target as f64 + 1.0 {
        true => &[1.0, 2.0, 5.0],
        false => &[1.0],
    };
    let step = [1, 2, 5, 10, 20, 50, 100, 200]
        .into_iter()
        .find(|s| decades / f64::from(*s) <= target as f64)
        .unwrap_or(500);
    let mut labeled: Vec<(f64, f64)> = Vec::new(); // multiple, power
    let mut between: Vec<f64> = Vec::new();
    for power in range.low.floor() as i32..=range.high.ceil() as i32 {
        for multiple in 1..10 {
            let multiple = f64::from(multiple);
            let at = (f64::from(power) + multiple.log10() - range.low) / decades;
            if !(-1e-9..=1.0 + 1e-9).contains(&at) {
                continue;
            }
            if multiples.contains(&multiple) && power.rem_euclid(step) == 0 {
                labeled.push((multiple, f64::from(power)));
            } else if (step == 1 && decades <= 8.0) || (multiple == 1.0 && step <= 10) {
                between.push(at);
            }
        }
    }
    let plain = labeled.iter().all(|(_, power)| (-3.0..5.0).contains(power));
    let label = |(multiple, power): (f64, f64)| {
        let value = multiple * 10f64.powf(power);
        if plain {
            significant_plain(value, power)
        } else {
            short_label(multiple, power)
        }
    };
    let at = |(multiple, power): (f64, f64)| (power + multiple.log10() - range.low) / decades;
    let named = labeled.iter().map(|tick| Tick {
        at: at(*tick),
        label: label(*tick),
    });
    named
        .chain(between.into_iter().map(|at| Tick {
            at,
            label: String::new(),
        }))
        .collect()
}

fn significant_plain(value: f64, power: f64) -> String {
    if power < 0.0 {
        fixed(value, (-power) as usize)
    } else {
        significant(value, power as usize + 1)
    }
}

fn short_label(multiple: f64, power: f64) -> String {
    let power = format!("10^{{{}}}", power.to_string().replace('-', "\u{2212}"));
    if multiple == 1.0 {
        power
    } else {
        format!("{multiple}×{power}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Point, Series};

    fn labels(axis: &Axis, range: &Range, target: usize) -> Vec<String> {
        ticks(axis, range, target)
            .into_iter()
            .map(|t| t.label)
            .filter(|l| !l.is_empty())
            .collect()
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let axis = Axis::new("");
        let linear = |low, high| Range {
            low,
            high,
            log: false,
        };
        assert_eq!(
            labels(&axis, &linear(0.0, 1.0), 6),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(&axis, &linear(-0.13, 0.31), 5),
            ["\u{2212}0.1", "0.0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(
            labels(&axis, &linear(0.0, 250_000.0), 6),
            ["0", "50k", "100k", "150k", "200k", "250k"]
        );
        assert_eq!(
            labels(&axis, &linear(0.0, 2e-5), 3),
            ["0", "10^{\u{2212}5}", "2×10^{\u{2212}5}"]
        );
        assert_eq!(
            labels(&axis.clone().integers(), &linear(0.8, 3.2), 9),
            ["1", "2", "3"]
        );
    }

    #[test]
    fn logarithmic_ticks_thin_out_over_many_decades() {
        let axis = Axis::new("").log();
        let log = |low, high| Range {
            low,
            high,
            log: true,
        };
        assert_eq!(labels(&axis, &log(0.0, 3.0), 6), ["1", "10", "100", "1000"]);
        assert_eq!(
            labels(&axis, &log(-1.0, 0.31), 6),
            ["0.1", "0.2", "0.5", "1", "2"]
        );
        let wide = labels(&axis, &log(0.0, 300.0), 6);
        assert_eq!(
            wide,
            [
                "10^{0}", "10^{50}", "10^{100}", "10^{150}", "10^{200}", "10^{250}", "10^{300}"
            ]
        );
        assert_eq!(
            labels(&axis, &log(2.0, 2.3), 4),
            ["100", "120", "140", "160", "180"]
        );
    }

    #[test]
    fn every_tick_lies_on_its_axis() {
        for (low, high) in [
            (-1e300, 1e300),
            (0.0, 5e-324),
            (1e15, 1e15 + 2.0),
            (-7.3, -7.1),
            (99.99, 100.01),
        ] {
            for target in [2, 5, 12] {
                let range = Range {
                    low,
                    high,
                    log: false,
                };
                for tick in ticks(&Axis::new(""), &range, target) {
                    assert!(
                        (-1e-6..=1.0 + 1e-6).contains(&tick.at),
                        "{low} {high} {target}: {tick:?}"
                    );
                }
            }
        }
        for (low, high) in [(-323.0, 308.0), (0.0, 0.01), (-5.0, -4.0), (0.0, 1.2)] {
            let range = Range {
                low,
                high,
                log: true,
            };
            let ticks = ticks(&Axis::new("").log(), &range, 5);
            assert!(ticks.iter().all(|t| (-1e-6..=1.0 + 1e-6).contains(&t.at)));
        }
    }

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
