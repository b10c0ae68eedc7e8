//! Everything that an examination found, for programs.

use super::{Curves, Density, Findings, Found, Setting, is_unavailable};
use serde_json::{Map, Value, json};
use srr_measures::{Part, Undefined};

/// The setting, the curves and all measures with their parts; layers count from 1. There is no time in it.
pub(super) fn record(setting: &Setting, findings: &Findings) -> Value {
    let curves = findings
        .curves
        .named()
        .map(|(name, curve)| match curve {
            Ok(rates) => {
                let layers = rates.layers.iter().enumerate();
                let layers: Vec<Value> = layers
                    .map(|(layer, terms)| {
                        let mut fields = Map::new();
                        fields.insert("layer".to_owned(), json!(layer + 1));
                        let values = findings.curves.values(terms);
                        for ((key, _), value) in Curves::quantities().zip(values) {
                            fields.insert(key.to_owned(), json!(value));
                        }
                        Value::Object(fields)
                    })
                    .collect();
                (name, json!({ "images": rates.images, "layers": layers }))
            }
            Err(why) => (name, missing(why)),
        })
        .map(|(name, value)| (name.replace('-', "_"), value));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "setting": setting,
        "stopped": findings.stopped,
        "curves": Map::from_iter(curves),
        "measures": findings.measures.iter().map(measure).collect::<Vec<_>>(),
        "densities": findings.densities.all.iter().map(density).collect::<Vec<_>>(),
    })
}

/// Seconds by measure, without the passes that measures before had paid for.
pub(super) fn timings(findings: &Findings) -> Value {
    let seconds = findings.measures.iter().map(|found| {
        let name = found.outcome.name.clone();
        (name, json!(found.outcome.elapsed.as_secs_f64()))
    });
    Value::Object(seconds.collect())
}

fn density(density: &Density) -> Value {
    let mut fields = match &density.found {
        Ok(found) => json!({ "starts": found.starts }),
        Err(why) => missing(why),
    };
    let about = json!({ "of": density.of, "parameters": density.parameters });
    if let (Some(fields), Value::Object(about)) = (fields.as_object_mut(), about) {
        fields.extend(about);
    }
    fields
}

fn measure(found: &Found) -> Value {
    let mut fields = match &found.outcome.result {
        Ok(reported) => json!({
            "value": reported.reported,
            "raw": reported.value.raw,
            "standard_error": reported.value.standard_error,
            "images": reported.value.images,
            "parts": reported.value.parts.iter().map(part).collect::<Vec<_>>(),
        }),
        Err(why) => missing(why),
    };
    let about = json!({
        "name": found.outcome.name,
        "source": found.source,
        "definition": found.definition,
        "assumptions": found.assumptions,
        "cost": found.cost,
        "settings": found.settings,
        "higher_is_better": found.higher_is_better,
        "diagnostic": found.diagnostic,
    });
    if let (Value::Object(fields), Value::Object(about)) = (&mut fields, about) {
        fields.extend(about);
    }
    fields
}

fn part(part: &Part) -> Value {
    json!({
        "name": part.name,
        "layer": part.layer.map(|layer| layer + 1),
        "value": part.value,
        "standard_error": part.standard_error,
    })
}

/// Why there is no value, under `unavailable` or `undefined`.
fn missing(why: &Undefined) -> Value {
    let key = match is_unavailable(why) {
        true => "unavailable",
        false => "undefined",
    };
    Value::Object(Map::from_iter([(key.to_owned(), json!(why.to_string()))]))
}
