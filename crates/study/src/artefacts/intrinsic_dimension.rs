//! `intrinsic-dimension`: in how few random directions of the weights a variant can be trained (Li et al. 2018).

use super::{
    Recipe,
    common::{
        TIE, deviation, fixed, ink, list, mean, note_diverged, percent, section, seeds, title,
    },
    settings::describe,
};
use crate::{
    Error, Result,
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Rule, Series, Share, Table},
    store::RunResult,
};
use srr_kernels::Cpu;
use srr_layers::{Classifier, Variant};
use srr_trainer::SubspaceConfig;

/// The artefact.
pub(super) struct IntrinsicDimension;

impl Recipe for IntrinsicDimension {
    fn name(&self) -> &'static str {
        "intrinsic-dimension"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.intrinsic_dimension.is_some()
    }

    /// Per variant, number of directions (all weights last) and learning rate: a run per seed.
    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let section = section(&context.profile.intrinsic_dimension, self.name())?;
        let mut runs = Vec::new();
        for &variant in &section.variants {
            for dimension in places(section) {
                for rate in rates(section) {
                    let mut setup = section.setup(context.profile);
                    setup.training.learning_rate = rate.or(setup.training.learning_rate);
                    for &seed in &section.seeds {
                        let whole = context.run(&setup, variant, seed)?;
                        runs.push(within(whole, dimension)?);
                    }
                }
            }
        }
        Ok(runs)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.intrinsic_dimension, self.name())?;
        let runs = self.plan(context)?;
        let results = runs.iter().map(|run| context.result(run));
        let results = results.collect::<Result<Vec<RunResult>>>()?;
        let pairs: Vec<(&PlannedRun, &RunResult)> = runs.iter().zip(&results).collect();
        let per_variant = pairs.len() / section.variants.len().max(1);
        let curves: Vec<Curve> = pairs
            .chunks(per_variant.max(1))
            .map(|runs| Curve::new(section, runs))
            .collect();
        let artefact = Artefact::new(
            "intrinsic-dimension",
            "How few random directions of the weights suffice",
        )
        .shows(SHOWS)
        .finding(finding(&curves, section))
        .paper(PAPER)
        .setting(
            "Subspace",
            format!(
                "sparse random directions through the initial weights, drawn anew for every seed; {} of the accuracy in all weights to be reached",
                percent(section.share)
            ),
        )
        .seeds(seeds(&section.seeds))
        .spread("Sample standard deviation over seeds; the intrinsic dimension from mean accuracies, and its range over single seeds.")
        .chart(chart(&curves, section))
        .table(summary(&curves, section))
        .table(table(&curves))
        .note(NOTE);
        Ok(note_diverged(describe(artefact, &runs)?, pairs))
    }
}

const SHOWS: &str = "Accuracy of training that moves from the initial weights in d random directions alone, for rising d. The intrinsic \
    dimension is the least d that reaches a given share of the accuracy of training in all weights: the smaller it is, the easier the \
    training problem, and the fewer numbers describe the trained model (Li et al. 2018). It needs many trainings of one setting, which \
    is why it stands beside `correlation` and not in it.";

const PAPER: &str = "The paper does not look at it. Li et al. (2018) take 90 % of the accuracy in all weights, and find intrinsic dimensions \
    far below the number of weights.";

const NOTE: &str = "Dimensions between two of the list are not tried, so that an intrinsic dimension is known up to the next smaller one. \
    Where there are several learning rates, every dimension takes the one with the lowest mean training loss, so that test images have no \
    say: few directions want larger steps than all weights.";

/// The numbers of directions, and none of them for all weights.
fn places(section: &profile::IntrinsicDimension) -> impl Iterator<Item = Option<usize>> {
    section.dimensions.iter().copied().map(Some).chain([None])
}

/// The learning rates, or none for that of the training.
fn rates(section: &profile::IntrinsicDimension) -> Vec<Option<f64>> {
    match section.learning_rates.as_slice() {
        [] => vec![None],
        rates => rates.iter().copied().map(Some).collect(),
    }
}

