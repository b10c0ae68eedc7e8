//! `layerwise`: how rates move with depth and with training (Hu, Zou and Xu 2024, Fig. 2 and 3).

use super::{
    Recipe,
    common::{fixed, list, note_diverged, percent, say, section, title},
    settings::describe,
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{Artefact, Axis, Cell, Chart, Column, Ink, Mark, Panel, Series, Share, Table},
    store::RunResult,
};
use srr_layers::Variant;
use srr_trainer::LayerRates;

/// The artefact.
pub(super) struct Layerwise;

/// A quantity of a layer: key, heading, value.
type Quantity = (&'static str, &'static str, fn(&LayerRates) -> f64);

const QUANTITIES: [Quantity; 6] = [
    ("compressed_rate", "R^{c}", |rates| rates.compressed_rate),
    ("coding_rate", "R", |rates| rates.coding_rate),
    ("rate_reduction", "ΔR", |rates| {
        rates.coding_rate - rates.compressed_rate
    }),
    ("nonzeros", "‖Z‖_{0}", |rates| rates.nonzeros),
    ("density", "share of non-zeros", |rates| rates.density),
    ("srr", "μ", |rates| rates.srr),
];

/// The quantities that are drawn, by place in [`QUANTITIES`].
const DRAWN: [usize; 4] = [0, 1, 4, 5];

/// One variant's rates: per recorded epoch, per layer.
struct Course {
    variant: Variant,
    run: PlannedRun,
    result: RunResult,
    epochs: Vec<(usize, Vec<LayerRates>)>,
}

/// The run of `layerwise` that is this one but for the rates that it records, where there is one: recorded rates change nothing else, so
/// that the two need not be trained apart.
pub(super) fn with_rates(context: &Context<'_>, run: PlannedRun) -> Result<PlannedRun> {
    let Some(section) = &context.profile.layerwise else {
        return Ok(run);
    };
    let (variant, seed) = (run.config.model.variant, run.config.seed);
    if seed != section.seed || !section.variants.contains(&variant) {
        return Ok(run);
    }
    let other = context.run(&section.setup(context.profile), variant, seed)?;
    let mut recording = run.config.clone();
    recording
        .training
        .rates
        .clone_from(&other.config.training.rates);
    Ok(if recording == other.config {
        other
    } else {
        run
    })
}

impl Recipe for Layerwise {
    fn name(&self) -> &'static str {
        "layerwise"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.layerwise.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let section = section(&context.profile.layerwise, self.name())?;
        let setup = section.setup(context.profile);
        let run = |&variant| context.run(&setup, variant, section.seed);
        section.variants.iter().map(run).collect()
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.layerwise, self.name())?;
        let mut courses = Vec::new();
        for (run, &variant) in self.plan(context)?.into_iter().zip(&section.variants) {
            let epochs = context
                .log(&run)?
                .into_iter()
                .filter_map(|record| Some((record.epoch, record.layers?)))
                .collect();
            let result = context.result(&run)?;
            courses.push(Course {
                variant,
                run,
                result,
                epochs,
            });
        }
        let runs: Vec<PlannedRun> = courses.iter().map(|course| course.run.clone()).collect();
        let artefact = Artefact::new("layerwise", "Rates layer by layer while training")
            .shows(SHOWS)
            .finding(finding(&courses))
            .paper(PAPER)
            .seeds(format!("1 ({})", section.seed))
            .spread("None: one run per variant. The rates are means over images.")
            .chart(chart(&courses))
            .table(summary(&courses))
            .table(table(&courses));
        let artefact = describe(artefact, &runs)?;
        Ok(note_diverged(
            artefact,
            courses.iter().map(|course| (&course.run, &course.result)),
        ))
    }
}

const SHOWS: &str = "How far each layer compresses its tokens against its subspaces (R^{c}), how much room they take (R), how \
    sparse they are, and the sparse rate reduction μ = λ‖Z‖_{0} + R^{c} − R, from initialization to the end of training.\n\n\
    A network that did what its derivation says would lower R^{c} from layer to layer.";

const PAPER: &str = "The paper's analysis (§4.1): the attention step keeps the second-order term of the rate's gradient and \
    drops the first-order one, so the step as derived raises R^{c}.\n\n\
    The curves of its Fig. 2 and 3 are not recorded in numbers here, so they can be compared by shape only.";

