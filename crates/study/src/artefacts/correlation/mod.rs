//! `correlation`: how every measure orders the zoo by its generalization gap (Hu, Zou and Xu 2024, Table 1 and 5).

mod charts;
mod sign_errors;
mod tables;

use super::{
    Recipe,
    common::{TIE, fixed, list, section},
    settings::conventions,
    zoo::{self, Model},
};
use crate::{
    Result,
    measuring::MeasureRequest,
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{Artefact, Cell},
};
use srr_measures::statistics::{
    self, Analysis, AnalysisOptions, Bootstrap, Difference, Interval, MeasureAnalysis, Repeats,
    SignErrorOptions, Statistic, analyse, holm,
};
use srr_random::Seed;

/// The artefact.
pub(in crate::artefacts) struct Correlation;

/// The measure the study is about.
pub(in crate::artefacts) const SRR: &str = "srr";

/// Level of every interval.
pub(in crate::artefacts) const LEVEL: f64 = 0.95;

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
        let columns = zoo::columns(&requests);
        let table = zoo::statistics(&models, &columns)?;
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
        let rivals = rivals(&table, &analysis, &bootstrap)?;
        let mut finding = finding(&analysis, &rivals);
        if let Some(nothing) = sign_errors::nothing_to_weigh(&analysis, &sign_error) {
            finding = format!("{finding} {nothing}");
        }
        let mut artefact = Artefact::new("correlation", "Measures against the generalization gap")
            .shows(SHOWS)
            .finding(finding)
            .paper(PAPER)
            .setting(
                "Measures",
                format!(
                    "{}; {}",
                    conventions(&settings(context.profile, section).conventions()),
                    zoo::over_images(&models, &requests)?
                ),
            )
            .setting(
                "Bootstrap",
                format!(
                    "B = {} draws over models, {} % intervals",
                    section.bootstrap,
                    100.0 * LEVEL
                ),
            )
            .spread(format!(
                "{} % bootstrap intervals over models (B = {}).",
                100.0 * LEVEL,
                section.bootstrap
            ))
            .chart(charts::forest(&analysis))
            .chart(charts::heat(&analysis))
            .table(tables::coefficients(&analysis))
            .table(sign_errors::summaries(&analysis))
            .table(tables::differences(&rivals))
            .table(tables::zoo(&models, &columns)?);
        if let Some(chart) = sign_errors::chart(&analysis) {
            artefact = artefact
                .chart(chart)
                .table(sign_errors::distribution(&analysis));
        }
        let artefact = zoo::describe_zoo(artefact, context.profile, &models)?;
        Ok(note_undefined(artefact, &models, &columns)?.note(NOTE_SIGN))
    }
}

const SHOWS: &str = "Whether models with a larger value of a complexity measure have a larger generalization gap (test loss minus \
    training loss, both of the final model in evaluation mode), by Kendall's τ over all models of the zoo.\n\n\
    τ along one hyper-parameter (ψ) holds all others fixed; Ψ is their mean. Conditional information K asks what a measure \
    says beyond any two hyper-parameters, the robust sign error how often it is wrong about the sign of a change.";

const PAPER: &str = "Hu et al. (CIFAR-10, 32 models at d = 384): the sparse rate reduction has the largest overall τ, 0.445.\n\n\
    Path norm and the products and sums of spectral and Frobenius norms come out negative there, inverse margin and PAC-Bayes \
    flatness positive. At d = 768 the sparse rate reduction is only slightly best overall. Its remaining figures are not \
    recorded here.";

const NOTE_SIGN: &str = "τ here is τ-a (ties count zero), as the paper prints it; τ-b and its p-value stand beside it, with \
    Holm's correction over the measures. The p-values of the differences are corrected over the comparisons.";

/// The measuring settings of the section over the profile's.
fn settings(profile: &Profile, section: &profile::Correlation) -> profile::Measure {
    section.measure.over(&profile.measure)
}

/// What is measured on every model.
fn requests(context: &Context<'_>, section: &profile::Correlation) -> Result<Vec<MeasureRequest>> {
    let settings = settings(context.profile, section);
    zoo::requests(context, &section.measures, section.cost, &settings)
}

/// The sparse rate reduction against another measure.
struct Rival {
    /// The other measure.
    name: String,
    /// τ minus its τ; `None` where either has none.
    difference: Option<Difference>,
    /// The p-value of the difference after Holm's correction over all rivals.
    p_holm: Option<f64>,
}

