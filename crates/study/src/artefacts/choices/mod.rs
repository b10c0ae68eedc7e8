//! `choices`: what becomes of τ, and of the place of the sparse rate reduction among all measures, under every convention that sources
//! leave open.

mod asked;
mod measures;
mod places;
mod rates;

use super::{Recipe, common::section, settings::conventions, zoo};
use crate::{
    Result,
    analysis::LEVEL,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::Artefact,
};
use asked::Asked;
use srr_measures::statistics::{Analysis, AnalysisOptions, Bootstrap, MeasureAnalysis, analyse};
use srr_random::Seed;

/// The artefact.
pub(super) struct Choices;

impl Recipe for Choices {
    fn name(&self) -> &'static str {
        "choices"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.choices.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let asked = Asked::new(context, section(&context.profile.choices, self.name())?)?;
        zoo::plan(context, &asked.requests())
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.choices, self.name())?;
        let asked = Asked::new(context, section)?;
        let models = zoo::models(context, &asked.requests())?;
        let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
        let options = AnalysisOptions {
            bootstrap: Some(bootstrap),
            largest_conditioning: 0,
            ..AnalysisOptions::default()
        };
        let table = zoo::statistics(&models, &asked.judged())?;
        let analysis = analyse(&table, &options)?;
        let taken = rates::all(&asked, &table, &analysis, &bootstrap)?;
        let places = places::all(&asked, &table, &analysis, &bootstrap)?;
        let moves = measures::all(&asked, &table, &analysis, &bootstrap)?;
        let reference = asked.reference();
        let over = zoo::over_images(&models, std::slice::from_ref(reference))?;
        let mut artefact = Artefact::new("choices", "What the open conventions decide")
            .shows(SHOWS)
            .finding(format!(
                "{}\n\n{}\n\n{}\n\n{FOLLOWS}",
                rates::finding(&taken),
                places::finding(&places),
                measures::finding(&moves)
            ))
            .paper(PAPER)
            .setting(
                "Reference",
                format!("{}; {over}", conventions(&reference.conventions)),
            )
            .spread(format!(
                "{} % bootstrap intervals over models (B = {}).",
                100.0 * LEVEL,
                section.bootstrap
            ))
            .chart(rates::chart(&taken))
            .table(rates::table(&taken))
            .table(places::table(&places))
            .table(measures::table(&moves));
        if let Some(chart) = measures::chart(&moves) {
            artefact = artefact.chart(chart);
        }
        let artefact = zoo::describe_zoo(artefact, &models)?;
        Ok(artefact.note(NOTE).note(zoo::NOTE_NEGATED))
    }
}

/// The analysis of the measure of this name.
fn found<'a>(analysis: &'a Analysis, name: &str) -> Option<&'a MeasureAnalysis> {
    let mut measures = analysis.measures.iter();
    measures.find(|measure| measure.name == name)
}

const FOLLOWS: &str = "What follows: how far τ and places at this size hang on answers that sources leave open, and for which of them more \
    than chance among these models stands behind a move. What does not follow: which answer is right — none was chosen by its τ, and the \
    largest τ of many is too large by that choice alone —, nor that an answer which moves little here moves little in another zoo.";

const SHOWS: &str = "Sources disagree on how the sparse rate reduction is to be computed. Each row changes one answer and keeps all \
    others at the reference, and shows what becomes of its τ with the generalization gap.\n\n\
    Other measures have open questions too. The further tables show what becomes of the τ of every one of them, and of the place of \
    the sparse rate reduction among all.";

const PAPER: &str = "The paper fixes ε^{2} = p/N (γ = 1) and removes LayerNorm when measuring; it has no such table.\n\n\
    It does not say whether ‖Z‖_{0} is a count or a share, whether tokens are normalized, or how images are averaged. The official CRATE \
    hook reads R^{c} at the attention's input, keeps LayerNorm and scales each head's vectors to unit length.\n\n\
    It does not say what becomes of measures over a margin that is not positive; the public code that it measures with takes |g|.";

const NOTE: &str = "The gradient taken of λ‖Z‖_{0} is an open convention too, but of the regularizer alone: no measured value \
    depends on it.";

#[cfg(test)]
mod tests;
