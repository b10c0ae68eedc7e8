//! `correlation`: how every measure orders the zoo by its generalization gap (Hu, Zou and Xu 2024, Table 1 and 5).

use super::{
    Recipe,
    common::{fixed, list, section},
    zoo::{self, Model},
};
use crate::{
    Result,
    measuring::MeasureRequest,
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{Artefact, Axis, Cell, Chart, Column, Heat, Mark, Panel, Point, Rule, Series, Table},
};
use srr_measures::statistics::{
    self, Analysis, AnalysisOptions, Bootstrap, Difference, Interval, MeasureAnalysis, Repeats,
    SignErrorOptions, SignErrorSummary, Statistic, analyse,
};
use srr_measures::{Measure, Registry};
use srr_random::Seed;

/// The artefact.
pub(super) struct Correlation;

/// The measure the study is about.
pub(super) const SRR: &str = "srr";

/// Level of every interval.
pub(super) const LEVEL: f64 = 0.95;

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
            &requests(
                context.profile,
                section(&context.profile.correlation, self.name())?,
            ),
        )
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.correlation, self.name())?;
        let requests = requests(context.profile, section);
        let models = zoo::models(context, &requests)?;
        let columns: Vec<(String, MeasureRequest)> = requests
            .iter()
            .map(|request| (request.measure.clone(), request.clone()))
            .collect();
        let table = zoo::statistics(&models, &columns)?;
        let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
        let test_size = models
            .first()
            .map_or(0.0, |model| model.run.config.data.test as f64);
        let options = AnalysisOptions {
            bootstrap: Some(bootstrap),
            sign_error: Some(SignErrorOptions::new(test_size)),
            ..AnalysisOptions::default()
        };
        let analysis = analyse(&table, &options)?;
        let rivals = rivals(&table, &analysis, &bootstrap)?;
        let artefact = Artefact::new("correlation", "Measures against the generalization gap")
            .shows(SHOWS)
            .finding(finding(&analysis, &rivals))
            .paper(PAPER)
            .setting(
                "Measures",
                super::common::conventions(&settings(context.profile, section).conventions()),
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
            .chart(forest(&analysis))
            .chart(heat(&analysis))
            .table(coefficients(&analysis))
            .table(beyond(&analysis))
            .table(differences(&rivals))
            .table(zoo_table(&models, &columns)?);
        let artefact = zoo::describe_zoo(artefact, context.profile, &models);
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
    Holm's correction over the measures.";

/// The measuring settings of the section over the profile's.
fn settings(profile: &Profile, section: &profile::Correlation) -> profile::Measure {
    section.measure.over(&profile.measure)
}

/// What is measured on every model.
fn requests(profile: &Profile, section: &profile::Correlation) -> Vec<MeasureRequest> {
    let settings = settings(profile, section);
    let registry = Registry::built_in();
    let affordable = registry
        .iter()
        .filter(|measure| measure.cost() <= section.cost);
    let names: Vec<&str> = match section.measures.as_slice() {
        [] => affordable.map(Measure::name).collect(),
        chosen => chosen.iter().map(String::as_str).collect(),
    };
    names
        .into_iter()
        .map(|name| MeasureRequest::new(name, &settings))
        .collect()
}

/// The sparse rate reduction against every other measure, on the same bootstrap draws.
fn rivals(
    table: &statistics::Table,
    analysis: &Analysis,
    bootstrap: &Bootstrap,
) -> Result<Vec<(String, Option<Difference>)>> {
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
    others.map(difference).collect()
}

/// What the numbers say about the sparse rate reduction.
fn finding(analysis: &Analysis, rivals: &[(String, Option<Difference>)]) -> String {
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
    let place = 1 + ranked.iter().filter(|(_, other)| *other > tau).count();
    let headline = if place == 1 {
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
fn against(rivals: &[(String, Option<Difference>)]) -> String {
    let names = |holds: fn(&Difference) -> bool| {
        let chosen = rivals
            .iter()
            .filter(|(_, found)| found.as_ref().is_some_and(holds));
        chosen.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let beaten = names(|difference| difference.interval.low > 0.0);
    let better = names(|difference| difference.interval.high < 0.0);
    let open = rivals.len() - beaten.len() - better.len();
    format!(
        "In paired bootstraps it is ahead of {} (interval of the difference above zero), behind {}, and not told apart from \
         {open} of {}.",
        list(&beaten),
        list(&better),
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
pub(super) fn with_interval(value: f64, interval: Option<Interval>) -> String {
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
pub(super) fn cell(value: Option<f64>, interval: Option<Interval>) -> Cell {
    match (value, interval) {
        (Some(value), Some(Interval { low, high, .. })) => Cell::Interval { value, low, high },
        (Some(value), None) => Cell::Number(value),
        (None, _) => Cell::missing("undefined"),
    }
}

/// τ, ψ and Ψ of every measure.
fn coefficients(analysis: &Analysis) -> Table {
    let psi = analysis.axes.iter().map(|axis| {
        Column::new(
            format!("psi_{axis}"),
            format!("ψ {}", axis.replace('_', " ")),
        )
        .interval()
        .decimals(2)
    });
    let columns = [
        Column::new("measure", "Measure"),
        Column::new("models", "Models"),
        Column::new("undefined", "Undefined"),
    ]
    .into_iter()
    .chain([Column::new("tau_a", "τ").interval().decimals(3)])
    .chain(psi)
    .chain([
        Column::new("granulated", "Ψ").interval().decimals(2),
        Column::new("tau_b", "τ-b").interval().decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    let mut table = Table::new(
        "correlation",
        "Rank correlation of every measure with the generalization gap",
    )
    .columns(columns);
    for measure in &analysis.measures {
        let mut row = vec![
            measure.name.as_str().into(),
            measure.models.into(),
            measure.left_out.into(),
            cell(measure.tau_a, measure.tau_a_interval),
        ];
        row.extend(
            measure
                .psi
                .iter()
                .map(|axis| cell(axis.value, axis.interval)),
        );
        row.extend([
            cell(measure.granulated, measure.granulated_interval),
            cell(measure.tau_b, measure.tau_b_interval),
            number(measure.p_value),
            number(measure.p_holm),
        ]);
        table.push(row);
    }
    table
}

fn number(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::missing("undefined"), Cell::Number)
}

/// Conditional information and sign errors of every measure.
fn beyond(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "correlation-beyond",
        "Conditional information K and robust sign errors; pooled: over all matched pairs of cells that differ in the same two values",
    )
    .columns([
        Column::new("measure", "Measure"),
        Column::new("information", "K").decimals(3),
        Column::new("environments", "Environments"),
        Column::new("sign_error_mean", "Sign error, mean"),
        Column::new("sign_error_p90", "90th percentile"),
        Column::new("sign_error_max", "Maximum"),
        Column::new("pooled_environments", "Pooled environments"),
        Column::new("pooled_mean", "Pooled, mean"),
        Column::new("pooled_p90", "Pooled, 90th percentile"),
        Column::new("pooled_max", "Pooled, maximum"),
    ]);
    for measure in &analysis.measures {
        let mut row = vec![
            measure.name.as_str().into(),
            number(measure.information.value),
        ];
        let errors = measure.sign_error.as_ref();
        row.extend(summary(errors.map(|errors| &errors.all)));
        row.extend(summary(errors.map(|errors| &errors.pooled)));
        table.push(row);
    }
    table
}

fn summary(errors: Option<&SignErrorSummary>) -> [Cell; 4] {
    let number =
        |value: Option<f64>| value.map_or_else(|| Cell::missing("none qualifies"), Cell::Number);
    match errors {
        Some(errors) => [
            errors.environments.into(),
            number(errors.mean),
            number(errors.p90),
            number(errors.max),
        ],
        None => std::array::from_fn(|_| Cell::missing("no gap in accuracy")),
    }
}

/// τ of the sparse rate reduction minus that of every other measure.
fn differences(rivals: &[(String, Option<Difference>)]) -> Table {
    let mut table = Table::new(
        "correlation-differences",
        "τ of the sparse rate reduction minus τ of another measure, paired bootstrap",
    )
    .columns([
        Column::new("measure", "Other measure"),
        Column::new("models", "Models"),
        Column::new("difference", "Difference of τ")
            .interval()
            .decimals(3),
        Column::new("p", "p"),
    ]);
    for (name, found) in rivals {
        table.push(match found {
            Some(found) => vec![
                name.as_str().into(),
                found.models.into(),
                cell(Some(found.value), Some(found.interval)),
                found.p_value.into(),
            ],
            None => {
                let missing = || Cell::missing("undefined");
                vec![name.as_str().into(), missing(), missing(), missing()]
            }
        });
    }
    table
}

/// Every model with everything known of it.
fn zoo_table(models: &[Model], columns: &[(String, MeasureRequest)]) -> Result<Table> {
    let axes = zoo::varied(models);
    let heads = [Column::new("run", "Run")]
        .into_iter()
        .chain(
            axes.iter()
                .map(|(name, _)| Column::new(*name, name.replace('_', " "))),
        )
        .chain([
            Column::new("seed", "seed"),
            Column::new("status", "status"),
            Column::new("counted", "counted"),
            Column::new("epochs", "epochs"),
            Column::new("train_loss", "training loss"),
            Column::new("test_loss", "test loss"),
            Column::new("loss_gap", "loss gap"),
            Column::new("train_accuracy", "training accuracy"),
            Column::new("test_accuracy", "test accuracy"),
        ])
        .chain(
            columns
                .iter()
                .map(|(name, _)| Column::new(name.replace('-', "_"), name)),
        );
    let mut table = Table::new("zoo", "The models of the zoo").columns(heads);
    table.folded = true;
    for model in models {
        let config = &model.run.config;
        let result = &model.result;
        let mut row: Vec<Cell> = vec![model.run.id.as_str().into()];
        row.extend(axes.iter().map(|(_, of)| Cell::from(of(config))));
        row.extend([
            Cell::from(config.seed.to_string()),
            result.status.to_string().into(),
            if model.counts { "yes" } else { "no" }.into(),
            result.epochs.into(),
            result.train.map(|scores| scores.loss).into(),
            result.test.map(|scores| scores.loss).into(),
            result.loss_gap().into(),
            result.train.and_then(|scores| scores.accuracy).into(),
            result.test_accuracy().into(),
        ]);
        for (_, request) in columns {
            row.push(model.measured(request)?.cell());
        }
        table.push(row);
    }
    Ok(table)
}

/// τ of every measure with its interval, largest first.
fn forest(analysis: &Analysis) -> Chart {
    let mut ranked: Vec<&MeasureAnalysis> = analysis
        .measures
        .iter()
        .filter(|measure| measure.tau_a.is_some())
        .collect();
    ranked.sort_by(|a, b| b.tau_a.unwrap_or(0.0).total_cmp(&a.tau_a.unwrap_or(0.0)));
    let names = ranked.iter().map(|measure| measure.name.as_str());
    let mut panel = Panel::new(
        "",
        Axis::new("τ").range(-1.0, 1.0),
        Axis::categories("", names),
    )
    .rule(Rule::vertical(0.0, ""));
    for (place, measure) in ranked.iter().enumerate() {
        let Some(tau) = measure.tau_a else { continue };
        let point = Point::at(tau, place as f64).labeled(format!(
            "{}: {}",
            measure.name,
            with_interval(tau, measure.tau_a_interval)
        ));
        let point = match measure.tau_a_interval {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        };
        let ink = usize::from(measure.name == SRR);
        panel = panel.series(Series::new("", ink, Mark::Forest).points([point]));
    }
    Chart::new(
        "correlation",
        "Overall τ of every measure",
        "Points are τ, lines its bootstrap interval; the sparse rate reduction stands out.",
    )
    .panel(panel)
}

/// ψ of every measure along every hyper-parameter.
fn heat(analysis: &Analysis) -> Chart {
    let measures = analysis
        .measures
        .iter()
        .map(|measure| measure.name.as_str());
    let axes = analysis
        .axes
        .iter()
        .map(|axis| axis.replace('_', " "))
        .chain(["Ψ".to_owned(), "τ".to_owned()]);
    let values = analysis
        .measures
        .iter()
        .map(|measure| {
            let psi = measure.psi.iter().map(|axis| axis.value);
            psi.chain([measure.granulated, measure.tau_a]).collect()
        })
        .collect();
    let panel = Panel::heat(
        "",
        Axis::categories("", axes),
        Axis::categories("", measures),
        Heat::diverging("τ", values, 1.0),
    );
    Chart::new(
        "correlation-axes",
        "τ along each hyper-parameter",
        "ψ per hyper-parameter, their mean Ψ, and the overall τ.",
    )
    .panel(panel)
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
