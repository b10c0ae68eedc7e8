//! Draws what surrounds the series of a panel: grid, reference lines, axes, heading; and the cells of a heat map.

use super::canvas::{Anchor, Canvas, Stroke, Type};
use super::grid::{x_label_lines, x_label_offset, y_label_lines};
use super::ink::DASH;
use super::layout::{Frame, LINE, SLANT, Sizes, TICK_GAP};
use super::marks;
use super::metrics::width;
use super::palette::{Color, DIVERGING, SEQUENTIAL};
use super::scale::Place;
use crate::report::number::fixed;
use crate::report::{Chart, Direction, Heat, Panel};

/// Draws one panel.
pub(super) fn draw(
    canvas: &mut Canvas,
    chart: &Chart,
    panel: &Panel,
    frame: &Frame,
    sizes: &Sizes,
) {
    match &panel.heat {
        Some(heat) => cells(canvas, panel, heat, frame, sizes),
        None => grid(canvas, panel, frame),
    }
    rules(canvas, panel, frame);
    marks::draw(canvas, chart, panel, frame);
    if panel.heat.is_none() {
        lines(canvas, panel, frame);
        if panel.series.iter().all(|s| s.points.is_empty()) {
            let center = (
                frame.left + frame.width / 2.0,
                frame.top + frame.height / 2.0,
            );
            canvas.text(
                center,
                Type::new(sizes.label, Color::Muted, Anchor::Middle),
                "no data",
            );
        }
    }
    x_text(canvas, panel, frame, sizes);
    y_text(canvas, panel, frame, sizes);
    heading(canvas, frame, sizes);
}

fn grid(canvas: &mut Canvas, panel: &Panel, frame: &Frame) {
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
    let faint = Stroke::new(Color::Grid, 1.0);
    let rows = !panel.y.categories.is_empty();
    for tick in frame.y_ticks.iter().filter(|t| !t.label.is_empty()) {
        let y = frame.at_y(tick.at, rows);
        canvas.line((frame.left, y), (right, y), faint);
    }
    if panel.x.categories.is_empty() {
        for tick in frame.x_ticks.iter().filter(|t| !t.label.is_empty()) {
            let x = frame.at_x(tick.at);
            canvas.line((x, frame.top), (x, bottom), faint);
        }
    }
    let zero = Stroke::new(Color::Axis, 1.0);
    if let (true, Place::At(share)) = (frame.y.straddles_zero() && !rows, frame.y.place(0.0)) {
        let y = frame.at_y(share, false);
        canvas.line((frame.left, y), (right, y), zero);
    }
    if let (true, Place::At(share)) = (
        frame.x.straddles_zero() && panel.x.categories.is_empty(),
        frame.x.place(0.0),
    ) {
        let x = frame.at_x(share);
        canvas.line((x, frame.top), (x, bottom), zero);
    }
}

fn rules(canvas: &mut Canvas, panel: &Panel, frame: &Frame) {
    let stroke = Stroke {
        dash: DASH,
        ..Stroke::new(Color::Muted, 1.2)
    };
    for rule in &panel.rules {
        match rule.direction {
            Direction::Horizontal => {
                if let Place::At(share) = frame.y.place(rule.at) {
                    let y = frame.at_y(share, !panel.y.categories.is_empty());
                    canvas.line((frame.left, y), (frame.left + frame.width, y), stroke);
                }
            }
            Direction::Vertical => {
                if let Place::At(share) = frame.x.place(rule.at) {
                    let x = frame.at_x(share);
                    canvas.line((x, frame.top), (x, frame.top + frame.height), stroke);
                }
            }
        }
    }
}

/// The axes' lines and small ticks.
fn lines(canvas: &mut Canvas, panel: &Panel, frame: &Frame) {
    let stroke = Stroke::new(Color::Axis, 1.0);
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
    canvas.line((frame.left, bottom), (right, bottom), stroke);
    if panel.x.categories.is_empty() {
        for tick in &frame.x_ticks {
            let length = if tick.label.is_empty() { 2.5 } else { 4.0 };
            let x = frame.at_x(tick.at);
            canvas.line((x, bottom), (x, bottom + length), stroke);
        }
    }
    if panel.y.categories.is_empty() {
        canvas.line((frame.left, frame.top), (frame.left, bottom), stroke);
        for tick in &frame.y_ticks {
            let length = if tick.label.is_empty() { 2.5 } else { 4.0 };
            let y = frame.at_y(tick.at, false);
            canvas.line((frame.left - length, y), (frame.left, y), stroke);
        }
    }
}

fn x_text(canvas: &mut Canvas, panel: &Panel, frame: &Frame, sizes: &Sizes) {
    if !frame.shows_x {
        return;
    }
    let bottom = frame.top + frame.height;
    let categorical = !panel.x.categories.is_empty();
    let color = if categorical {
        Color::Ink
    } else {
        Color::Muted
    };
    for tick in frame.x_ticks.iter().filter(|t| !t.label.is_empty()) {
        let x = frame.at_x(tick.at);
        if frame.slanted {
            let style = Type {
                turn: -SLANT,
                ..Type::new(sizes.tick, color, Anchor::End)
            };
            canvas.text(
                (x + 3.0, bottom + TICK_GAP + 0.6 * sizes.tick),
                style,
                &tick.label,
            );
        } else {
            let style = Type::new(sizes.tick, color, Anchor::Middle);
            canvas.text(
                (x, bottom + TICK_GAP + 0.85 * sizes.tick),
                style,
                &tick.label,
            );
        }
    }
    let style = Type::new(sizes.label, Color::Ink, Anchor::Middle);
    let top = bottom + x_label_offset(frame, sizes);
    for (i, line) in x_label_lines(panel, frame, sizes).iter().enumerate() {
        let y = top + (0.85 + LINE * i as f64) * sizes.label;
        canvas.text((frame.left + frame.width / 2.0, y), style, line);
    }
}

