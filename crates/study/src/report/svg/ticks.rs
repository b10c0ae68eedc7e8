//! Ticks at round numbers, and their labels.

use super::scale::Range;
use crate::report::Axis;
use crate::report::number::{exponent, fixed, significant};

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
}
