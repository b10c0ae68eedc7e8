//! `toy-ascent`: which update rules lower R^c in the attention-only toy (Hu, Zou and Xu 2024, Fig. 1a and App. A).

use super::{
    Recipe,
    common::{list, mean, say, section, seeds},
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Series, Table},
    toy::{self, ToyConfig, ToyRun, UpdateRule},
};

/// The artefact.
pub(super) struct ToyAscent;

/// One rule, one run per seed.
struct Row {
    rule: UpdateRule,
    runs: Vec<ToyRun>,
}

impl Row {
    /// Whether R^c falls (−1) or rises (1) at every layer of every run, as long as there is any left; 0 when neither.
    fn direction(&self) -> i8 {
        let every = |holds: fn(&toy::ToyLayer) -> bool| {
            self.runs.iter().all(|run| {
                run.layers
                    .iter()
                    .take_while(|layer| layer.before > NOTHING)
                    .all(holds)
            })
        };
        match (
            every(|layer| layer.after < layer.before),
            every(|layer| layer.after > layer.before),
        ) {
            (true, false) => -1,
            (false, true) => 1,
            _ => 0,
        }
    }

    /// R^c after a layer (from 0) of each run that comes so far.
    fn after(&self, layer: usize) -> Vec<f64> {
        self.runs
            .iter()
            .filter_map(|run| Some(run.layers.get(layer)?.after))
            .collect()
    }

    /// The layers at which runs overflow.
    fn overflow(&self) -> Option<usize> {
        self.runs.iter().filter_map(|run| run.overflow).min()
    }
}

impl Recipe for ToyAscent {
    fn name(&self) -> &'static str {
        "toy-ascent"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.toy_ascent.is_some()
    }

    fn plan(&self, _: &Context<'_>) -> Result<Vec<PlannedRun>> {
        Ok(Vec::new())
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.toy_ascent, self.name())?;
        let mut rows = Vec::new();
        for rule in UpdateRule::ALL {
            let run = |&seed: &u64| toy::run(&config(section, seed), rule);
            let runs = section
                .seeds
                .iter()
                .map(run)
                .collect::<Result<Vec<_>, _>>()?;
            rows.push(Row { rule, runs });
        }
        let size = format!(
            "N = {}, d = {}, K = {}, L = {}, step {}, ε^{{2}} = p/N, orthonormal bases drawn anew for every layer, no LayerNorm, no p^{{−1/2}}",
            section.tokens, section.dim, section.heads, section.layers, section.step
        );
        Ok(
            Artefact::new("toy-ascent", "Does the attention step lower R^{c}?")
                .shows(SHOWS)
                .finding(finding(&rows, section.layers))
                .paper(PAPER)
                .setting("Toy", size)
                .seeds(seeds(&section.seeds))
                .spread(if section.seeds.len() > 1 {
                    "Every seed is in the table; curves are means."
                } else {
                    "None: one draw."
                })
                .chart(chart(&rows, section.layers))
                .table(ends(&rows, section.layers))
                .table(table(&rows, &section.seeds)),
        )
    }
}

/// A rate, in nats, that is nothing but rounding.
const NOTHING: f64 = 1e-6;

const SHOWS: &str = "Gaussian tokens pass through layers that consist of one attention step each, without normalization. R^{c} is taken \
    before and after each layer under that layer's own bases. A step that did what it is derived from would lower it.";

const PAPER: &str = "Hu et al.: the exact gradient lowers R^{c}, but the attention step as derived (the second term of the gradient, behind a \
    softmax, CRATE-C) raises it at every layer, since it drops the first-order term.\n\nThe directions are the paper's, the sizes depend on \
    the draw. Not the paper's but a second implementation's, in double precision at N = 196, d = 384, K = 6, L = 12 gave, from about 978 and after layers 1 and 12: exact \
    gradient 975 and 952; first-order term alone 0 at once; second-order Taylor 2931 and second term alone 2934, both overflowing by layer 5; \
    CRATE-C 1243 and 4172; CRATE-T 1105 and 2478; CRATE-N about 0 at once.";

fn config(section: &profile::ToyAscent, seed: u64) -> ToyConfig {
    ToyConfig {
        tokens: section.tokens,
        layers: section.layers,
        dim: section.dim,
        heads: section.heads,
        step: section.step,
        seed,
    }
}

fn finding(rows: &[Row], layers: usize) -> String {
    let names = |direction: i8| {
        rows.iter()
            .filter(|row| row.direction() == direction)
            .map(|row| row.rule.label())
            .collect::<Vec<_>>()
    };
    let details: Vec<String> = rows
        .iter()
        .map(|row| {
            let last = match row.overflow() {
                Some(layer) => format!("overflows at layer {layer}"),
                None => format!(
                    "{} after layer {layers}",
                    say(mean(&row.after(layers.saturating_sub(1))), 3)
                ),
            };
            format!(
                "{}: {} after layer 1, {last}",
                row.rule.label(),
                say(mean(&row.after(0)), 3)
            )
        })
        .collect();
    let mixed = match names(0).as_slice() {
        [] => String::new(),
        mixed => format!("; neither holds throughout for {}", list(mixed)),
    };
    let before: Vec<f64> = rows
        .iter()
        .flat_map(|row| &row.runs)
        .filter_map(|run| Some(run.layers.first()?.before))
        .collect();
    format!(
        "R^{{c}} rises at every layer under {}, and falls under {}{mixed}.\n\nFrom {} at the start. {}.",
        list(&names(1)),
        list(&names(-1)),
        say(mean(&before), 3),
        details.join("; ")
    )
}

