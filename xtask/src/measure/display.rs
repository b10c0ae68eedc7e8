//! What `measure` shows: results on standard output as they come, progress on standard error.

use crate::{
    conventions,
    say::{note_resizing, say},
};
use indicatif::{ProgressBar, ProgressStyle};
use srr_layers::ClassifierConfig;
use srr_measures::{Cost, Measure, Part, Reported, Unavailable, Undefined};
use srr_study::{
    examination::{Curves, Densities, Findings, Found, Setting, is_unavailable},
    report::markup::plain,
};
use srr_trainer::TrainingData;
use std::{cell::Cell, time::Duration};

/// Columns of numbers are as wide as the longest, -1.23457e-100.
const NUMBER: usize = 13;

/// What is going to be measured; `whose` says of the images how they belong to the model.
pub(super) fn setting(setting: &Setting, data: &TrainingData, whose: &str) {
    let ClassifierConfig {
        variant,
        dim,
        depth,
        heads,
        patch,
        image: [channels, height, width],
        classes,
        ..
    } = &setting.model;
    say!(
        "{variant}: d = {dim}, L = {depth}, K = {heads}, images {channels}×{height}×{width} in patches of {patch}×{patch}, {classes} classes"
    );
    let (train, test) = (&setting.training, &setting.held_out);
    say!(
        "{}: {} training images; {}: {} held-out images{whose}",
        train.name,
        train.count,
        test.name,
        test.count
    );
    note_resizing(&data.train, &setting.model);
    say!("images normalized {}", setting.normalized);
    let known = |what: &str, value: Option<String>| match value {
        Some(value) => format!("{what} {value}"),
        None => format!("{what} unknown"),
    };
    say!(
        "{}, {}, seed {}",
        known("learning rate at the end", setting.learning_rate.map(short)),
        known(
            "batch size",
            setting.batch_size.map(|size| size.to_string())
        ),
        setting.seed
    );
}

/// The rates of every layer.
pub(super) fn curves(curves: &Curves, setting: &Setting) {
    say!("\nrates: {}", conventions::in_words(&setting.conventions));
    for (name, curve) in curves.named() {
        let rates = match curve {
            Ok(rates) => rates,
            Err(why) => {
                say!("{name} images: undefined: {why}");
                continue;
            }
        };
        say!("{name} images: mean over {}", rates.images);
        let headings = Curves::quantities().map(|(_, heading)| plain(heading).replace('_', ""));
        let headings: String = headings.map(|heading| format!(" {heading:>18}")).collect();
        say!("{:>5}{headings}", "layer");
        for (layer, terms) in rates.layers.iter().enumerate() {
            let values = curves.values(terms);
            let values: String = values
                .map(|value| format!(" {:>18}", short(value)))
                .concat();
            say!("{:>5}{values}", layer + 1);
        }
    }
}

/// How many measures came to what, and what would make more of them.
pub(super) fn counts(findings: &Findings) {
    let counts = findings.counts();
    say!(
        "\n{} measures: {} with a value, {} unavailable, {} undefined",
        findings.measures.len(),
        counts.values,
        counts.unavailable,
        counts.undefined
    );
    let searched = findings.searched();
    if !searched.is_empty() {
        let numbers: Vec<String> = searched.iter().map(usize::to_string).collect();
        say!(
            "searches and Hessian products saw {} training images",
            numbers.join(" or ")
        );
    }
    for (what, flag) in [
        ("weights at the start", "--init"),
        ("learning rate", "--learning-rate"),
        ("batch size", "--batch-size"),
    ] {
        let lacks = |found: &&Found| {
            let why = found.outcome.result.as_ref().err();
            let lack = Unavailable::capability(what);
            why.is_some_and(|why| *why == Undefined::Unavailable(lack))
        };
        let lacking = findings.measures.iter().filter(lacks).count();
        if lacking > 0 {
            say!("{flag} tells the {what}: {lacking} more");
        }
    }
}

/// Where the eigenvalues of every spectral density lie.
pub(super) fn densities(densities: &Densities) {
    if densities.all.is_empty() {
        return;
    }
    say!(
        "\nspectral density of the Hessian on {} training images; shares ± standard error over random starts",
        densities.images
    );
    for density in &densities.all {
        let (of, parameters) = (&density.of, density.parameters);
        say!("{of:10} {parameters:>9} parameters: {}", density.in_words());
    }
}

/// Shows measures as they come.
pub(super) struct Display {
    bar: ProgressBar,
    /// Width of the names.
    width: Cell<usize>,
    of: usize,
}

