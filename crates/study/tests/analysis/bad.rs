//! Tables that cannot be analysed, and odd ones that can.

use super::{SMALL, json, names, refused, request, table};
use srr_study::{
    Error,
    analysis::{Request, analyse_table},
    tables::{TableError, read},
};
use std::{fs, path::Path};

#[test]
fn what_a_table_lacks_is_named() {
    let ask = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        refused(SMALL, &request)
    };
    let said = ask(|r| r.gap = Some("gp".to_owned()));
    assert_eq!(
        said,
        "the table has no column `gp`, did you mean `gap`?; it has a, b, gap, m"
    );
    assert!(ask(|r| r.hyper = names(&["a", "c"])).contains("no column `c`"));
    assert!(ask(|r| r.measures = names(&["gaps"])).contains("did you mean `gap`?"));
    assert!(ask(|r| r.converged = Some("ok".to_owned())).contains("no column `ok`"));
    let said = ask(|r| r.converged = Some("b".to_owned()));
    assert!(
        said.contains("column `b`, row 1 of the data: `x` is neither true nor false"),
        "{said}"
    );
    assert!(
        ask(|r| r.measures = names(&["a"]))
            .contains("`a` is named as a hyper-parameter and as a measure")
    );
    assert!(ask(|r| r.hyper = names(&["gap"])).contains("as the gap and as a hyper-parameter"));
    assert!(ask(|r| r.measures = names(&["gap"])).contains("as the gap and as a measure"));
    let said = ask(|r| r.baseline = Some("n".to_owned()));
    assert_eq!(said, "the baseline `n` is none of the measures; they are m");
    assert!(ask(|r| r.measures = Some(Vec::new())).contains("no column to judge"));
    let said = ask(|r| *r = Request::default());
    for part in ["`--gap COL`", "`--measures COL,…`", "a, b, gap, m"] {
        assert!(said.contains(part), "{said}");
    }
    let said = ask(|r| (r.gap, r.hyper, r.measures) = (None, None, names(&["m"])));
    assert!(
        said.contains("name the generalization gap (`--gap COL`);"),
        "{said}"
    );
}

#[test]
fn cells_that_cannot_be_used_are_named_by_row_and_column() {
    let with = |cells: &str| SMALL.replace("2,x,0.2,2", cells);
    let said = |cells: &str| refused(&with(cells), &request());
    assert_eq!(
        said("2,x,0.2,abc"),
        "column `m`, row 2 of the data: `abc` is not a number"
    );
    assert!(said("2,x,0.2,true").contains("`true` is not a number"));
    assert!(said("2,x,abc,2").contains("column `gap`, row 2 of the data: `abc` is not a number"));
    assert!(said("2,x,,2").contains("column `gap`, row 2 of the data: there is no number"));
    assert!(said("2,x,NaN,2").contains("column `gap`, row 2 of the data: there is no number"));
    assert!(said("2,x,-inf,2").contains("column `gap`, row 2 of the data: the number is infinite"));
    assert!(said(",x,0.2,2").contains("column `a`, row 2 of the data: the cell is empty"));
    for cell in ["", "nan", "NA", "inf", "1e999"] {
        let found = json(
            &table(&with(&format!("2,x,0.2,{cell}"))).unwrap(),
            &request(),
        );
        let m = &found["measures"]["m"];
        assert_eq!(
            (&m["models"], &m["undefined"]),
            (&3.into(), &1.into()),
            "{cell}"
        );
    }
}

