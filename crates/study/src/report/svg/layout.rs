//! Where everything stands: a grid of panels whose margins fit their labels, a legend above it, remarks below it.

use super::legend::Legend;
use super::metrics::{width, wrap};
use super::scale::{Place, Range, Tick, ranges, ticks};
use crate::report::{Axis, Chart, Mark, Panel, Share};

/// How wide a figure may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For a page of paper or a screen: as many columns as the chart asks for.
    Wide,
    /// For a phone held upright: at most two columns.
    Narrow,
}

/// Font sizes and distances of a [`Size`], in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) tick: f64,
    pub(super) label: f64,
    pub(super) title: f64,
    pub(super) gap: f64,
}

/// Height of a line of text relative to its size.
pub(super) const LINE: f64 = 1.28;
/// Width of bold text relative to the same in regular weight.
const BOLD: f64 = 1.07;
/// Angle of category names that do not fit side by side, in degrees.
pub(super) const SLANT: f64 = 38.0;
/// Distance between the plot and its tick labels.
pub(super) const TICK_GAP: f64 = 7.0;
/// Widest and narrowest cell of a heat map.
const CELL: (f64, f64) = (92.0, 40.0);

/// One panel's place: the plotting area and what is written around it.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Range,
    pub(super) y: Range,
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
    pub(super) shows_x: bool,
    pub(super) shows_y: bool,
    pub(super) slanted: bool,
    /// Distance from the left end of the plot to the middle of the vertical axis' first line of text.
    pub(super) y_label_at: f64,
    /// Lines of the title; the note comes last where it does not fit beside it.
    pub(super) heading: Heading,
}

impl Frame {
    /// Position of a share of the horizontal axis.
    pub(super) fn at_x(&self, share: f64) -> f64 {
        self.left + share * self.width
    }

    /// Position of a share of the vertical axis; categories run downward.
    pub(super) fn at_y(&self, share: f64, categorical: bool) -> f64 {
        self.top + self.height * if categorical { share } else { 1.0 - share }
    }
}

/// The text above a panel.
#[derive(Debug, Clone, Default)]
pub(super) struct Heading {
    pub(super) title: Vec<String>,
    pub(super) note: Vec<String>,
    /// Whether the note stands beside the title.
    pub(super) beside: bool,
}

impl Heading {
    fn new(title: &str, panel: &Panel, sizes: &Sizes, limit: f64) -> Self {
        let together = width(title, BOLD * sizes.title) + width(&panel.note, sizes.tick) + 12.0;
        let title = wrap(title, BOLD * sizes.title, limit);
        let beside = !panel.note.is_empty() && title.len() <= 1 && together <= limit;
        let note = if beside {
            vec![panel.note.clone()]
        } else {
            wrap(&panel.note, sizes.tick, limit)
        };
        Self {
            title,
            note,
            beside,
        }
    }

    fn height(&self, sizes: &Sizes) -> f64 {
        let below = if self.beside && !self.title.is_empty() {
            0
        } else {
            self.note.len()
        };
        let text = LINE * (self.title.len() as f64 * sizes.title + below as f64 * sizes.tick);
        if text > 0.0 { text + 6.0 } else { 0.0 }
    }
}

/// Values that a figure cannot show in their place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) off_scale: usize,
    pub(super) not_numbers: usize,
    pub(super) not_positive: usize,
}

impl Census {
    fn new(chart: &Chart, ranges: &[(Range, Range)]) -> Self {
        let mut census = Self::default();
        for (panel, (x, y)) in chart.panels.iter().zip(ranges) {
            for point in panel.series.iter().flat_map(|s| &s.points) {
                let places = [x.place(point.x), y.place(point.y)];
                if places.contains(&Place::NotANumber) {
                    census.not_numbers += 1;
                } else if places.contains(&Place::NotPositive) {
                    census.not_positive += 1;
                } else if places.iter().any(|p| !matches!(p, Place::At(_))) {
                    census.off_scale += 1;
                }
            }
        }
        census
    }

    /// What the figure says about values it leaves out.
    fn remarks(&self) -> Vec<String> {
        let points = |n: usize| {
            if n == 1 {
                "1 point is".to_owned()
            } else {
                format!("{n} points are")
            }
        };
        let mut remarks = Vec::new();
        if self.not_numbers > 0 {
            remarks.push(format!(
                "{} not shown: not a number.",
                points(self.not_numbers)
            ));
        }
        if self.not_positive > 0 {
            remarks.push(format!(
                "{} not shown: not positive on a logarithmic axis.",
                points(self.not_positive)
            ));
        }
        remarks
    }
}

/// Everything's place in a figure.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) sizes: Sizes,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) legend: Legend,
    pub(super) frames: Vec<Frame>,
    pub(super) remarks: Vec<String>,
    pub(super) remarks_top: f64,
}

/// Margins of the plotting areas of one column or row of the grid.
#[derive(Debug, Clone, Copy, Default)]
struct Margins {
    before: f64,
    after: f64,
}

