//! `inconsistency`: how far models of one setting disagree, and whether that goes with the gap (Johnson and Zhang 2023).

use super::{
    Recipe,
    common::{count, ink, list, mean, section, title},
    scatter::FEWEST,
    zoo::{self, Model},
};
use crate::{
    Error, Result,
    analysis::{
        LEVEL,
        coefficients::{cell, number},
        words::with_interval,
    },
    measuring::{MeasureRequest, logits_of},
    plan::{Context, PlannedRun},
    profile::{self, Profile},
    report::{self, Artefact, Axis, Cell, Chart, Column, Mark, Panel, Point, Series},
};
use srr_datasets::ImageSet;
use srr_layers::Variant;
use srr_measures::{
    Inconsistency as Found, inconsistency,
    statistics::{AnalysisOptions, Bootstrap, MeasureAnalysis, Table, analyse},
};
use srr_random::Seed;
use std::sync::Arc;

/// The artefact.
pub(super) struct Inconsistency;

/// Name of the measure in statistics.
const NAME: &str = "inconsistency";
/// Name of what it is set beside.
const SRR: &str = "srr";

impl Recipe for Inconsistency {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.inconsistency.is_some()
    }

    fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedRun>> {
        let section = section(&context.profile.inconsistency, self.name())?;
        zoo::plan_with(context, &section.seeds, &[srr(context)])
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.inconsistency, self.name())?;
        let models = zoo::models_of(context, self.plan(context)?)?;
        let images = Images::choose(context, section)?;
        let settings: Vec<Setting> = models
            .chunks(section.seeds.len())
            .map(|models| Setting::new(context, models, &images))
            .collect::<Result<_>>()?;
        let orders = orders(&settings, section)?;
        let mut artefact = Artefact::new(NAME, "Disagreement of models that differ in their seed alone")
            .shows(SHOWS)
            .finding(finding(&orders, &settings))
            .paper(PAPER)
            .setting("Images", images.words(section.images))
            .setting("Statistics", "over settings; the gap and μ of a setting are means over its models")
            .spread(format!(
                "{} % bootstrap intervals of τ over settings (B = {}); standard error of an inconsistency over images.",
                100.0 * LEVEL,
                section.bootstrap
            ))
            .chart(chart(&settings))
            .table(order_table(&orders))
            .table(table(&models, &settings));
        let single = settings.iter().filter(|setting| setting.found.is_none());
        if let Some(words) = few(single.count()) {
            artefact = artefact.note(words);
        }
        zoo::describe_zoo(artefact, &models)
    }
}

const SHOWS: &str = "The mean Kullback-Leibler divergence between the predictions of models that were trained alike but for their seed, on images \
    without labels, against the mean generalization gap of the same models. It is no measure of one model, which is why it stands beside \
    `correlation` and not in it: it needs every setting trained at least twice.";

const PAPER: &str = "The paper does not look at it. Johnson and Zhang (2023) derive a bound of the gap from the inconsistency, and find over \
    many settings of training that the two go together.\n\nTheir second quantity, instability, also needs models trained on different \
    draws of training images; no such models are trained here, so it is left out.";

/// The sparse rate reduction under the settings of the profile.
fn srr(context: &Context<'_>) -> MeasureRequest {
    MeasureRequest::srr(&context.profile.measure)
}

/// The images that models are compared on.
struct Images {
    set: Arc<ImageSet>,
    /// Whether they are training images that no model was trained on.
    unseen: bool,
}

impl Images {
    /// Training images that no model was trained on; where there are none, images that models are judged on.
    fn choose(context: &Context<'_>, section: &profile::Inconsistency) -> Result<Self> {
        let zoo = super::common::section(&context.profile.zoo, "zoo")?;
        let data = zoo.setup(context.profile).data;
        if let Some(set) = context.data.unseen(&data, section.images)? {
            let set = Arc::new(set);
            return Ok(Self { set, unseen: true });
        }
        let test = Arc::clone(&context.data.prepare(&data)?.test);
        let set = if section.images < test.len() {
            Arc::new(test.stratified(section.images, Seed::new(0).purpose("unseen"))?)
        } else {
            test
        };
        Ok(Self { set, unseen: false })
    }

