//! Tables as comma-separated values: every digit, and nothing that differs between two runs of the same study.
//!
//! A column is laid out by its [`Form`]; numbers are in the shortest form that reads back to the same bits. A missing value is an
//! empty field, and the reason stands in a last column named `missing`, as `key: reason`, which exists only where something is missing.

use super::error::{ReportError, Result};
use super::number::why_not_finite;
use super::{Cell, Column, Form, Table};

/// The file of a table, with a header line and line feeds.
///
/// # Errors
/// [`ReportError::RaggedTable`], [`ReportError::MixedColumn`] and [`ReportError::BadKey`] when the table is not well formed.
///
/// # Examples
/// ```
/// use srr_study::report::{Cell, Column, Table, csv};
///
/// let mut table = Table::new("tau", "Rank correlation").columns([Column::new("measure", "Measure"), Column::new("tau", "τ")]);
/// table.push(vec!["srr".into(), Cell::Interval { value: 0.5, low: 0.25, high: 0.625 }]);
/// table.push(vec!["path-norm".into(), Cell::missing("not positive")]);
/// let expected = "measure,tau,tau_low,tau_high,missing\nsrr,0.5,0.25,0.625,\npath-norm,,,,tau: not positive\n";
/// assert_eq!(csv::render(&table)?, expected);
/// # Ok::<(), srr_study::report::ReportError>(())
/// ```
pub fn render(table: &Table) -> Result<String> {
    let forms = forms(table)?;
    let rows = table
        .rows
        .iter()
        .map(|row| fields(table, &forms, row))
        .collect::<Result<Vec<_>>>()?;
    let any_missing = rows.iter().any(|(_, missing)| !missing.is_empty());
    let header = header(table, &forms, any_missing)?;

    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    // Records are of one length by construction, and fields are text: what can fail here is memory alone.
    let written = writer.write_record(&header).and_then(|()| {
        rows.iter().try_for_each(|(fields, missing)| {
            let reason = any_missing.then_some(missing);
            writer.write_record(fields.iter().chain(reason))
        })
    });
    let bytes = written.and_then(|()| writer.into_inner().map_err(|e| e.into_error().into()));
    bytes
        .and_then(|bytes| String::from_utf8(bytes).map_err(|e| std::io::Error::other(e).into()))
        .map_err(|source| ReportError::Csv {
            table: table.name.clone(),
            source,
        })
}

/// The form of every column; checks the number of cells in every row.
pub(super) fn forms(table: &Table) -> Result<Vec<Form>> {
    for (row, cells) in table.rows.iter().enumerate() {
        if cells.len() != table.columns.len() {
            let (expected, found) = (table.columns.len(), cells.len());
            return Err(ReportError::RaggedTable {
                table: table.name.clone(),
                row,
                expected,
                found,
            });
        }
    }
    table
        .columns
        .iter()
        .enumerate()
        .map(|(i, column)| form(table, column, i))
        .collect()
}

fn form(table: &Table, column: &Column, index: usize) -> Result<Form> {
    let mut form = column.form;
    for row in &table.rows {
        let own = match row[index] {
            Cell::Interval { .. } => Form::Interval,
            Cell::Spread { .. } => Form::Spread,
            _ => continue,
        };
        match form {
            None => form = Some(own),
            Some(form) if form == own => {}
            Some(form) => {
                return Err(ReportError::MixedColumn {
                    table: table.name.clone(),
                    column: column.key.clone(),
                    first: form_name(form),
                    second: form_name(own),
                });
            }
        }
    }
    Ok(form.unwrap_or(Form::Plain))
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Plain => "plain",
        Form::Interval => "interval",
        Form::Spread => "spread",
    }
}

fn header(table: &Table, forms: &[Form], any_missing: bool) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for (column, (Column { key, .. }, form)) in table.columns.iter().zip(forms).enumerate() {
        let own = match form {
            Form::Plain => vec![key.clone()],
            Form::Interval => vec![key.clone(), format!("{key}_low"), format!("{key}_high")],
            Form::Spread => vec![
                format!("{key}_mean"),
                format!("{key}_sd"),
                format!("{key}_n"),
            ],
        };
        for name in own {
            if key.is_empty() || name == "missing" || names.contains(&name) {
                return Err(ReportError::BadKey {
                    table: table.name.clone(),
                    column,
                    key: name,
                });
            }
            names.push(name);
        }
    }
    if any_missing {
        names.push("missing".to_owned());
    }
    Ok(names)
}

