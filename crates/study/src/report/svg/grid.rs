//! The grid of panels: rows and columns, ticks, and margins that fit what is written around each plot.

use super::layout::{Frame, Heading, LINE, SLANT, Size, Sizes, TICK_GAP};
use super::marks::abreast;
use super::metrics::{width, wrap};
use super::scale::Range;
use super::ticks::{Tick, ticks};
use crate::report::{Axis, Chart, Panel, Share};

/// Widest and narrowest cell of a heat map.
const CELL: (f64, f64) = (92.0, 40.0);

/// Least width of a cell that holds an interval too, and its height.
const INTERVAL_CELL: (f64, f64) = (70.0, 34.0);

/// Margins of the plotting areas of one column or row of the grid.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Margins {
    pub(super) before: f64,
    pub(super) after: f64,
}

/// The rows and columns of panels.
#[derive(Debug)]
pub(super) struct Grid {
    /// Columns that the chart asks for; sharing goes by these.
    pub(super) original: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Row and column of every panel.
    pub(super) cells: Vec<(usize, usize)>,
}

impl Grid {
    pub(super) fn new(chart: &Chart, size: Size) -> Self {
        let n = chart.panels.len();
        let default = match n {
            0..=1 => 1,
            2 | 4 => 2,
            3 | 5 | 6 => 3,
            _ => 4,
        };
        let original = chart.columns.unwrap_or(default).clamp(1, n.max(1));
        let named_rows = chart
            .panels
            .iter()
            .any(|p| !p.y.categories.is_empty() || p.x.categories.len() > 4);
        let columns = match size {
            Size::Wide => original,
            Size::Narrow if named_rows => 1,
            Size::Narrow if original < 4 => 1,
            Size::Narrow => 2,
        };
        let folds = original.div_ceil(columns);
        let cell = |i: usize| {
            let (row, column) = (i / original, i % original);
            (row * folds + column / columns, column % columns)
        };
        let cells: Vec<(usize, usize)> = (0..n).map(cell).collect();
        let rows = cells.iter().map(|(row, _)| row + 1).max().unwrap_or(0);
        Self {
            original,
            columns,
            rows,
            cells,
        }
    }

    pub(super) fn full_width(&self, chart: &Chart, size: Size) -> f64 {
        let heat = chart.panels.iter().any(|p| p.heat.is_some());
        match (size, self.columns) {
            (Size::Narrow, _) => 348.0,
            (Size::Wide, 1) if !heat => 640.0,
            (Size::Wide, 1 | 2) => 860.0,
            (Size::Wide, _) => 960.0,
        }
    }

    /// Least width of a plotting area.
    pub(super) fn least_plot(&self, chart: &Chart) -> f64 {
        let cells = |p: &Panel| match &p.heat {
            Some(heat) if heat.intervals.is_empty() => CELL.1 * p.x.categories.len() as f64,
            Some(_) => INTERVAL_CELL.0 * p.x.categories.len() as f64,
            None => 60.0,
        };
        chart.panels.iter().map(cells).fold(60.0, f64::max)
    }

    /// Largest width of a plotting area: heat maps do not grow without limit.
    pub(super) fn most_plot(&self, chart: &Chart) -> f64 {
        let cells = |p: &Panel| match p.heat {
            Some(_) => CELL.0 * p.x.categories.len().max(1) as f64,
            None => f64::INFINITY,
        };
        chart
            .panels
            .iter()
            .map(cells)
            .fold(self.least_plot(chart), f64::max)
    }

    /// Whether a panel carries the tick labels of its horizontal axis, and of its vertical one.
    fn shows(&self, chart: &Chart, panel: usize) -> (bool, bool) {
        let (row, column) = self.cells[panel];
        let lowest = !self.cells.iter().any(|(r, c)| *c == column && *r > row);
        let unfolded = self.original == self.columns;
        let x = match chart.share_x {
            Share::All => lowest,
            Share::Column => lowest || !unfolded,
            Share::None | Share::Row => true,
        };
        let y = match chart.share_y {
            Share::All | Share::Row => column == 0,
            Share::None | Share::Column => true,
        };
        (x, y)
    }