impl Layout {
    pub(super) fn new(chart: &Chart, size: Size) -> Self {
        let grid = Grid::new(chart, size);
        let sizes = match size {
            Size::Wide => Sizes {
                tick: 11.0,
                label: 12.0,
                title: 12.5,
                gap: 18.0,
            },
            Size::Narrow => Sizes {
                tick: 10.5,
                label: 11.0,
                title: 12.0,
                gap: 10.0,
            },
        };
        let ranges = ranges(chart, grid.original);
        let census = Census::new(chart, &ranges);
        let full = grid.full_width(chart, size);

        // Margins need ticks, ticks need the plot's size, and that needs the margins: three rounds settle it.
        let mut plot = (full / grid.columns as f64 - 50.0).max(60.0);
        let mut columns = Vec::new();
        for _ in 0..3 {
            let frames = grid.frames(chart, &ranges, &sizes, plot);
            columns = grid.column_margins(chart, &sizes, &frames);
            let margins: f64 = columns.iter().map(|m: &Margins| m.before + m.after).sum();
            let gaps = sizes.gap * (grid.columns - 1) as f64;
            plot = ((full - margins - gaps) / grid.columns as f64)
                .clamp(grid.least_plot(chart), grid.most_plot(chart));
        }
        let mut frames = grid.frames(chart, &ranges, &sizes, plot);

        let mut left = 0.0;
        let lefts: Vec<f64> = (columns.iter())
            .map(|margins| {
                let plot_left = left + margins.before;
                left = plot_left + plot + margins.after + sizes.gap;
                plot_left
            })
            .collect();
        let total = left - sizes.gap;
        let legend = Legend::new(chart, census.off_scale > 0, &sizes, lefts[0], total);

        let mut top = legend.height();
        for row in 0..grid.rows {
            let members: Vec<usize> = (0..frames.len())
                .filter(|i| grid.cells[*i].0 == row)
                .collect();
            let most =
                |of: &dyn Fn(usize) -> f64| members.iter().map(|i| of(*i)).fold(0.0, f64::max);
            let heading = most(&|i| frames[i].heading.height(&sizes));
            let height = most(&|i| frames[i].height);
            let below = most(&|i| bottom(&chart.panels[i], &frames[i], &sizes));
            for i in members {
                frames[i].left = lefts[grid.cells[i].1];
                frames[i].top = top + heading;
                frames[i].height = height;
            }
            top += heading + height + below + if row + 1 < grid.rows { 10.0 } else { 0.0 };
        }
        let remarks: Vec<String> = census
            .remarks()
            .iter()
            .flat_map(|r| wrap(r, sizes.tick, total))
            .collect();
        let footer = if remarks.is_empty() {
            4.0
        } else {
            10.0 + LINE * sizes.tick * remarks.len() as f64
        };
        Self {
            sizes,
            width: total,
            height: top + footer,
            legend,
            frames,
            remarks,
            remarks_top: top + 6.0,
        }
    }
}

/// The rows and columns of panels.
#[derive(Debug)]
struct Grid {
    /// Columns that the chart asks for; sharing goes by these.
    original: usize,
    columns: usize,
    rows: usize,
    /// Row and column of every panel.
    cells: Vec<(usize, usize)>,
}

impl Grid {
    fn new(chart: &Chart, size: Size) -> Self {
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

    fn full_width(&self, chart: &Chart, size: Size) -> f64 {
        let heat = chart.panels.iter().any(|p| p.heat.is_some());
        match (size, self.columns) {
            (Size::Narrow, _) => 348.0,
            (Size::Wide, 1) if !heat => 640.0,
            (Size::Wide, 1 | 2) => 860.0,
            (Size::Wide, _) => 960.0,
        }
    }

    /// Least width of a plotting area.
    fn least_plot(&self, chart: &Chart) -> f64 {
        let cells = |p: &Panel| {
            if p.heat.is_some() {
                CELL.1 * p.x.categories.len() as f64
            } else {
                60.0
            }
        };
        chart.panels.iter().map(cells).fold(60.0, f64::max)
    }

    /// Largest width of a plotting area: heat maps do not grow without limit.
    fn most_plot(&self, chart: &Chart) -> f64 {
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
    fn frames(
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
            let heading = Heading::new(self.title(chart, i), panel, sizes, plot);
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
        chart.panels.iter().enumerate().map(frame).collect()
    }

    /// A panel's title. Where columns are folded, a panel without one has that of its column, which now stands far above it.
    fn title<'a>(&self, chart: &'a Chart, panel: usize) -> &'a str {
        let column = || {
            chart
                .panels
                .iter()
                .skip(panel % self.original)
                .step_by(self.original)
        };
        match chart.panels[panel].title.as_str() {
            "" if self.columns < self.original => column()
                .map(|p| p.title.as_str())
                .find(|t| !t.is_empty())
                .unwrap_or(""),
            title => title,
        }
    }

    fn plot_height(&self, panel: &Panel, plot: f64) -> f64 {
        let rows = panel.y.categories.len() as f64;
        if panel.heat.is_some() {
            return 27.0 * rows;
        }
        if rows > 0.0 {
            let forests = panel
                .series
                .iter()
                .filter(|s| s.mark == Mark::Forest)
                .count() as f64;
            return rows * (8.0 + 11.0 * forests).max(21.0);
        }
        let aspect = match self.columns {
            1 => 0.56,
            2 => 0.7,
            _ => 0.8,
        };
        (aspect * plot).clamp(96.0, 380.0)
    }

    fn column_margins(&self, chart: &Chart, sizes: &Sizes, frames: &[Frame]) -> Vec<Margins> {
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
fn bottom(panel: &Panel, frame: &Frame, sizes: &Sizes) -> f64 {
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
