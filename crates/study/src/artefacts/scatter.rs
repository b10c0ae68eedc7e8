//! `scatter`: the sparse rate reduction of each model against its gap (Hu, Zou and Xu 2024, Fig. 4).

use super::{
    Recipe,
    common::{count, fixed, ink, list, section, title},
    correlation::SRR,
    settings::conventions,
    zoo::{self, Judged, Model},
};
use crate::{
    Result,
    analysis::{
        LEVEL,
        charts::axis_of,
        coefficients::{cell, number},
        words::with_interval,
    },
    measuring::{MeasureRecord, MeasureRequest},
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{self, Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Series, Share},
};
use srr_layers::Variant;
use srr_measures::statistics::{
    Analysis, AnalysisOptions, Bootstrap, Interval, MeasureAnalysis, Table, analyse,
};
use srr_random::Seed;

/// The artefact.
pub(super) struct Scatter;

impl Recipe for Scatter {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.scatter.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let mut requests = self.others(context)?;
        requests.insert(0, self.request(context)?);
        zoo::plan(context, &requests)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let (request, others) = (self.request(context)?, self.others(context)?);
        let models = zoo::models(context, std::slice::from_ref(&request))?;
        let points = points(&models, &Judged::new(context, &request)?)?;
        let options = self.options(context)?;
        let srr = zoo::judged(context, std::slice::from_ref(&request))?;
        let srr = analyse(&zoo::statistics(&models, &srr)?, &options)?;
        let within = within(&points, &options)?;
        let rest = zoo::judged(context, &others)?;
        let found = analyse(&zoo::statistics(&models, &rest)?, &options)?;
        let mut artefact = Artefact::new("scatter", "Measures against the generalization gap, point by point")
        .shows(SHOWS)
        .finding(finding(&srr, &within, &found))
        .paper(PAPER)
        .setting(
            "Measure",
            format!(
                "{}; {}",
                conventions(&request.conventions),
                zoo::over_images(&models, std::slice::from_ref(&request))?
            ),
        )
        .spread(format!(
            "None of a point, which is one model; {} % bootstrap intervals of τ over models (B = {}).",
            100.0 * LEVEL,
            section(&context.profile.scatter, self.name())?.bootstrap
        ))
        .chart(chart(&points));
        if !rest.is_empty() {
            artefact = artefact
                .chart(small_multiples(&models, &rest, &found)?)
                .note(zoo::NOTE_NEGATED);
        }
        let artefact = artefact.table(table(&points)).table(within_table(&within));
        zoo::describe_zoo(artefact, &models)
    }
}

impl Scatter {
    fn request(&self, context: &Context<'_>) -> Result<MeasureRequest> {
        let section = section(&context.profile.scatter, self.name())?;
        Ok(MeasureRequest::srr(
            &section.measure.over(&context.profile.measure),
        ))
    }

    /// What is measured beside the sparse rate reduction.
    fn others(&self, context: &Context<'_>) -> Result<Vec<MeasureRequest>> {
        let section = section(&context.profile.scatter, self.name())?;
        let settings = section.measure.over(&context.profile.measure);
        let mut requests = zoo::requests(context, &section.measures, section.cost, &settings)?;
        requests.retain(|request| request.measure != SRR);
        Ok(requests)
    }

    /// Bootstrap intervals over models, and no conditional information.
    fn options(&self, context: &Context<'_>) -> Result<AnalysisOptions> {
        let section = section(&context.profile.scatter, self.name())?;
        let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
        Ok(AnalysisOptions {
            bootstrap: Some(bootstrap),
            largest_conditioning: 0,
            ..AnalysisOptions::default()
        })
    }
}

/// One panel per measure with its τ, largest first.
fn small_multiples(models: &[Model], others: &[Judged], analysis: &Analysis) -> Result<Chart> {
    let mut chart = Chart::new(
        "scatter-measures",
        "Every other measure against the generalization gap",
        "As above, largest τ first, with its interval. The vertical axes are the same; a logarithmic axis where values differ by a factor of 30.",
    )
    .columns(4)
    .share(Share::None, Share::All);
    let mut pairs: Vec<(&Judged, &MeasureAnalysis)> =
        others.iter().zip(&analysis.measures).collect();
    let tau = |found: &MeasureAnalysis| found.tau_a.unwrap_or(f64::NEG_INFINITY);
    pairs.sort_by(|a, b| tau(b.1).total_cmp(&tau(a.1)));
    for (judged, found) in pairs {
        let points = points(models, judged)?;
        let note = match found.tau_a {
            Some(tau) => format!("τ = {}", with_interval(tau, found.tau_a_interval)),
            None => "undefined".to_owned(),
        };
        let axis = axis_of(points.iter().map(|dot| dot.value));
        chart = chart.panel(panel(&judged.name, axis, &points).note(note));
    }
    Ok(chart)
}

