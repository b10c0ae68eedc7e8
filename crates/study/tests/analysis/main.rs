//! Tables of models from their files to `analysis.json`: against brute force, worked by hand, in every format, and with everything that
//! can be wrong with them.

mod bad;
#[cfg(feature = "parquet")]
mod parquet_file;

use serde_json::Value;
use srr_random::{Seed, Stream};
use srr_study::{
    Error,
    analysis::{Layout, Request, analyse_table},
    tables::{RawTable, read},
};
use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// A table from CSV text.
fn table(text: &str) -> Result<RawTable, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    read(&path)
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Gap `gap`, hyper-parameters `a` and `b`, measure `m`, and few draws.
fn request() -> Request {
    Request {
        gap: Some("gap".to_owned()),
        hyper: names(&["a", "b"]),
        measures: names(&["m"]),
        draws: NonZeroUsize::new(20),
        ..Request::default()
    }
}

fn json(table: &RawTable, request: &Request) -> Value {
    let text = analyse_table(table, request).unwrap().json().unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf,"));
    serde_json::from_str(&text).unwrap()
}

/// What is said of a table that cannot be analysed.
fn refused(text: &str, request: &Request) -> String {
    let found = table(text).and_then(|table| analyse_table(&table, request));
    found.map(|_| ()).unwrap_err().to_string()
}

const SMALL: &str = "a,b,gap,m\n1,x,0.1,1\n2,x,0.2,2\n1,y,0.3,4\n2,y,0.4,3\n";

/// Five of six pairs in order. Along `a`, one setting rises and one falls: ψ = 0. Along `b` both rise: ψ = 1.
#[test]
fn a_small_table_worked_by_hand() {
    let found = json(&table(SMALL).unwrap(), &request());
    let m = &found["measures"]["m"];
    let number = |value: &Value| value.as_f64().unwrap();
    assert_eq!(number(&m["tau_a"]), 4.0 / 6.0);
    assert!((number(&m["tau_b"]) - 4.0 / 6.0).abs() < 1e-15);
    // Of 24 orders 4 have at most one pair out of order; both sides: 8/24.
    assert!((number(&m["p_value"]) - 8.0 / 24.0).abs() < 1e-15);
    assert_eq!(m["p_value"], m["p_holm"]);
    assert_eq!((number(&m["psi"]["a"]), number(&m["psi"]["b"])), (0.0, 1.0));
    assert_eq!(number(&m["Psi"]), 0.5);
    assert_eq!(m["interval"].as_array().unwrap().len(), 2);
    assert_eq!(m["sign_error"], Value::Null);
    assert_eq!(found["models"], 4);
    assert_eq!(found["sign_error"]["computed"], false);
    assert_eq!(found["baseline"], "m");
}

/// One hyper-parameter of two values, four models each; the gaps lie apart beyond doubt, so all 16 pairs weigh ½. The measure gets one pair
/// wrong and ties in one: 1.5/16.
#[test]
fn a_sign_error_worked_by_hand() {
    let rows = [
        "x,0.10,1",
        "x,0.11,2",
        "x,0.12,3",
        "x,0.13,4",
        "y,0.50,3.5",
        "y,0.51,4",
        "y,0.52,7",
        "y,0.53,8",
    ];
    let text = format!("a,gap,m\n{}\n", rows.join("\n"));
    let request = Request {
        hyper: names(&["a"]),
        test_size: Some(1_000_000.try_into().unwrap()),
        ..request()
    };
    let found = json(&table(&text).unwrap(), &request);
    for place in ["a", "all"] {
        let errors = &found["measures"]["m"]["sign_error"][place];
        assert_eq!(errors["environments"], 2);
        for key in ["mean", "p90", "max"] {
            assert_eq!(errors[key].as_f64(), Some(1.5 / 16.0));
        }
    }
}

/// Rows of the public layout, as its makers' code has them, in text.
struct Public {
    hyper: Vec<Vec<String>>,
    measures: Vec<Vec<f64>>,
    gap: Vec<f64>,
}

