//! What one artefact of a study says: its text, tables and charts, and where the numbers come from.

use super::{Chart, Table};

/// One artefact of a study: everything the report says about one question.
///
/// `finding` and `paper` may hold several paragraphs, separated by an empty line; the first paragraph of each is the artefact's line in
/// the summary, so it should be one short sentence with numbers. All prose and every label may use [inline markup](super::markup).
///
/// A part that is empty is not left out in silence: the page says which one is missing, see [`Artefact::missing_parts`].
///
/// # Examples
/// ```
/// use srr_study::report::Artefact;
///
/// let artefact = Artefact::new("variants", "Accuracy of the variants").finding("CRATE reaches 96.1 % (3 seeds).");
/// assert_eq!(artefact.headline(), "CRATE reaches 96.1 % (3 seeds).");
/// assert!(artefact.missing_parts().contains(&"paper"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Artefact {
    /// Short name, the anchor on the page: lower-case letters, digits and hyphens, such as `layerwise`.
    pub name: String,
    /// Heading on the page.
    pub title: String,
    /// What the artefact shows, for a reader who has not read the paper.
    pub shows: String,
    /// What was found here, in words with numbers; the first paragraph goes into the summary.
    pub finding: String,
    /// What the paper says about the same question; the first paragraph goes into the summary.
    pub paper: String,
    /// The settings that matter, as name and value, in reading order.
    pub configuration: Vec<(String, String)>,
    /// How many seeds, and which.
    pub seeds: String,
    /// How the spread is stated: standard deviation over seeds, bootstrap interval, none and why.
    pub spread: String,
    /// Tables, each of which is also written as a CSV file.
    pub tables: Vec<Table>,
    /// Figures, each of which is also written as an SVG file.
    pub charts: Vec<Chart>,
    /// Remarks: what was left out and why, differences from the paper.
    pub notes: Vec<String>,
    /// Whether it stands outside a study: no paper to compare with, no seeds, and only the parts it has.
    pub standalone: bool,
}

impl Artefact {
    /// An artefact with a name and a title, everything else empty.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            ..Self::default()
        }
    }

    /// Says what the artefact shows.
    #[must_use]
    pub fn shows(mut self, text: impl Into<String>) -> Self {
        self.shows = text.into();
        self
    }

    /// Says what was found.
    #[must_use]
    pub fn finding(mut self, text: impl Into<String>) -> Self {
        self.finding = text.into();
        self
    }

    /// Says what the paper found.
    #[must_use]
    pub fn paper(mut self, text: impl Into<String>) -> Self {
        self.paper = text.into();
        self
    }

    /// Adds one setting.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configuration.push((name.into(), value.into()));
        self
    }

    /// Says how many seeds there are.
    #[must_use]
    pub fn seeds(mut self, text: impl Into<String>) -> Self {
        self.seeds = text.into();
        self
    }

    /// Says how the spread is stated.
    #[must_use]
    pub fn spread(mut self, text: impl Into<String>) -> Self {
        self.spread = text.into();
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn chart(mut self, chart: Chart) -> Self {
        self.charts.push(chart);
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says that the artefact stands outside a study: it has no paper to compare with, and misses no part that it does not have.
    #[must_use]
    pub fn standalone(mut self) -> Self {
        self.standalone = true;
        self
    }

    /// First paragraph of the finding: the artefact's line in the summary.
    pub fn headline(&self) -> &str {
        first_paragraph(&self.finding)
    }

    /// First paragraph of what the paper says.
    pub fn paper_headline(&self) -> &str {
        first_paragraph(&self.paper)
    }

    /// Names of the parts that every artefact should have and this one lacks; empty when it is complete or stands outside a study.
    pub fn missing_parts(&self) -> Vec<&'static str> {
        if self.standalone {
            return Vec::new();
        }
        let parts = [
            ("shows", self.shows.trim().is_empty()),
            ("finding", self.finding.trim().is_empty()),
            ("paper", self.paper.trim().is_empty()),
            ("configuration", self.configuration.is_empty()),
            ("seeds", self.seeds.trim().is_empty()),
            ("spread", self.spread.trim().is_empty()),
            ("tables", self.tables.is_empty()),
            ("charts", self.charts.is_empty()),
        ];
        parts
            .into_iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| name)
            .collect()
    }
}

fn first_paragraph(text: &str) -> &str {
    text.trim().split("\n\n").next().unwrap_or_default().trim()
}

/// Where the numbers of a report come from. It holds nothing that differs between two runs of the same study: no time, no path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Heading of the page.
    pub title: String,
    /// One or two sentences under the heading.
    pub subtitle: String,
    /// Name of the profile.
    pub profile: String,
    /// Digest of the resolved configuration.
    pub configuration_digest: String,
    /// Data sets and their digests, in reading order.
    pub data: Vec<(String, String)>,
    /// Programs and libraries and their versions, in reading order.
    pub versions: Vec<(String, String)>,
    /// How to produce the same report again, such as `cargo xtask reproduce --profile digits`.
    pub command: String,
    /// Sources of the claims that the report compares with, one line each.
    pub references: Vec<String>,
}
