//! How the eigenvalues of the Hessian are distributed, over the whole network and layer by layer.

use crate::{
    StopFlag,
    report::{Axis, Cell, Chart, Column, Mark, Panel, Series, Table, words},
};
use srr_measures::{
    Images, Role, Subject, Undefined, When,
    gradients::Mean,
    hessian::{Block, DensityOptions, HessianProducts, SpectralDensity, blocks, spectral_density},
};

/// The spectral density of the Hessian, or of the block of one place in the network.
#[derive(Clone, Debug)]
pub struct Density {
    /// Whose it is: `network`, `embedding`, `layer 1`, …, `head`, `other`.
    pub of: String,
    /// Number of parameters.
    pub parameters: usize,
    /// The density, or why there is none.
    pub found: Result<SpectralDensity, Undefined>,
}

/// The densities of a model.
#[derive(Clone, Debug, Default)]
pub struct Densities {
    /// That of the whole network first; none where none was asked for.
    pub all: Vec<Density>,
    /// Number of training images that the loss is taken on.
    pub images: usize,
    /// Whether some were asked for and not taken: the computation was stopped.
    pub stopped: bool,
}

impl Density {
    /// Where its eigenvalues lie, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let found = match &self.found {
            Ok(found) => found,
            Err(why) => return format!("undefined: {why}"),
        };
        let Some((low, high)) = found.range() else {
            return "no eigenvalue".to_owned();
        };
        let near = WIDTH * (high - low);
        let share = |which: &dyn Fn(f64) -> bool| {
            let Mean {
                value,
                standard_error,
                ..
            } = found.share(which);
            let error = standard_error.map(|error| format!(" ± {}", words::percent(error)));
            format!("{}{}", words::percent(value), error.unwrap_or_default())
        };
        format!(
            "eigenvalues from {} to {}; {} above a hundredth of that range, {} below its negative",
            words::say(low, 3),
            words::say(high, 3),
            share(&|eigenvalue| eigenvalue > near),
            share(&|eigenvalue| eigenvalue < -near),
        )
    }
}

/// Number of training images that the loss is taken on, at most.
const IMAGES: usize = 512;

/// Width of the Gaussians in the figure over the range of eigenvalues, and how near to zero an eigenvalue is hardly one.
const WIDTH: f64 = 0.01;

/// Where the figure's logarithmic axis ends below: a Gaussian's tail says nothing there.
const FLOOR: f64 = 1e-6;

impl Densities {
    /// The density of the whole network by stochastic Lanczos quadrature on a fixed choice of training images, `per_layer` also of every
    /// block. `before` hears whose is next. Once `stop` is raised no further one is taken.
    pub fn of(
        subject: &dyn Subject,
        per_layer: bool,
        stop: &StopFlag,
        before: &mut dyn FnMut(&str),
    ) -> Self {
        let images = Images::fixed(IMAGES);
        let mut places = match (per_layer, blocks(subject)) {
            (true, Ok(blocks)) => blocks,
            _ => Vec::new(),
        };
        places.sort_by_key(|block| place(block.role));
        let places = places.into_iter().map(Some);
        let examples = subject.training_examples().unwrap_or(0);
        let mut densities = Self {
            all: Vec::new(),
            images: examples.min(IMAGES),
            stopped: false,
        };
        for (i, block) in [None].into_iter().chain(places).enumerate() {
            if stop.raised() {
                densities.stopped = true;
                break;
            }
            let of = block.as_ref().map_or_else(|| "network".to_owned(), name);
            before(&of);
            let parameters = match &block {
                Some(block) => Ok(block.len()),
                None => subject.parameters(When::Now).map(|weights| weights.len()),
            };
            let density = || {
                let seed = subject.seed()?.purpose("spectral density").index(i as u64);
                let mut hessian = HessianProducts::new(subject, images)?;
                if let Some(block) = block {
                    hessian = hessian.of_block(block);
                }
                spectral_density(&hessian, &DensityOptions::default(), seed)
            };
            densities.all.push(Density {
                of,
                parameters: parameters.unwrap_or(0),
                found: density(),
            });
        }
        densities
    }

