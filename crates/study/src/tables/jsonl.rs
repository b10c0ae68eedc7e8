//! Tables of JSON lines: one object per row.

use super::{RawCell, RawColumn, RawTable, TableError};
use crate::Result;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Reads one object per line; columns stand in the order in which their keys first appear, and a key that a line lacks is an empty cell.
pub(super) fn read(bytes: &[u8]) -> Result<RawTable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        malformed(line, "the text is not UTF-8".to_owned())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut columns: Vec<RawColumn> = Vec::new();
    let mut rows = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let Object(entries) =
            serde_json::from_str(line).map_err(|error| malformed(number, not_an_object(&error)))?;
        for (key, value) in entries {
            let place = *places.entry(key.clone()).or_insert(columns.len());
            if place == columns.len() {
                let (name, cells) = (key.clone(), Vec::new());
                columns.push(RawColumn { name, cells });
            }
            let cells = &mut columns[place].cells;
            if cells.len() > rows {
                return Err(malformed(number, format!("the key `{key}` stands twice")).into());
            }
            cells.resize(rows, RawCell::Empty);
            cells.push(cell(value));
        }
        rows += 1;
    }
    if columns.is_empty() {
        return Err(TableError::NothingThere.into());
    }
    for column in &mut columns {
        column.cells.resize(rows, RawCell::Empty);
    }
    RawTable::new(columns)
}

fn malformed(line: usize, problem: String) -> TableError {
    TableError::Malformed {
        place: format!("line {line}"),
        problem,
    }
}

/// What the parser says of a line, without the line number, which it counts from the start of its own text.
fn not_an_object(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    format!(
        "{said} at column {}; a line holds one object such as {{\"gap\": 0.1}}, a missing value is null",
        error.column()
    )
}

fn cell(value: Value) -> RawCell {
    match value {
        Value::Null => RawCell::Empty,
        Value::Bool(flag) => RawCell::Flag(flag),
        Value::String(text) => RawCell::field(&text),
        Value::Number(number) => match number.as_i128() {
            Some(integer) => RawCell::integer(integer),
            None => RawCell::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        nested @ (Value::Array(_) | Value::Object(_)) => RawCell::Text(nested.to_string()),
    }
}

/// The entries of an object in the order of the text, none lost to another of the same key.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_come_in_any_order_and_be_absent() {
        let text = "\u{feff}{\"b\": 1, \"a\": \"x\"}\n\n{\"a\": null, \"c\": true}\n{\"b\": 2.5}\n";
        let table = read(text.as_bytes()).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["b", "a", "c"]);
        use RawCell::{Empty, Flag, Number};
        let cells = |name: &str| table.column(name).unwrap().cells.clone();
        assert_eq!(cells("b"), [Number(1.0), Empty, Number(2.5)]);
        assert_eq!(cells("a"), [RawCell::Text("x".to_owned()), Empty, Empty]);
        assert_eq!(cells("c"), [Empty, Flag(true), Empty]);
    }

    #[test]
    fn what_is_not_well_formed_is_named_with_its_line() {
        let said = |text: &[u8]| read(text).unwrap_err().to_string();
        let twice = said(b"{\"a\": 1}\n{\"a\": 2, \"a\": 3}\n");
        assert_eq!(twice, "line 2: the key `a` stands twice");
        for text in [
            "{\"a\": 1}\n{\"a\": NaN}\n",
            "{\"a\": 1}\n[1, 2]\n",
            "{}\n{\"a\": 1",
        ] {
            let said = said(text.as_bytes());
            assert!(
                said.starts_with("line 2: ") && said.contains("null"),
                "{said}"
            );
        }
        assert_eq!(said(b"{\"a\": 1}\n\xff\n"), "line 2: the text is not UTF-8");
        assert_eq!(said(b"\n{}\n"), "the file is empty");
    }
}
