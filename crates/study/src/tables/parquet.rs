//! Tables of Parquet files: flat columns, plain, or compressed by Snappy, gzip or Zstandard.

use super::{RawCell, RawColumn, RawTable, TableError};
use crate::Result;
use ::parquet::{
    basic::{ConvertedType, Repetition},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType},
    errors::ParquetError,
    file::reader::{FileReader, RowGroupReader, SerializedFileReader},
    schema::types::Type,
};
use std::fs::File;

/// Reads all columns. Those that hold lists or records, and types that are no numbers, texts or truth values, are kept as text that says
/// so: they do no harm where nobody asks for them.
pub(super) fn read(file: File) -> Result<RawTable> {
    let reader = SerializedFileReader::new(file).map_err(malformed("its end"))?;
    let schema = reader.metadata().file_metadata().schema();
    let mut columns: Vec<RawColumn> = schema
        .get_fields()
        .iter()
        .map(|field| RawColumn {
            name: field.name().to_owned(),
            cells: Vec::new(),
        })
        .collect();
    if columns.is_empty() {
        return Err(TableError::NothingThere.into());
    }
    for index in 0..reader.num_row_groups() {
        let place = format!("row group {}", index + 1);
        let group = reader.get_row_group(index).map_err(malformed(&place))?;
        let mut leaf = 0;
        for (column, field) in columns.iter_mut().zip(schema.get_fields()) {
            let place = format!("{place}, column `{}`", column.name);
            append(&mut column.cells, field, group.as_ref(), leaf).map_err(malformed(&place))?;
            leaf += leaves(field);
        }
    }
    RawTable::new(columns)
}

fn malformed(place: &str) -> impl FnOnce(ParquetError) -> TableError {
    let place = place.to_owned();
    move |error| TableError::Malformed {
        place,
        problem: error.to_string(),
    }
}

/// Columns of the file that a field takes.
fn leaves(field: &Type) -> usize {
    if field.is_primitive() {
        1
    } else {
        field.get_fields().iter().map(|field| leaves(field)).sum()
    }
}

/// Adds the cells of one column of a row group.
fn append(
    cells: &mut Vec<RawCell>,
    field: &Type,
    group: &dyn RowGroupReader,
    leaf: usize,
) -> Result<(), ParquetError> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let told = |what: &str| RawCell::Text(format!("<{what}>"));
    let info = field.get_basic_info();
    if !field.is_primitive() || info.repetition() == Repetition::REPEATED {
        cells.extend(std::iter::repeat_n(told("nested"), rows));
        return Ok(());
    }
    let kind = info.converted_type();
    let decimal = kind == ConvertedType::DECIMAL;
    let scale = if decimal { field.get_scale() } else { 0 };
    let signed = |value: i64| match decimal {
        true => RawCell::Number(value as f64 / 10_f64.powi(scale)),
        false => RawCell::integer(value.into()),
    };
    let unsigned = |value: i64, wide: u64| match kind {
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => RawCell::integer(wide.into()),
        _ => signed(value),
    };
    let text = |bytes: &ByteArray| match std::str::from_utf8(bytes.data()) {
        Ok(text) if !decimal => RawCell::field(text),
        _ => told("bytes"),
    };
    let optional = info.repetition() == Repetition::OPTIONAL;
    let mut target = Target {
        cells,
        rows,
        optional,
    };
    match group.get_column_reader(leaf)? {
        ColumnReader::BoolColumnReader(r) => target.fill(r, |v| RawCell::Flag(*v)),
        ColumnReader::Int32ColumnReader(r) => {
            target.fill(r, |v| unsigned((*v).into(), u64::from(*v as u32)))
        }
        ColumnReader::Int64ColumnReader(r) => target.fill(r, |v| unsigned(*v, *v as u64)),
        ColumnReader::FloatColumnReader(r) => target.fill(r, |v| RawCell::Number((*v).into())),
        ColumnReader::DoubleColumnReader(r) => target.fill(r, |v| RawCell::Number(*v)),
        ColumnReader::ByteArrayColumnReader(r) => target.fill(r, text),
        ColumnReader::Int96ColumnReader(r) => target.fill(r, |_| told("INT96")),
        ColumnReader::FixedLenByteArrayColumnReader(r) => target.fill(r, |_| told("bytes")),
    }
}

/// Where the cells of one column of a row group go.
struct Target<'a> {
    cells: &'a mut Vec<RawCell>,
    rows: usize,
    optional: bool,
}

impl Target<'_> {
    fn fill<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        cell: impl Fn(&T::T) -> RawCell,
    ) -> Result<(), ParquetError> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.rows {
            let defined = self.optional.then_some(&mut levels);
            let (records, _, _) =
                reader.read_records(self.rows - read, defined, None, &mut values)?;
            if records == 0 {
                break;
            }
            read += records;
        }
        let mut values = values.iter();
        let missing = || ParquetError::EOF(format!("{read} of {} rows", self.rows));
        for row in 0..self.rows {
            let there = !self.optional || *levels.get(row).ok_or_else(missing)? > 0;
            self.cells.push(match there {
                true => cell(values.next().ok_or_else(missing)?),
                false => RawCell::Empty,
            });
        }
        Ok(())
    }
}