/// What happened, from the numbers.
fn finding(courses: &[Course]) -> String {
    let mut rising = Vec::new();
    let mut falling = Vec::new();
    let mut paragraphs = Vec::new();
    for course in courses {
        let (Some((_, first)), Some((epoch, last))) = (course.epochs.first(), course.epochs.last())
        else {
            continue;
        };
        let (Some(start), Some(end)) = (last.first(), last.last()) else {
            continue;
        };
        let name = title(course.variant);
        let rises = steps_up(last);
        if end.compressed_rate > start.compressed_rate {
            &mut rising
        } else {
            &mut falling
        }
        .push(name);
        let mean = |rates: &[LayerRates], of: fn(&LayerRates) -> f64| {
            rates.iter().map(of).sum::<f64>() / rates.len() as f64
        };
        paragraphs.push(format!(
            "{name}: after {epoch} epochs R^{{c}} goes from {} in layer 1 to {} in layer {} (up at {rises} of {} steps from \
             layer to layer); over training its mean over layers went from {} to {}, μ from {} to {}, the share of non-zeros \
             in the last layer from {} to {}.",
            say(start.compressed_rate, 3),
            say(end.compressed_rate, 3),
            last.len(),
            last.len() - 1,
            say(mean(first, |rates| rates.compressed_rate), 3),
            say(mean(last, |rates| rates.compressed_rate), 3),
            say(mean(first, |rates| rates.srr), 3),
            say(mean(last, |rates| rates.srr), 3),
            percent(first.last().map_or(f64::NAN, |rates| rates.density)),
            percent(end.density),
        ));
    }
    let headline = format!(
        "From the first to the last layer of these trained networks, R^{{c}} rises in {} and falls in {}: one run each, at one setting \
         and under one convention. `cargo xtask evaluate`, with and without `--norms`, shows any other run.",
        list(&rising),
        list(&falling)
    );
    std::iter::once(headline)
        .chain(paragraphs)
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Number of layers whose R^c is above that of the layer before.
fn steps_up(layers: &[LayerRates]) -> usize {
    layers
        .windows(2)
        .filter(|pair| pair[1].compressed_rate > pair[0].compressed_rate)
        .count()
}

/// First and last layer at the start and at the end.
fn summary(courses: &[Course]) -> Table {
    let mut table = Table::new(
        "layerwise-summary",
        "R^{c} and μ of the first and the last layer, before and after training",
    )
    .columns([
        Column::new("variant", "Variant"),
        Column::new("epoch", "Epoch"),
        Column::new("rc_first", "R^{c}, first layer"),
        Column::new("rc_last", "R^{c}, last layer"),
        Column::new("steps_up", "Layers where R^{c} rises"),
        Column::new("srr_first", "μ, first layer"),
        Column::new("srr_last", "μ, last layer"),
        Column::new("srr_mean", "μ, mean"),
    ]);
    for course in courses {
        let ends = [course.epochs.first(), course.epochs.last()];
        for (epoch, layers) in ends.into_iter().flatten() {
            let at =
                |layer: Option<&LayerRates>, of: fn(&LayerRates) -> f64| Cell::from(layer.map(of));
            let mean = layers.iter().map(|rates| rates.srr).sum::<f64>() / layers.len() as f64;
            table.push(vec![
                title(course.variant).into(),
                (*epoch).into(),
                at(layers.first(), |rates| rates.compressed_rate),
                at(layers.last(), |rates| rates.compressed_rate),
                steps_up(layers).into(),
                at(layers.first(), |rates| rates.srr),
                at(layers.last(), |rates| rates.srr),
                mean.into(),
            ]);
        }
    }
    table
}

/// Every recorded number.
fn table(courses: &[Course]) -> Table {
    let fixed = [
        Column::new("variant", "Variant"),
        Column::new("epoch", "Epoch"),
        Column::new("layer", "Layer"),
    ];
    let quantities = QUANTITIES
        .iter()
        .map(|(key, heading, _)| Column::new(*key, *heading));
    let mut table =
        Table::new("layerwise", "Every recorded rate").columns(fixed.into_iter().chain(quantities));
    table.folded = true;
    for course in courses {
        for (epoch, layers) in &course.epochs {
            for (layer, rates) in layers.iter().enumerate() {
                let mut row: Vec<Cell> = vec![
                    title(course.variant).into(),
                    (*epoch).into(),
                    (layer + 1).into(),
                ];
                row.extend(QUANTITIES.iter().map(|(_, _, of)| Cell::from(of(rates))));
                table.push(row);
            }
        }
    }
    table
}

/// One row of panels per quantity, one column per variant, one curve per epoch.
fn chart(courses: &[Course]) -> Chart {
    let last = courses
        .iter()
        .filter_map(|course| Some(course.epochs.last()?.0))
        .max()
        .unwrap_or(0);
    let mut chart = Chart::new(
        "layerwise",
        "Rates by layer, from initialization to the end of training",
        format!(
            "One curve per recorded epoch, {} for each variant, colored from initialization (epoch 0) to the end (epoch {last}).",
            range(courses.iter().map(|course| course.epochs.len()))
        ),
    )
    .columns(courses.len().max(1))
    .share(Share::All, Share::Row)
    .sequence("epoch", 0.0, last as f64);
    for (_, heading, of) in DRAWN.map(|place| QUANTITIES[place]) {
        for course in courses {
            let mut panel = Panel::new(
                title(course.variant),
                Axis::new("layer").integers(),
                Axis::new(heading),
            );
            for (epoch, layers) in &course.epochs {
                let points = layers
                    .iter()
                    .enumerate()
                    .map(|(layer, rates)| ((layer + 1) as f64, of(rates)));
                let series = Series::new("", 0, Mark::Line).points(points);
                panel = panel.series(Series {
                    ink: Ink::Sequence(*epoch as f64),
                    ..series
                });
            }
            chart = chart.panel(panel.note(final_note(course)));
        }
    }
    chart
}

/// `41`, or `12 to 41` where they differ.
fn range(counts: impl Iterator<Item = usize> + Clone) -> String {
    let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
    if least == most {
        most.to_string()
    } else {
        format!("{least} to {most}")
    }
}

fn final_note(course: &Course) -> String {
    match course.result.test_accuracy() {
        Some(accuracy) => format!(
            "{} epochs, top-1 {} %",
            course.result.epochs,
            fixed(100.0 * accuracy, 1)
        ),
        None => course.result.status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::DataStore, store::Store};

    const PROFILE: &str = r#"
name = "tiny"
about = "A study for tests."
[data]
name = "optdigits"
train = 40
test = 20
[model]
patch = 4
dim = 4
depth = 2
heads = 2
[training]
batch_size = 8
epochs = 20
[layerwise]
variants = ["crate"]
[layerwise.training]
rates = { images = 4 }
[regularized-layers]
seeds = [0, 1]
"#;

    fn with_context<T>(text: &str, work: impl FnOnce(&Context<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::parse("test", text).unwrap();
        let context = Context {
            profile: &profile,
            data: &DataStore::new(),
            store: &Store::open(folder.path(), "tiny").unwrap(),
            registry: &srr_measures::Registry::built_in(),
        };
        work(&context)
    }

    #[test]
    fn runs_that_differ_in_recorded_rates_alone_are_shared() {
        let shared = |text: &str| {
            with_context(text, |context| {
                let own = Layerwise.plan(context).unwrap();
                let other = super::super::regularized_layers::RegularizedLayers;
                let runs = other.plan(context).unwrap();
                let ids = runs.iter().filter(|run| run.id == own[0].id);
                (ids.count(), runs.len())
            })
        };
        // Layer 2, random and all layers, two seeds, with and without the penalty: seed 0 without it is the run of `layerwise`.
        assert_eq!(shared(PROFILE), (3, 12));
        let other = PROFILE.replace(
            "seeds = [0, 1]",
            "seeds = [0, 1]\ntraining = { epochs = 3 }",
        );
        assert_eq!(shared(&other), (0, 12));
    }

    #[test]
    fn every_recorded_epoch_is_drawn() {
        with_context(PROFILE, |context| {
            let run = Layerwise.plan(context).unwrap().remove(0);
            let rates = LayerRates {
                coding_rate: 3.0,
                compressed_rate: 2.0,
                nonzeros: 5.0,
                density: 0.5,
                srr: 1.0,
                images: 4,
                non_finite: 0,
            };
            let course = Course {
                variant: Variant::Crate,
                result: RunResult::new(
                    srr_trainer::Status::Finished {
                        reason: srr_trainer::Reason::Epochs,
                    },
                    None,
                    srr_layers::ParameterCount {
                        trainable: 0,
                        total: 0,
                    },
                ),
                run,
                epochs: (0..=40).map(|epoch| (epoch, vec![rates; 6])).collect(),
            };
            let drawn = chart(&[course]);
            assert_eq!(drawn.panels.len(), DRAWN.len());
            for panel in &drawn.panels {
                let inks: Vec<Ink> = panel.series.iter().map(|series| series.ink).collect();
                let epochs = (0..=40).map(|epoch| Ink::Sequence(f64::from(epoch)));
                assert_eq!(inks, epochs.collect::<Vec<_>>());
            }
            assert!(
                drawn.caption.contains("41 for each variant"),
                "{}",
                drawn.caption
            );
        });
    }
}
