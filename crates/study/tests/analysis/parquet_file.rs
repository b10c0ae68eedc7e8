//! Parquet files: written under every compression, cut short, and damaged.

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use srr_study::tables::{RawCell, read};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

const SCHEMA: &str = "message models { required binary id (UTF8); required int64 depth; required boolean norm; \
     required double gap; required double m; optional double with_holes; required boolean ok; }";

/// The table of this CSV text under every compression.
pub(super) fn write_all(folder: &Path, csv: &str) -> Vec<PathBuf> {
    let kinds = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
    ];
    let path = |place: usize| folder.join(format!("t{place}.parquet"));
    let write = |(place, kind)| {
        write(&path(place), csv, kind);
        path(place)
    };
    kinds.into_iter().enumerate().map(write).collect()
}

/// In two groups of rows.
fn write(path: &Path, csv: &str, compression: Compression) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(compression);
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    for part in rows.chunks(4) {
        let mut group = writer.next_row_group().unwrap();
        fill(&mut group, part);
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn fill(group: &mut SerializedRowGroupWriter<'_, File>, rows: &[Vec<&str>]) {
    let column = |place: usize| rows.iter().map(move |row| row[place]);
    for place in 0..7 {
        let mut writer = group.next_column().unwrap().unwrap();
        match place {
            0 => {
                let values: Vec<ByteArray> = column(place).map(ByteArray::from).collect();
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(&values, None, None)
                    .unwrap();
            }
            1 => {
                let values: Vec<i64> = column(place).map(|x| x.parse().unwrap()).collect();
                writer
                    .typed::<Int64Type>()
                    .write_batch(&values, None, None)
                    .unwrap();
            }
            2 | 6 => {
                let values: Vec<bool> = column(place).map(|x| x == "true").collect();
                writer
                    .typed::<BoolType>()
                    .write_batch(&values, None, None)
                    .unwrap();
            }
            _ => {
                let values: Vec<f64> = column(place).filter_map(|x| x.parse().ok()).collect();
                let defined: Vec<i16> = column(place).map(|x| (!x.is_empty()).into()).collect();
                let levels = (place == 5).then_some(&defined[..]);
                writer
                    .typed::<DoubleType>()
                    .write_batch(&values, levels, None)
                    .unwrap();
            }
        }
        writer.close().unwrap();
    }
}

const CSV: &str = "id,depth,norm,gap,m,with_holes,ok\nx,1,true,0.1,2,,true\ny,2,false,0.2,3,4.5,true\nz,3,true,0.3,1,0,false\n";

#[test]
fn cells_are_those_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    for path in write_all(folder.path(), CSV) {
        let table = read(&path).unwrap();
        let cells = |name: &str| table.column(name).unwrap().cells.clone();
        assert_eq!(table.rows(), 3);
        use RawCell::{Empty, Flag, Number};
        assert_eq!(cells("with_holes"), [Empty, Number(4.5), Number(0.0)]);
        assert_eq!(cells("ok"), [Flag(true), Flag(true), Flag(false)]);
        assert_eq!(cells("depth"), [Number(1.0), Number(2.0), Number(3.0)]);
        assert_eq!(cells("id")[1], RawCell::Text("y".to_owned()));
    }
}

#[test]
fn a_file_cut_short_is_an_error_wherever_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    for path in write_all(folder.path(), CSV) {
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(".parquet: "), "{error}");
        }
    }
}
