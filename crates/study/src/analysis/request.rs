//! What is asked of a table.

use std::num::{NonZeroU64, NonZeroUsize};

/// What the columns of a table mean, and what to compute. What is left out is taken from the table's layout, where that is a known one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The column of the generalization gap.
    pub gap: Option<String>,
    /// The columns of the hyper-parameters.
    pub hyper: Option<Vec<String>>,
    /// The columns of the measures. Where gap and hyper-parameters are named and measures are not, every other column that holds numbers
    /// is one.
    pub measures: Option<Vec<String>>,
    /// A column of truth values; rows where it is false are left out.
    pub converged: Option<String>,
    /// Number of test images behind the gap, which must be one of *accuracy* (as a share, training minus test): turns the robust sign
    /// error on. A gap of loss has no such bound.
    pub test_size: Option<NonZeroU64>,
    /// The measure to compare with every other one; by default `srr` or `complexity.srr`, else the one with the largest τ.
    pub baseline: Option<String>,
    /// Bootstrap draws; [`default_draws`] when left out.
    pub draws: Option<NonZeroUsize>,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Request {
    /// The command that computes the same again from a table of this name, in the words of a POSIX shell.
    pub(super) fn command(&self, table: &str, baseline: &str, draws: usize) -> String {
        let list = |names: &Option<Vec<String>>| Some(names.as_ref()?.join(","));
        let test_size = self.test_size.map(|size| size.to_string());
        let options = [
            ("gap", self.gap.clone()),
            ("hyper", list(&self.hyper)),
            ("measures", list(&self.measures)),
            ("converged", self.converged.clone()),
            ("test-size", test_size),
            ("baseline", Some(baseline.to_owned())),
            ("draws", Some(draws.to_string())),
            ("seed", Some(self.seed.to_string())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| {
            let value = value?;
            Some(format!("--{name}={}", quoted(&value)))
        });
        let given: Vec<String> = given.collect();
        let table = quoted(table);
        // A name that begins with a hyphen would be taken for an option.
        let table = if table.starts_with('-') {
            format!("./{table}")
        } else {
            table
        };
        format!("cargo xtask analyse {table} {} --out=DIR", given.join(" "))
    }
}

/// A word that a POSIX shell reads as this text: in single quotes unless it is plain.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Bootstrap draws where nobody says how many: 2,000, and fewer for tables so large that these would take minutes, down to 200.
///
/// ```
/// use srr_study::analysis::default_draws;
///
/// assert_eq!(default_draws(600, 12), 2000);
/// assert_eq!(default_draws(10_000, 50), 200);
/// ```
#[must_use]
pub fn default_draws(models: usize, measures: usize) -> usize {
    const VALUES: usize = 100_000_000;
    (VALUES / (models * measures).max(1)).clamp(200, 2000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The words that a shell makes of a line.
    fn words(line: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {line}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim_end_matches('\0')
            .split('\0')
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_command_carries_the_whole_request_through_a_shell() {
        let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        let request = Request {
            gap: Some("the gap".to_owned()),
            hyper: names(&["hp.lr", "it's $HOME"]),
            measures: names(&["a", "`b`"]),
            converged: Some("done?".to_owned()),
            test_size: NonZeroU64::new(100),
            baseline: None,
            draws: None,
            seed: 3,
        };
        let line = request.command("my table.csv", "a", 500);
        assert_eq!(
            words(&line),
            [
                "cargo",
                "xtask",
                "analyse",
                "my table.csv",
                "--gap=the gap",
                "--hyper=hp.lr,it's $HOME",
                "--measures=a,`b`",
                "--converged=done?",
                "--test-size=100",
                "--baseline=a",
                "--draws=500",
                "--seed=3",
                "--out=DIR"
            ]
        );
        let nothing = Request::default().command("-t.csv", "", 200);
        assert!(nothing.starts_with("cargo xtask analyse ./-t.csv --baseline='' "));
    }
}