#[test]
fn files_that_are_no_tables_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Table(_)));
        let said = error.to_string();
        assert!(said.contains(name), "{said}");
        said
    };
    for name in ["empty.csv", "empty.jsonl", "empty.parquet"] {
        assert!(said(name, b"").ends_with("the file is empty"));
    }
    assert!(said("t.xlsx", b"x").contains(".csv, .parquet or .jsonl"));
    assert!(said("t", b"a\n1\n").contains(".csv, .parquet or .jsonl"));
    assert!(
        said("ragged.csv", b"a,b\n1,2\n1\n").ends_with("line 3 has 1 cell where there should be 2")
    );
    assert!(said("twice.csv", b"a,a\n1,2\n").ends_with("two columns are named `a`"));
    assert!(said("t.jsonl", b"{\"a\": 1}\n{\"a\": ").contains("line 2: "));
    let none = read(&folder.path().join("none.csv")).unwrap_err();
    assert!(matches!(none, Error::Io { .. }), "{none}");
    fs::create_dir(folder.path().join("folder.csv")).unwrap();
    let none = read(&folder.path().join("folder.csv")).unwrap_err();
    assert!(matches!(none, Error::Io { .. }), "{none}");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn without_its_reader_a_parquet_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    fs::write(&path, b"PAR1").unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains("feature `parquet`")
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    assert_eq!(
        table(&format!("\u{feff}{SMALL}")).unwrap(),
        table(SMALL).unwrap()
    );
}

#[test]
fn too_few_models_are_counted() {
    assert_eq!(
        refused("a,b,gap,m\n", &request()).split(": ").last(),
        Some("the table has a header and no rows")
    );
    let said = refused("a,b,gap,m\n1,x,0.1,1\n", &request());
    assert_eq!(
        said,
        "a rank correlation needs at least 2 models: of 1 row 1 can be used"
    );
    let converged = Request {
        converged: Some("b".to_owned()),
        hyper: names(&["a"]),
        ..request()
    };
    let said = refused(
        "a,b,gap,m\n1,yes,0.1,1\n1,no,0.2,1\n1,0,0.2,1\n",
        &converged,
    );
    assert!(
        said.ends_with("of 3 rows 1 can be used; 2 did not converge"),
        "{said}"
    );
}

