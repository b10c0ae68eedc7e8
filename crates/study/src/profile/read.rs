//! Reading a profile, with mistakes explained by line, key and nearest known name.

use super::Profile;
use crate::{Error, Result};
use srr_datasets::catalog;
use srr_measures::{Registry, nearest_name};
use std::ops::Range;

/// Reads and checks a profile whose measures are those of `registry`.
pub(super) fn parse(origin: &str, text: &str, registry: &Registry) -> Result<Profile> {
    let profile: Profile = toml::from_str(text).map_err(|error| explain(origin, text, error))?;
    check_names(origin, text, &profile, registry)?;
    Ok(profile)
}

/// Turns the parser's error into ours.
fn explain(origin: &str, text: &str, mut error: toml::de::Error) -> Error {
    let line = line_of(text, error.span());
    // Without its input the error ends with "in `a.b`", the only way to the key's path.
    error.set_input(None);
    told(origin, line, &error.to_string())
}

/// Explains why settings in TOML were refused whose values were read away from their text, as those of `cargo xtask train --config` are:
/// `refusal` is the parser's message, and the line that of the key which it names.
pub fn explain_refusal(origin: &str, text: &str, refusal: &str) -> Error {
    if let Err(error) = text.parse::<toml::Table>() {
        return explain(origin, text, error);
    }
    let (message, path) = parted(refusal);
    let unknown = quoted(message).first().copied();
    let unknown = unknown.filter(|_| message.starts_with("unknown field"));
    let path = unknown.map_or_else(|| path.to_owned(), |key| join(path, key));
    told(origin, line_of_key(text, &path), refusal)
}

/// Line of a key, or of the last of the tables above it that stands in the text.
fn line_of_key(text: &str, path: &str) -> usize {
    let Ok(root) = toml::de::DeTable::parse(text) else {
        return 1;
    };
    let (mut table, mut line) = (Some(root.get_ref()), 1);
    for part in path.split('.') {
        let found = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == part));
        let Some((key, value)) = found else { break };
        line = line_of(text, Some(key.span()));
        table = value.get_ref().as_table();
    }
    line
}

/// The message and the path of the key in what the parser shows.
fn parted(shown: &str) -> (&str, &str) {
    let shown = shown.trim();
    let parts = shown.rsplit_once("in `");
    let parts = parts.and_then(|(message, path)| Some((message.trim(), path.strip_suffix('`')?)));
    parts.unwrap_or((shown, ""))
}

/// An error of ours from what the parser shows.
fn told(origin: &str, line: usize, shown: &str) -> Error {
    let profile = origin.to_owned();
    let (message, path) = parted(shown);
    let names = quoted(message);
    match names.split_first() {
        Some((key, known)) if message.starts_with("unknown field") => Error::UnknownKey {
            profile,
            line,
            key: join(path, key),
            nearest: nearest_name(key, known.iter().copied()),
        },
        Some((name, known)) if message.starts_with("unknown variant") => Error::UnknownName {
            profile,
            line,
            kind: format!("value of `{path}`"),
            name: (*name).to_owned(),
            nearest: nearest_name(name, known.iter().copied()),
        },
        _ if path.is_empty() => Error::Profile {
            profile,
            line,
            problem: message.to_owned(),
        },
        _ => Error::Profile {
            profile,
            line,
            problem: format!("`{path}`: {message}"),
        },
    }
}

/// The path of a key, whose last part the parser may or may not have added already.
fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ if path == key || path.ends_with(&format!(".{key}")) => path.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// Line of the start of a span, from 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start.min(text.len()));
    1 + text.as_bytes()[..start]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
}

