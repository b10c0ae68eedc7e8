//! A measure of one's own in a study, its report, and the analysis of its table: `cargo run -p srr-study --example custom_measure -- OUT`.

use srr_measures::{About, Cost, Measure, Registry, Subject, Undefined, Value, When};
use srr_study::analysis::{Request, analyse_table};
use srr_study::{Shard, StopFlag, Study, StudyOptions, profile::Profile, progress::Silent, tables};
use std::{error::Error, num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

/// How heavy the tails of the weights are: their fourth moment over the square of the second, over all trainable parameters.
struct Kurtosis;

impl Measure for Kurtosis {
    fn about(&self) -> About<'_> {
        let formula = r"\omega\sum_j w_j^4/\bigl(\sum_j w_j^2\bigr)^2";
        About::new("kurtosis", "this example", formula, Cost::Weights)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let weights = subject.parameters(When::Now)?;
        let moment = |power: i32| weights.iter().map(|w| w.powi(power)).sum::<f64>();
        let raw = weights.len() as f64 * moment(4) / moment(2).powi(2);
        Ok(Value::new(raw))
    }
}

/// Sixteen small models on 128 digits.
const PROFILE: &str = r#"
    name = "custom-measure"
    about = "A measure of one's own beside two of the crate's."
    data = { name = "optdigits", train = 128, test = 128 }
    model = { patch = 4, dim = 8, depth = 1, heads = 2 }
    training = { epochs = 20 }
    zoo = { batch_sizes = [8, 16], learning_rates = [1e-2, 3e-2] }
    correlation = { measures = ["srr", "kurtosis", "l2"] }
    scatter = { measures = ["kurtosis"] }
"#;

pub(crate) fn run(out: &Path) -> Result<(), Box<dyn Error>> {
    let registry = Registry::built_in().with(Box::new(Kurtosis))?;
    let profile = Profile::parse_with("custom-measure", PROFILE, &registry)?;
    let options = StudyOptions {
        out: out.join("study"),
        only: Vec::new(),
        jobs: NonZeroUsize::MIN,
        shard: Shard::WHOLE,
        checkpoint_every: Duration::from_secs(5),
    };
    let study = Study::plan_with(&profile, Arc::new(registry), &options)?;
    study.train(&Silent, &StopFlag::new())?;
    let artefacts = study.collect(&Silent, &StopFlag::new())?;
    study.publish(&artefacts, Duration::ZERO)?;
    let table = tables::read(&options.out.join("zoo.csv"))?;
    analyse_table(&table, &Request::default())?.publish(&out.join("analysis"), "zoo.csv")?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args().nth(1).ok_or("say where to write")?;
    run(out.as_ref())
}