fn y_text(canvas: &mut Canvas, panel: &Panel, frame: &Frame, sizes: &Sizes) {
    if !frame.shows_y {
        return;
    }
    let rows = !panel.y.categories.is_empty();
    let color = if rows { Color::Ink } else { Color::Muted };
    for tick in frame.y_ticks.iter().filter(|t| !t.label.is_empty()) {
        let y = frame.at_y(tick.at, rows) + 0.35 * sizes.tick;
        canvas.text(
            (frame.left - TICK_GAP, y),
            Type::new(sizes.tick, color, Anchor::End),
            &tick.label,
        );
    }
    let lines = y_label_lines(panel, frame, sizes);
    let style = Type {
        turn: -90.0,
        ..Type::new(sizes.label, Color::Ink, Anchor::Middle)
    };
    for (i, line) in lines.iter().enumerate() {
        // The last line stands next to the tick labels.
        let outward = (lines.len() - 1 - i) as f64 * LINE * sizes.label;
        let x = frame.left - frame.y_label_at - outward + 0.25 * sizes.label;
        canvas.text((x, frame.top + frame.height / 2.0), style, line);
    }
}

fn heading(canvas: &mut Canvas, frame: &Frame, sizes: &Sizes) {
    let heading = &frame.heading;
    let bold = Type {
        bold: true,
        ..Type::new(sizes.title, Color::Ink, Anchor::Start)
    };
    let note = Type::new(sizes.tick, Color::Muted, Anchor::Start);
    let mut y = frame.top - 8.0;
    if heading.beside {
        let end = Type {
            anchor: Anchor::End,
            ..note
        };
        for line in &heading.note {
            canvas.text((frame.left + frame.width, y), end, line);
        }
    } else {
        for line in heading.note.iter().rev() {
            canvas.text((frame.left, y), note, line);
            y -= LINE * sizes.tick;
        }
    }
    for line in heading.title.iter().rev() {
        canvas.text((frame.left, y), bold, line);
        y -= LINE * sizes.title;
    }
}

fn cells(canvas: &mut Canvas, panel: &Panel, heat: &Heat, frame: &Frame, sizes: &Sizes) {
    let (rows, columns) = (
        panel.y.categories.len().max(1),
        panel.x.categories.len().max(1),
    );
    let (wide, tall) = (frame.width / columns as f64, frame.height / rows as f64);
    for (i, row) in heat.values.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let corner = (frame.left + j as f64 * wide, frame.top + i as f64 * tall);
            let center = (
                corner.0 + wide / 2.0,
                corner.1 + tall / 2.0 + 0.35 * sizes.tick,
            );
            let (fill, text, label) = match value.filter(|v| v.is_finite()) {
                Some(v) => {
                    let (fill, text) = colors(heat, v);
                    (
                        fill,
                        text,
                        number_that_fits(v, heat.decimals, sizes.tick, wide),
                    )
                }
                None => (Color::Grid, Color::Muted, "–".to_owned()),
            };
            canvas.rectangle(
                (corner.0 + 0.75, corner.1 + 0.75),
                (wide - 1.5, tall - 1.5),
                fill,
                "",
            );
            let interval = heat.intervals.get(i).and_then(|row| *row.get(j)?);
            let Some((low, high)) = interval.filter(|_| value.is_some()) else {
                canvas.text(center, Type::new(sizes.tick, text, Anchor::Middle), &label);
                continue;
            };
            let small = 0.8 * sizes.tick;
            let number = |v| fixed(v, heat.decimals);
            let under = format!("[{}, {}]", number(low), number(high));
            let (above, below) = (center.1 - 0.58 * sizes.tick, center.1 + 0.62 * sizes.tick);
            let type_of = |size| Type::new(size, text, Anchor::Middle);
            canvas.text((center.0, above), type_of(sizes.tick), &label);
            canvas.text((center.0, below), type_of(small), &under);
        }
    }
}

/// The number with as many of the wanted decimals as its cell has room for.
fn number_that_fits(value: f64, decimals: usize, size: f64, room: f64) -> String {
    let fits = |text: &String| width(text, size) <= room - 3.0;
    (0..=decimals)
        .rev()
        .map(|d| fixed(value, d))
        .find(fits)
        .unwrap_or_else(|| fixed(value, 0))
}

fn colors(heat: &Heat, value: f64) -> (Color, Color) {
    let span = heat.high - heat.low;
    let share = if span > 0.0 {
        ((value - heat.low) / span).clamp(0.0, 1.0)
    } else {
        0.5
    };
    if heat.diverging {
        let step = (share * (DIVERGING - 1) as f64).round() as usize;
        (Color::Diverging(step), Color::OnDiverging(step))
    } else {
        let step = (share * (SEQUENTIAL - 1) as f64).round() as usize;
        (Color::Sequential(step), Color::OnSequential(step))
    }
}