/// A random table with seeds, ties, levels that are equal but for rounding, and cells without a partner.
fn random(n: usize, stream: &mut Stream) -> Public {
    let levels: [&[&str]; 3] = [
        &["0.01", "0.001", "0.0010000004"],
        &["0.1", "0.2", "0.2000000001"],
        &["cifar10", "svhn"],
    ];
    let mut draw = |levels: &[&str]| -> Vec<String> {
        let one = |_| levels[stream.below(levels.len() as u64) as usize].to_owned();
        (0..n).map(one).collect()
    };
    let hyper: Vec<Vec<String>> = levels.into_iter().map(&mut draw).collect();
    let gap: Vec<f64> = (0..n).map(|_| 0.01 * stream.below(20) as f64).collect();
    let mut measure = |noise: f64| -> Vec<f64> {
        gap.iter()
            .map(|g| (50.0 * g + noise * stream.normal()).round())
            .collect()
    };
    let measures = vec![measure(2.0), measure(9.0)];
    Public {
        hyper,
        measures,
        gap,
    }
}

impl Public {
    fn text(&self) -> String {
        let mut text = "hp.lr,hp.weight_decay,hp.dataset,hp.train_dataset_size,train_dataset_size,is.converged,is.high_train_accuracy,\
             complexity.l2,gen.gap,complexity.path_norm,experiment_id\n"
            .to_owned();
        // Rows that do not count: not converged, inaccurate, infinite, empty.
        text += "0.01,0.1,svhn,1,5,False,True,1,0.1,1,a\n0.01,0.1,svhn,1,5,True,False,1,0.1,1,b\n";
        text += "0.01,0.1,svhn,1,5,True,True,inf,0.1,1,c\n0.01,0.1,svhn,1,5,True,True,1,0.1,1,\n";
        for row in 0..self.gap.len() {
            let [lr, decay, data] = [0, 1, 2].map(|h: usize| &self.hyper[h][row]);
            let [l2, path] = [0, 1].map(|m: usize| self.measures[m][row]);
            text += &format!(
                "{lr},{decay},{data},1,5,True,True,{l2},{},{path},r{row}\n",
                self.gap[row]
            );
        }
        text
    }

    /// Sign errors the public code's way: every ordered pair of models, sums by ordered pair of cells, and the environments of one
    /// hyper-parameter between cells that are equal in all others.
    fn sign_errors(&self, measure: usize) -> BTreeMap<String, Vec<f64>> {
        let rounded =
            |text: &String| ((text.parse::<f64>().unwrap() * 1e4).round() / 1e4).to_string();
        let cell = |row: usize| -> [String; 3] {
            [
                rounded(&self.hyper[0][row]),
                self.hyper[1][row].clone(),
                self.hyper[2][row].clone(),
            ]
        };
        let close = |a: &str, b: &str, relative: f64, absolute: f64| match (
            a.parse::<f64>(),
            b.parse::<f64>(),
        ) {
            (Ok(a), Ok(b)) => {
                (a - b).abs() <= f64::max(relative * f64::max(a.abs(), b.abs()), absolute)
            }
            _ => a == b,
        };
        let mut sums: BTreeMap<([String; 3], [String; 3]), [f64; 3]> = BTreeMap::new();
        for i in 0..self.gap.len() {
            for j in 0..self.gap.len() {
                let (u, v) = (cell(i), cell(j));
                let differing = (0..3).filter(|&h| !close(&u[h], &v[h], 1e-9, 0.0)).count();
                if differing != 1 {
                    continue;
                }
                let delta = self.gap[i] - self.gap[j];
                let sure = (1.0 - 2.0 * (-2.0 * 10_000.0 * (delta / 2.0).powi(2)).exp())
                    .max(0.0)
                    .powi(2);
                let weight = (sure - 0.5).max(0.0);
                let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                let values = &self.measures[measure];
                let error = (1.0 - sign(values[i] - values[j]) * sign(delta)) / 2.0;
                let sum = sums.entry((u, v)).or_default();
                *sum = [
                    sum[0] + weight,
                    sum[1] + weight * weight,
                    sum[2] + weight * error,
                ];
            }
        }
        let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for ((u, v), [weight, squares, error]) in sums {
            let exact: Vec<usize> = (0..3).filter(|&h| u[h] != v[h]).collect();
            let [axis] = exact[..] else { continue };
            let counts = weight > 1e-8 && weight * weight / squares > 12.0 - 1.3e-4;
            if counts && !close(&u[axis], &v[axis], 1e-5, 1e-8) {
                let name = ["hp.lr", "hp.weight_decay", "hp.dataset"][axis];
                for place in [name, "all"] {
                    errors
                        .entry(place.to_owned())
                        .or_default()
                        .push(error / weight);
                }
            }
        }
        errors
    }
}

