//! Charts as SVG: one file on white that stands alone, or a piece of a page that follows the page's light or dark colors.
//!
//! The same chart always gives the same bytes. No text is placed inside the data: the legend stands above the panels, and what cannot be
//! shown (values that are not numbers, or not positive on a logarithmic axis) is counted below them. What lies beyond an axis, infinite
//! values too, becomes a triangle on its edge.

mod canvas;
mod clip;
mod grid;
mod ink;
mod layout;
mod legend;
mod marks;
mod metrics;
mod palette;
mod panel;
mod scale;
mod ticks;

pub use layout::Size;
pub use palette::{Theme, css_variables};

use super::Chart;
use super::markup::plain;
use canvas::{Anchor, Canvas, ROOM, Type};
use layout::{LINE, Layout};
use palette::Color;

/// Draws a chart.
///
/// # Examples
/// ```
/// use srr_study::report::svg::{Size, Theme, render};
/// use srr_study::report::{Axis, Chart, Mark, Panel, Series};
///
/// let series = Series::new("CRATE", 0, Mark::Line).points([(0.0, 1.0), (1.0, 0.5), (2.0, f64::NAN)]);
/// let chart = Chart::new("loss", "Loss", "Loss by epoch.").panel(Panel::new("", Axis::new("epoch"), Axis::new("loss")).series(series));
/// let file = render(&chart, Theme::Paper, Size::Wide);
/// assert!(file.starts_with("<svg ") && file.contains("1 point is not shown: not a number."));
/// assert!(!file.contains("NaN"));
/// ```
pub fn render(chart: &Chart, theme: Theme, size: Size) -> String {
    draw(chart, theme, size).svg
}

/// A drawn chart and how wide it is.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) svg: String,
    /// Pixels.
    pub(super) width: f64,
}

/// As [`render`], with the width.
pub(super) fn draw(chart: &Chart, theme: Theme, size: Size) -> Drawing {
    let layout = Layout::new(chart, size);
    let mut canvas = Canvas::new(theme);
    layout.legend.draw(&mut canvas, chart);
    for (panel, frame) in chart.panels.iter().zip(&layout.frames) {
        panel::draw(&mut canvas, chart, panel, frame, &layout.sizes);
    }
    let style = Type::new(layout.sizes.tick, Color::Muted, Anchor::Start);
    for (i, remark) in layout.remarks.iter().enumerate() {
        let y = layout.remarks_top + (0.85 + LINE * i as f64) * layout.sizes.tick;
        canvas.text((0.0, y), style, remark);
    }
    let (title, caption) = (plain(&chart.title), plain(&chart.caption));
    let svg = canvas.finish(layout.width, layout.height, &title, &caption);
    Drawing {
        svg,
        width: layout.width + 2.0 * ROOM,
    }
}
