//! Charts of a report as data: what is drawn, not how. The renderer draws them as SVG.

/// A figure: one or more panels in a grid, with one legend for all of them.
///
/// The legend is made from the names of the series (each name once, in order of appearance) and of the labeled rules; series inked by
/// [`Ink::Sequence`] share one color bar instead.
///
/// # Examples
/// ```
/// use srr_study::report::{Axis, Chart, Mark, Panel, Point, Series};
///
/// let rates = Series::new("CRATE", 0, Mark::LineAndPoints).points([(1.0, 31.5), (2.0, 22.0), (3.0, 17.5)]);
/// let chart = Chart::new("toy", "Compression by layer", "R^{c} falls with every layer.")
///     .panel(Panel::new("", Axis::new("Layer").integers(), Axis::new("R^{c}").log()).series(rates));
/// assert_eq!(chart.panels[0].series[0].points[0].y, 31.5);
/// # let _ = Point::at(1.0, 2.0).between(1.5, 2.5).labeled("seed 1");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Stem of the file: lower-case letters, digits, hyphens and underscores. Unique in the report.
    pub name: String,
    /// Title, set above the figure on the page and given to screen readers.
    pub title: String,
    /// Caption: how to read the figure.
    pub caption: String,
    /// Panels in reading order.
    pub panels: Vec<Panel>,
    /// Columns of the grid; chosen from the number of panels when absent.
    pub columns: Option<usize>,
    /// Which panels share the range of their horizontal axis.
    pub share_x: Share,
    /// Which panels share the range of their vertical axis.
    pub share_y: Share,
    /// The quantity behind [`Ink::Sequence`], such as the epoch.
    pub sequence: Option<Sequence>,
}

impl Chart {
    /// A figure without panels.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        caption: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            caption: caption.into(),
            ..Self::default()
        }
    }

    /// Adds a panel.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// Sets the number of columns of the grid.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Shares the ranges of the axes among panels.
    #[must_use]
    pub fn share(mut self, x: Share, y: Share) -> Self {
        self.share_x = x;
        self.share_y = y;
        self
    }

    /// Names the quantity behind [`Ink::Sequence`] and its range.
    #[must_use]
    pub fn sequence(mut self, label: impl Into<String>, first: f64, last: f64) -> Self {
        self.sequence = Some(Sequence {
            label: label.into(),
            first,
            last,
        });
        self
    }
}

/// Which panels of a grid share a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Share {
    /// Every panel has its own range.
    #[default]
    None,
    /// Panels of a row share one range.
    Row,
    /// Panels of a column share one range.
    Column,
    /// All panels share one range.
    All,
}

/// The quantity behind the sequential colors, shown as a color bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Name, such as "epoch".
    pub label: String,
    /// Value at the first color.
    pub first: f64,
    /// Value at the last color.
    pub last: f64,
}

/// One coordinate system of a figure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Title above the panel; may be empty.
    pub title: String,
    /// A few words beside the title, such as "τ = 0.45 [0.21, 0.63]"; may be empty.
    pub note: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, from back to front.
    pub series: Vec<Series>,
    /// Reference lines.
    pub rules: Vec<Rule>,
    /// Colored cells; needs categories on both axes.
    pub heat: Option<Heat>,
}

impl Panel {
    /// A panel without series.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            ..Self::default()
        }
    }

    /// A panel of colored cells: `values[row][column]`, rows from top to bottom.
    pub fn heat(title: impl Into<String>, x: Axis, y: Axis, heat: Heat) -> Self {
        Self {
            heat: Some(heat),
            ..Self::new(title, x, y)
        }
    }

    /// Adds a series.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a reference line.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the words beside the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// One axis of a [`Panel`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// Linear or logarithmic. On a logarithmic axis values that are not positive are left out, and the figure says how many.
    pub scale: Scale,
    /// Fixed range; chosen from the data when absent. What lies beyond a fixed range is drawn as a marker on the edge.
    pub range: Option<(f64, f64)>,
    /// Names of the positions 0, 1, 2, …; the axis is then categorical. A vertical axis lists them from top to bottom.
    pub categories: Vec<String>,
    /// Whether ticks stand at whole numbers only.
    pub integers: bool,
    /// Whether the range chosen from the data includes zero (linear axes).
    pub zero: bool,
}

impl Axis {
    /// A linear axis whose range follows the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// An axis of named positions 0, 1, 2, …
    pub fn categories<S: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            categories: names.into_iter().map(Into::into).collect(),
            ..Self::new(label)
        }
    }

    /// Makes the axis logarithmic.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.scale = Scale::Log;
        self
    }

    /// Fixes the range.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Puts ticks at whole numbers only.
    #[must_use]
    pub fn integers(mut self) -> Self {
        self.integers = true;
        self
    }

    /// Includes zero in the range.
    #[must_use]
    pub fn zero(mut self) -> Self {
        self.zero = true;
        self
    }
}

/// How an axis maps values to positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal ratios.
    Log,
}

