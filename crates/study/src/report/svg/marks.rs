//! Draws the series of a panel: lines with bands, markers with error bars, bars, and rows of intervals.

use std::collections::BTreeMap;

use super::canvas::{Canvas, Stroke, path_through};
use super::clip::clipped_runs;
use super::ink::{DASH, MARKER, arrow, color_of, marker, repeat_dash, shape_of};
use super::layout::Frame;
use super::palette::Color;
use super::scale::{Place, Range};
use crate::report::markup::plain;
use crate::report::number::significant;
use crate::report::{Chart, Ink, Mark, Panel, Point, Series};

/// Half the width of the cap of an error bar.
const CAP: f64 = 3.5;

/// Draws all series of a panel.
pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, panel: &Panel, frame: &Frame) {
    let mut pen = Pen {
        canvas,
        chart,
        panel,
        frame,
        dodge: Dodge::new(panel),
        stacked: BTreeMap::new(),
    };
    for series in &panel.series {
        if matches!(series.mark, Mark::Line | Mark::Dashed | Mark::LineAndPoints) {
            pen.band(series);
        }
    }
    for (i, series) in panel.series.iter().enumerate() {
        match series.mark {
            Mark::Line | Mark::Dashed | Mark::LineAndPoints => pen.line(series),
            Mark::Points | Mark::Forest => pen.markers(i, series),
            Mark::Bars => pen.bars(i, series),
        }
    }
}

/// Side-by-side places of several series in one category.
struct Dodge {
    /// Series that have points in a category, in drawing order.
    present: BTreeMap<(bool, i64), Vec<usize>>,
    most: usize,
}

impl Dodge {
    fn new(panel: &Panel) -> Self {
        let mut present: BTreeMap<(bool, i64), Vec<usize>> = BTreeMap::new();
        for (i, series) in panel.series.iter().enumerate() {
            let horizontal = series.mark != Mark::Forest;
            let axis = if horizontal { &panel.x } else { &panel.y };
            if axis.categories.is_empty()
                || !matches!(series.mark, Mark::Bars | Mark::Points | Mark::Forest)
            {
                continue;
            }
            for point in &series.points {
                let members = present.entry(key(point, horizontal)).or_default();
                if !members.contains(&i) {
                    members.push(i);
                }
            }
        }
        let most = present.values().map(Vec::len).max().unwrap_or(1);
        Self { present, most }
    }

    /// Offset from the middle of the category, in widths of one series.
    fn offset(&self, series: usize, point: &Point, horizontal: bool) -> f64 {
        let Some(members) = self.present.get(&key(point, horizontal)) else {
            return 0.0;
        };
        let index = members.iter().position(|m| *m == series).unwrap_or(0);
        index as f64 - (members.len() as f64 - 1.0) / 2.0
    }
}

fn key(point: &Point, horizontal: bool) -> (bool, i64) {
    let position = if horizontal { point.x } else { point.y };
    (horizontal, position.round() as i64) // casting saturates
}

/// Largest number of series side by side in one category of a panel.
pub(super) fn abreast(panel: &Panel) -> usize {
    Dodge::new(panel).most
}

/// What drawing the series of one panel needs.
struct Pen<'a> {
    canvas: &'a mut Canvas,
    chart: &'a Chart,
    panel: &'a Panel,
    frame: &'a Frame,
    dodge: Dodge,
    /// Off-scale markers already drawn at a place of the edge.
    stacked: BTreeMap<(u8, i64), usize>,
}