    /// Those that exist.
    fn known(&self) -> impl Iterator<Item = (&Density, &SpectralDensity)> {
        let all = self.all.iter();
        all.filter_map(|density| Some((density, density.found.as_ref().ok()?)))
    }

    /// Every node of every quadrature.
    pub(super) fn table(&self) -> Option<Table> {
        let mut table = Table::new(
            "density",
            "Eigenvalues of the Hessian and their shares, start by start",
        )
        .columns([
            Column::new("of", "Of"),
            Column::new("parameters", "Parameters"),
            Column::new("start", "Random start"),
            Column::new("eigenvalue", "Eigenvalue"),
            Column::new("share", "Share"),
        ]);
        table.folded = true;
        for density in &self.all {
            let (of, parameters) = (density.of.as_str(), density.parameters);
            let mut push = |start: Cell, eigenvalue: Cell, share: Cell| {
                table.push(vec![of.into(), parameters.into(), start, eigenvalue, share]);
            };
            match &density.found {
                Ok(found) => {
                    for (start, masses) in found.starts.iter().enumerate() {
                        for &(eigenvalue, share) in masses {
                            push((start + 1).into(), eigenvalue.into(), share.into());
                        }
                    }
                }
                Err(why) => {
                    let nothing = || Cell::text("");
                    push(nothing(), Cell::missing(why.to_string()), nothing());
                }
            }
        }
        (!self.all.is_empty()).then_some(table)
    }

    /// A panel each.
    pub(super) fn chart(&self) -> Option<Chart> {
        let (_, first) = self.known().next()?;
        let caption = format!(
            "Stochastic Lanczos quadrature over {} from {}; every node a Gaussian whose deviation is {} of the range. Lower \
             densities are drawn at {FLOOR:e}.",
            words::count(self.images, "training image"),
            words::count(first.starts.len(), "random start"),
            words::percent(WIDTH),
        );
        let chart = Chart::new("density", "Spectral density of the Hessian", caption).columns(2);
        Some(self.known().fold(chart, |chart, (density, found)| {
            let title = format!(
                "{}, {}",
                density.of,
                words::count(density.parameters, "parameter")
            );
            chart.panel(panel(title, found))
        }))
    }

    /// What the density of the whole network says.
    pub(super) fn finding(&self) -> Option<String> {
        let whole = self.all.first()?;
        Some(format!(
            "Spectral density of the Hessian over {}, shares ± standard error over its random starts: {}.",
            words::count(self.images, "training image"),
            whole.in_words()
        ))
    }
}

/// The order in which an image passes the places of a network.
fn place(role: Role) -> (u8, usize) {
    match role {
        Role::Embedding => (0, 0),
        Role::Layer(layer) => (1, layer),
        Role::Head => (2, 0),
        Role::Other => (3, 0),
    }
}

fn name(block: &Block) -> String {
    match block.role {
        Role::Embedding => "embedding".to_owned(),
        Role::Layer(layer) => format!("layer {}", layer + 1),
        Role::Head => "head".to_owned(),
        Role::Other => "other".to_owned(),
    }
}

fn panel(title: String, found: &SpectralDensity) -> Panel {
    const POINTS: usize = 400;
    let panel = Panel::new(title, Axis::new("eigenvalue"), Axis::new("density").log());
    let Some((low, high)) = found.range() else {
        return panel;
    };
    // All nodes in one place have no range; any width shows that.
    let width = if high > low {
        WIDTH * (high - low)
    } else {
        1.0
    };
    let (from, to) = (low - 4.0 * width, high + 4.0 * width);
    let points = (0..=POINTS).map(|i| {
        let at = from + (to - from) * i as f64 / POINTS as f64;
        (at, found.smoothed(at, width).max(FLOOR))
    });
    panel.series(Series::new("", 0, Mark::Line).points(points))
}