    fn words(&self, asked: usize) -> String {
        let kind = if self.unseen {
            "training images that no model was trained on"
        } else {
            "images that the gap is measured on too, as models were trained on all others"
        };
        let all = if self.set.len() < asked {
            format!(" (all there are; {asked} were asked for)")
        } else {
            String::new()
        };
        format!("{} {kind}{all}; their labels are not used", self.set.len())
    }
}

/// The models of one setting.
struct Setting {
    variant: Variant,
    /// Values of the axes that vary, as the table has them, and the number of models that count.
    label: String,
    models: usize,
    found: Option<Found>,
    gap: f64,
    srr: Option<f64>,
}

impl Setting {
    fn new(context: &Context<'_>, models: &[Model], images: &Images) -> Result<Self> {
        let counted: Vec<&Model> = models.iter().filter(|model| model.counts).collect();
        let logits = counted
            .iter()
            .map(|model| logits_of(&model.run, &context.folder(&model.run), &images.set))
            .collect::<Result<Vec<_>>>()?;
        let found = if logits.len() > 1 {
            let found = inconsistency(&logits);
            Some(found.map_err(|error| Error::Invalid {
                what: format!("the inconsistency of {}", models[0].run.config.label()),
                problem: error.to_string(),
            })?)
        } else {
            None
        };
        let gaps: Vec<f64> = counted
            .iter()
            .filter_map(|model| model.result.loss_gap())
            .collect();
        let request = srr(context);
        let values = counted
            .iter()
            .map(|model| Ok(model.measured(&request)?.value))
            .collect::<Result<Vec<Option<f64>>>>()?;
        let values: Option<Vec<f64>> = values.into_iter().collect();
        let config = &models[0].run.config;
        Ok(Self {
            variant: config.model.variant,
            label: config
                .label()
                .replace(&format!(" seed {}", config.seed), ""),
            models: counted.len(),
            found,
            gap: mean(&gaps),
            srr: values.map(|values| mean(&values)),
        })
    }
}

/// How some settings are ordered by either quantity.
struct Order {
    /// The variant, or all.
    variant: Option<Variant>,
    inconsistency: MeasureAnalysis,
    srr: MeasureAnalysis,
}

/// Over all settings, then over those of every variant; none where two settings are not there.
fn orders(settings: &[Setting], section: &profile::Inconsistency) -> Result<Vec<Order>> {
    let mut scopes = vec![None];
    for setting in settings {
        if !scopes.contains(&Some(setting.variant)) {
            scopes.push(Some(setting.variant));
        }
    }
    let bootstrap = Bootstrap::new(section.bootstrap, LEVEL, Seed::new(section.seed))?;
    let options = AnalysisOptions {
        bootstrap: Some(bootstrap),
        largest_conditioning: 0,
        ..AnalysisOptions::default()
    };
    let mut orders = Vec::new();
    for variant in scopes {
        let of: Vec<(f64, f64, Option<f64>)> = settings
            .iter()
            .filter(|setting| variant.is_none_or(|variant| setting.variant == variant))
            .filter_map(|setting| Some((setting.gap, setting.found?.value, setting.srr)))
            .collect();
        if of.len() < 2 {
            continue;
        }
        let gaps: Vec<f64> = of.iter().map(|setting| setting.0).collect();
        let found: Vec<Option<f64>> = of.iter().map(|setting| Some(setting.1)).collect();
        let srr: Vec<Option<f64>> = of.iter().map(|setting| setting.2).collect();
        let table = Table::new(&gaps)?
            .with_measure(NAME, &found)?
            .with_measure(SRR, &srr)?;
        let mut measures = analyse(&table, &options)?
            .measures
            .into_iter()
            .map(|mut found| {
                if found.models < FEWEST {
                    found.tau_a_interval = None;
                }
                found
            });
        if let (Some(inconsistency), Some(srr)) = (measures.next(), measures.next()) {
            orders.push(Order {
                variant,
                inconsistency,
                srr,
            });
        }
    }
    Ok(orders)
}