    /// The panels' frames for a width of the plotting areas; their places come later.
    pub(super) fn frames(
        &self,
        chart: &Chart,
        ranges: &[(Range, Range)],
        sizes: &Sizes,
        plot: f64,
    ) -> Vec<Frame> {
        let frame = |(i, panel): (usize, &Panel)| {
            let (x, y) = ranges[i];
            let (shows_x, shows_y) = self.shows(chart, i);
            let width = match &panel.heat {
                Some(_) => plot.min(CELL.0 * panel.x.categories.len() as f64),
                None => plot,
            };
            let height = self.plot_height(panel, width);
            let y_ticks = ticks(&panel.y, &y, (height / (4.0 * sizes.tick)) as usize);
            let (x_ticks, slanted) = horizontal_ticks(&panel.x, &x, sizes, width);
            let heading = Heading::new(self.heading(chart, i), sizes, plot);
            let widest = y_ticks
                .iter()
                .map(|t| text_width(&t.label, sizes.tick))
                .fold(0.0, f64::max);
            let y_label_at = TICK_GAP + widest + 1.05 * sizes.label;
            let (left, top) = (0.0, 0.0);
            Frame {
                left,
                top,
                width,
                height,
                x,
                y,
                x_ticks,
                y_ticks,
                shows_x,
                shows_y,
                slanted,
                y_label_at,
                heading,
            }
        };
        let mut frames: Vec<Frame> = chart.panels.iter().enumerate().map(frame).collect();
        // Notes stand beside the titles everywhere or nowhere.
        let below = |f: &Frame| !f.heading.note.is_empty() && !f.heading.beside;
        if frames.iter().any(below) {
            frames.iter_mut().for_each(|f| f.heading.beside = false);
        }
        // The vertical labels of a column stand one above the other.
        for column in 0..self.columns {
            let members = || (0..self.cells.len()).filter(|i| self.cells[*i].1 == column);
            let outermost = members().map(|i| frames[i].y_label_at).fold(0.0, f64::max);
            members().for_each(|i| frames[i].y_label_at = outermost);
        }
        frames
    }

    /// A panel's title and note. Where columns are folded, a panel without a title has those of its column, which now stand far above.
    fn heading<'a>(&self, chart: &'a Chart, panel: usize) -> (&'a str, &'a str) {
        let own = &chart.panels[panel];
        let mut column = chart
            .panels
            .iter()
            .skip(panel % self.original)
            .step_by(self.original);
        let above = column.find(|p| !p.title.is_empty());
        let from = if own.title.is_empty() && self.columns < self.original {
            above.unwrap_or(own)
        } else {
            own
        };
        (&from.title, &from.note)
    }

    fn plot_height(&self, panel: &Panel, plot: f64) -> f64 {
        let rows = panel.y.categories.len() as f64;
        if let Some(heat) = &panel.heat {
            let tall = if heat.intervals.is_empty() {
                27.0
            } else {
                INTERVAL_CELL.1
            };
            return tall * rows;
        }
        if rows > 0.0 {
            let abreast = abreast(panel) as f64;
            return rows * (8.0 + 11.0 * abreast).max(21.0);
        }
        let aspect = match self.columns {
            1 => 0.56,
            2 => 0.7,
            _ => 0.8,
        };
        (aspect * plot).clamp(96.0, 380.0)
    }

    pub(super) fn column_margins(
        &self,
        chart: &Chart,
        sizes: &Sizes,
        frames: &[Frame],
    ) -> Vec<Margins> {
        let mut columns = vec![
            Margins {
                before: 4.0,
                after: 4.0
            };
            self.columns
        ];
        for (i, frame) in frames.iter().enumerate() {
            let margins = &mut columns[self.cells[i].1];
            let (before, after) = sides(&chart.panels[i], frame, sizes);
            margins.before = margins.before.max(before);
            margins.after = margins.after.max(after);
        }
        columns
    }
}

fn text_width(label: &str, size: f64) -> f64 {
    if label.is_empty() {
        0.0
    } else {
        width(label, size)
    }
}

