//! Colors, markers and dashes of series.

use super::canvas::{number, path_through};
use super::palette::{CATEGORIES, Color, SEQUENTIAL};
use crate::report::{Chart, Ink};

/// Radius of a marker.
pub(super) const MARKER: f64 = 3.8;
/// Dashes of reference lines and dashed series.
pub(super) const DASH: &str = "5 3.5";

/// The color of a series.
pub(super) fn color_of(ink: Ink, chart: &Chart) -> Color {
    match ink {
        Ink::Category(i) => Color::Category(i),
        Ink::Neutral => Color::Muted,
        Ink::Sequence(value) => {
            let (first, last) = sequence_ends(chart);
            let share = if last == first {
                1.0
            } else {
                (value - first) / (last - first)
            };
            // A value that is not a number has the first color: casting saturates.
            Color::Sequential((share.clamp(0.0, 1.0) * (SEQUENTIAL - 1) as f64).round() as usize)
        }
    }
}

fn sequence_ends(chart: &Chart) -> (f64, f64) {
    if let Some(sequence) = &chart.sequence {
        return (sequence.first, sequence.last);
    }
    let values = chart
        .panels
        .iter()
        .flat_map(|p| &p.series)
        .filter_map(|s| match s.ink {
            Ink::Sequence(value) if value.is_finite() => Some(value),
            _ => None,
        });
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}

/// The marker of a series.
pub(super) fn shape_of(ink: Ink) -> usize {
    match ink {
        Ink::Category(i) => i % CATEGORIES,
        Ink::Sequence(_) | Ink::Neutral => 0,
    }
}

/// Dashes that tell apart lines whose colors repeat.
pub(super) fn repeat_dash(ink: Ink) -> &'static str {
    match ink {
        Ink::Category(i) if i / CATEGORIES % 2 == 1 => "7 2.5",
        _ => "",
    }
}

/// Path of marker number `shape`, about equally large to the eye.
pub(super) fn marker(shape: usize, (x, y): (f64, f64), r: f64) -> String {
    let corners: &[(f64, f64)] = match shape % CATEGORIES {
        0 => {
            let (left, right, r, y) = (number(x - r), number(x + r), number(r), number(y));
            return format!("M{left} {y}A{r} {r} 0 1 1 {right} {y}A{r} {r} 0 1 1 {left} {y}Z");
        }
        1 => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        3 => &[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)],
        4 => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        5 => &[
            (-0.4, -1.2),
            (0.4, -1.2),
            (0.4, -0.4),
            (1.2, -0.4),
            (1.2, 0.4),
            (0.4, 0.4),
            (0.4, 1.2),
            (-0.4, 1.2),
            (-0.4, 0.4),
            (-1.2, 0.4),
            (-1.2, -0.4),
            (-0.4, -0.4),
        ],
        6 => &[
            (0.0, -1.2),
            (1.15, -0.35),
            (0.7, 1.0),
            (-0.7, 1.0),
            (-1.15, -0.35),
        ],
        _ => &[
            (-0.55, -1.1),
            (0.0, -0.55),
            (0.55, -1.1),
            (1.1, -0.55),
            (0.55, 0.0),
            (1.1, 0.55),
            (0.55, 1.1),
            (0.0, 0.55),
            (-0.55, 1.1),
            (-1.1, 0.55),
            (-0.55, 0.0),
            (-1.1, -0.55),
        ],
    };
    let points: Vec<(f64, f64)> = corners
        .iter()
        .map(|(dx, dy)| (x + dx * r, y + dy * r))
        .collect();
    format!("{}Z", path_through(&points))
}

/// A triangle that points in a direction.
pub(super) fn arrow((x, y): (f64, f64), (dx, dy): (f64, f64)) -> String {
    let r = MARKER;
    let corners = [(1.2, 0.0), (-0.8, 1.1), (-0.8, -1.1)];
    let points: Vec<(f64, f64)> = corners
        .iter()
        .map(|(a, b)| (x + r * (a * dx - b * dy), y + r * (a * dy + b * dx)))
        .collect();
    format!("{}Z", path_through(&points))
}