/// The fields of one row, and the reasons for what is missing in it.
fn fields(table: &Table, forms: &[Form], row: &[Cell]) -> Result<(Vec<String>, String)> {
    let mut out = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for ((cell, form), column) in row.iter().zip(forms).zip(&table.columns) {
        let mut number = |value: f64, part: &str| {
            if value.is_finite() {
                return format!("{value:?}");
            }
            reasons.push(format!("{}{part}: {}", column.key, why_not_finite(value)));
            String::new()
        };
        let (first, second, third) = match cell {
            Cell::Text(text) => (text.clone(), String::new(), String::new()),
            Cell::Integer(count) => (count.to_string(), String::new(), String::new()),
            Cell::Number(value) => (number(*value, ""), String::new(), String::new()),
            Cell::Interval { value, low, high } => (
                number(*value, ""),
                number(*low, "_low"),
                number(*high, "_high"),
            ),
            Cell::Spread {
                mean,
                deviation,
                n: 1,
            } if !deviation.is_finite() => (number(*mean, "_mean"), String::new(), "1".to_owned()),
            Cell::Spread { mean, deviation, n } => (
                number(*mean, "_mean"),
                number(*deviation, "_sd"),
                n.to_string(),
            ),
            Cell::Missing(why) => {
                reasons.push(format!("{}: {why}", column.key));
                Default::default()
            }
        };
        out.push(first);
        if *form != Form::Plain {
            out.extend([second, third]);
        }
    }
    Ok((out, reasons.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        reader
            .records()
            .map(|r| r.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        let values = [
            0.1,
            1.0 / 3.0,
            -0.0,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            -1e300,
            123456789.125,
            1e21,
            2f64.powi(-30),
        ];
        let mut table = Table::new("t", "").columns(["value", "text"]);
        for value in values {
            table.push(vec![value.into(), "a, \"b\"\nc".into()]);
        }
        let text = render(&table).unwrap();
        let rows = read(&text);
        assert_eq!(rows[0], ["value", "text"]);
        for (row, value) in rows[1..].iter().zip(values) {
            assert_eq!(row[0].parse::<f64>().unwrap().to_bits(), value.to_bits());
            assert!(row[0].len() < 25, "{} is not the shortest form", row[0]);
            assert_eq!(row[1], "a, \"b\"\nc");
        }
    }

    #[test]
    fn forms_become_three_columns_and_what_is_not_finite_is_missing() {
        let columns = [
            Column::new("tau", "τ").interval(),
            Column::new("acc", "top-1"),
        ];
        let mut table = Table::new("t", "").columns(columns);
        table.push(vec![Cell::Number(f64::INFINITY), Cell::spread(&[1.0, 3.0])]);
        table.push(vec![
            Cell::Interval {
                value: 0.5,
                low: f64::NAN,
                high: 1.0,
            },
            Cell::spread(&[7.0]),
        ]);
        table.push(vec![Cell::missing("margin ≤ 0"), Cell::Number(2.5)]);
        let rows = read(&render(&table).unwrap());
        assert_eq!(
            rows[0],
            [
                "tau", "tau_low", "tau_high", "acc_mean", "acc_sd", "acc_n", "missing"
            ]
        );
        assert_eq!(
            rows[1],
            [
                "",
                "",
                "",
                "2.0",
                "1.4142135623730951",
                "2",
                "tau: infinite"
            ]
        );
        assert_eq!(
            rows[2],
            ["0.5", "", "1.0", "7.0", "", "1", "tau_low: not a number"]
        );
        assert_eq!(rows[3], ["", "", "", "2.5", "", "", "tau: margin ≤ 0"]);
    }

    #[test]
    fn malformed_tables_are_refused_with_the_facts() {
        let mut ragged = Table::new("t", "").columns(["a", "b"]);
        ragged.push(vec![1.0.into()]);
        let error = render(&ragged).unwrap_err();
        assert!(
            matches!(
                error,
                ReportError::RaggedTable {
                    row: 0,
                    expected: 2,
                    found: 1,
                    ..
                }
            ),
            "{error}"
        );

        let mut mixed = Table::new("t", "").columns(["a"]);
        mixed.push(vec![Cell::spread(&[1.0])]);
        mixed.push(vec![Cell::Interval {
            value: 1.0,
            low: 0.0,
            high: 2.0,
        }]);
        assert!(matches!(
            render(&mixed),
            Err(ReportError::MixedColumn { .. })
        ));

        let taken = Table::new("t", "")
            .columns([Column::new("a", "").interval(), Column::new("a_low", "")]);
        assert!(matches!(
            render(&taken),
            Err(ReportError::BadKey { column: 1, .. })
        ));
        assert!(matches!(
            render(&Table::new("t", "").columns([""])),
            Err(ReportError::BadKey { column: 0, .. })
        ));
    }
}
