//! `choices`: how τ of the sparse rate reduction moves with every convention that its sources leave open.

use super::{
    Recipe,
    common::{fixed, section},
    settings::conventions,
    zoo::{self, Model},
};
use crate::{
    Result,
    analysis::{LEVEL, coefficients::cell, words::with_interval},
    measuring::MeasureRequest,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{Artefact, Axis, Chart, Column, Mark, Panel, Point, Rule, Series, Table},
};
use srr_measures::choices::one_at_a_time;
use srr_measures::statistics::{Analysis, AnalysisOptions, Bootstrap, MeasureAnalysis, analyse};
use srr_random::Seed;

/// The artefact.
pub(super) struct Choices;

/// One way to measure: which question it answers differently, how, and the request.
struct Choice {
    question: String,
    answer: String,
    request: MeasureRequest,
}

impl Recipe for Choices {
    fn name(&self) -> &'static str {
        "choices"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.choices.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let requests: Vec<MeasureRequest> = self
            .choices(context)?
            .into_iter()
            .map(|choice| choice.request)
            .collect();
        zoo::plan(context, &requests)
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.choices, self.name())?;
        let choices = self.choices(context)?;
        let requests: Vec<MeasureRequest> = choices
            .iter()
            .map(|choice| choice.request.clone())
            .collect();
        let models = zoo::models(context, &requests)?;
        let columns: Vec<(String, MeasureRequest)> = requests
            .into_iter()
            .enumerate()
            .map(|(place, request)| (format!("choice {place}"), request))
            .collect();
        let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
        let options = AnalysisOptions {
            bootstrap: Some(bootstrap),
            largest_conditioning: 0,
            ..AnalysisOptions::default()
        };
        let analysis = analyse(&zoo::statistics(&models, &columns)?, &options)?;
        let artefact = Artefact::new("choices", "What the open conventions decide")
            .shows(SHOWS)
            .finding(finding(&choices, &analysis))
            .paper(PAPER)
            .setting("Reference", reference(&choices, &models)?)
            .spread(format!(
                "{} % bootstrap intervals over models (B = {}).",
                100.0 * LEVEL,
                section.bootstrap
            ))
            .chart(chart(&choices, &analysis))
            .table(table(&choices, &analysis));
        let artefact = zoo::describe_zoo(artefact, context.profile, &models)?;
        Ok(artefact.note(
            "The gradient taken of λ‖Z‖_{0} is an open convention too, but of the regularizer alone: no measured value depends on it.",
        ))
    }
}

const SHOWS: &str = "Sources disagree on how the sparse rate reduction is to be computed. Each row changes one answer and keeps all \
    others at the reference, and shows what becomes of its τ with the generalization gap.";

const PAPER: &str = "The paper fixes ε^{2} = p/N (γ = 1) and removes LayerNorm when measuring; it has no such table.\n\n\
    It does not say whether ‖Z‖_{0} is a count or a share, whether tokens are normalized, or how images are averaged. The official CRATE \
    hook reads R^{c} at the attention's input, keeps LayerNorm and scales each head's vectors to unit length.";

impl Choices {
    /// The reference first, then one change at a time, then the official hook's answers together.
    fn choices(&self, context: &Context<'_>) -> Result<Vec<Choice>> {
        let section = section(&context.profile.choices, self.name())?;
        let settings = section.measure.over(&context.profile.measure);
        let reference = MeasureRequest::srr(&settings);
        let images = reference.images;
        let mut found: Vec<Choice> = one_at_a_time()?
            .into_iter()
            .map(|choice| Choice {
                question: choice.question,
                answer: choice.option,
                request: MeasureRequest {
                    conventions: choice.conventions,
                    ..reference.clone()
                },
            })
            .collect();
        if let (Some(first), 2..) = (found.first(), images) {
            let half = MeasureRequest {
                images: images / 2,
                ..first.request.clone()
            };
            let answer = format!("over {} images instead of {images}", half.images);
            found.push(Choice {
                question: "averaging".to_owned(),
                answer,
                request: half,
            });
        }
        Ok(found)
    }
}

