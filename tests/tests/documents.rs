//! Files that the documents show are read as they stand there.

use srr_layers::Variant;
use srr_measures::Registry;
use srr_study::profile::Profile;
use srr_trainer::Experiment;

#[test]
fn the_file_for_train() {
    let document = include_str!("../../docs/trainer.md");
    let text = document.split_once("```toml\n").unwrap().1;
    let text = text.split_once("```").unwrap().0;
    let experiment = Experiment::resolve("optdigits", Variant::Crate, text).unwrap();
    assert_eq!((experiment.seed, experiment.held_out), (3, Some(200)));
    assert!(experiment.training.regularizer.is_some() && experiment.training.stop.is_some());
}

#[test]
fn the_profile() {
    let document = include_str!("../../docs/study.md");
    let from = document
        .lines()
        .skip_while(|line| !line.starts_with("    name ="));
    let lines = from.take_while(|line| line.is_empty() || line.starts_with("    "));
    let text: Vec<&str> = lines.map(str::trim_start).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text.join("\n")).unwrap();
    let profile = Profile::load(path.to_str().unwrap()).unwrap();
    assert!(profile.zoo.is_some() && profile.scatter.is_some());
    profile.validate().unwrap();
}

/// Every measure stands in the tables of `docs/measures.md`, and every name in these is a measure.
#[test]
fn the_measures() {
    let document = include_str!("../../docs/measures.md");
    let tables = document.split_once("## Statistics").unwrap().0;
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    let first_cells = rows.map(|row| row.split('|').nth(1).unwrap());
    let mut documented: Vec<&str> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    documented.sort_unstable();
    let registry = Registry::built_in();
    let mut measures: Vec<&str> = registry.names().collect();
    measures.sort_unstable();
    assert_eq!(documented, measures);
}
