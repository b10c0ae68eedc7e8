//! `correlation`: how every measure orders the zoo by its generalization gap (Hu, Zou and Xu 2024, Table 1 and 5).

mod tables;

use super::{
    Recipe,
    common::section,
    settings::conventions,
    zoo::{self, Model},
};
use crate::{
    Result,
    analysis::{
        LEVEL, Star, charts, coefficients,
        rivals::{self, Rival},
        sign_errors, words,
    },
    measuring::MeasureRequest,
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{
        Artefact,
        words::{count, list},
    },
};
use srr_measures::statistics::{Analysis, AnalysisOptions, Bootstrap, SignErrorOptions, analyse};
use srr_random::Seed;

/// The artefact.
pub(in crate::artefacts) struct Correlation;

/// The measure the study is about.
pub(in crate::artefacts) const SRR: &str = "srr";

/// As the report speaks of it.
const STAR: Star<'_> = Star {
    name: SRR,
    title: "the sparse rate reduction",
};

impl Recipe for Correlation {
    fn name(&self) -> &'static str {
        "correlation"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.correlation.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        zoo::plan(
            context,
            &requests(context, section(&context.profile.correlation, self.name())?)?,
        )
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.correlation, self.name())?;
        let requests = requests(context, section)?;
        let models = zoo::models(context, &requests)?;
        let table = zoo::statistics(&models, &zoo::judged(context, &requests)?)?;
        let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
        let test_size = models
            .first()
            .map_or(0.0, |model| model.run.config.data.test as f64);
        let sign_error = SignErrorOptions::new(test_size);
        let options = AnalysisOptions {
            bootstrap: Some(bootstrap),
            sign_error: Some(sign_error),
            ..AnalysisOptions::default()
        };
        let analysis = analyse(&table, &options)?;
        let rivals = rivals::all(&table, &analysis, SRR, &bootstrap)?;
        let mut artefact = described(context, section, &models, &requests)?
            .finding(finding(&analysis, &rivals, &sign_error))
            .chart(charts::forest(&analysis, &STAR))
            .chart(charts::heat(&analysis))
            .table(coefficients::table(&analysis))
            .table(tables::measures(context, &models, &requests)?)
            .table(sign_errors::summaries(&analysis, |axis| {
                axis.replace('_', " ")
            }))
            .table(rivals::table(&rivals, &STAR))
            .table(tables::zoo(&models, &requests)?);
        if let Some(chart) = sign_errors::chart(&analysis, &STAR) {
            artefact = artefact
                .chart(chart)
                .table(sign_errors::distribution(&analysis));
        }
        let artefact = zoo::describe_zoo(artefact, &models)?;
        let artefact = note_undefined(artefact, &models, &requests)?;
        Ok(artefact.note(zoo::NOTE_NEGATED).note(NOTE_TAU))
    }
}

/// What the numbers say, and whether there is a robust sign error.
fn finding(analysis: &Analysis, rivals: &[Rival], sign_error: &SignErrorOptions) -> String {
    let found = words::finding(analysis, &STAR, rivals);
    match sign_errors::nothing_to_weigh(analysis, sign_error) {
        Some(nothing) => format!("{found} {nothing}"),
        None => found,
    }
}

/// What is shown, how it was taken, and what its spread is.
fn described(
    context: &Context<'_>,
    section: &profile::Correlation,
    models: &[Model],
    requests: &[MeasureRequest],
) -> Result<Artefact> {
    let (draws, level) = (section.bootstrap, 100.0 * LEVEL);
    let rates = conventions(&settings(context.profile, section).conventions());
    let images = zoo::over_images(models, requests)?;
    Ok(
        Artefact::new("correlation", "Measures against the generalization gap")
            .shows(SHOWS)
            .paper(PAPER)
            .setting("Measures", format!("{rates}; {images}"))
            .setting(
                "Bootstrap",
                format!("B = {draws} draws over models, {level} % intervals"),
            )
            .spread(format!(
                "{level} % bootstrap intervals over models (B = {draws})."
            )),
    )
}

const SHOWS: &str = "Whether models with a larger value of a complexity measure have a larger generalization gap (test loss minus \
    training loss, both of the final model in evaluation mode), by Kendall's τ over all models of the zoo.\n\n\
    τ along one hyper-parameter (ψ) holds all others fixed; Ψ is their mean. Conditional information K asks what a measure \
    says beyond any two hyper-parameters, the robust sign error how often it is wrong about the sign of a change.";

const PAPER: &str = "Hu et al. (CIFAR-10, 32 models at d = 384): the sparse rate reduction has the largest overall τ, 0.445.\n\n\
    Path norm and the products and sums of spectral and Frobenius norms come out negative there, inverse margin and PAC-Bayes \
    flatness positive. At d = 768 the sparse rate reduction is only slightly best overall. Its remaining figures are not \
    recorded here.";

const NOTE_TAU: &str = "τ here is τ-a (ties count zero), as the paper prints it; τ-b and its p-value stand beside it, with \
    Holm's correction over the measures. The p-values of the differences are corrected over the comparisons. Measures that order \
    the models alike, such as the square of another, count as several tests, which makes the correction stricter than it need be.";

/// The measuring settings of the section over the profile's.
fn settings(profile: &Profile, section: &profile::Correlation) -> profile::Measure {
    section.measure.over(&profile.measure)
}

/// What is measured on every model.
fn requests(context: &Context<'_>, section: &profile::Correlation) -> Result<Vec<MeasureRequest>> {
    let settings = settings(context.profile, section);
    zoo::requests(context, &section.measures, section.cost, &settings)
}

/// Says which measures are undefined for how many models, and why for the first of these; measures of one fate together.
fn note_undefined(
    mut artefact: Artefact,
    models: &[Model],
    requests: &[MeasureRequest],
) -> Result<Artefact> {
    let mut fates: Vec<(Vec<&str>, usize, &str)> = Vec::new();
    for request in requests {
        let name = request.measure.as_str();
        let mut reasons = Vec::new();
        for model in models.iter().filter(|model| model.counts) {
            reasons.extend(model.measured(request)?.undefined.as_deref());
        }
        let Some(&first) = reasons.first() else {
            continue;
        };
        let same =
            |fate: &&mut (Vec<&str>, usize, &str)| (fate.1, fate.2) == (reasons.len(), first);
        match fates.iter_mut().find(same) {
            Some((names, ..)) => names.push(name),
            None => fates.push((vec![name], reasons.len(), first)),
        }
    }
    for (names, n, first) in fates {
        let (verb, of_first) = match (names.len(), n) {
            (1, 1) => ("is", ""),
            (1, _) => ("is", " (of the first)"),
            (_, 1) => ("are", ""),
            (..) => ("are", " (of the first)"),
        };
        artefact = artefact.note(format!(
            "{} {verb} undefined for {}: {first}{of_first}.",
            list(&names),
            count(n, "counted model")
        ));
    }
    Ok(artefact)
}