/// One named set of points in a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend; an empty name stays out of it.
    pub name: String,
    /// Color, and for points the shape.
    pub ink: Ink,
    /// How the points are drawn.
    pub mark: Mark,
    /// The points, in drawing order. A point that is not a number leaves a gap; an infinite one becomes a marker on the edge.
    pub points: Vec<Point>,
}

impl Series {
    /// A series without points. `ink` may be the number of a category.
    pub fn new(name: impl Into<String>, ink: impl Into<Ink>, mark: Mark) -> Self {
        Self {
            name: name.into(),
            ink: ink.into(),
            mark,
            points: Vec::new(),
        }
    }

    /// Sets the points.
    #[must_use]
    pub fn points<P: Into<Point>>(mut self, points: impl IntoIterator<Item = P>) -> Self {
        self.points = points.into_iter().map(Into::into).collect();
        self
    }
}

/// Color of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ink {
    /// Color and shape number i of the categorical palette (eight colors, safe for color-blind readers; then they repeat).
    Category(usize),
    /// Color of a value of the chart's [`Sequence`], such as an epoch.
    Sequence(f64),
    /// Gray, for what is only there to compare with.
    Neutral,
}

impl From<usize> for Ink {
    fn from(category: usize) -> Self {
        Self::Category(category)
    }
}

/// How the points of a series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A line; intervals of the points become a band.
    Line,
    /// A dashed line; intervals of the points become a band.
    Dashed,
    /// A line with a marker at every point; intervals become a band.
    LineAndPoints,
    /// Markers; intervals of the points become vertical error bars.
    Points,
    /// Bars from zero (or from the lower end of the axis when it does not contain zero), grouped where several series share a position;
    /// intervals of the points become error bars. The horizontal axis should have categories.
    Bars,
    /// Markers with horizontal intervals, one row per category of the vertical axis, several series side by side in a row.
    Forest,
}

/// One point of a [`Series`].
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Horizontal position; the number of the category on a categorical axis.
    pub x: f64,
    /// Vertical position; the number of the category on a categorical axis.
    pub y: f64,
    /// Interval around the point: along x for [`Mark::Forest`], along y otherwise.
    pub interval: Option<(f64, f64)>,
    /// What the point is, shown when the pointer rests on it.
    pub label: String,
}

impl Point {
    /// A point.
    pub fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            interval: None,
            label: String::new(),
        }
    }

    /// Adds an interval: along x for [`Mark::Forest`], along y otherwise.
    #[must_use]
    pub fn between(mut self, low: f64, high: f64) -> Self {
        self.interval = Some((low, high));
        self
    }

    /// Says what the point is.
    #[must_use]
    pub fn labeled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
}

impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Self {
        Self::at(x, y)
    }
}

/// A reference line across a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Across the panel from left to right, or from bottom to top.
    pub direction: Direction,
    /// Position on the other axis.
    pub at: f64,
    /// Name in the legend; an empty one stays out of it.
    pub label: String,
}

impl Rule {
    /// A line from left to right at height `y`.
    pub fn horizontal(y: f64, label: impl Into<String>) -> Self {
        Self {
            direction: Direction::Horizontal,
            at: y,
            label: label.into(),
        }
    }

    /// A line from bottom to top at `x`.
    pub fn vertical(x: f64, label: impl Into<String>) -> Self {
        Self {
            direction: Direction::Vertical,
            at: x,
            label: label.into(),
        }
    }
}

/// Direction of a [`Rule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Horizontal,
    /// From bottom to top.
    Vertical,
}

/// Colored cells with numbers in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// `values[row][column]`, rows from top to bottom; `None` (or a number that is not finite) is an empty, hatched cell.
    pub values: Vec<Vec<Option<f64>>>,
    /// Intervals in the form of `values`, written under them; none where there are no rows.
    pub intervals: Vec<Vec<Option<(f64, f64)>>>,
    /// Value at the first color.
    pub low: f64,
    /// Value at the last color.
    pub high: f64,
    /// Two colors with a neutral middle (for signed values around zero) instead of one ramp.
    pub diverging: bool,
    /// Digits after the decimal point.
    pub decimals: usize,
    /// Name of the quantity, beside the color bar.
    pub label: String,
}

impl Heat {
    /// Signed values between −`limit` and `limit`, two colors with a neutral middle.
    pub fn diverging(label: impl Into<String>, values: Vec<Vec<Option<f64>>>, limit: f64) -> Self {
        Self {
            values,
            intervals: Vec::new(),
            low: -limit,
            high: limit,
            diverging: true,
            decimals: 2,
            label: label.into(),
        }
    }

    /// Values between `low` and `high` on one ramp.
    pub fn sequential(
        label: impl Into<String>,
        values: Vec<Vec<Option<f64>>>,
        low: f64,
        high: f64,
    ) -> Self {
        Self {
            values,
            intervals: Vec::new(),
            low,
            high,
            diverging: false,
            decimals: 2,
            label: label.into(),
        }
    }
}
