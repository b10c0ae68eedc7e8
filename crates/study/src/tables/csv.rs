//! Tables of comma-separated values.

use super::{RawCell, RawColumn, RawTable, TableError};
use crate::Result;
use ::csv::{Error, ReaderBuilder, StringRecord, Trim};

/// Reads a header line and rows. A byte order mark is passed over, blank lines too; names are trimmed.
pub(super) fn read(bytes: &[u8]) -> Result<RawTable> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(Trim::Headers)
        .from_reader(bytes);
    let mut columns: Vec<RawColumn> = reader
        .headers()
        .map_err(malformed)?
        .iter()
        .enumerate()
        .map(|(place, name)| RawColumn {
            name: named(name, place),
            cells: Vec::new(),
        })
        .collect();
    if columns.is_empty() {
        return Err(TableError::NothingThere.into());
    }
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(malformed)? {
        if record.len() != columns.len() {
            let line = record.position().map_or(0, |position| position.line());
            // A quote that is not closed swallows the lines that follow.
            let swallowed = record.iter().any(|cell| cell.contains('\n'));
            let quote = if swallowed {
                " (its quoted cell holds a line break: is the quote closed?)"
            } else {
                ""
            };
            return Err(TableError::Ragged {
                place: format!("line {line}{quote}"),
                found: record.len(),
                expected: columns.len(),
            }
            .into());
        }
        for (column, field) in columns.iter_mut().zip(&record) {
            column.cells.push(RawCell::field(field));
        }
    }
    RawTable::new(columns)
}

/// The name of a column. One without a name, such as the index that pandas writes, goes by its place.
fn named(name: &str, place: usize) -> String {
    if name.is_empty() {
        format!("column {}", place + 1)
    } else {
        name.to_owned()
    }
}

fn malformed(error: Error) -> TableError {
    let line = error.position().map(|position| position.line());
    let problem = match error.kind() {
        ::csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    TableError::Malformed {
        place: line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}")),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_an_index_column_are_read() {
        let table = read("\u{feff}gap, l2,\n0.1,3,0\n\n0.2,\"4\",1\n".as_bytes()).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["gap", "l2", "column 3"]);
        assert_eq!(
            table.column("l2").unwrap().cells,
            ["3", "4"].map(|text| RawCell::Text(text.to_owned()))
        );
    }

    #[test]
    fn what_is_not_well_formed_is_named_with_its_line() {
        let said = |text: &[u8]| read(text).unwrap_err().to_string();
        assert_eq!(
            said(b"a,b\n1,2\n3\n"),
            "line 3 has 1 cell where there should be 2"
        );
        assert_eq!(
            said(b"a,b\n1,2,3\n"),
            "line 2 has 3 cells where there should be 2"
        );
        assert_eq!(said(b"a,b,a\n1,2,3\n"), "two columns are named `a`");
        assert_eq!(said(b"a\n1\n\xff\n"), "line 3: the text is not UTF-8");
        assert_eq!(said(b"\xef\xbb\xbf"), "the file is empty");
        assert_eq!(said(b"\n\n"), "the file is empty");
    }
}
