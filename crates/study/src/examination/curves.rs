//! R, R^c, ‖Z‖₀ and μ of every layer, on training and on held-out images.

use crate::report::{Axis, Cell, Chart, Column, Mark, Panel, Series, Table};
use srr_coding_rate::{Conventions, SparseRateReduction};
use srr_measures::{Images, NetworkRates, Split, Subject, Undefined, network_rates};

/// The rates of all layers on the images of one split, or why there are none.
pub type Curve = Result<NetworkRates, Undefined>;

/// The rates by layer on both splits.
#[derive(Clone, Debug)]
pub struct Curves {
    /// On training images.
    pub training: Curve,
    /// On held-out images.
    pub held_out: Curve,
    conventions: Conventions,
}

/// A quantity of a layer: key, heading, value.
type Quantity = (
    &'static str,
    &'static str,
    fn(&SparseRateReduction, &Conventions) -> f64,
);

const QUANTITIES: [Quantity; 6] = [
    ("coding_rate", "R", |rates, _| rates.coding_rate),
    ("compressed_rate", "R^{c}", |rates, _| rates.compressed_rate),
    ("nonzeros", "‖Z‖_{0}", |rates, _| rates.nonzeros),
    ("srr", "μ", SparseRateReduction::value_under),
    ("rate_reduction", "ΔR", |rates, _| {
        rates.coding_rate - rates.compressed_rate
    }),
    ("density", "share of non-zeros", |rates, _| rates.density),
];

/// How many of [`QUANTITIES`] are drawn, from the first.
const DRAWN: usize = 4;

/// How a split is called and drawn, wherever both stand side by side.
const SPLITS: [(&str, usize, Mark); 2] = [
    ("training", 0, Mark::LineAndPoints),
    ("held-out", 1, Mark::Dashed),
];

impl Curves {
    /// The rates of a model, averaged over at most `images` images of each split: a fixed choice with as equal a number of every class
    /// as there is.
    #[must_use]
    pub fn of(subject: &dyn Subject, conventions: &Conventions, images: usize) -> Self {
        let curve = |split| {
            let images = Images {
                limit: Some(images),
                ..Images::all(split)
            };
            let mut found = network_rates(subject, &[*conventions], images);
            match found.pop() {
                Some(curve) => curve,
                None => Err(Undefined::Misfit("no conventions".to_owned())),
            }
        };
        Self {
            training: curve(Split::Train),
            held_out: curve(Split::Test),
            conventions: *conventions,
        }
    }

    /// Both curves by name.
    pub fn named(&self) -> [(&'static str, &Curve); 2] {
        [(SPLITS[0].0, &self.training), (SPLITS[1].0, &self.held_out)]
    }

    /// Keys and headings of the quantities, in the order of [`values`](Self::values).
    pub fn quantities() -> impl Iterator<Item = (&'static str, &'static str)> {
        QUANTITIES.iter().map(|(key, heading, _)| (*key, *heading))
    }

    /// All quantities of a layer.
    #[must_use]
    pub fn values(&self, layer: &SparseRateReduction) -> [f64; QUANTITIES.len()] {
        QUANTITIES.map(|(_, _, of)| of(layer, &self.conventions))
    }

    /// One panel a quantity, one curve a split; `None` where there is nothing to draw.
    pub(super) fn chart(&self) -> Option<Chart> {
        let images: Vec<String> = self
            .named()
            .into_iter()
            .filter_map(|(name, curve)| {
                let images = curve.as_ref().ok()?.images;
                Some(format!("{images} {name} images"))
            })
            .collect();
        if images.is_empty() {
            return None;
        }
        let caption = format!(
            "Mean over {}. R: rate of the tokens; R^{{c}}: against the layer's subspaces; ‖Z‖_{{0}}: non-zero entries; \
             μ = λ‖Z‖_{{0}} + R^{{c}} − R.",
            images.join(" and ")
        );
        let mut chart = Chart::new("curves", "Rates by layer", caption).columns(2);
        for (_, heading, of) in &QUANTITIES[..DRAWN] {
            let mut panel = Panel::new("", Axis::new("layer").integers(), Axis::new(*heading));
            for ((name, ink, mark), (_, curve)) in SPLITS.into_iter().zip(self.named()) {
                let Ok(rates) = curve else { continue };
                let points = rates.layers.iter().enumerate();
                let points =
                    points.map(|(i, layer)| ((i + 1) as f64, of(layer, &self.conventions)));
                panel = panel.series(Series::new(name, ink, mark).points(points));
            }
            chart = chart.panel(panel);
        }
        Some(chart)
    }

    /// Every number of the curves.
    pub(super) fn table(&self) -> Table {
        let fixed = [
            Column::new("images", "Images of"),
            Column::new("layer", "Layer"),
        ];
        let quantities = Self::quantities().map(|(key, heading)| Column::new(key, heading));
        let mut table = Table::new("layers", "Rates of every layer")
            .columns(fixed.into_iter().chain(quantities));
        for (name, curve) in self.named() {
            let Ok(rates) = curve else { continue };
            for (layer, terms) in rates.layers.iter().enumerate() {
                let mut row: Vec<Cell> = vec![name.into(), (layer + 1).into()];
                row.extend(self.values(terms).map(Cell::from));
                table.push(row);
            }
        }
        table
    }
}