/// What stands between back-ticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// Checks the names that are more than a type of this crate: data sets and measures, and the profile's own.
fn check_names(origin: &str, text: &str, profile: &Profile, registry: &Registry) -> Result<()> {
    let sets: Vec<&str> = catalog().iter().map(|entry| entry.name).collect();
    let data = [
        Some(&profile.data),
        profile.zoo.as_ref().map(|section| &section.data),
        profile.layerwise.as_ref().map(|section| &section.data),
        profile.variants.as_ref().map(|section| &section.data),
        profile.regularization.as_ref().map(|section| &section.data),
        profile
            .regularized_layers
            .as_ref()
            .map(|section| &section.data),
        profile
            .intrinsic_dimension
            .as_ref()
            .map(|section| &section.data),
    ];
    for name in data
        .into_iter()
        .flatten()
        .filter_map(|data| data.name.as_deref())
    {
        known(origin, text, "data set", name, &sets)?;
    }
    let measures: Vec<&str> = registry.names().collect();
    for name in profile
        .correlation
        .iter()
        .flat_map(|section| &section.measures)
    {
        known(origin, text, "measure", name, &measures)?;
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if profile.name.is_empty() || !profile.name.chars().all(plain) {
        return Err(Error::Setting {
            key: "name".to_owned(),
            found: format!("{:?}", profile.name),
            expected: "lower-case letters, digits and hyphens".to_owned(),
        });
    }
    Ok(())
}

/// Refuses a name that is not among the known ones.
fn known(origin: &str, text: &str, kind: &str, name: &str, known: &[&str]) -> Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    let line = ['"', '\'']
        .iter()
        .find_map(|quote| text.find(&format!("{quote}{name}{quote}")))
        .map(|start| line_of(text, Some(start..start)));
    Err(Error::UnknownName {
        profile: origin.to_owned(),
        line: line.unwrap_or(1),
        kind: kind.to_owned(),
        name: name.to_owned(),
        nearest: nearest_name(name, known.iter().copied()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_trainer::ComputePrecision;

    const HEAD: &str = "name = \"test\"\nabout = \"\"\n";

    fn refused(rest: &str) -> Error {
        Profile::parse("test.toml", &format!("{HEAD}{rest}")).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_tables_line_and_nearest_key() {
        for (rest, at, path, near) in [
            ("precison = \"f64\"\n", 3, "precison", Some("precision")),
            (
                "[training]\nepochs = 1\nlearning_rat = 1\n",
                5,
                "training.learning_rat",
                Some("learning_rate"),
            ),
            (
                "[zoo]\n[zoo.model]\ndims = 3\n",
                5,
                "zoo.model.dims",
                Some("dim"),
            ),
            ("[zoo]\nzzzzzzzzzzzz = 3\n", 4, "zoo.zzzzzzzzzzzz", None),
            ("[variant]\n", 3, "variant", Some("variants")),
        ] {
            match refused(rest) {
                Error::UnknownKey {
                    profile,
                    line,
                    key,
                    nearest,
                } => {
                    assert_eq!(
                        (profile.as_str(), line, key.as_str()),
                        ("test.toml", at, path),
                        "{rest}"
                    );
                    assert_eq!(nearest.as_deref(), near, "{rest}");
                }
                other => panic!("{rest}: {other}"),
            }
        }
    }

    #[test]
    fn what_was_refused_away_from_its_text_is_found_in_it_again() {
        let text = "seed = 3\n[model]\ndim = 4\ndeph = 2\n";
        let refusal = "unknown field `deph`, expected one of `dim`, `depth`\nin `model`\n";
        let said = explain_refusal("a.toml", text, refusal).to_string();
        assert_eq!(
            said,
            "a.toml, line 4: unknown key `model.deph`, did you mean `depth`?"
        );
        let refusal = "invalid type: string \"x\", expected u64\nin `seed`\n";
        let said = explain_refusal("a.toml", "\nseed = \"x\"", refusal).to_string();
        assert!(said.starts_with("a.toml, line 2: `seed`: invalid type") && !said.ends_with('\n'));
        let said = explain_refusal("a.toml", "seed = 3\n[model\n", "").to_string();
        assert!(said.starts_with("a.toml, line 2: "), "{said}");
    }

    #[test]
    fn an_unknown_name_is_named_with_its_line_and_nearest_name() {
        for (rest, at, wrong, near) in [
            (
                "[variants]\nvariants = [\n  \"crate\",\n  \"crate-x\",\n]\n",
                6,
                "crate-x",
                "crate-c",
            ),
            ("[data]\nname = \"optdigit\"\n", 4, "optdigit", "optdigits"),
            (
                "[zoo.data]\nname = \"cifar-10\"\n",
                4,
                "cifar-10",
                "cifar10",
            ),
            (
                "[correlation]\nmeasures = [\"srr\",\n \"path-nrom\"]\n",
                5,
                "path-nrom",
                "path-norm",
            ),
            ("[regularization]\nlayers = \"lats\"\n", 4, "lats", "last"),
            ("[model]\npool = \"meen\"\n", 4, "meen", "mean"),
            ("precision = \"mediun\"\n", 3, "mediun", "medium"),
        ] {
            match refused(rest) {
                Error::UnknownName {
                    line,
                    name,
                    nearest,
                    ..
                } => {
                    assert_eq!(
                        (line, name.as_str(), nearest.as_deref()),
                        (at, wrong, Some(near)),
                        "{rest}"
                    );
                }
                other => panic!("{rest}: {other}"),
            }
        }
    }

    #[test]
    fn other_mistakes_have_a_line_too() {
        for (rest, at) in [
            ("[zoo\n", 3),
            ("[model]\npatch = \"two\"\n", 4),
            ("[regularization]\nlayers = 0\n", 4),
            ("[regularization]\nlayers = -1\n", 4),
            ("[regularization]\nlayers = 1.5\n", 4),
        ] {
            assert!(
                matches!(refused(rest), Error::Profile { line, .. } if line == at),
                "{rest}: {}",
                refused(rest)
            );
        }
        assert!(
            Profile::parse("test.toml", "about = \"\"\n")
                .unwrap_err()
                .to_string()
                .contains("name")
        );
        assert!(matches!(
            Profile::parse("test.toml", "name = \"A b\"\nabout = \"\""),
            Err(Error::Setting { .. })
        ));
    }

    #[test]
    fn a_layer_that_is_none_is_explained() {
        for (layers, expected) in [
            ("-1", "layers are counted from 1, found -1"),
            ("0", "layers are counted from 1, found 0"),
            ("1.5", "the number of a layer from 1"),
            ("true", "`last`, `all`, `random`"),
        ] {
            let error = refused(&format!("[regularization]\nlayers = {layers}\n"));
            let message = error.to_string();
            assert!(
                message.contains("regularization.layers") && message.contains(expected),
                "{message}"
            );
        }
    }

    #[test]
    fn the_precision_has_an_older_name() {
        for (line, expected) in [
            ("", ComputePrecision::Highest),
            ("element = \"f32\"", ComputePrecision::Highest),
            ("element = \"f64\"", ComputePrecision::F64),
            ("precision = \"highest\"", ComputePrecision::Highest),
            ("precision = \"medium\"", ComputePrecision::Medium),
        ] {
            let profile = Profile::parse("test.toml", &format!("{HEAD}{line}\n")).unwrap();
            assert_eq!(profile.precision, expected, "{line}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_protocol() {
        let profile = Profile::parse(
            "test.toml",
            &format!("{HEAD}[correlation]\n[regularization]\n[toy-ascent]\n"),
        )
        .unwrap();
        assert_eq!(profile.correlation.unwrap().bootstrap, 2000);
        assert_eq!(profile.regularization.unwrap().eta, 1e-3);
        assert_eq!(profile.toy_ascent.unwrap().dim, 384);
        assert!(profile.taylor.is_none());
    }
}
