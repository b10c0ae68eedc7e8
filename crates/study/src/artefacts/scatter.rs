//! `scatter`: the sparse rate reduction of each model against its gap (Hu, Zou and Xu 2024, Fig. 4).

use super::{
    Recipe,
    common::{count, fixed, ink, list, section, title},
    correlation::SRR,
    settings::conventions,
    zoo::{self, Model},
};
use crate::{
    Error, Result,
    analysis::{LEVEL, words::with_interval},
    measuring::{MeasureRecord, MeasureRequest},
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Series, Share, Table},
};
use srr_layers::Variant;
use srr_measures::statistics::{
    Analysis, AnalysisOptions, Bootstrap, Interval, MeasureAnalysis, analyse, kendall,
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
        let points = points(&models, &request)?;
        let all: Vec<MeasureRequest> = std::iter::once(&request).chain(&others).cloned().collect();
        let analysis = self.analysis(context, &models, &all)?;
        let (Some(srr), rest) = (
            analysis.measures.first(),
            analysis.measures.get(1..).unwrap_or_default(),
        ) else {
            return Err(Error::Invalid {
                what: "scatter".to_owned(),
                problem: "no measure was analysed".to_owned(),
            });
        };
        let mut artefact = Artefact::new("scatter", "Measures against the generalization gap, point by point")
        .shows(SHOWS)
        .finding(finding(&points, srr)?)
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
        if !others.is_empty() {
            artefact = artefact.chart(small_multiples(&models, &others, rest)?);
        }
        let artefact = artefact.table(table(&points));
        zoo::describe_zoo(artefact, context.profile, &models)
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

    /// τ of every request with its interval over models.
    fn analysis(
        &self,
        context: &Context<'_>,
        models: &[Model],
        requests: &[MeasureRequest],
    ) -> Result<Analysis> {
        let section = section(&context.profile.scatter, self.name())?;
        let options = AnalysisOptions {
            bootstrap: Some(Bootstrap::new(
                section.bootstrap,
                LEVEL,
                Seed::new(section.seed),
            )?),
            largest_conditioning: 0,
            ..AnalysisOptions::default()
        };
        Ok(analyse(
            &zoo::statistics(models, &zoo::columns(requests))?,
            &options,
        )?)
    }
}

/// One panel per measure, with its τ.
fn small_multiples(
    models: &[Model],
    others: &[MeasureRequest],
    analyses: &[MeasureAnalysis],
) -> Result<Chart> {
    let mut chart = Chart::new(
        "scatter-measures",
        "Every other measure against the generalization gap",
        "As above, with τ and its interval. The vertical axes are the same.",
    )
    .columns(4)
    .share(Share::None, Share::All);
    for (request, found) in others.iter().zip(analyses) {
        let points = points(models, request)?;
        let panel = panel(&request.measure, "", &points);
        let note = match found.tau_a {
            Some(tau) => format!("τ = {}", with_interval(tau, found.tau_a_interval)),
            None => "undefined".to_owned(),
        };
        chart = chart.panel(panel.note(note));
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
    srr: f64,
    gap: f64,
}

fn points<'a>(models: &'a [Model], request: &MeasureRequest) -> Result<Vec<Dot<'a>>> {
    let mut points = Vec::new();
    for model in models.iter().filter(|model| model.counts) {
        let record = model.measured(request)?;
        if let (Some(srr), Some(gap)) = (record.value, model.result.loss_gap()) {
            points.push(Dot {
                model,
                record,
                variant: model.run.config.model.variant,
                srr,
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

fn finding(points: &[Dot<'_>], srr: &MeasureAnalysis) -> Result<String> {
    let Some(overall) = srr.tau_a else {
        return Ok(format!(
            "{} with a value: too few for a τ.",
            count(points.len(), "model")
        ));
    };
    Ok(format!(
        "{}: τ = {} over {}.\n\nWithin variants τ is {}.",
        direction(overall, srr.tau_a_interval),
        with_interval(overall, srr.tau_a_interval),
        count(points.len(), "model"),
        list(&within(points)?)
    ))
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

/// τ among the models of each variant.
fn within(points: &[Dot<'_>]) -> Result<Vec<String>> {
    let mut within = Vec::new();
    for variant in variants(points) {
        let dots = points.iter().filter(|dot| dot.variant == variant);
        let (srr, gap): (Vec<f64>, Vec<f64>) = dots.map(|dot| (dot.srr, dot.gap)).unzip();
        if srr.len() >= 2 {
            within.push(format!(
                "{} for {} ({})",
                fixed(kendall(&srr, &gap)?.tau_a, 2),
                title(variant),
                count(srr.len(), "model")
            ));
        }
    }
    Ok(within)
}

fn chart(points: &[Dot<'_>]) -> Chart {
    Chart::new(
        "scatter",
        "μ against the generalization gap",
        "One point per model at the stopping criterion.",
    )
    .panel(panel("", "μ", points))
}

fn panel(heading: &str, measure: &str, points: &[Dot<'_>]) -> Panel {
    let mut panel = Panel::new(
        heading,
        Axis::new(measure),
        Axis::new("generalization gap (test − training loss)"),
    );
    for variant in variants(points) {
        let dots = points.iter().filter(|dot| dot.variant == variant);
        let dots =
            dots.map(|dot| Point::at(dot.srr, dot.gap).labeled(dot.model.run.config.label()));
        panel = panel.series(Series::new(title(variant), ink(variant), Mark::Points).points(dots));
    }
    panel
}

fn table(points: &[Dot<'_>]) -> Table {
    let mut table = Table::new("scatter", "μ, its terms and the gap of every model").columns([
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
            dot.srr.into(),
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
