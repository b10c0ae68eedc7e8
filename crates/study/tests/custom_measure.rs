//! The example of a measure in a crate of its own: it takes part in the study, its report and the analysis of its table.

#[allow(dead_code, reason = "its main function is that of the example")]
#[path = "../examples/custom_measure.rs"]
mod example;

use safetensors::SafeTensors;
use srr_study::tables;
use std::{fs, path::Path};

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn it_is_measured_shown_and_analysed() {
    let folder = tempfile::tempdir().unwrap();
    example::run(folder.path()).unwrap();
    let study = folder.path().join("study");

    let zoo = tables::read(&study.join("zoo.csv")).unwrap();
    assert_eq!(zoo.rows(), 16);
    // The mean of fourth powers over the squared mean of squares, of the saved weights themselves.
    let column = |name: &str| zoo.column(name).unwrap().cells.iter();
    for (run, cell) in column("run").zip(column("kurtosis")) {
        let tables::RawCell::Text(run) = run else {
            panic!("{run:?} is no name of a run");
        };
        let file = fs::read(study.join("runs").join(run).join("weights.safetensors")).unwrap();
        let saved = SafeTensors::deserialize(&file).unwrap();
        let bytes = saved
            .iter()
            .flat_map(|(_, tensor)| tensor.data().chunks_exact(4));
        let weights = bytes.map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
        let (mut n, mut second, mut fourth) = (0.0, 0.0, 0.0);
        weights.for_each(|w| (n, second, fourth) = (n + 1.0, second + w * w, fourth + w.powi(4)));
        let expected = (fourth / n) / (second / n).powi(2);
        let tables::Value::Number(found) = cell.value() else {
            panic!("{cell:?} is no number");
        };
        assert!(
            (found - expected).abs() < 1e-9 * expected,
            "{found} {expected}"
        );
    }

    let correlation = tables::read(&study.join("correlation.csv")).unwrap();
    let named = |cell: &tables::RawCell| format!("{cell:?}").contains("kurtosis");
    let rows = correlation.columns()[0].cells.iter();
    assert_eq!(rows.filter(|cell| named(cell)).count(), 1);
    for figure in [
        "correlation.svg",
        "correlation-axes.svg",
        "scatter-measures.svg",
    ] {
        assert!(text(&study.join(figure)).contains("kurtosis"), "{figure}");
    }
    assert!(text(&study.join("report.html")).contains("kurtosis"));

    let analysis = text(&folder.path().join("analysis/analysis.json"));
    let analysis: serde_json::Value = serde_json::from_str(&analysis).unwrap();
    let tau = analysis["measures"]["kurtosis"]["tau_a"].as_f64().unwrap();
    assert!(tau.abs() <= 1.0);
    assert!(text(&folder.path().join("analysis/report.html")).contains("kurtosis"));
}