#[test]
fn sign_errors_of_the_public_layout_equal_brute_force() {
    let mut stream = Seed::new(17).stream();
    for n in [60, 150] {
        let public = random(n, &mut stream);
        let raw = table(&public.text()).unwrap();
        assert_eq!(Layout::of(&raw), Layout::Public);
        let request = Request {
            draws: NonZeroUsize::new(3),
            ..Request::default()
        };
        let found = json(&raw, &request);
        assert_eq!(found["models"], n);
        let left_out = &found["rows"]["left_out"];
        assert_eq!(
            (&left_out["not_converged"], &left_out["low_train_accuracy"]),
            (&1.into(), &1.into())
        );
        assert_eq!(left_out["incomplete"], 2);
        assert_eq!(found["sign_error"]["test_size"], 10_000);
        let mut environments = 0;
        for (measure, name) in ["complexity.l2", "complexity.path_norm"].iter().enumerate() {
            let expected = public.sign_errors(measure);
            let errors = found["measures"][*name]["sign_error"].as_object().unwrap();
            assert_eq!(errors.len(), 5, "four axes and all");
            for (place, summary) in errors {
                let mut known = expected.get(place).cloned().unwrap_or_default();
                known.sort_by(f64::total_cmp);
                assert_eq!(summary["environments"], known.len(), "{place}");
                environments += known.len();
                if known.is_empty() {
                    assert_eq!(summary["mean"], Value::Null);
                    continue;
                }
                let near = |key: &str, value: f64| {
                    let found = summary[key].as_f64().unwrap();
                    assert!(
                        (found - value).abs() < 1e-9,
                        "{place} {key}: {found} {value}"
                    );
                };
                near("mean", known.iter().sum::<f64>() / known.len() as f64);
                near("max", known[known.len() - 1]);
                let at = 0.9 * (known.len() - 1) as f64;
                let (low, high) = (known[at.floor() as usize], known[at.ceil() as usize]);
                near("p90", low + at.fract() * (high - low));
            }
        }
        assert!(
            n < 100 || environments > 40,
            "{environments} are enough to test on"
        );
    }
}

/// The same table as CSV, as JSON lines and as Parquet.
fn in_every_format(folder: &Path) -> Vec<PathBuf> {
    let rows = ["a", "b", "c", "d", "e", "f"].map(|id| (id, f64::from(id.as_bytes()[0] - 96)));
    let mut csv = "id,depth,norm,gap,m,with_holes,ok\n".to_owned();
    let mut lines = String::new();
    for (id, x) in rows {
        let (depth, norm, gap) = (x as i64 % 2 + 1, x as i64 % 3 == 0, 0.1 * x);
        let m = (x - 2.5).powi(2) / 3.0;
        let hole = if id == "c" {
            String::new()
        } else {
            x.sqrt().to_string()
        };
        let null = if id == "c" { "null" } else { &hole };
        let ok = id != "f";
        csv += &format!("{id},{depth},{norm},{gap},{m},{hole},{ok}\n");
        lines += &format!(
            "{{\"id\":\"{id}\",\"depth\":{depth},\"norm\":{norm},\"gap\":{gap},\"m\":{m},\"with_holes\":{null},\"ok\":{ok}}}\n"
        );
    }
    let paths = ["t.csv", "t.jsonl"].map(|name| folder.join(name));
    fs::write(&paths[0], &csv).unwrap();
    fs::write(&paths[1], lines).unwrap();
    #[cfg(feature = "parquet")]
    let more = parquet_file::write_all(folder, &csv);
    #[cfg(not(feature = "parquet"))]
    let more: Vec<PathBuf> = Vec::new();
    paths.into_iter().chain(more).collect()
}