fn finding(orders: &[Order], settings: &[Setting]) -> String {
    let Some((all, within)) = orders.split_first() else {
        return "Fewer than two settings with two models that count: there is no order to speak of.".to_owned();
    };
    let tau = |found: &MeasureAnalysis| match found.tau_a {
        Some(tau) => with_interval(tau, found.tau_a_interval),
        None => "undefined".to_owned(),
    };
    let interval = all.inconsistency.tau_a_interval;
    let direction = match interval {
        Some(interval) if interval.low > 0.0 => {
            "Settings whose models disagree more tend to have larger gaps"
        }
        Some(interval) if interval.high < 0.0 => {
            "Settings whose models disagree more tend to have smaller gaps"
        }
        _ => "No common order of disagreement and gap can be told",
    };
    let of_variant = |order: &Order| {
        let name = order.variant.map_or("all", title);
        format!("{} for {name}", tau(&order.inconsistency))
    };
    let within: Vec<String> = within.iter().map(of_variant).collect();
    let within = match within.as_slice() {
        [] => "No variant has two settings".to_owned(),
        within => format!("Within variants it is {}", list(within)),
    };
    let pairs: Vec<usize> = settings
        .iter()
        .filter(|setting| setting.found.is_some())
        .map(|setting| setting.models)
        .collect();
    let (least, most) = (
        pairs.iter().min().copied().unwrap_or(0),
        pairs.iter().max().copied().unwrap_or(0),
    );
    let models = if least == most {
        count(most, "model")
    } else {
        format!("{least} to {most} models")
    };
    format!(
        "{direction}: τ = {} over {} of {models} each; the sparse rate reduction μ, averaged over the same models, has τ = {}.\n\n\
         {within}.\n\nWhat does not follow: that lower disagreement would lower the gap. Both come from the same trainings, and a \
         setting's disagreement is estimated from so few of them that two settings may change places with other seeds.",
        tau(&all.inconsistency),
        count(all.inconsistency.models, "setting"),
        tau(&all.srr),
    )
}

/// What became of settings without two models that count.
fn few(settings: usize) -> Option<String> {
    match settings {
        0 => None,
        1 => Some("One setting has fewer than two models that count and is left out.".to_owned()),
        n => Some(format!(
            "{n} settings have fewer than two models that count and are left out."
        )),
    }
}

fn chart(settings: &[Setting]) -> Chart {
    let mut panel = Panel::new(
        "",
        Axis::new("inconsistency (nats)"),
        Axis::new("mean generalization gap (test − training loss)"),
    );
    for variant in Variant::ALL {
        let points = settings
            .iter()
            .filter(|setting| setting.variant == variant)
            .filter_map(|setting| {
                let point = Point::at(setting.found?.value, setting.gap);
                Some(point.labeled(setting.label.clone()))
            });
        let points: Vec<Point> = points.collect();
        if !points.is_empty() {
            panel = panel
                .series(Series::new(title(variant), ink(variant), Mark::Points).points(points));
        }
    }
    Chart::new(
        NAME,
        "Disagreement between seeds against the generalization gap",
        "One point per setting of the zoo with at least two models at the stopping criterion.",
    )
    .panel(panel)
}

/// τ of both quantities, over all settings and within variants.
fn order_table(orders: &[Order]) -> report::Table {
    let mut table = report::Table::new(
        "inconsistency-tau",
        "τ with the mean gap over settings, of the inconsistency and of the mean μ of the same models",
    )
    .columns([
        Column::new("settings_of", "Settings of"),
        Column::new("settings", "Settings"),
        Column::new("inconsistency", "τ of the inconsistency").interval().decimals(3),
        Column::new("inconsistency_p", "p"),
        Column::new("srr", "τ of μ").interval().decimals(3),
        Column::new("srr_p", "p"),
    ]);
    for order in orders {
        table.push(vec![
            order.variant.map_or("all variants", title).into(),
            order.inconsistency.models.into(),
            cell(
                order.inconsistency.tau_a,
                order.inconsistency.tau_a_interval,
            ),
            number(order.inconsistency.p_value),
            cell(order.srr.tau_a, order.srr.tau_a_interval),
            number(order.srr.p_value),
        ]);
    }
    table
}