const SHOWS: &str = "One point per model of the zoo: a measure and the generalization gap, colored by variant. The sparse rate reduction μ, \
    mean over its layers, stands first and large, every other measure below. Points that rise to the right mean that a smaller \
    value goes with better generalization.";

const PAPER: &str = "The paper's Fig. 4 shows μ against the generalization gap, one point per model, colored by variant.\n\n\
    The coordinates of its points are not at hand. The overall τ that the paper reports for 32 models on CIFAR-10 at d = 384 is 0.445.";

/// A model that counts and has a value.
struct Dot<'a> {
    model: &'a Model,
    record: &'a MeasureRecord,
    variant: Variant,
    /// Of the measure, as it is judged.
    value: f64,
    gap: f64,
}

fn points<'a>(models: &'a [Model], judged: &Judged) -> Result<Vec<Dot<'a>>> {
    let mut points = Vec::new();
    for model in models.iter().filter(|model| model.counts) {
        let record = model.measured(&judged.request)?;
        if let (Some(value), Some(gap)) = (judged.value(record), model.result.loss_gap()) {
            points.push(Dot {
                model,
                record,
                variant: model.run.config.model.variant,
                value,
                gap,
            });
        }
    }
    Ok(points)
}

/// The variants there are, in the order of the zoo.
fn variants(points: &[Dot<'_>]) -> Vec<Variant> {
    let mut found = Vec::new();
    for dot in points {
        if !found.contains(&dot.variant) {
            found.push(dot.variant);
        }
    }
    found
}

/// τ of the sparse rate reduction among the models of one variant.
struct Within {
    variant: Variant,
    found: MeasureAnalysis,
}

impl Within {
    /// Whether its interval lies above zero (1), below (−1), or includes it (0).
    fn sign(&self) -> i8 {
        self.found.tau_a_interval.map_or(0, sign)
    }
}

/// On which side of zero an interval lies; 0 where it includes it.
fn sign(interval: Interval) -> i8 {
    i8::from(interval.low > 0.0) - i8::from(interval.high < 0.0)
}

/// So few models have hardly an order to draw from, and their bootstrap no width: τ has no interval.
pub(super) const FEWEST: usize = 5;

/// One for every variant with two models at least.
fn within(points: &[Dot<'_>], options: &AnalysisOptions) -> Result<Vec<Within>> {
    let mut within = Vec::new();
    for variant in variants(points) {
        let dots = points.iter().filter(|dot| dot.variant == variant);
        let (values, gaps): (Vec<Option<f64>>, Vec<f64>) =
            dots.map(|dot| (Some(dot.value), dot.gap)).unzip();
        let analysis = analyse(&Table::new(&gaps)?.with_measure(SRR, &values)?, options)?;
        let mut found = analysis.measures.into_iter().next();
        if let Some(found) = found.as_mut().filter(|found| found.models < FEWEST) {
            found.tau_a_interval = None;
        }
        within.extend(
            found
                .filter(|found| found.tau_a.is_some())
                .map(|found| Within { variant, found }),
        );
    }
    Ok(within)
}

fn finding(srr: &Analysis, within: &[Within], others: &Analysis) -> String {
    let found = srr.measures.first();
    let Some((found, overall)) = found.and_then(|found| Some((found, found.tau_a?))) else {
        return format!(
            "{} with a value: too few for a τ.",
            count(srr.models, "model")
        );
    };
    let of_variant = |within: &Within| {
        let tau = within.found.tau_a.unwrap_or(0.0);
        format!(
            "{} for {} ({})",
            with_interval(tau, within.found.tau_a_interval),
            title(within.variant),
            count(within.found.models, "model")
        )
    };
    let within_words: Vec<String> = within.iter().map(of_variant).collect();
    format!(
        "{}: τ = {} over {}.\n\nWithin variants τ is {}.\n\n{}",
        direction(overall, found.tau_a_interval),
        with_interval(overall, found.tau_a_interval),
        count(found.models, "model"),
        list(&within_words),
        what_follows(found, within, others)
    )
}

/// What the points allow to say, and what they do not.
fn what_follows(found: &MeasureAnalysis, within: &[Within], others: &Analysis) -> String {
    let within_with = |wanted: i8| {
        within
            .iter()
            .filter(|within| within.sign() == wanted)
            .count()
    };
    let overall = match found.tau_a_interval.map_or(0, sign) {
        1 => "over all models a larger μ goes with a larger gap",
        -1 => "over all models a larger μ goes with a smaller gap",
        _ => "no order of μ and the gap over all models",
    };
    let others_with = |wanted: i8| {
        let intervals = others
            .measures
            .iter()
            .filter_map(|other| other.tau_a_interval);
        intervals
            .filter(|interval| sign(*interval) == wanted)
            .count()
    };
    let others = others.measures.len();
    format!(
        "What follows: {overall}; among the models of one variant τ has an interval above zero in {} of {} and one below it in {}. \
         Of {} {} have an interval above zero and {} one below it, of which chance alone would give about {} each (`correlation` corrects \
         for their number). What does not follow: that μ orders the models of one variant as it orders all — variants differ in their \
         gaps, and any number that differs between variants orders these —, nor that changing μ would change the gap.",
        within_with(1),
        count(within.len(), "variant"),
        within_with(-1),
        count(others, "other measure"),
        others_with(1),
        others_with(-1),
        fixed((1.0 - LEVEL) / 2.0 * others as f64, 1),
    )
}

/// What τ says of the order of all models, where its interval lets it say anything.
fn direction(tau: f64, interval: Option<Interval>) -> &'static str {
    match interval {
        Some(interval) if interval.low > 0.0 => "A larger μ tends to go with a larger gap",
        Some(interval) if interval.high < 0.0 => "A larger μ tends to go with a smaller gap",
        Some(_) => "No common order of μ and the gap can be told: the interval of τ includes zero",
        None if tau == 0.0 => "μ and the gap show no common order",
        None => "No common order of μ and the gap can be told: τ has no interval",
    }
}

fn chart(points: &[Dot<'_>]) -> Chart {
    Chart::new(
        "scatter",
        "μ against the generalization gap",
        "One point per model at the stopping criterion.",
    )
    .panel(panel("", Axis::new("μ"), points))
}

fn panel(heading: &str, axis: Axis, points: &[Dot<'_>]) -> Panel {
    let mut panel = Panel::new(
        heading,
        axis,
        Axis::new("generalization gap (test − training loss)"),
    );
    for variant in variants(points) {
        let dots = points.iter().filter(|dot| dot.variant == variant);
        let dots =
            dots.map(|dot| Point::at(dot.value, dot.gap).labeled(dot.model.run.config.label()));
        panel = panel.series(Series::new(title(variant), ink(variant), Mark::Points).points(dots));
    }
    panel
}

fn table(points: &[Dot<'_>]) -> report::Table {
    let mut table = report::Table::new("scatter", "μ, its terms and the gap of every model")
        .columns([
            Column::new("run", "Run"),
            Column::new("model", "Model"),
            Column::new("srr", "μ"),
            Column::new("compressed_rate", "R^{c}"),
            Column::new("coding_rate", "R"),
            Column::new("nonzeros", "‖Z‖_{0}"),
            Column::new("density", "share of non-zeros"),
            Column::new("images", "images"),
            Column::new("loss_gap", "loss gap"),
            Column::new("accuracy_gap", "accuracy gap"),
        ]);
    table.folded = true;
    for dot in points {
        table.push(vec![
            dot.model.run.id.as_str().into(),
            dot.model.run.config.label().into(),
            dot.value.into(),
            dot.record.term("compressed_rate"),
            dot.record.term("coding_rate"),
            dot.record.term("nonzeros"),
            dot.record.term("density"),
            dot.record.images.into(),
            dot.gap.into(),
            Cell::from(dot.model.result.accuracy_gap()),
        ]);
    }
    table
}

/// τ within every variant.
fn within_table(within: &[Within]) -> report::Table {
    let mut table =
        report::Table::new("scatter-variants", "τ of μ among the models of one variant").columns([
            Column::new("variant", "Variant"),
            Column::new("models", "Models"),
            Column::new("tau_a", "τ").interval().decimals(3),
            Column::new("p", "p"),
        ]);
    for Within { variant, found } in within {
        table.push(vec![
            title(*variant).into(),
            found.models.into(),
            cell(found.tau_a, found.tau_a_interval),
            number(found.p_value),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_only_where_the_interval_lies_off_zero() {
        let interval = |low, high| {
            Some(Interval {
                low,
                high,
                draws: 100,
            })
        };
        for (tau, interval, said) in [
            (0.222, interval(0.01, 0.4), "with a larger gap"),
            (0.222, interval(-0.05, 0.45), "includes zero"),
            (0.222, interval(0.0, 0.45), "includes zero"),
            (-0.222, interval(-0.4, -0.1), "with a smaller gap"),
            (-0.222, interval(-0.4, 0.1), "includes zero"),
            (0.222, None, "has no interval"),
            (0.0, None, "no common order"),
        ] {
            let found = direction(tau, interval);
            assert!(found.contains(said), "{tau} {interval:?}: {found}");
        }
    }
}
