//! Where everything stands: a grid of panels whose margins fit their labels, a legend above it, remarks below it.

use super::grid::{Grid, Margins, bottom};
use super::legend::Legend;
use super::metrics::{width, wrap};
use super::scale::{Place, Range, ranges};
use super::ticks::Tick;
use crate::report::Chart;

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

impl Sizes {
    fn new(size: Size) -> Self {
        match size {
            Size::Wide => Self {
                tick: 11.0,
                label: 12.0,
                title: 12.5,
                gap: 18.0,
            },
            Size::Narrow => Self {
                tick: 10.5,
                label: 11.0,
                title: 12.0,
                gap: 10.0,
            },
        }
    }
}

/// Height of a line of text relative to its size.
pub(super) const LINE: f64 = 1.28;
/// Width of bold text relative to the same in regular weight.
const BOLD: f64 = 1.14;
/// Angle of category names that do not fit side by side, in degrees.
pub(super) const SLANT: f64 = 38.0;
/// Distance between the plot and its tick labels.
pub(super) const TICK_GAP: f64 = 7.0;

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
    pub(super) fn new((title, note): (&str, &str), sizes: &Sizes, limit: f64) -> Self {
        let together = width(title, BOLD * sizes.title) + width(note, sizes.tick) + 12.0;
        let title = wrap(title, BOLD * sizes.title, limit);
        let beside = !note.is_empty() && title.len() <= 1 && together <= limit;
        let note = if beside {
            vec![note.to_owned()]
        } else {
            wrap(note, sizes.tick, limit)
        };
        Self {
            title,
            note,
            beside,
        }
    }

    pub(super) fn height(&self, sizes: &Sizes) -> f64 {
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

impl Layout {
    pub(super) fn new(chart: &Chart, size: Size) -> Self {
        let grid = Grid::new(chart, size);
        let sizes = Sizes::new(size);
        let ranges = ranges(chart, grid.original);
        let census = Census::new(chart, &ranges);
        let (plot, columns) = settle(&grid, chart, &ranges, &sizes, grid.full_width(chart, size));
        let mut frames = grid.frames(chart, &ranges, &sizes, plot);
        let (lefts, total) = lefts(&columns, &sizes, plot);
        let legend = Legend::new(chart, census.off_scale > 0, &sizes, lefts[0], total);
        let top = place(&mut frames, &grid, chart, &sizes, &lefts, legend.height());
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

/// The width of the plotting areas and the columns' margins in a figure of width `full`. Margins need ticks, ticks need the plot's size,
/// and that needs the margins: three rounds settle it.
fn settle(
    grid: &Grid,
    chart: &Chart,
    ranges: &[(Range, Range)],
    sizes: &Sizes,
    full: f64,
) -> (f64, Vec<Margins>) {
    let mut plot = (full / grid.columns as f64 - 50.0).max(60.0);
    let mut columns = Vec::new();
    for _ in 0..3 {
        let frames = grid.frames(chart, ranges, sizes, plot);
        columns = grid.column_margins(chart, sizes, &frames);
        let margins: f64 = columns.iter().map(|m: &Margins| m.before + m.after).sum();
        let gaps = sizes.gap * (grid.columns - 1) as f64;
        plot = ((full - margins - gaps) / grid.columns as f64)
            .clamp(grid.least_plot(chart), grid.most_plot(chart));
    }
    (plot, columns)
}

/// The left ends of the columns' plotting areas, and the width of all.
fn lefts(columns: &[Margins], sizes: &Sizes, plot: f64) -> (Vec<f64>, f64) {
    let mut left = 0.0;
    let lefts = (columns.iter())
        .map(|margins| {
            let plot_left = left + margins.before;
            left = plot_left + plot + margins.after + sizes.gap;
            plot_left
        })
        .collect();
    (lefts, left - sizes.gap)
}

/// Puts the frames in their rows, the first of which begins at `top`; returns where the last one ends.
fn place(
    frames: &mut [Frame],
    grid: &Grid,
    chart: &Chart,
    sizes: &Sizes,
    lefts: &[f64],
    mut top: f64,
) -> f64 {
    for row in 0..grid.rows {
        let members: Vec<usize> = (0..frames.len())
            .filter(|i| grid.cells[*i].0 == row)
            .collect();
        let most = |of: &dyn Fn(usize) -> f64| members.iter().map(|i| of(*i)).fold(0.0, f64::max);
        let heading = most(&|i| frames[i].heading.height(sizes));
        let height = most(&|i| frames[i].height);
        let below = most(&|i| bottom(&chart.panels[i], &frames[i], sizes));
        for i in members {
            frames[i].left = lefts[grid.cells[i].1];
            frames[i].top = top + heading;
            frames[i].height = height;
        }
        top += heading + height + below + if row + 1 < grid.rows { 10.0 } else { 0.0 };
    }
    top
}