/// One row per setting.
fn table(models: &[Model], settings: &[Setting]) -> report::Table {
    let axes = zoo::varied(models);
    let named = axes
        .iter()
        .map(|(name, _)| Column::new(*name, name.replace('_', " ")));
    let numbers = [
        Column::new("models", "models"),
        Column::new("inconsistency", "inconsistency"),
        Column::new("standard_error", "standard error"),
        Column::new("srr", "mean μ"),
        Column::new("loss_gap", "mean gap"),
    ];
    let mut table =
        report::Table::new(NAME, "Every setting of the zoo").columns(named.chain(numbers));
    table.folded = true;
    let per_setting = models.len() / settings.len().max(1);
    for (setting, of) in settings.iter().zip(models.chunks(per_setting.max(1))) {
        let mut row: Vec<Cell> = axes
            .iter()
            .map(|(_, value)| value(&of[0].run.config).into())
            .collect();
        let missing = || Cell::missing("fewer than two models that count");
        row.extend([
            setting.models.into(),
            setting
                .found
                .map_or_else(missing, |found| found.value.into()),
            setting
                .found
                .map_or_else(missing, |found| found.standard_error.into()),
            setting.srr.filter(|value| value.is_finite()).into(),
            Some(setting.gap).filter(|gap| gap.is_finite()).into(),
        ]);
        table.push(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(variant: Variant, value: Option<f64>, gap: f64, srr: f64) -> Setting {
        Setting {
            variant,
            label: String::new(),
            models: if value.is_some() { 2 } else { 1 },
            found: value.map(|value| Found {
                value,
                standard_error: None,
                models: 2,
                images: 9,
            }),
            gap,
            srr: Some(srr),
        }
    }

    fn order(settings: &[Setting]) -> Vec<Order> {
        let section = profile::Inconsistency {
            bootstrap: 50,
            ..profile::Inconsistency::default()
        };
        orders(settings, &section).unwrap()
    }

    #[test]
    fn settings_are_ordered_over_all_and_within_variants() {
        // Within either variant more disagreement goes with a smaller gap; over all with a larger one.
        let mut settings: Vec<Setting> = (0..6)
            .map(f64::from)
            .flat_map(|i| {
                [
                    setting(Variant::Crate, Some(1.0 + 0.01 * i), 1.0 - 0.01 * i, i),
                    setting(Variant::Negative, Some(2.0 + 0.01 * i), 2.0 - 0.01 * i, i),
                ]
            })
            .collect();
        settings.push(setting(Variant::Crate, None, f64::NAN, 0.0));
        let found = order(&settings);
        let taus: Vec<_> = found
            .iter()
            .map(|order| order.inconsistency.tau_a.unwrap())
            .collect();
        // 36 concordant pairs across variants, 15 discordant ones within each, of 66.
        assert_eq!(taus, [6.0 / 66.0, -1.0, -1.0]);
        assert_eq!(found[0].inconsistency.models, 12);
        let said = finding(&found, &settings);
        assert!(said.contains("over 12 settings of 2 models each"), "{said}");
        assert!(said.contains("Within variants it is −1.000"), "{said}");
    }

    #[test]
    fn few_settings_have_no_interval_and_one_no_order() {
        let settings = [
            setting(Variant::Crate, Some(1.0), 1.0, 0.0),
            setting(Variant::Crate, Some(2.0), 2.0, 1.0),
        ];
        let found = order(&settings);
        assert_eq!(found[0].inconsistency.tau_a, Some(1.0));
        assert_eq!(found[0].inconsistency.tau_a_interval, None);
        assert!(finding(&found, &settings).starts_with("No common order"));
        assert!(order(&settings[..1]).is_empty());
        assert!(finding(&[], &settings[..1]).contains("no order to speak of"));
    }
}