impl Display {
    pub(super) fn new(of: usize) -> Self {
        let bar = ProgressBar::new_spinner();
        // A style that does not parse would leave indicatif's own, which will do as well.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            width: Cell::new(0),
            of,
        }
    }

    /// The heading of the lines to come.
    pub(super) fn head(&self, measures: &[&dyn Measure]) {
        let names = measures
            .iter()
            .map(|measure| measure.name().chars().count());
        self.width
            .set(names.chain(["measure".len()]).max().unwrap_or(0));
        let line = self.line("measure", ["value", "raw", "±"], "images", "seconds");
        self.bar.suspend(|| say!("\n{line}"));
    }

    /// Which measure is evaluated next; where there is no bar to show it, those that take long are announced.
    pub(super) fn before(&self, place: usize, measure: &dyn Measure) {
        let (name, cost, of) = (measure.name(), measure.about().cost, self.of);
        self.bar
            .set_message(format!("{} of {of}: {name} ({cost})", place + 1));
        if self.bar.is_hidden() && cost >= Cost::ExampleGradients {
            eprintln!("{} of {of}: {name}: {cost}", place + 1);
        }
    }

    /// Whose spectral density is next.
    pub(super) fn before_density(&self, of: &str) {
        let what = format!("spectral density of the Hessian: {of}");
        self.bar.set_message(what.clone());
        if self.bar.is_hidden() {
            eprintln!("{what}");
        }
    }

    /// One line for what became of a measure, and if asked for a line for every layer.
    pub(super) fn after(&self, found: &Found, per_layer: bool) {
        let name = &found.outcome.name;
        let width = self.width.get();
        let line = match &found.outcome.result {
            Ok(reported) => self.value(found, reported),
            Err(why) if is_unavailable(why) => format!("{name:width$} unavailable: {why}"),
            Err(why) => format!("{name:width$} undefined: {why}"),
        };
        self.bar.suspend(|| {
            say!("{line}");
            if let (Ok(reported), true) = (&found.outcome.result, per_layer) {
                layers(reported);
            }
        });
    }

    fn value(&self, found: &Found, reported: &Reported) -> String {
        let value = &reported.value;
        let error = value.standard_error.map(short).unwrap_or_default();
        let images = value.images.map(|images| images.to_string());
        self.line(
            &found.outcome.name,
            [&short(reported.reported), &short(value.raw), &error],
            &images.unwrap_or_default(),
            &format!("{:.2}", found.outcome.elapsed.as_secs_f64()),
        )
    }

    fn line(&self, name: &str, numbers: [&str; 3], images: &str, seconds: &str) -> String {
        let width = self.width.get();
        let [value, raw, error] = numbers;
        format!(
            "{name:width$} {value:>NUMBER$} {raw:>NUMBER$} {error:>NUMBER$} {images:>7} {seconds:>8}"
        )
    }

    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }
}

/// The parts of a value that belong to layers, a line a layer.
fn layers(reported: &Reported) {
    let parts = &reported.value.parts;
    let last = parts.iter().filter_map(|part| part.layer).max();
    for layer in 0..last.map_or(0, |last| last + 1) {
        let here = parts.iter().filter(|part| part.layer == Some(layer));
        let error = |part: &Part| {
            part.standard_error
                .map(|error| format!(" ± {}", short(error)))
        };
        let here = here.map(|part| {
            let (value, error) = (short(part.value), error(part).unwrap_or_default());
            format!("{} {value}{error}", part.name)
        });
        say!(
            "  layer {}: {}",
            layer + 1,
            here.collect::<Vec<_>>().join(", ")
        );
    }
}

/// Six digits, with a power of ten where the number is very large or small; whole numbers as they are.
fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 {
        return format!("{:.0}", value + 0.0); // no −0
    }
    let rounded = format!("{value:.5e}");
    let power = rounded
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok());
    let digits = match power {
        Some(power @ -4_i32..=5) => usize::try_from(5 - power).ok(),
        _ => None,
    };
    match digits {
        Some(digits) => format!("{value:.digits$}"),
        None => rounded,
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_keep_six_digits_and_stay_narrow() {
        for (value, expected) in [
            (0.0, "0"),
            (50048.0, "50048"),
            (1.000_001, "1.00000"),
            (-12.345_678, "-12.3457"),
            (999_999.9, "1.00000e6"),
            (123_456.7, "123457"),
            (0.000_123_456_78, "0.000123457"),
            (-1.234_567e-100, "-1.23457e-100"),
        ] {
            assert_eq!(short(value), expected);
            assert!(expected.len() <= super::NUMBER);
        }
    }
}