#[test]
fn what_has_no_value_is_null_and_what_is_odd_is_said() {
    let text = "a,b,gap,m\n1,x,0.5,1\n1,x,0.5,2\n2,x,0.5,\n2,x,0.5,2\n2,x,0.5,2\n";
    let with_size = Request {
        test_size: Some(1000.try_into().unwrap()),
        ..request()
    };
    let found = json(&table(text).unwrap(), &with_size);
    let m = &found["measures"]["m"];
    assert_eq!(m["tau_a"], 0.0);
    for key in ["tau_b", "p_value", "p_holm", "cmi"] {
        assert!(m[key].is_null(), "{key}: {}", m[key]);
    }
    assert_eq!(
        (&m["psi"]["a"], m["psi"]["b"].is_null()),
        (&0.0.into(), true)
    );
    assert_eq!(
        m["sign_error"]["all"],
        serde_json::json!({"environments": 0, "mean": null, "p90": null, "max": null})
    );
    assert_eq!(found["rows"]["repeated"], 1);
    let notes = found["notes"].to_string();
    for part in [
        "same generalization gap",
        "`b` is x for every model",
        "`m` is undefined",
        "1 row repeats",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

/// Tables of which little can be computed make pages without a number that is none.
#[test]
fn pages_of_odd_tables_hold_no_number_that_is_none() {
    let constant_gap = "a,b,gap,m\n1,x,0.5,1\n1,y,0.5,2\n2,x,0.5,3\n2,y,0.5,2\n";
    let one_level = "a,b,gap,m\n1,x,0.1,1\n1,x,0.2,2\n1,x,0.3,3\n1,x,0.4,2\n";
    let duplicates = "a,b,gap,m\n1,x,0.1,1\n1,x,0.1,1\n2,x,0.3,3\n2,x,0.3,3\n";
    let constant_measure = "a,b,gap,m\n1,x,0.1,1\n1,y,0.2,1\n2,x,0.3,1\n2,y,0.4,1\n";
    let two_models = "a,b,gap,m\n1,x,0.1,1\n2,x,0.2,2\n";
    for (text, said) in [
        (
            constant_gap,
            "All 4 models have the same gap: there is nothing to order.",
        ),
        (one_level, "no two differ in it"),
        (duplicates, "2 rows repeat an earlier one"),
        (constant_measure, "it orders nothing"),
        (two_models, "over 2 models"),
    ] {
        for test_size in [None, 1000.try_into().ok()] {
            let request = Request {
                test_size,
                ..request()
            };
            let folder = tempfile::tempdir().unwrap();
            let found = analyse_table(&table(text).unwrap(), &request).unwrap();
            for name in found.publish(folder.path(), "odd.csv").unwrap() {
                let file = std::fs::read_to_string(folder.path().join(&name)).unwrap();
                let mut words = file.split(|c: char| !c.is_alphanumeric());
                let odd = words.find(|word| ["NaN", "nan", "inf"].contains(word));
                assert_eq!(odd, None, "{name}: {said}");
            }
            let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
            assert!(page.contains(said), "{said}");
        }
    }
}

#[test]
fn a_measure_without_any_value_has_no_statistic() {
    let text = "a,b,gap,m,n\n1,x,0.5,,1\n1,y,0.4,nan,2\n2,x,0.3,inf,3\n";
    let both = Request {
        measures: names(&["m", "n"]),
        test_size: Some(1000.try_into().unwrap()),
        ..request()
    };
    let found = json(&table(text).unwrap(), &both);
    assert_eq!(found["measures"]["m"]["models"], 0);
    assert!(found["measures"]["m"]["tau_a"].is_null());
    assert_eq!(found["baseline"], "n");
}

#[test]
fn measures_that_nobody_names_are_the_columns_of_numbers() {
    let text = "a,b,gap,m,name,n,ok\n1,x,0.5,1,p,1,1\n1,y,0.4,2,q,2,1\n2,x,0.3,4,r,3,1\n";
    let rest = Request {
        measures: None,
        converged: Some("ok".to_owned()),
        ..request()
    };
    let found = json(&table(text).unwrap(), &rest);
    let names: Vec<&String> = found["measures"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["m", "n"]);
    assert!(found["notes"].to_string().contains("`name`"));
    let mixed = text.replace("4,r", "x,r");
    assert!(refused(&mixed, &rest).contains("column `m`, row 3 of the data: `x` is not a number"));
}

#[test]
fn hostile_names_do_no_harm() {
    let text = "\"<script>\",b,b_low,gap,\"m`^{\u{1b}[31m\",complexity.\n1,x,1,0.5,1,1\n1,y,1,0.4,2,3\n2,x,2,0.3,4,2\n";
    let odd = Request {
        hyper: names(&["<script>", "b", "b_low"]),
        measures: names(&["m`^{\u{1b}[31m", "complexity."]),
        test_size: Some(1000.try_into().unwrap()),
        ..request()
    };
    let folder = tempfile::tempdir().unwrap();
    let found = srr_study::analysis::analyse_table(&table(text).unwrap(), &odd).unwrap();
    found.publish(folder.path(), "<b>").unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(!page.contains("<script>") && !page.contains("<b>"));
    assert!(!found.terminal().contains('\u{1b}'));
}

#[test]
fn the_zoo_of_a_study_needs_no_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results/digits/zoo.csv");
    let request = Request {
        draws: std::num::NonZeroUsize::new(10),
        ..Request::default()
    };
    let found = json(&read(&path).unwrap(), &request);
    assert_eq!(found["layout"], "zoo");
    let published = fs::read_to_string(path.with_file_name("correlation.csv")).unwrap();
    let mut lines = published.lines().skip(1);
    let measures = found["measures"].as_object().unwrap();
    assert_eq!(measures.len(), lines.clone().count());
    // The study judges a measure of which more is better by its negative; the table holds it as it was measured.
    assert!(lines.all(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let (name, sign) = match cells[0].strip_prefix('\u{2212}') {
            Some(name) => (name, -1.0),
            None => (cells[0], 1.0),
        };
        let tau = measures[&name.replace('-', "_")]["tau_a"].as_f64().unwrap();
        sign * tau == cells[3].parse::<f64>().unwrap()
    }));
    assert!(matches!(
        srr_study::analysis::Reading::new(
            &read(&path).unwrap(),
            &Request {
                gap: Some("losses".to_owned()),
                ..Request::default()
            }
        ),
        Err(Error::Table(TableError::UnknownColumn { .. }))
    ));
}
