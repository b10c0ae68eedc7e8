//! The example of a measure in a crate of its own: it takes part in the study, its report and the analysis of its table.

#[allow(dead_code, reason = "its main function is that of the example")]
#[path = "../examples/custom_measure.rs"]
mod example;

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
    // A fourth moment is at least the square of the second.
    let cells = zoo.column("kurtosis").unwrap().cells.iter();
    for cell in cells {
        assert!(matches!(cell.value(), tables::Value::Number(value) if value > 1.0));
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