/// The conventions of the reference, and over how many images it is taken.
fn reference(choices: &[Choice], models: &[Model]) -> Result<String> {
    let Some(first) = choices.first() else {
        return Ok("none".to_owned());
    };
    let request = std::slice::from_ref(&first.request);
    Ok(format!(
        "{}; {}",
        conventions(&first.request.conventions),
        zoo::over_images(models, request)?
    ))
}

fn finding(choices: &[Choice], analysis: &Analysis) -> String {
    let known: Vec<(&Choice, &MeasureAnalysis, f64)> = choices
        .iter()
        .zip(&analysis.measures)
        .filter_map(|(choice, measure)| Some((choice, measure, measure.tau_a?)))
        .collect();
    let lowest = known.iter().min_by(|a, b| a.2.total_cmp(&b.2));
    let highest = known.iter().max_by(|a, b| a.2.total_cmp(&b.2));
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return format!("No choice has a τ: {} models are too few.", analysis.models);
    };
    let say = |entry: &(&Choice, &MeasureAnalysis, f64)| {
        format!(
            "{} ({}: {})",
            fixed(entry.2, 3),
            entry.0.question,
            entry.0.answer
        )
    };
    let first = choices.first().map(|choice| &choice.question);
    let reference = known.iter().find(|entry| Some(&entry.0.question) == first);
    let against = match reference {
        Some((_, measure, tau)) => {
            let opposite = known.iter().filter(|entry| entry.2 * *tau < 0.0).count();
            let reference = with_interval(*tau, measure.tau_a_interval);
            let others = known.len() - 1;
            if *tau == 0.0 {
                format!(
                    "The reference has {reference}, no sign that one of the {others} other choices could turn."
                )
            } else {
                format!(
                    "The reference has {reference}; {opposite} of the {others} other choices turn the sign of τ."
                )
            }
        }
        None => "The reference has no τ.".to_owned(),
    };
    format!(
        "By convention alone τ goes from {} to {}.\n\n{against}",
        say(lowest),
        say(highest)
    )
}

fn table(choices: &[Choice], analysis: &Analysis) -> Table {
    let mut table =
        Table::new("choices", "τ of the sparse rate reduction by convention").columns([
            Column::new("question", "Question"),
            Column::new("answer", "Answer"),
            Column::new("images", "Images"),
            Column::new("models", "Models"),
            Column::new("undefined", "Undefined"),
            Column::new("tau_a", "τ").interval().decimals(3),
            Column::new("granulated", "Ψ").interval().decimals(3),
        ]);
    for (choice, measure) in choices.iter().zip(&analysis.measures) {
        table.push(vec![
            choice.question.as_str().into(),
            choice.answer.as_str().into(),
            if choice.request.images == 0 {
                "all".into()
            } else {
                choice.request.images.into()
            },
            measure.models.into(),
            measure.left_out.into(),
            cell(measure.tau_a, measure.tau_a_interval),
            cell(measure.granulated, measure.granulated_interval),
        ]);
    }
    table
}

fn chart(choices: &[Choice], analysis: &Analysis) -> Chart {
    let names = choices
        .iter()
        .map(|choice| format!("{}: {}", choice.question, choice.answer));
    let mut panel = Panel::new(
        "",
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""));
    for (place, measure) in analysis.measures.iter().enumerate() {
        let Some(tau) = measure.tau_a else { continue };
        let point =
            Point::at(tau, place as f64).labeled(with_interval(tau, measure.tau_a_interval));
        let point = match measure.tau_a_interval {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        };
        panel =
            panel.series(Series::new("", usize::from(place == 0), Mark::Forest).points([point]));
    }
    Chart::new(
        "choices",
        "τ by convention",
        "Each row changes one answer; the first is the reference.",
    )
    .panel(panel)
}