impl Pen<'_> {
    fn y(&self, share: f64) -> f64 {
        self.frame.at_y(share, !self.panel.y.categories.is_empty())
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.frame.at_x(x), self.y(y))
    }

    /// The band between the ends of the points' intervals, interrupted where a point has none.
    fn band(&mut self, series: &Series) {
        let color = color_of(series.ink, self.chart);
        let mut runs: Vec<Vec<(f64, f64, f64)>> = vec![Vec::new()];
        for point in &series.points {
            let inside = match (self.frame.x.place(point.x), point.interval) {
                (Place::At(x), Some((low, high))) => {
                    let ends = (clamped(&self.frame.y, low), clamped(&self.frame.y, high));
                    if let (Some(low), Some(high)) = ends {
                        Some((x, low, high))
                    } else {
                        None
                    }
                }
                _ => None,
            };
            match (inside, runs.last_mut()) {
                (Some(piece), Some(run)) => run.push(piece),
                _ => runs.push(Vec::new()),
            }
        }
        for run in runs.iter().filter(|run| run.len() > 1) {
            let upper = run.iter().map(|(x, _, high)| self.at((*x, *high)));
            let lower = run.iter().rev().map(|(x, low, _)| self.at((*x, *low)));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            self.canvas.shape(
                &format!("{}Z", path_through(&outline)),
                color,
                0.16,
                None,
                "",
            );
        }
    }

    fn line(&mut self, series: &Series) {
        let color = color_of(series.ink, self.chart);
        let (width, dash) = match (series.ink, series.mark) {
            (Ink::Sequence(_), Mark::Dashed) => (1.15, DASH),
            (Ink::Sequence(_), _) => (1.15, ""),
            (_, Mark::Dashed) => (1.6, DASH),
            (_, _) => (1.7, repeat_dash(series.ink)),
        };
        let stroke = Stroke {
            dash,
            ..Stroke::new(color, width)
        };
        let shares: Vec<Option<(f64, f64)>> =
            series.points.iter().map(|p| self.unclipped(p)).collect();
        for run in clipped_runs(&shares) {
            let points: Vec<(f64, f64)> = run.into_iter().map(|share| self.at(share)).collect();
            self.canvas.polyline(&points, stroke, &plain(&series.name));
        }
        let mut was_off = false;
        for (i, point) in series.points.iter().enumerate() {
            let places = (self.frame.x.place(point.x), self.frame.y.place(point.y));
            let off = off_scale(places);
            if let (Place::At(x), Place::At(y)) = places {
                let alone = (i == 0 || shares[i - 1].is_none())
                    && shares.get(i + 1).is_none_or(Option::is_none);
                if series.mark == Mark::LineAndPoints {
                    self.marker(series, point, self.at((x, y)), 0.85 * MARKER);
                } else if alone {
                    self.marker(series, point, self.at((x, y)), 0.6 * MARKER);
                }
            } else if off && !was_off {
                self.beyond(series, point, places, 0.0);
            }
            was_off = off;
        }
    }

    /// Shares of a point's place, also beyond the axes.
    fn unclipped(&self, point: &Point) -> Option<(f64, f64)> {
        let share = |place: Place| match place {
            Place::At(share) | Place::Below(share) | Place::Above(share) => Some(share),
            Place::NotANumber | Place::NotPositive => None,
        };
        Some((
            share(self.frame.x.place(point.x))?,
            share(self.frame.y.place(point.y))?,
        ))
    }

    fn markers(&mut self, index: usize, series: &Series) {
        let forest = series.mark == Mark::Forest;
        let slot = self.slot(!forest) * if forest { 0.8 } else { 0.62 } / self.dodge.most as f64;
        for point in &series.points {
            let places = (self.frame.x.place(point.x), self.frame.y.place(point.y));
            let shift = self.dodge.offset(index, point, !forest) * slot;
            let (Place::At(x), Place::At(y)) = places else {
                if off_scale(places) {
                    self.beyond(series, point, places, shift);
                }
                continue;
            };
            let (px, py) = self.at((x, y));
            let center = if forest {
                (px, py + shift)
            } else {
                (px + shift, py)
            };
            self.error_bar(series, point, center);
            self.marker(series, point, center, MARKER);
        }
    }

    /// Width or height of a category; zero on an axis without categories.
    fn slot(&self, horizontal: bool) -> f64 {
        let (axis, length) = match horizontal {
            true => (&self.panel.x, self.frame.width),
            false => (&self.panel.y, self.frame.height),
        };
        if axis.categories.is_empty() {
            0.0
        } else {
            length / axis.categories.len() as f64
        }
    }

    fn error_bar(&mut self, series: &Series, point: &Point, center: (f64, f64)) {
        let forest = series.mark == Mark::Forest;
        let range = if forest { &self.frame.x } else { &self.frame.y };
        let Some((low, high)) = point.interval else {
            return;
        };
        let (Some(low), Some(high)) = (clamped(range, low), clamped(range, high)) else {
            return;
        };
        let color = if series.mark == Mark::Bars {
            Color::Ink
        } else {
            color_of(series.ink, self.chart)
        };
        let stroke = Stroke::new(color, if forest { 1.7 } else { 1.3 });
        let (x, y) = center;
        if forest {
            let (left, right) = (self.frame.at_x(low), self.frame.at_x(high));
            self.canvas.line((left, y), (right, y), stroke);
            return;
        }
        let (bottom, top) = (self.y(low), self.y(high));
        let data = [
            ((x, bottom), (x, top)),
            ((x - CAP, top), (x + CAP, top)),
            ((x - CAP, bottom), (x + CAP, bottom)),
        ];
        for (from, to) in data {
            self.canvas.line(from, to, stroke);
        }
    }

    fn bars(&mut self, index: usize, series: &Series) {
        let color = color_of(series.ink, self.chart);
        let categories = !self.panel.x.categories.is_empty();
        let slot = if categories {
            self.slot(true)
        } else {
            self.frame.width / (series.points.len() + 1) as f64
        };
        let wide = (0.74 * slot / self.dodge.most as f64).min(56.0);
        let base = self.y(self.frame.y.base());
        for point in &series.points {
            let places = (self.frame.x.place(point.x), self.frame.y.place(point.y));
            let (Place::At(x), Some(y)) = (places.0, clamped(&self.frame.y, point.y)) else {
                continue;
            };
            let middle = self.frame.at_x(x) + self.dodge.offset(index, point, true) * wide;
            let top = self.y(y);
            let (upper, tall) = (top.min(base), (top - base).abs());
            let gap = if self.dodge.most > 1 { 1.0 } else { 0.0 };
            let tip = tip(series, point);
            self.canvas.rectangle(
                (middle - wide / 2.0 + gap / 2.0, upper),
                (wide - gap, tall),
                color,
                &tip,
            );
            self.error_bar(series, point, (middle, top));
            if off_scale(places) {
                self.beyond(series, point, places, middle - self.frame.at_x(x));
            }
        }
    }

    fn marker(&mut self, series: &Series, point: &Point, center: (f64, f64), radius: f64) {
        let color = color_of(series.ink, self.chart);
        let path = marker(shape_of(series.ink), center, radius);
        let opacity = if series.mark == Mark::Points {
            0.88
        } else {
            1.0
        };
        self.canvas.shape(
            &path,
            color,
            opacity,
            Some(Color::Paper),
            &tip(series, point),
        );
    }

    /// A triangle on the edge beyond which a point lies; several at one place are stacked inward.
    fn beyond(&mut self, series: &Series, point: &Point, (x, y): (Place, Place), shift: f64) {
        let edge = |place: Place| match place {
            Place::At(share) => share,
            Place::Above(_) => 1.0,
            _ => 0.0,
        };
        let (mut cx, mut cy) = self.at((edge(x), edge(y)));
        let horizontal = series.mark != Mark::Forest;
        if horizontal {
            cx += shift;
        } else {
            cy += shift;
        }
        // Which edge, and the direction of the triangle there (right, left, up, down).
        let (side, direction) = match (x, y) {
            (Place::Above(_), _) => (0, (1.0, 0.0)),
            (Place::Below(_), _) => (1, (-1.0, 0.0)),
            (_, Place::Above(_)) => (2, (0.0, -1.0)),
            _ => (3, (0.0, 1.0)),
        };
        let along = if side < 2 { cy } else { cx };
        let before = self
            .stacked
            .entry((side, (along / 6.0).round() as i64))
            .or_insert(0);
        let inward = 4.5 + 8.0 * *before as f64;
        *before += 1;
        let center = (cx - direction.0 * inward, cy - direction.1 * inward);
        let color = color_of(series.ink, self.chart);
        self.canvas.shape(
            &arrow(center, direction),
            color,
            1.0,
            Some(Color::Paper),
            &tip(series, point),
        );
    }
}

