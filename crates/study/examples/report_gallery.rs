//! A gallery of every chart form and table form of the report, with made-up numbers: a page to look at when the renderer changes.
//!
//! `cargo run -p srr-study --example report_gallery -- FOLDER` writes it.

use std::path::PathBuf;
use std::process::ExitCode;

use srr_random::{Seed, Stream};
use srr_study::report::{
    Artefact, Axis, Cell, Chart, Column, Heat, Ink, Mark, Panel, Point, Provenance, Rule, Series,
    Share, Table, terminal, write,
};

const VARIANTS: [&str; 4] = ["CRATE-C", "CRATE-N", "CRATE-T", "CRATE"];
const MEASURES: [&str; 10] = [
    "srr",
    "params",
    "l2",
    "l2-dist",
    "param-norm",
    "fro-dist",
    "log-prod-of-spec",
    "log-prod-of-spec-over-margin",
    "path-norm",
    "inverse-margin",
];

fn main() -> ExitCode {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("target/report-gallery"), PathBuf::from);
    let artefacts = artefacts();
    match write(&artefacts, &provenance(), &folder) {
        Ok(files) => {
            println!("{}", terminal::summary(&artefacts));
            println!("{} files in {}", files.len(), folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn provenance() -> Provenance {
    Provenance {
        title: "Gallery of chart forms (made-up numbers)".into(),
        subtitle: "Every form that a report can take, drawn from invented data. Nothing on this page is a result.".into(),
        profile: "gallery".into(),
        configuration_digest: "ca3d163bab055381".into(),
        data: vec![("none".into(), "invented by the example".into())],
        versions: vec![("srr-study".into(), env!("CARGO_PKG_VERSION").into())],
        command: "cargo run -p srr-study --example report_gallery".into(),
        references: vec!["A reference would stand here, with its year and where it appeared.".into()],
    }
}

fn artefacts() -> Vec<Artefact> {
    vec![
        ascent(),
        expansions(),
        layerwise(),
        variants(),
        correlation(),
        scatter(),
        regularization(),
        choices(),
        hostile(),
    ]
}

/// Sets what every artefact of the gallery says alike.
fn gallery(name: &str, title: &str, shows: &str) -> Artefact {
    Artefact::new(name, title)
        .shows(shows)
        .finding(
            "Invented: the first value is 0.45 [0.21, 0.63].\n\nA second paragraph says more about the finding, with R^{c} and \
             `inline code`, and goes on long enough to show how a paragraph is set beside the one of the paper.",
        )
        .paper("Invented: the paper says 0.445.\n\nIt also says something in a second paragraph.")
        .setting("width d", "48")
        .setting("depth L", "6")
        .setting("heads K", "3")
        .setting("optimizer", "Adam, learning rate 10^{-3}, batch 128")
        .setting("precision", "ε^{2} = 0.5, unit tokens, class token left out")
        .seeds("3 (0, 1, 2)")
        .spread("Sample standard deviation over seeds; 95 % bootstrap intervals from 2000 resamples.")
        .note("A note says what was left out and why.")
}

fn stream(purpose: &str) -> Stream {
    Seed::new(7).purpose(purpose).stream()
}

fn ascent() -> Artefact {
    let rules = [
        ("conceptual", -0.08),
        ("negated", 0.12),
        ("transposed", -0.05),
        ("first order", -0.1),
        ("second order", -0.11),
        ("gradient descent", -0.14),
        ("gradient ascent", 9.0),
        ("no skip", 30.0),
    ];
    let mut panel = Panel::new(
        "",
        Axis::new("layer").integers(),
        Axis::new("R^{c}(Z; U)").log(),
    );
    for (i, (name, rate)) in rules.iter().enumerate() {
        let points = (0..=12).map(|layer| {
            let layer = f64::from(layer);
            let value = 40.0 * 10f64.powf(rate * layer);
            Point::at(layer, if value > 1e270 { f64::INFINITY } else { value })
                .labeled(format!("layer {layer}"))
        });
        panel = panel.series(Series::new(*name, i, Mark::LineAndPoints).points(points));
    }
    let mut close = panel.clone();
    close.series.truncate(6);
    close.series.push(
        Series::new("reference", Ink::Neutral, Mark::Dashed).points([(0.0, 40.0), (12.0, 4.0)]),
    );
    close.title = "The same, without the two that diverge".into();
    panel.title = "All rules".into();
    let chart = Chart::new(
        "ascent",
        "Eight lines on one logarithmic axis",
        "From 1 to 10^{300}, two of which leave the axis.",
    )
    .panel(panel.clone());
    let two = Chart::new(
        "ascent-two",
        "Two panels",
        "Side by side, each with its own range.",
    )
    .panel(panel)
    .panel(close);
    let mut table = Table::new("ascent", "R^{c} per layer").columns([
        Column::new("rule", "Rule"),
        Column::new("first", "First layer"),
        Column::new("last", "Last layer"),
    ]);
    for (name, rate) in rules {
        table.push(vec![
            name.into(),
            40.0.into(),
            (40.0 * 10f64.powf(rate * 12.0)).into(),
        ]);
    }
    gallery(
        "ascent",
        "Lines over many decades",
        "Lines with markers, a logarithmic axis and values beyond it.",
    )
    .chart(chart)
    .chart(two)
    .table(table)
}

fn expansions() -> Artefact {
    let curve = |f: fn(f64) -> f64| {
        (0..=60)
            .map(|i| f64::from(i) / 20.0)
            .map(move |x| (x, f(x)))
            .collect::<Vec<_>>()
    };
    let values = Panel::new("Value", Axis::new("x"), Axis::new("value").range(-1.5, 3.2))
        .series(Series::new("log(1 + x)", Ink::Neutral, Mark::Line).points(curve(f64::ln_1p)))
        .series(Series::new("first order", 0, Mark::Line).points(curve(|x| x)))
        .series(Series::new("second order", 1, Mark::Line).points(curve(|x| x - x * x / 2.0)));
    let share = |f: fn(f64) -> f64| {
        (1..=30)
            .map(|i| f64::from(i) / 10.0)
            .map(move |x| Point::at(x, f(x)).between(f(x) * 0.92, f(x) * 1.06))
    };
    let kept = Panel::new(
        "Share kept",
        Axis::new("x"),
        Axis::new("share of the logarithm").zero(),
    )
    .series(Series::new("first order", 0, Mark::Line).points(share(|x| x / x.ln_1p())))
    .series(
        Series::new("second order", 1, Mark::Line).points(share(|x| (x - x * x / 2.0) / x.ln_1p())),
    )
    .rule(Rule::horizontal(1.0, "exact"));
    let chart = Chart::new(
        "expansions",
        "Curves and bands",
        "Left: curves cut at a fixed range. Right: bands around curves.",
    )
    .panel(values)
    .panel(kept);
    let mut table =
        Table::new("expansions", "Shares").columns(["x", "First order", "Second order"]);
    for x in [0.1, 0.5, 1.0, 3.0] {
        table.push(vec![
            x.into(),
            (x / f64::ln_1p(x)).into(),
            ((x - x * x / 2.0) / f64::ln_1p(x)).into(),
        ]);
    }
    gallery(
        "expansions",
        "Curves with bands",
        "Two panels, bands, a rule and a fixed range.",
    )
    .chart(chart)
    .table(table)
}

fn layerwise() -> Artefact {
    let quantities = [
        ("R^{c}(Z; U)", 60.0),
        ("R(Z)", 140.0),
        ("‖Z‖_{0} / (N d)", 0.6),
        ("sparse rate reduction μ", 3000.0),
    ];
    let mut chart = Chart::new(
        "layerwise",
        "One curve per epoch, four quantities, four variants",
        "Each curve is one epoch, from initialization to the end of training; rows share their vertical axis.",
    )
    .columns(4)
    .share(Share::All, Share::Row)
    .sequence("epoch", 0.0, 30.0);
    for (row, (quantity, top)) in quantities.iter().enumerate() {
        for (column, variant) in VARIANTS.iter().enumerate() {
            let title = if row == 0 { *variant } else { "" };
            let mut panel = Panel::new(title, Axis::new("layer").integers(), Axis::new(*quantity));
            for epoch in 0..=30 {
                let age = f64::from(epoch) / 30.0;
                let points = (0..=6).map(|layer| {
                    let depth = f64::from(layer) / 6.0;
                    let fall =
                        (1.0 - 0.7 * depth * age.sqrt()) * (1.0 - 0.2 * age * column as f64 / 3.0);
                    (
                        f64::from(layer),
                        top * fall * (1.0 + 0.04 * (f64::from(layer) * 2.3 + age).sin()),
                    )
                });
                let series = Series::new(
                    format!("epoch {epoch}"),
                    Ink::Sequence(f64::from(epoch)),
                    Mark::Line,
                );
                panel = panel.series(series.points(points));
            }
            chart = chart.panel(panel);
        }
    }
    let mut table = Table::new("layerwise", "Values at the last epoch").columns([
        "Variant",
        "Layer",
        "R^{c}",
        "R",
        "Non-zeros",
    ]);
    table.folded = true;
    for variant in VARIANTS {
        for layer in 1..=6_usize {
            let depth = layer as f64;
            table.push(vec![
                variant.into(),
                layer.into(),
                (60.0 - 7.3 * depth).into(),
                (140.0 - 9.1 * depth).into(),
                (2000 - 137 * layer).into(),
            ]);
        }
    }
    gallery(
        "layerwise",
        "Small multiples",
        "Sixteen panels with thirty-one curves each, and a color bar.",
    )
    .chart(chart)
    .table(table)
}

fn variants() -> Artefact {
    let names = [
        "CRATE-C",
        "CRATE-N",
        "CRATE-T",
        "CRATE",
        "CRATE-Fix",
        "CRATE-Identity",
        "ViT",
    ];
    let top1 = [93.1, 92.4, 95.0, 96.1, 91.7, 84.9, 95.8];
    let mut random = stream("variants");
    let points = |low: f64| {
        let values = top1.iter().enumerate();
        values
            .map(move |(i, v)| Point::at(i as f64, *v - low).between(v - low - 0.6, v - low + 0.6))
            .collect::<Vec<_>>()
    };
    let axis = || Axis::categories("", names);
    let dots = Panel::new("Points", axis(), Axis::new("top-1 (%)"))
        .series(Series::new("mean ± sd", 0, Mark::Points).points(points(0.0)));
    let mut seeds = Series::new("single seeds", Ink::Neutral, Mark::Points);
    for (i, value) in top1.iter().enumerate() {
        seeds
            .points
            .extend((0..3).map(|_| Point::at(i as f64, value + random.normal() * 0.6)));
    }
    let bars = Panel::new("Bars", axis(), Axis::new("top-1 (%)"))
        .series(Series::new("mean ± sd", 0, Mark::Bars).points(points(0.0)));
    let chart = Chart::new(
        "variants",
        "Categories",
        "The same values as points and as bars.",
    )
    .panel(dots.series(seeds))
    .panel(bars);
    let mut table = Table::new("variants", "Accuracy and size").columns([
        Column::new("variant", "Variant"),
        Column::new("top1", "top-1 (%)").spread(),
        Column::new("parameters", "Parameters"),
        Column::new("paper", "Paper, top-1 (%)"),
    ]);
    for (i, (name, value)) in names.iter().zip(top1).enumerate() {
        let values = [value, value + 0.5, value - 0.4];
        let count = if i < 5 { &values[..] } else { &values[..2] };
        let paper = if i < 4 {
            Cell::Number(84.0 + i as f64)
        } else {
            Cell::missing("not in the paper")
        };
        table.push(vec![
            (*name).into(),
            Cell::spread(count),
            (104_458 + 31_000 * i).into(),
            paper,
        ]);
    }
    gallery(
        "variants",
        "Bars and points by category",
        "Categories that need slanted names.",
    )
    .chart(chart)
    .table(table)
}

fn correlation() -> Artefact {
    let axes = [
        "batch size",
        "learning rate",
        "width",
        "dropout",
        "variant",
        "overall",
        "Ψ",
    ];
    let tau = |i: usize, j: usize| {
        ((i as f64 * 2.1 + j as f64 * 1.3).sin() * 0.95 * 100.0).round() / 100.0
    };
    let missing = |i: usize, j: usize| i == 8 && j == 2;
    let values = (0..MEASURES.len())
        .map(|i| {
            (0..axes.len())
                .map(|j| (!missing(i, j)).then(|| tau(i, j)))
                .collect()
        })
        .collect();
    let heat = Chart::new(
        "correlation-axes",
        "Heat map",
        "Rank correlation per hyper-parameter; a dash where it is undefined.",
    )
    .panel(Panel::heat(
        "",
        Axis::categories("", axes),
        Axis::categories("", MEASURES),
        Heat::diverging("τ", values, 1.0),
    ));
    let forest = |name: &str, ink: usize, shift: f64| {
        let points = (0..MEASURES.len()).map(|i| {
            let value = (tau(i, 5) * 0.8 + shift).clamp(-0.9, 0.9);
            Point::at(value, i as f64).between((value - 0.2).max(-1.0), (value + 0.17).min(1.0))
        });
        Series::new(name, ink, Mark::Forest).points(points)
    };
    let x = || Axis::new("Kendall τ with the generalization gap").range(-1.0, 1.0);
    let overall = Chart::new(
        "correlation-overall",
        "Intervals",
        "Two estimates per measure with their intervals.",
    )
    .panel(
        Panel::new("", x(), Axis::categories("", MEASURES))
            .series(forest("d = 384", 0, 0.0))
            .series(forest("d = 768", 1, -0.1))
            .rule(Rule::vertical(0.445, "the paper's value for srr")),
    );
    let mut table = Table::new("correlation", "τ per hyper-parameter").columns(
        std::iter::once(Column::new("measure", "Measure"))
            .chain(axes.iter().map(|axis| Column::from(*axis)))
            .chain([
                Column::new("tau", "τ with interval").interval(),
                Column::new("p", "p"),
            ]),
    );
    for (i, measure) in MEASURES.iter().enumerate() {
        let mut row = vec![Cell::from(*measure)];
        row.extend((0..axes.len()).map(|j| {
            if missing(i, j) {
                Cell::missing("not positive")
            } else {
                tau(i, j).into()
            }
        }));
        let value = tau(i, 5) * 0.8;
        row.push(Cell::Interval {
            value,
            low: value - 0.21,
            high: value + 0.17,
        });
        row.push(10f64.powf(-(i as f64) * 1.3).into());
        table.push(row);
    }
    gallery(
        "correlation",
        "Heat map and intervals",
        "Signed numbers in cells, and rows of intervals.",
    )
    .chart(heat)
    .chart(overall)
    .table(table)
}

fn scatter() -> Artefact {
    let mut random = stream("scatter");
    let mut panel = Panel::new(
        "μ of the last layer",
        Axis::new("sparse rate reduction μ").log(),
        Axis::new("generalization gap"),
    );
    let mut other = Panel::new(
        "path-norm",
        Axis::new("path norm").log(),
        Axis::new("generalization gap"),
    );
    for (i, variant) in VARIANTS.iter().enumerate() {
        let points: Vec<Point> = (0..8)
            .map(|model| {
                let x = 200.0 * (1.0 + 0.5 * i as f64) * (0.5 * random.normal()).exp();
                Point::at(x, 0.05 + 0.0002 * x + 0.03 * random.normal())
                    .labeled(format!("model {model}"))
            })
            .collect();
        let apart = points
            .iter()
            .map(|p| Point::at(p.x.powi(3), p.y).between(p.y - 0.02, p.y + 0.02));
        other = other.series(Series::new(*variant, i, Mark::Points).points(apart));
        panel = panel.series(Series::new(*variant, i, Mark::Points).points(points));
    }
    let chart = Chart::new(
        "scatter",
        "One point per model",
        "32 models of four variants; error bars on the right.",
    )
    .share(Share::None, Share::All)
    .panel(panel.note("τ = 0.45 [0.21, 0.63]"))
    .panel(other.note("τ = −0.12 [−0.35, 0.14]"));
    let mut table = Table::new("scatter", "Models").columns(["Model", "Variant", "μ", "Gap"]);
    for i in 0..6_usize {
        table.push(vec![
            i.into(),
            VARIANTS[i % 4].into(),
            (212.7 + 31.0 * i as f64).into(),
            (0.051 + 0.013 * i as f64).into(),
        ]);
    }
    gallery("scatter", "Scatter", "Colors and shapes by category.")
        .chart(chart)
        .table(table)
}

fn regularization() -> Artefact {
    let groups = |ink: usize, name: &str, gain: f64| {
        let points = (0..4).map(|i| {
            let mean = 92.0 + f64::from(i) + gain;
            Point::at(f64::from(i), mean).between(mean - 0.5, mean + 0.5)
        });
        Series::new(name, ink, Mark::Bars).points(points)
    };
    let dots = |ink: usize, name: &str, gain: f64| Series {
        mark: Mark::Points,
        ..groups(ink, name, gain)
    };
    let axis = || Axis::categories("", VARIANTS);
    let bars = Panel::new("Grouped bars", axis(), Axis::new("top-1 (%)"))
        .series(groups(0, "cross-entropy", 0.0))
        .series(groups(1, "cross-entropy + SRR", 0.7));
    let points = Panel::new("Grouped points", axis(), Axis::new("top-1 (%)"))
        .series(dots(0, "cross-entropy", 0.0))
        .series(dots(1, "cross-entropy + SRR", 0.7));
    let chart = Chart::new("regularization", "Groups", "Two series per category.")
        .panel(bars)
        .panel(points);
    let layers = ["none", "2", "4", "6", "random", "all"];
    let line = Panel::new(
        "",
        Axis::categories("regularized layer", layers),
        Axis::new("top-1 (%)"),
    )
    .series(Series::new("CRATE", 3, Mark::Points).points(
        (0..6).map(|i| Point::at(f64::from(i), 95.0 + 0.2 * f64::from(i)).between(94.6, 96.4)),
    ));
    let single = Chart::new(
        "regularized-layers",
        "One panel",
        "Points with error bars by layer.",
    )
    .panel(line);
    let mut table = Table::new("regularization", "Accuracy").columns([
        Column::new("variant", "Variant"),
        Column::new("ce", "CE").spread(),
        Column::new("ce_srr", "CE + SRR").spread(),
    ]);
    for (i, variant) in VARIANTS.iter().enumerate() {
        let base = 92.0 + i as f64;
        table.push(vec![
            (*variant).into(),
            Cell::spread(&[base, base + 0.4, base - 0.7]),
            Cell::spread(&[base + 0.9, base + 0.5, base + 0.6]),
        ]);
    }
    gallery(
        "regularization",
        "Grouped bars",
        "Several series side by side.",
    )
    .chart(chart)
    .chart(single)
    .table(table)
}

fn choices() -> Artefact {
    let values = (0..3)
        .map(|i| {
            (0..4)
                .map(|j| Some(0.1 + 0.07 * (i * 4 + j) as f64))
                .collect()
        })
        .collect();
    let chart = Chart::new(
        "choices",
        "Sequential heat map",
        "Few cells do not grow without limit.",
    )
    .panel(Panel::heat(
        "",
        Axis::categories("precision", ["ε = 0.5", "ε^{2} = 0.5", "γ = 1", "other"]),
        Axis::categories("sparsity", ["count", "density", "L1"]),
        Heat::sequential("τ", values, 0.0, 1.0),
    ));
    let mut table = Table::new(
        "choices",
        "A wide table with long names scrolls in its own box on a phone",
    )
    .columns((0..14).map(|i| Column::new(format!("c{i}"), format!("Column number {i}"))));
    table.push((0..14).map(|i| (f64::from(i) * 1234.567).into()).collect());
    gallery(
        "choices",
        "Another heat map",
        "One ramp, large cells; and a wide table.",
    )
    .chart(chart)
    .table(table)
}

/// What must not break a page: missing parts, values that are not numbers, text that looks like markup, empty panels.
fn hostile() -> Artefact {
    let points = [
        (1.0, 2.0),
        (2.0, f64::NAN),
        (3.0, f64::INFINITY),
        (4.0, -1.0),
        (5.0, 3.0),
        (6.0, 20.0),
    ];
    let broken = Panel::new("Gaps <b>&</b> edges", Axis::new("x"), Axis::new("y").log())
        .series(Series::new("a <script>", 0, Mark::LineAndPoints).points(points));
    let same = Panel::new("One value", Axis::new("x"), Axis::new("y"))
        .series(Series::new("b", 1, Mark::Points).points([(1.0, 5.0)]));
    let long = "A title that is much too long for its panel and so takes more than one line";
    let empty = Panel::new(
        long,
        Axis::new("a long label of an axis that does not fit on one line"),
        Axis::new("a long label of a vertical axis that does not fit on one line"),
    );
    let chart = Chart::new(
        "hostile",
        "Unusual data",
        "What cannot be shown is counted below the figure.",
    )
    .panel(broken)
    .panel(same)
    .panel(empty);
    let mut table = Table::new("hostile", "Missing values").columns(["Name", "Value"]);
    for value in [f64::NAN, f64::INFINITY, 1e-12, 3.25e17] {
        table.push(vec!["<td>".into(), value.into()]);
    }
    Artefact::new("hostile", "Unusual data & missing parts")
        .shows("This artefact leaves parts out on purpose.")
        .chart(chart)
        .table(table)
}