/// R^c after the first and the last layer.
fn ends(rows: &[Row], layers: usize) -> Table {
    let mut table = Table::new(
        "toy-ascent-ends",
        "R^{c} after the first and the last layer",
    )
    .columns([
        Column::new("rule", "Update"),
        Column::new("direction", "at every layer"),
        Column::new("after_first", "after layer 1").spread(),
        Column::new("after_last", "after the last layer").spread(),
        Column::new("overflow", "overflow at layer"),
    ]);
    for row in rows {
        let last = row.after(layers.saturating_sub(1));
        table.push(vec![
            row.rule.label().into(),
            ["falls", "neither", "rises"][(row.direction() + 1) as usize].into(),
            Cell::spread(&row.after(0)),
            if last.is_empty() {
                Cell::missing("overflow")
            } else {
                Cell::spread(&last)
            },
            row.overflow()
                .map_or_else(|| Cell::missing("none"), Cell::from),
        ]);
    }
    table
}

/// Every rate.
fn table(rows: &[Row], seeds: &[u64]) -> Table {
    let mut table = Table::new(
        "toy-ascent",
        "R^{c} before and after every layer, under that layer's bases",
    )
    .columns([
        Column::new("rule", "Update"),
        Column::new("seed", "Seed"),
        Column::new("layer", "Layer"),
        Column::new("before", "before"),
        Column::new("after", "after"),
    ]);
    table.folded = true;
    for row in rows {
        for (run, seed) in row.runs.iter().zip(seeds) {
            for (layer, rates) in run.layers.iter().enumerate() {
                table.push(vec![
                    row.rule.label().into(),
                    Cell::from(seed.to_string()),
                    (layer + 1).into(),
                    rates.before.into(),
                    rates.after.into(),
                ]);
            }
        }
    }
    table
}

/// Where the logarithmic axis ends: of rates far below 1 only that they are matters.
const FLOOR: f64 = 1.0;

/// Points of a drawn curve.
type Curve = Vec<(f64, f64)>;

/// The curve of a rule from the start on, as long as it is finite.
fn curve(row: &Row, layers: usize) -> Curve {
    let start = row
        .runs
        .iter()
        .filter_map(|run| Some(run.layers.first()?.before));
    let start = mean(&start.collect::<Vec<f64>>());
    let points = (0..layers).map(|layer| ((layer + 1) as f64, mean(&row.after(layer))));
    std::iter::once((0.0, start))
        .chain(points)
        .filter(|(_, rate)| rate.is_finite())
        .map(|(layer, rate)| (layer, rate.max(FLOOR)))
        .collect()
}

/// Which curves cannot be told apart by eye, in words: nowhere do they differ by more than a hundredth of the axis.
fn together(curves: &[(&str, Curve)]) -> String {
    let heights = curves.iter().flat_map(|(_, curve)| curve);
    let heights = heights.map(|(_, rate)| rate.ln());
    let (least, most) = heights.fold((f64::MAX, f64::MIN), |(least, most), height| {
        (least.min(height), most.max(height))
    });
    let same = |one: &Curve, other: &Curve| {
        let near = |(a, b): (&(f64, f64), &(f64, f64))| {
            (a.1.ln() - b.1.ln()).abs() <= 0.01 * (most - least)
        };
        one.len() == other.len() && one.iter().zip(other).all(near)
    };
    let mut groups: Vec<(&Curve, Vec<&str>)> = Vec::new();
    for (name, curve) in curves {
        match groups.iter_mut().find(|(first, _)| same(first, curve)) {
            Some((_, names)) => names.push(name),
            None => groups.push((curve, vec![name])),
        }
    }
    let several = groups.iter().filter(|(_, names)| names.len() > 1);
    let said =
        several.map(|(_, names)| format!(" The curves of {} lie on each other.", list(names)));
    said.collect()
}

fn chart(rows: &[Row], layers: usize) -> Chart {
    let mut panel = Panel::new(
        "",
        Axis::new("layer").integers(),
        Axis::new("R^{c} after the layer").log(),
    );
    let curves = rows
        .iter()
        .map(|row| (row.rule.label(), curve(row, layers)));
    let curves: Vec<(&str, Curve)> = curves.collect();
    for (ink, (label, points)) in curves.iter().enumerate() {
        let points = points.iter().copied();
        panel = panel.series(Series::new(*label, ink, Mark::LineAndPoints).points(points));
    }
    Chart::new(
        "toy-ascent",
        "R^{c} through the attention-only toy",
        format!(
            "Logarithmic; rates below {FLOOR} are drawn at {FLOOR}. A curve ends where double precision overflows.{}",
            together(&curves)
        ),
    )
    .panel(panel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_that_lie_on_each_other_are_named() {
        let curve = |rates: &[f64]| -> Curve {
            let points = rates.iter().enumerate();
            points.map(|(layer, rate)| (layer as f64, *rate)).collect()
        };
        let curves = [
            ("a", curve(&[900.0, 2931.0])),
            ("b", curve(&[900.0, 1.0])),
            ("c", curve(&[900.0, 2934.0])),
            ("d", curve(&[900.0])),
        ];
        assert_eq!(
            together(&curves),
            " The curves of a and c lie on each other."
        );
        assert_eq!(together(&curves[..2]), "");
    }
}