fn off_scale(places: (Place, Place)) -> bool {
    let shown = |p: Place| !matches!(p, Place::NotANumber | Place::NotPositive);
    let inside = |p: Place| matches!(p, Place::At(_));
    shown(places.0) && shown(places.1) && !(inside(places.0) && inside(places.1))
}

/// The share of a value, at the edge where it lies beyond; values that are not positive lie at the lower edge of a logarithmic axis.
fn clamped(range: &Range, value: f64) -> Option<f64> {
    match range.place(value) {
        Place::At(share) => Some(share),
        Place::Below(_) | Place::NotPositive => Some(0.0),
        Place::Above(_) => Some(1.0),
        Place::NotANumber => None,
    }
}

/// What shows when the pointer rests on a point.
fn tip(series: &Series, point: &Point) -> String {
    let value = |v: f64| {
        if v.is_finite() {
            plain(&significant(v, 4))
        } else {
            "∞".to_owned()
        }
    };
    let name = plain(&series.name);
    match (point.label.is_empty(), name.is_empty()) {
        (false, true) => plain(&point.label),
        (false, false) => format!("{name}: {}", plain(&point.label)),
        (true, true) => format!("{}, {}", value(point.x), value(point.y)),
        (true, false) => format!("{name}: {}, {}", value(point.x), value(point.y)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_stand_side_by_side_only_where_they_meet() {
        let bars = |points: &[(f64, f64)]| Series::new("", 0, Mark::Bars).points(points.to_vec());
        let axis = crate::report::Axis::categories("", ["a", "b"]);
        let panel = Panel::new("", axis, crate::report::Axis::default());
        let panel = panel
            .series(bars(&[(0.0, 1.0)]))
            .series(bars(&[(0.0, 1.0), (1.0, 1.0)]));
        let dodge = Dodge::new(&panel);
        assert_eq!(dodge.most, 2);
        assert_eq!(dodge.offset(0, &Point::at(0.0, 0.0), true), -0.5);
        assert_eq!(dodge.offset(1, &Point::at(0.0, 0.0), true), 0.5);
        assert_eq!(dodge.offset(1, &Point::at(1.0, 0.0), true), 0.0);
        assert_eq!(abreast(&panel), 2);
    }
}
