//! Which rows of a table count.

use super::layout::{Flag, Plan};
use crate::{
    Result,
    tables::{RawCell, RawColumn, RawTable, TableError, Value},
};
use std::collections::BTreeSet;

/// The rows of a table: those that count, and why others do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Rows of the table.
    pub read: usize,
    /// Those that count, by index from 0.
    pub used: Vec<usize>,
    /// Why others do not, each for the first reason that holds: a key, the reason in words, and how many rows.
    pub left_out: Vec<(&'static str, &'static str, usize)>,
    /// Rows that count and whose every cell is that of an earlier row. They stay: a run that stands twice counts twice.
    pub repeated: usize,
}

/// Key and words of rows that are left out because a number is missing or infinite.
const INCOMPLETE: (&str, &str) = ("incomplete", "hold a missing or infinite value");

impl Rows {
    /// Leaves out the rows where a flag is false, in the order of the flags, and those that are not complete where the plan wants that.
    pub(super) fn of(table: &RawTable, plan: &Plan) -> Result<Self> {
        let flags = plan
            .flags
            .iter()
            .map(|flag| Ok((flag, table.column(&flag.column)?)))
            .collect::<Result<Vec<_>>>()?;
        let incomplete = match plan.complete {
            true => incomplete(table),
            false => vec![false; table.rows()],
        };
        let mut left_out: Vec<(&str, &str, usize)> =
            plan.flags.iter().map(|f| (f.key, f.words, 0)).collect();
        if plan.complete {
            left_out.push((INCOMPLETE.0, INCOMPLETE.1, 0));
        }
        let mut used = Vec::new();
        for (row, incomplete) in incomplete.into_iter().enumerate() {
            let failed = failed(&flags, row, plan.complete)?;
            match failed.or(incomplete.then_some(flags.len())) {
                Some(reason) => left_out[reason].2 += 1,
                None => used.push(row),
            }
        }
        Ok(Self {
            read: table.rows(),
            repeated: repeated(table, &used),
            used,
            left_out,
        })
    }

    /// `; 3 did not converge, 1 missed the accuracy standard`, or nothing.
    #[must_use]
    pub fn reasons(&self) -> String {
        let some = self.left_out.iter().filter(|(_, _, rows)| *rows > 0);
        let said: Vec<String> = some.map(|(_, words, n)| format!("{n} {words}")).collect();
        if said.is_empty() {
            String::new()
        } else {
            format!("; {}", said.join(", "))
        }
    }
}

/// The first flag that is false in a row. A flag without a value fails as incomplete where rows have to be complete.
fn failed(flags: &[(&Flag, &RawColumn)], row: usize, complete: bool) -> Result<Option<usize>> {
    for (place, (flag, column)) in flags.iter().enumerate() {
        let cell = &column.cells[row];
        match cell.truth() {
            Some(true) => {}
            Some(false) => return Ok(Some(place)),
            None if complete && cell.value() == Value::Missing => return Ok(Some(flags.len())),
            None => {
                return Err(TableError::NoTruth {
                    column: flag.column.clone(),
                    row: row + 1,
                    found: cell.shown(),
                }
                .into());
            }
        }
    }
    Ok(None)
}

/// The rows that hold a missing value in any column, or an infinite one in a column of numbers.
fn incomplete(table: &RawTable) -> Vec<bool> {
    let mut found = vec![false; table.rows()];
    for column in table.columns() {
        let values: Vec<Value> = column.cells.iter().map(RawCell::value).collect();
        let numbers = values.iter().all(|value| *value != Value::NoNumber);
        for (row, value) in values.into_iter().enumerate() {
            found[row] |= match value {
                Value::Missing => true,
                Value::Number(number) => numbers && number.is_infinite(),
                Value::NoNumber => false,
            };
        }
    }
    found
}

/// Of the used rows, those that are an earlier one again.
fn repeated(table: &RawTable, used: &[usize]) -> usize {
    let content = |row: usize| -> Vec<Option<String>> {
        table
            .columns()
            .iter()
            .map(|c| c.cells[row].level())
            .collect()
    };
    // Rows that differ in their numbers need not be spelled out.
    let mut order: Vec<(Vec<u64>, usize)> = used
        .iter()
        .map(|&row| (signature(table, row), row))
        .collect();
    order.sort();
    let mut count = 0;
    for alike in order
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
    {
        let distinct: BTreeSet<_> = alike.iter().map(|(_, row)| content(*row)).collect();
        count += alike.len() - distinct.len();
    }
    count
}

/// The first numbers of a row that are no whole ones, by their bits: rows of different signatures differ.
fn signature(table: &RawTable, row: usize) -> Vec<u64> {
    let values = table
        .columns()
        .iter()
        .map(|column| column.cells[row].value());
    let fractions = values.filter_map(|value| match value {
        Value::Number(number) if number.fract() != 0.0 => Some(number.to_bits()),
        _ => None,
    });
    fractions.take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(rows: &[&str]) -> Result<Rows> {
        let names = "hp.a,gen.gap,complexity.m,is.converged,is.high_train_accuracy,experiment_id";
        let columns = names.split(',').enumerate().map(|(place, name)| RawColumn {
            name: name.to_owned(),
            cells: rows
                .iter()
                .map(|row| RawCell::field(row.split(',').nth(place).unwrap()))
                .collect(),
        });
        let table = RawTable::new(columns.collect())?;
        Rows::of(&table, &Plan::of(&table))
    }

    #[test]
    fn rows_are_left_out_for_the_first_reason_and_counted() {
        let found = public(&[
            "1,0.1,1,True,True,a",
            "1,0.1,1,False,False,b",
            "1,0.1,1,true,0,12e45678",
            "1,inf,1,True,True,d",
            "1,0.1,,True,True,inf",
            "1,0.1,1,,True,f",
            "2,0.1,1,True,True,inf",
            "1,0.1,1.0,TRUE,true,a",
        ])
        .unwrap();
        assert_eq!(found.used, [0, 6, 7]);
        let counts: Vec<_> = found
            .left_out
            .iter()
            .map(|(key, _, n)| (*key, *n))
            .collect();
        let known = [
            ("not_converged", 1),
            ("low_train_accuracy", 1),
            ("incomplete", 3),
        ];
        assert_eq!(counts, known);
        assert_eq!(found.repeated, 1);
        let said = "; 1 did not converge, 1 missed the accuracy standard, 3 hold a missing or infinite value";
        assert_eq!(found.reasons(), said);
    }

    #[test]
    fn a_flag_that_is_no_truth_value_is_named() {
        let said = public(&["1,0.1,1,maybe,True,a"]).unwrap_err().to_string();
        assert!(
            said.contains("`is.converged`, row 1 of the data: `maybe`"),
            "{said}"
        );
    }
}
