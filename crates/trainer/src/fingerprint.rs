//! Whether two configurations are the same, and where they differ.

use serde_json::Value;
use std::collections::BTreeMap;

/// `key (there: …, here: …)` for every leaf of the two values that differs.
pub(crate) fn differences(there: &Value, here: &Value) -> Vec<String> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    leaves(there, "", &mut left);
    leaves(here, "", &mut right);
    let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let show = |value: Option<&&Value>| value.map_or("absent".to_owned(), |v| v.to_string());
    keys.into_iter()
        .filter(|key| left.get(*key) != right.get(*key))
        .map(|key| {
            let (there, here) = (show(left.get(key)), show(right.get(key)));
            format!("{key} (there: {there}, here: {here})")
        })
        .collect()
}

fn leaves<'a>(value: &'a Value, path: &str, into: &mut BTreeMap<String, &'a Value>) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(k, v)| leaves(v, &join(k), into));
        }
        Value::Array(list) if !list.is_empty() => list
            .iter()
            .enumerate()
            .for_each(|(i, v)| leaves(v, &join(&i.to_string()), into)),
        // A key that is null and one that is absent mean the same in every configuration here.
        Value::Null => {}
        _ => {
            into.insert(path.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use serde_json::json;

    #[test]
    fn every_differing_leaf_is_named_with_both_values() {
        let there = json!({ "a": 1, "b": { "c": [1, 2], "d": "x" }, "e": null });
        let here = json!({ "a": 1, "b": { "c": [1, 3], "f": true } });
        assert_eq!(
            differences(&there, &here),
            [
                "b.c.1 (there: 2, here: 3)",
                "b.d (there: \"x\", here: absent)",
                "b.f (there: absent, here: true)"
            ]
        );
        assert!(differences(&there, &there).is_empty());
    }
}
