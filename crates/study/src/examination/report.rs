//! What an examination found, as one artefact of a report.

use super::{Curve, Findings, Found, Images, Setting};
use crate::{
    Result, artefacts, files,
    report::{Artefact, Cell, Column, Provenance, Table, words},
    study::REFERENCES,
    version::versions,
};
use srr_coding_rate::SparseRateReduction;

const SHOWS: &str = "The complexity measures of one trained model, and how much room its tokens take (R), how far each layer compresses \
    them against its subspaces (R^{c}), how sparse they are (‖Z‖_{0}) and the sparse rate reduction μ, on images that the model was \
    trained on and on images that it never saw.";

const PAPER: &str = "Hu et al. compare measures over many models; no values of single models are recorded here to compare with.\n\n\
    Over 32 models at d = 384 on CIFAR-10, the sparse rate reduction has the largest rank correlation with the generalization gap, \
    τ = 0.445.";

const NOTE: &str = "A measure of one model says little by itself: it is to be compared with that of another, trained on the same images.";

/// Text, curves and tables; `per_layer` adds the parts of values that belong to layers.
pub(super) fn artefact(
    setting: &Setting,
    findings: &Findings,
    per_layer: bool,
) -> Result<Artefact> {
    let model = artefacts::model(&[&setting.model])?;
    let mut artefact = Artefact::new("measure", "One model in numbers")
        .shows(SHOWS)
        .finding(finding(findings))
        .paper(PAPER)
        .setting("Model", model)
        .setting("Images", images(setting))
        .setting("Normalization", setting.normalized.as_str())
        .setting("Rates", artefacts::conventions(&setting.conventions))
        .setting("Training", training(setting))
        .seeds(format!("{} (of what measures draw)", setting.seed))
        .spread(
            "One model: none over seeds. Estimates by random draws have their standard error beside them; rates are means over images.",
        );
    if let Some(chart) = findings.curves.chart() {
        artefact = artefact.chart(chart).table(findings.curves.table());
    }
    artefact = artefact.table(measures(findings));
    if per_layer {
        artefact = artefact.table(parts(findings));
    }
    if let Some(table) = findings.densities.table() {
        artefact = artefact.table(table);
    }
    if let Some(chart) = findings.densities.chart() {
        artefact = artefact.chart(chart);
    }
    if findings.stopped {
        artefact = artefact.note(
            "The examination was stopped: measures and densities that were asked for are missing here.",
        );
    }
    for (name, curve) in findings.curves.named() {
        if let Err(why) = curve {
            artefact = artefact.note(format!("No rates on {name} images: {why}."));
        }
    }
    Ok(artefact.note(NOTE).note(
        "Where the value and the raw value of a measure differ, the value has the form of a generalization bound: √(raw/m), or \
         (raw − ln m)/2 where the name starts with log-, for m training images.",
    ))
}

/// Where the numbers come from; `command` makes them again.
pub(super) fn provenance(setting: &Setting, command: &str) -> Result<Provenance> {
    let data = [&setting.training, &setting.held_out];
    let mut data: Vec<(String, String)> = data
        .into_iter()
        .map(|images| {
            let name = format!("{}, {}", images.name, words::count(images.count, "image"));
            (name, images.digest.clone())
        })
        .collect();
    data.push(("weights".to_owned(), setting.weights.clone()));
    let initial = setting.initial.clone();
    data.extend(initial.map(|digest| ("weights at the start".to_owned(), digest)));
    let title = artefacts::title(setting.model.variant);
    Ok(Provenance {
        title: format!("Measures of a {title} model"),
        subtitle: format!(
            "A trained {title} with {} of dimension {} and {}, measured in double precision.",
            words::count(setting.model.depth, "layer"),
            setting.model.dim,
            words::count(setting.model.heads, "head"),
        ),
        profile: String::new(),
        configuration_digest: files::digest(setting)?,
        data,
        versions: versions(),
        command: command.to_owned(),
        references: REFERENCES.iter().map(|&line| line.to_owned()).collect(),
    })
}

fn images(setting: &Setting) -> String {
    let of = |images: &Images| format!("{} of {}", images.count, images.name);
    format!(
        "{} to train on, {} held out; rates over at most {} of each",
        of(&setting.training),
        of(&setting.held_out),
        setting.curve_images
    )
}

fn training(setting: &Setting) -> String {
    let rate = setting
        .learning_rate
        .map(|rate| format!("learning rate at its end {}", words::say(rate, 3)));
    let batch = setting.batch_size.map(|batch| format!("batch {batch}"));
    let start = setting.initial.as_ref().map_or("unknown", |_| "known");
    let mut words: Vec<String> = [rate, batch].into_iter().flatten().collect();
    words.push(format!("weights at the start {start}"));
    words.join("; ")
}