/// The same run in so many random directions, of which there are no more than weights.
fn within(whole: PlannedRun, dimension: Option<usize>) -> Result<PlannedRun> {
    let Some(dimension) = dimension else {
        return Ok(whole);
    };
    let mut config = whole.config;
    let classifier = Classifier::new(Cpu::<f32>::new(), config.model.clone())?;
    let weights = classifier.count().trainable;
    if dimension as u64 > weights {
        let variant = title(config.model.variant);
        return Err(Error::Setting {
            key: "intrinsic-dimension.dimensions".to_owned(),
            found: dimension.to_string(),
            expected: format!("at most {weights}, the number of trainable weights of {variant}"),
        });
    }
    config.training.subspace = Some(SubspaceConfig { dimension });
    config.training.validate()?;
    PlannedRun::new(config, whole.data)
}

/// Runs that differ in their seed alone.
struct Trained {
    learning_rate: f64,
    /// Test accuracy by seed, where the run did not diverge.
    accuracies: Vec<Option<f64>>,
}

impl Trained {
    /// Of the learning rates, the one with the lowest mean training loss; test images have no say.
    fn best(runs: &[(&PlannedRun, &RunResult)], seeds: usize) -> Self {
        let loss = |runs: &[(&PlannedRun, &RunResult)]| {
            let losses: Vec<f64> = runs
                .iter()
                .map(|(_, result)| result.train.map_or(f64::INFINITY, |scores| scores.loss))
                .collect();
            mean(&losses)
        };
        let best = runs
            .chunks(seeds)
            .min_by(|a, b| loss(a).total_cmp(&loss(b)))
            .unwrap_or_default();
        Self {
            learning_rate: best
                .first()
                .map_or(f64::NAN, |(run, _)| run.config.training.learning_rate),
            accuracies: best
                .iter()
                .map(|(_, result)| result.test_accuracy())
                .collect(),
        }
    }
}

/// Accuracies of one variant.
struct Curve {
    variant: Variant,
    /// Trainable weights.
    weights: Option<u64>,
    /// Training in all weights.
    whole: Trained,
    /// By number of directions.
    within: Vec<(usize, Trained)>,
}

impl Curve {
    /// From the runs of a variant, in the order of the plan.
    fn new(section: &profile::IntrinsicDimension, runs: &[(&PlannedRun, &RunResult)]) -> Self {
        let seeds = section.seeds.len();
        let per_place = seeds * rates(section).len();
        let best = |place: usize| {
            let of_place = runs.chunks(per_place).nth(place).unwrap_or_default();
            Trained::best(of_place, seeds)
        };
        let within = section.dimensions.iter().copied().enumerate();
        Self {
            variant: runs[0].0.config.model.variant,
            weights: runs.last().map(|(_, result)| result.trainable),
            whole: best(section.dimensions.len()),
            within: within
                .map(|(place, dimension)| (dimension, best(place)))
                .collect(),
        }
    }

    /// The accuracy that must be reached on the mean over seeds.
    fn target(&self, share: f64) -> Option<f64> {
        mean_of(&self.whole.accuracies).map(|whole| share * whole)
    }

    /// The least dimension whose mean accuracy reaches the share of the mean in all weights.
    fn of_means(&self, share: f64) -> Reached {
        let Some(target) = self.target(share) else {
            return Reached::Unknown;
        };
        self.least(|accuracies| mean_of(accuracies).is_some_and(|mean| mean >= target - TIE))
    }

    /// The same for every single seed.
    fn of_seeds(&self, share: f64) -> Vec<Reached> {
        let of_seed = |(seed, whole): (usize, &Option<f64>)| match whole {
            Some(whole) => self.least(|accuracies| {
                accuracies[seed].is_some_and(|accuracy| accuracy >= share * whole - TIE)
            }),
            None => Reached::Unknown,
        };
        let seeds = self.whole.accuracies.iter().enumerate();
        seeds.map(of_seed).collect()
    }