/// Lines of the vertical axis' label.
pub(super) fn y_label_lines(panel: &Panel, frame: &Frame, sizes: &Sizes) -> Vec<String> {
    wrap(&panel.y.label, sizes.label, frame.height.max(60.0) + 10.0)
}

/// Lines of the horizontal axis' label.
pub(super) fn x_label_lines(panel: &Panel, frame: &Frame, sizes: &Sizes) -> Vec<String> {
    wrap(&panel.x.label, sizes.label, frame.width.max(60.0) + 10.0)
}

/// Room that a panel needs to the left and right of its plotting area.
fn sides(panel: &Panel, frame: &Frame, sizes: &Sizes) -> (f64, f64) {
    let mut before: f64 = 4.0;
    let mut after: f64 = 4.0;
    if frame.shows_y {
        let text = match y_label_lines(panel, frame, sizes).len() {
            0 => 1.0 - 1.05 * sizes.label,
            lines => (lines - 1) as f64 * LINE * sizes.label + 0.6 * sizes.label,
        };
        before = before.max(frame.y_label_at + text);
    }
    if frame.shows_x {
        for tick in &frame.x_ticks {
            let wide = text_width(&tick.label, sizes.tick);
            let (to_left, to_right) = if frame.slanted {
                (wide * SLANT.to_radians().cos() + 2.0, 6.0)
            } else {
                (wide / 2.0, wide / 2.0)
            };
            before = before.max(to_left - tick.at * frame.width);
            after = after.max(to_right - (1.0 - tick.at) * frame.width);
        }
    }
    (before, after)
}

/// Room that a panel needs below its plotting area.
pub(super) fn bottom(panel: &Panel, frame: &Frame, sizes: &Sizes) -> f64 {
    if !frame.shows_x {
        return 4.0;
    }
    let lines = x_label_lines(panel, frame, sizes).len() as f64;
    x_label_offset(frame, sizes) + LINE * sizes.label * lines
}

/// Distance from the lower end of a plot to the top of the horizontal axis' label.
pub(super) fn x_label_offset(frame: &Frame, sizes: &Sizes) -> f64 {
    let widest = frame
        .x_ticks
        .iter()
        .map(|t| text_width(&t.label, sizes.tick))
        .fold(0.0, f64::max);
    let slope = SLANT.to_radians();
    let labels = if frame.slanted {
        widest * slope.sin() + sizes.tick * slope.cos()
    } else {
        sizes.tick
    };
    TICK_GAP + labels + 6.0
}

/// Ticks whose labels do not touch each other, and whether they are slanted (categories that do not fit side by side).
fn horizontal_ticks(axis: &Axis, range: &Range, sizes: &Sizes, plot: f64) -> (Vec<Tick>, bool) {
    if !axis.categories.is_empty() {
        let ticks = ticks(axis, range, 2);
        let slot = plot / ticks.len() as f64;
        let slanted = ticks
            .iter()
            .any(|t| width(&t.label, sizes.tick) > slot - 4.0);
        return (ticks, slanted);
    }
    let most = (plot / 48.0).clamp(2.0, 9.0) as usize;
    for target in (2..=most).rev() {
        let ticks = ticks(axis, range, target);
        if !touching(&ticks, sizes.tick, plot) {
            return (ticks, false);
        }
    }
    let mut ticks = ticks(axis, range, 2);
    if touching(&ticks, sizes.tick, plot) {
        let labeled = ticks.iter().filter(|t| !t.label.is_empty()).count();
        for tick in ticks
            .iter_mut()
            .filter(|t| !t.label.is_empty())
            .skip(1)
            .take(labeled.saturating_sub(2))
        {
            tick.label.clear();
        }
    }
    (ticks, false)
}

fn touching(ticks: &[Tick], size: f64, plot: f64) -> bool {
    let labeled: Vec<&Tick> = ticks.iter().filter(|t| !t.label.is_empty()).collect();
    labeled.windows(2).any(|pair| {
        let distance = (pair[1].at - pair[0].at) * plot;
        distance < (width(&pair[0].label, size) + width(&pair[1].label, size)) / 2.0 + 8.0
    })
}