#[test]
fn every_format_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request {
        gap: Some("gap".to_owned()),
        hyper: names(&["depth", "norm"]),
        measures: names(&["m", "with_holes"]),
        converged: Some("ok".to_owned()),
        draws: NonZeroUsize::new(50),
        ..Request::default()
    };
    let found: Vec<String> = in_every_format(folder.path())
        .iter()
        .map(|path| {
            analyse_table(&read(path).unwrap(), &request)
                .unwrap()
                .json()
                .unwrap()
        })
        .collect();
    assert!(found.iter().all(|json| *json == found[0]));
    let json: Value = serde_json::from_str(&found[0]).unwrap();
    assert_eq!(json["rows"]["left_out"]["not_converged"], 1);
    assert_eq!(json["measures"]["with_holes"]["undefined"], 1);
    assert_eq!(
        json["hyper_parameters"]["norm"],
        serde_json::json!(["false", "true"])
    );
}

#[test]
fn threads_change_no_byte_of_the_files() {
    let public = random(80, &mut Seed::new(5).stream());
    let raw = table(&public.text()).unwrap();
    let request = Request {
        draws: NonZeroUsize::new(30),
        ..Request::default()
    };
    let files = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let names = pool.install(|| {
            let found = analyse_table(&raw, &request).unwrap();
            found.publish(folder.path(), "table.csv").unwrap()
        });
        let read = |name: String| (name.clone(), fs::read(folder.path().join(name)).unwrap());
        names.into_iter().map(read).collect::<BTreeMap<_, _>>()
    };
    let one = files(1);
    assert!(one == files(3));
    for name in [
        "analysis.json",
        "report.html",
        "correlation.csv",
        "correlation-axes.svg",
        "scatter.svg",
        "environments.csv",
    ] {
        assert!(one.contains_key(name), "{name} of {:?}", one.keys());
    }
    for (name, bytes) in &one {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("NaN") && !text.contains(">inf"), "{name}");
        assert!(!text.contains("does not say"), "{name}");
    }
}

#[test]
fn a_second_analysis_replaces_the_first_and_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let small = table(SMALL).unwrap();
    let with = Request {
        test_size: Some(100.try_into().unwrap()),
        ..request()
    };
    analyse_table(&small, &with)
        .unwrap()
        .publish(&out, "t.csv")
        .unwrap();
    assert!(out.join("environments.csv").exists());
    let names = analyse_table(&small, &request())
        .unwrap()
        .publish(&out, "t.csv")
        .unwrap();
    let mut there: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "lock")
        .collect();
    let mut names = names;
    there.sort();
    names.sort();
    assert_eq!(there, names);
}

#[test]
fn folders_of_others_are_left_alone() {
    let found = analyse_table(&table(SMALL).unwrap(), &request()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let said = found.publish(folder.path(), "t").unwrap_err().to_string();
    assert!(
        said.contains("`mine.txt`") && said.contains("choose another folder"),
        "{said}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::write(folder.path().join("analysis.json"), "{\"kind\": \"other\"}").unwrap();
    assert!(matches!(
        found.publish(folder.path(), "t"),
        Err(Error::ForeignFolder { .. })
    ));
    let file = folder.path().join("mine.txt");
    let said = found.publish(&file, "t").unwrap_err().to_string();
    assert!(said.contains("mine.txt"), "{said}");
    let full = Path::new("/dev/full");
    assert!(!full.exists() || found.publish(full, "t").is_err());
}