    fn least(&self, reaches: impl Fn(&[Option<f64>]) -> bool) -> Reached {
        let found = self
            .within
            .iter()
            .find(|(_, trained)| reaches(&trained.accuracies));
        match (found, self.within.last()) {
            (Some((dimension, _)), _) => Reached::At(*dimension),
            (None, Some((largest, _))) => Reached::Above(*largest),
            (None, None) => Reached::Unknown,
        }
    }
}

/// Where a share of the accuracy is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// At this dimension and at none below it in the list.
    At(usize),
    /// At none up to this one.
    Above(usize),
    /// Training in all weights diverged.
    Unknown,
}

impl Reached {
    fn words(self) -> String {
        match self {
            Self::At(dimension) => dimension.to_string(),
            Self::Above(largest) => format!("above {largest}"),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    fn cell(self) -> Cell {
        match self {
            Self::At(dimension) => dimension.into(),
            other => Cell::missing(other.words()),
        }
    }
}

/// Mean of what is there.
fn mean_of(values: &[Option<f64>]) -> Option<f64> {
    let there: Vec<f64> = values.iter().copied().flatten().collect();
    (!there.is_empty()).then(|| mean(&there))
}

fn finding(curves: &[Curve], section: &profile::IntrinsicDimension) -> String {
    let words = |curve: &Curve| {
        format!(
            "{} for {}",
            curve.of_means(section.share).words(),
            title(curve.variant)
        )
    };
    let dimensions: Vec<String> = curves.iter().map(words).collect();
    let of_curve = |curve: &Curve| {
        let seeds = curve.of_seeds(section.share);
        let range = match (seeds.iter().min(), seeds.iter().max()) {
            (Some(least), Some(most)) if least != most => {
                format!("{} to {} over single seeds", least.words(), most.words())
            }
            (Some(least), _) => format!("{} for every seed", least.words()),
            _ => "no seeds".to_owned(),
        };
        let weights = curve
            .weights
            .map_or_else(String::new, |weights| format!(" of {weights} weights"));
        let whole = curve
            .whole
            .accuracies
            .iter()
            .copied()
            .flatten()
            .collect::<Vec<f64>>();
        format!(
            "{}{weights}: {range}; top-1 in all weights {} %.",
            title(curve.variant),
            if whole.is_empty() {
                "unknown".to_owned()
            } else {
                fixed(100.0 * mean(&whole), 1)
            }
        )
    };
    let details: Vec<String> = curves.iter().map(of_curve).collect();
    format!(
        "{} of the accuracy in all weights takes so many random directions: {}.\n\n{}\n\nWhat does not follow: an order of the \
         variants in generalization. One setting per variant is trained, and the gap is not looked at.",
        percent(section.share),
        list(&dimensions),
        details.join(" ")
    )
}

/// One row per variant.
fn summary(curves: &[Curve], section: &profile::IntrinsicDimension) -> Table {
    let mut table = Table::new(
        "intrinsic-dimension-summary",
        "Intrinsic dimension by variant",
    )
    .columns([
        Column::new("variant", "Variant"),
        Column::new("weights", "trainable weights"),
        Column::new("whole", "top-1 in all weights (%)").spread(),
        Column::new("learning_rate", "learning rate"),
        Column::new("dimension", "intrinsic dimension"),
        Column::new("least", "lowest over seeds"),
        Column::new("most", "highest over seeds"),
    ]);
    for curve in curves {
        let seeds = curve.of_seeds(section.share);
        let end = |reached: Option<&Reached>| {
            reached.map_or_else(|| Cell::missing("no seeds"), |reached| reached.cell())
        };
        table.push(vec![
            title(curve.variant).into(),
            curve
                .weights
                .and_then(|weights| i64::try_from(weights).ok())
                .into(),
            Cell::spread(&percents(&curve.whole.accuracies)),
            curve.whole.learning_rate.into(),
            curve.of_means(section.share).cell(),
            end(seeds.iter().min()),
            end(seeds.iter().max()),
        ]);
    }
    table
}

/// One row per variant and number of directions.
fn table(curves: &[Curve]) -> Table {
    let mut table = Table::new(
        "intrinsic-dimension",
        "Accuracy by number of random directions",
    )
    .columns([
        Column::new("variant", "Variant"),
        Column::new("dimension", "directions"),
        Column::new("top1", "top-1 (%)").spread(),
        Column::new("learning_rate", "learning rate"),
        Column::new("share", "share of that in all weights"),
    ]);
    table.folded = true;
    for curve in curves {
        for (dimension, trained) in &curve.within {
            let whole = mean_of(&curve.whole.accuracies);
            let share = mean_of(&trained.accuracies).zip(whole);
            table.push(vec![
                title(curve.variant).into(),
                (*dimension).into(),
                Cell::spread(&percents(&trained.accuracies)),
                trained.learning_rate.into(),
                share
                    .filter(|(_, whole)| *whole > 0.0)
                    .map(|(within, whole)| within / whole)
                    .into(),
            ]);
        }
    }
    table
}

fn percents(accuracies: &[Option<f64>]) -> Vec<f64> {
    accuracies
        .iter()
        .flatten()
        .map(|accuracy| 100.0 * accuracy)
        .collect()
}

/// One panel per variant.
fn chart(curves: &[Curve], section: &profile::IntrinsicDimension) -> Chart {
    let mut chart = Chart::new(
        "intrinsic-dimension",
        "Accuracy by number of random directions",
        "Means over seeds; bands are ± one standard deviation.",
    )
    .columns(curves.len().clamp(1, 4))
    .share(Share::All, Share::All);
    for curve in curves {
        let point = |(dimension, trained): &(usize, Trained)| {
            let values = percents(&trained.accuracies);
            if values.is_empty() {
                return None;
            }
            let (center, spread) = (mean(&values), deviation(&values));
            let point = Point::at(*dimension as f64, center);
            Some(if spread.is_finite() {
                point.between(center - spread, center + spread)
            } else {
                point
            })
        };
        let points: Vec<Point> = curve.within.iter().filter_map(point).collect();
        let mut panel = Panel::new(
            title(curve.variant),
            Axis::new("random directions").log(),
            Axis::new("top-1 (%)"),
        )
        .series(Series::new("", ink(curve.variant), Mark::LineAndPoints).points(points))
        .note(format!(
            "intrinsic dimension {}",
            curve.of_means(section.share).words()
        ));
        if let Some(target) = curve.target(section.share) {
            let label = format!("{} of the accuracy in all weights", percent(section.share));
            panel = panel.rule(Rule::horizontal(100.0 * target, label));
        }
        chart = chart.panel(panel);
    }
    chart
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(accuracies: &[Option<f64>]) -> Trained {
        Trained {
            learning_rate: 0.1,
            accuracies: accuracies.to_vec(),
        }
    }

    fn curve(whole: &[Option<f64>], within: &[(usize, &[Option<f64>])]) -> Curve {
        Curve {
            variant: Variant::Crate,
            weights: Some(1234),
            whole: trained(whole),
            within: (within.iter())
                .map(|(dimension, all)| (*dimension, trained(all)))
                .collect(),
        }
    }

    #[test]
    fn the_least_dimension_that_reaches_the_share_is_taken() {
        let curve = curve(
            &[Some(0.8), Some(1.0)],
            &[
                (10, &[Some(0.1), Some(0.2)]),
                // Both seeds: 0.72 is 90 % of 0.8; 0.89 is below 90 % of 1. The mean, 0.805, is below 0.81.
                (30, &[Some(0.72), Some(0.89)]),
                (100, &[Some(0.7), Some(0.92)]),
                (300, &[Some(0.79), Some(0.99)]),
            ],
        );
        assert_eq!(curve.of_seeds(0.9), [Reached::At(30), Reached::At(100)]);
        // 0.81 exactly at 100.
        assert_eq!(curve.of_means(0.9), Reached::At(100));
        assert_eq!(curve.of_means(0.999), Reached::Above(300));
        let section = profile::IntrinsicDimension::default();
        let said = finding(&[curve], &section);
        assert!(
            said.starts_with("90.0 % of the accuracy in all weights takes so many random directions: 100 for CRATE."),
            "{said}"
        );
        assert!(
            said.contains(
                "CRATE of 1234 weights: 30 to 100 over single seeds; top-1 in all weights 90.0 %."
            ),
            "{said}"
        );
    }

    #[test]
    fn a_run_that_diverged_is_left_out_and_one_in_all_weights_is_missed() {
        let partly = curve(&[Some(0.9), None], &[(10, &[None, Some(0.9)])]);
        assert_eq!(partly.of_seeds(0.9), [Reached::Above(10), Reached::Unknown]);
        assert_eq!(partly.of_means(0.9), Reached::At(10));
        let none = curve(&[None], &[(10, &[Some(0.9)])]);
        assert_eq!(none.of_means(0.9), Reached::Unknown);
        assert_eq!(none.of_means(0.9).cell(), Cell::missing("unknown"));
    }

    #[test]
    fn the_training_loss_chooses_the_learning_rate() {
        let text = "name = \"tiny\"\nabout = \"\"\n[data]\nname = \"optdigits\"\ntrain = 40\ntest = 20\n\
            [model]\npatch = 4\ndim = 4\ndepth = 1\nheads = 2\n\
            [intrinsic-dimension]\nvariants = [\"crate\"]\nseeds = [0, 1]\ndimensions = [3]\nlearning_rates = [0.5, 2.0, 1.0]\n\
            training = { optimizer = { kind = \"sgd\" } }\n";
        let profile = Profile::parse("test", text).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            profile: &profile,
            data: &crate::data::DataStore::new(),
            store: &crate::store::Store::open(folder.path(), "tiny").unwrap(),
            registry: &srr_measures::Registry::built_in(),
        };
        let runs = IntrinsicDimension.plan(&context).unwrap();
        let dimensions = runs.iter().map(|run| {
            let subspace = run.config.training.subspace;
            subspace.map(|subspace| subspace.dimension)
        });
        assert_eq!(
            dimensions.collect::<Vec<_>>(),
            [[Some(3); 6], [None; 6]].concat()
        );
        // Losses of both seeds by rate: in three directions 1 wins on the mean, in all weights 2 diverges with one seed.
        let losses = [
            [0.6, 0.6],
            [0.1, 0.9],
            [0.3, 0.4],
            [0.3, 0.3],
            [f64::NAN, 0.0],
            [0.4, 0.4],
        ];
        let results: Vec<RunResult> = losses
            .as_flattened()
            .iter()
            .map(|&loss| {
                let scores = |accuracy| srr_trainer::Scores {
                    loss,
                    accuracy: Some(accuracy),
                    examples: 1,
                };
                let count = srr_layers::ParameterCount {
                    trainable: 9,
                    total: 9,
                };
                let finished = srr_trainer::Status::Finished {
                    reason: srr_trainer::Reason::Epochs,
                };
                let mut result = RunResult::new(finished, None, count);
                if loss.is_finite() {
                    result.train = Some(scores(0.5));
                    result.test = Some(scores(1.0 - loss));
                }
                result
            })
            .collect();
        let pairs: Vec<(&PlannedRun, &RunResult)> = runs.iter().zip(&results).collect();
        let section = profile.intrinsic_dimension.as_ref().unwrap();
        let curve = Curve::new(section, &pairs);
        assert_eq!(curve.whole.learning_rate, 0.5);
        assert_eq!(curve.whole.accuracies, [Some(0.7), Some(0.7)]);
        let (dimension, within) = &curve.within[0];
        assert_eq!((*dimension, within.learning_rate), (3, 1.0));
        assert_eq!(within.accuracies, [Some(0.7), Some(0.6)]);
    }
}
