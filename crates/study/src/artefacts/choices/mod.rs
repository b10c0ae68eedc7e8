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
use srr_measures::statistics::{AnalysisOptions, Bootstrap, analyse};
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
        let table = zoo::statistics(&models, &asked.columns())?;
        let analysis = analyse(&table, &options)?;
        let places = places::all(&asked, &table, &analysis, &bootstrap)?;
        let moves = measures::all(&asked, &table, &analysis, &bootstrap)?;
        let reference = asked.reference();
        let over = zoo::over_images(&models, std::slice::from_ref(reference))?;
        let mut artefact = Artefact::new("choices", "What the open conventions decide")
            .shows(SHOWS)
            .finding(format!(
                "{}\n\n{}\n\n{}",
                rates::finding(&asked, &analysis),
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
            .chart(rates::chart(&asked, &analysis))
            .table(rates::table(&asked, &analysis))
            .table(places::table(&places))
            .table(measures::table(&moves));
        if let Some(chart) = measures::chart(&moves) {
            artefact = artefact.chart(chart);
        }
        Ok(zoo::describe_zoo(artefact, context.profile, &models)?.note(NOTE))
    }
}

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