impl Rival {
    /// Whether the other measure's τ is smaller (1), larger (−1), or not told apart (0) at [`LEVEL`].
    fn sign(&self) -> i8 {
        match (&self.difference, self.p_holm) {
            (Some(difference), Some(p)) if p <= 1.0 - LEVEL => {
                i8::from(difference.value > 0.0) - i8::from(difference.value < 0.0)
            }
            _ => 0,
        }
    }
}

/// The sparse rate reduction against every other measure, on the same bootstrap draws.
fn rivals(
    table: &statistics::Table,
    analysis: &Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<Rival>> {
    if !analysis.measures.iter().any(|measure| measure.name == SRR) {
        return Ok(Vec::new());
    }
    let others = analysis
        .measures
        .iter()
        .filter(|measure| measure.name != SRR);
    let difference = |measure: &MeasureAnalysis| {
        let found = bootstrap.difference(
            table,
            SRR,
            &measure.name,
            Statistic::TauA,
            Repeats::default(),
        )?;
        Ok((measure.name.clone(), found))
    };
    others
        .map(difference)
        .collect::<Result<Vec<_>>>()
        .map(corrected)
}

/// The comparisons with Holm's correction over all of them.
fn corrected(found: Vec<(String, Option<Difference>)>) -> Vec<Rival> {
    let p_values: Vec<Option<f64>> = found
        .iter()
        .map(|(_, difference)| Some(difference.as_ref()?.p_value))
        .collect();
    let rival = |((name, difference), p_holm)| Rival {
        name,
        difference,
        p_holm,
    };
    found.into_iter().zip(holm(&p_values)).map(rival).collect()
}

/// What the numbers say about the sparse rate reduction.
fn finding(analysis: &Analysis, rivals: &[Rival]) -> String {
    let mut ranked: Vec<(&str, f64)> = analysis
        .measures
        .iter()
        .filter_map(|measure| Some((measure.name.as_str(), measure.tau_a?)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(&(best, best_tau)) = ranked.first() else {
        return format!(
            "No measure has a τ: {} models are too few.",
            analysis.models
        );
    };
    let srr = analysis.measures.iter().find(|measure| measure.name == SRR);
    let Some((srr, tau)) = srr.and_then(|srr| Some((srr, srr.tau_a?))) else {
        return format!(
            "The largest τ is that of {best}, {}. The sparse rate reduction has none.",
            fixed(best_tau, 3)
        );
    };
    let place = 1 + ranked
        .iter()
        .filter(|(_, other)| *other > tau + TIE)
        .count();
    let equal: Vec<&str> = ranked
        .iter()
        .filter(|(name, other)| *name != SRR && (*other - tau).abs() <= TIE)
        .map(|(name, _)| *name)
        .collect();
    let headline = if place == 1 && !equal.is_empty() {
        format!(
            "The sparse rate reduction shares the largest τ of {} measures, {}, over {} models, with {}.",
            ranked.len(),
            with_interval(tau, srr.tau_a_interval),
            srr.models,
            list(&equal)
        )
    } else if place == 1 {
        format!(
            "The sparse rate reduction has the largest τ of {} measures, {}, over {} models.",
            ranked.len(),
            with_interval(tau, srr.tau_a_interval),
            srr.models
        )
    } else {
        format!(
            "The sparse rate reduction has τ = {} over {} models, place {place} of {}; the largest is that of {best}, {}.",
            with_interval(tau, srr.tau_a_interval),
            srr.models,
            ranked.len(),
            fixed(best_tau, 3)
        )
    };
    let zero = match srr.tau_a_interval {
        Some(interval) if interval.low > 0.0 => "Its interval lies above zero.",
        Some(interval) if interval.high < 0.0 => "Its interval lies below zero.",
        Some(_) => "Its interval includes zero.",
        None => "It has no interval.",
    };
    format!(
        "{headline}\n\n{zero} {} {}",
        against(rivals),
        granulated(srr)
    )
}

/// Which measures it beats, which beat it, and which cannot be told apart.
fn against(rivals: &[Rival]) -> String {
    if rivals.is_empty() {
        return "There is no other measure to compare it with.".to_owned();
    }
    let names = |sign: i8| {
        let chosen = rivals.iter().filter(|rival| rival.sign() == sign);
        chosen.map(|rival| rival.name.as_str()).collect::<Vec<_>>()
    };
    let all_undefined = rivals.iter().filter(|rival| rival.difference.is_none());
    let undefined = match all_undefined.count() {
        0 => String::new(),
        n => format!(" ({n} of these have no τ to compare)"),
    };
    format!(
        "In paired bootstraps it is ahead of {}, behind {}, and not told apart from {}{undefined}; to be told apart takes p ≤ {} after \
         Holm's correction over {} comparisons.",
        list(&names(1)),
        list(&names(-1)),
        list(&names(0)),
        fixed(1.0 - LEVEL, 2),
        rivals.len()
    )
}

fn granulated(srr: &MeasureAnalysis) -> String {
    let axes: Vec<String> = srr
        .psi
        .iter()
        .filter_map(|axis| {
            Some(format!(
                "{} {}",
                axis.axis.replace('_', " "),
                fixed(axis.value?, 2)
            ))
        })
        .collect();
    match srr.granulated {
        Some(mean) => format!("Its Ψ is {}: ψ along {}.", fixed(mean, 2), list(&axes)),
        None => "It has no Ψ.".to_owned(),
    }
}

/// `0.445 [0.21, 0.63]`.
pub(in crate::artefacts) fn with_interval(value: f64, interval: Option<Interval>) -> String {
    match interval {
        Some(interval) => format!(
            "{} [{}, {}]",
            fixed(value, 3),
            fixed(interval.low, 2),
            fixed(interval.high, 2)
        ),
        None => fixed(value, 3),
    }
}

/// A coefficient with its interval as a cell.
pub(in crate::artefacts) fn cell(value: Option<f64>, interval: Option<Interval>) -> Cell {
    match (value, interval) {
        (Some(value), Some(Interval { low, high, .. })) => Cell::Interval { value, low, high },
        (Some(value), None) => Cell::Number(value),
        (None, _) => Cell::missing("undefined"),
    }
}

/// Says which measures are undefined for how many models, and why.
fn note_undefined(
    mut artefact: Artefact,
    models: &[Model],
    columns: &[(String, MeasureRequest)],
) -> Result<Artefact> {
    for (name, request) in columns {
        let mut reasons: Vec<(String, usize)> = Vec::new();
        for model in models.iter().filter(|model| model.counts) {
            let Some(reason) = &model.measured(request)?.undefined else {
                continue;
            };
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, n)) => *n += 1,
                None => reasons.push((reason.clone(), 1)),
            }
        }
        for (reason, n) in reasons {
            artefact = artefact.note(format!(
                "{name} is undefined for {n} of the counted models: {reason}."
            ));
        }
    }
    Ok(artefact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(value: f64, p_value: f64) -> Option<Difference> {
        let interval = Interval {
            low: value - 0.1,
            high: value + 0.1,
            draws: 2000,
        };
        Some(Difference {
            value,
            interval,
            p_value,
            models: 32,
        })
    }

    #[test]
    fn comparisons_are_corrected_and_the_sentence_goes_by_the_corrected_values() {
        let rivals = corrected(vec![
            ("far".to_owned(), difference(0.5, 0.001)),
            ("near".to_owned(), difference(0.2, 0.03)),
            ("above".to_owned(), difference(-0.4, 0.01)),
            ("constant".to_owned(), None),
        ]);
        let holm: Vec<Option<f64>> = rivals.iter().map(|rival| rival.p_holm).collect();
        assert_eq!(holm, [Some(0.003), Some(0.03), Some(0.02), None]);
        let said = against(&rivals);
        assert!(
            said.contains("ahead of far and near, behind above, and not told apart from constant"),
            "{said}"
        );

        // An interval off zero is not enough once there are as many comparisons.
        let rivals = corrected(
            (0..9)
                .map(|i| (format!("m{i}"), difference(0.2, 0.02)))
                .collect(),
        );
        assert!(rivals.iter().all(|rival| rival.p_holm == Some(0.18)));
        let said = against(&rivals);
        assert!(
            said.contains("ahead of none, behind none") && said.contains("over 9 comparisons"),
            "{said}"
        );
        let table = tables::differences(&rivals);
        let keys: Vec<&str> = table.columns.iter().map(|c| c.key.as_str()).collect();
        assert_eq!(keys, ["measure", "models", "difference", "p", "p_holm"]);
        assert_eq!(table.rows[0][3..], [Cell::Number(0.02), Cell::Number(0.18)]);
    }
}