/// What was found, from the numbers.
fn finding(findings: &Findings) -> String {
    let counts = findings.counts();
    let of = words::count(findings.measures.len(), "measure");
    let mut missing = Vec::new();
    for (count, what) in [
        (counts.unavailable, "unavailable"),
        (counts.undefined, "undefined"),
    ] {
        if count > 0 {
            missing.push(format!("{count} {what}"));
        }
    }
    let missing = match missing.is_empty() {
        true => String::new(),
        false => format!(" ({})", missing.join(", ")),
    };
    let mut paragraphs = Vec::new();
    paragraphs.extend(means(findings));
    paragraphs.push(format!("Of {of} {} a value{missing}.", have(counts.values)));
    for (name, curve) in findings.curves.named() {
        paragraphs.extend(course(name, curve, findings));
    }
    paragraphs.extend(findings.densities.finding());
    paragraphs.join("\n\n")
}

/// `1 has`, `2 have`.
fn have(count: usize) -> String {
    format!("{count} {}", if count == 1 { "has" } else { "have" })
}

/// The mean of μ over layers on both splits.
fn means(findings: &Findings) -> Option<String> {
    let curves = &findings.curves;
    let means = curves.named().into_iter().filter_map(|(name, curve)| {
        let layers = &curve.as_ref().ok()?.layers;
        let mean = SparseRateReduction::mean(layers)?;
        let [_, _, _, srr, ..] = curves.values(&mean);
        Some(format!("{} on {name} images", words::say(srr, 4)))
    });
    let means: Vec<String> = means.collect();
    (!means.is_empty()).then(|| format!("The mean of μ over layers is {}.", means.join(" and ")))
}

/// How the rates go from the first to the last layer.
fn course(name: &str, curve: &Curve, findings: &Findings) -> Option<String> {
    let layers = &curve.as_ref().ok()?.layers;
    let ends = [layers.first()?, layers.last()?].map(|layer| findings.curves.values(layer));
    let goes = |place: usize| {
        let [first, last] = ends.map(|values| words::say(values[place], 4));
        format!("from {first} to {last}")
    };
    Some(format!(
        "On {name} images, from layer 1 to layer {}, R goes {}, R^{{c}} {}, ‖Z‖_{{0}} {} and μ {}.",
        layers.len(),
        goes(0),
        goes(1),
        goes(2),
        goes(3)
    ))
}

/// A row a measure.
fn measures(findings: &Findings) -> Table {
    let mut table = Table::new("measures", "Measures").columns([
        Column::new("measure", "Measure"),
        Column::new("value", "Value"),
        Column::new("raw", "Raw"),
        Column::new("standard_error", "Standard error"),
        Column::new("images", "Images"),
        Column::new("source", "Source"),
    ]);
    for found in &findings.measures {
        table.push(row(found));
    }
    table
}

fn row(found: &Found) -> Vec<Cell> {
    let nothing = || Cell::text("");
    let mut row = vec![Cell::text(found.outcome.name.as_str())];
    match &found.outcome.result {
        Ok(reported) => row.extend([
            reported.reported.into(),
            reported.value.raw.into(),
            reported
                .value
                .standard_error
                .map_or_else(nothing, Cell::from),
            reported.value.images.map_or_else(nothing, Cell::from),
        ]),
        Err(why) => {
            row.push(Cell::missing(why.to_string()));
            row.extend([nothing(), nothing(), nothing()]);
        }
    }
    row.push(Cell::text(found.source.as_str()));
    row
}

/// A row for every part of a value that belongs to a layer.
fn parts(findings: &Findings) -> Table {
    let mut table = Table::new("parts", "Parts of the measures that belong to layers").columns([
        Column::new("measure", "Measure"),
        Column::new("part", "Part"),
        Column::new("layer", "Layer"),
        Column::new("value", "Value"),
        Column::new("standard_error", "Standard error"),
    ]);
    table.folded = true;
    for found in &findings.measures {
        let Ok(reported) = &found.outcome.result else {
            continue;
        };
        for part in &reported.value.parts {
            let Some(layer) = part.layer else { continue };
            table.push(vec![
                found.outcome.name.as_str().into(),
                part.name.as_str().into(),
                (layer + 1).into(),
                part.value.into(),
                part.standard_error
                    .map_or_else(|| Cell::text(""), Cell::Number),
            ]);
        }
    }
    table
}
