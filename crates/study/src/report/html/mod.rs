//! The report as one page that needs nothing else: figures inside, no scripts, no outside resources, light or dark as the reader prefers,
//! readable on a phone, and printable.

mod table;

use std::fmt::Write as _;

use super::markup::{escape, html, plain};
use super::svg::{self, Size, Theme};
use super::{Artefact, Chart, Provenance};

const STYLE: &str = include_str!("style.css");
/// Drawings wider than this scroll in their own box on a phone instead of shrinking.
const PHONE: f64 = 380.0;

/// The page.
///
/// # Examples
/// ```
/// use srr_study::report::{Artefact, Provenance, html};
///
/// let artefact = Artefact::new("variants", "Accuracy").finding("CRATE is best.");
/// let page = html::render(&[artefact], &Provenance { title: "A study".into(), ..Provenance::default() });
/// assert!(page.contains("CRATE is best.") && page.contains("does not say: shows, paper"));
/// ```
pub fn render(artefacts: &[Artefact], provenance: &Provenance) -> String {
    let title = match plain(&provenance.title) {
        title if title.trim().is_empty() => "Report".to_owned(),
        title => title,
    };
    let mut out = String::with_capacity(1 << 16);
    let _ = writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>",
        escape(&title),
        svg::css_variables()
    );
    out.push_str("<main>\n");
    header(&mut out, &title, provenance);
    summary(&mut out, artefacts);
    contents(&mut out, artefacts);
    for artefact in artefacts {
        section(&mut out, artefact);
    }
    footer(&mut out, provenance);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(out: &mut String, artefacts: &[Artefact]) {
    out.push_str("<nav aria-label=\"Contents\">\n<p>Contents</p>\n<ul>\n<li><a href=\"#summary\">Summary</a></li>\n");
    for artefact in artefacts {
        let _ = writeln!(
            out,
            "<li><a href=\"#{}\">{}</a></li>",
            escape(&artefact.name),
            html(&artefact.title)
        );
    }
    out.push_str(
        "<li><a href=\"#provenance\">Where the numbers come from</a></li>\n</ul>\n</nav>\n",
    );
}

fn header(out: &mut String, title: &str, provenance: &Provenance) {
    let _ = writeln!(out, "<header>\n<h1>{}</h1>", escape(title));
    out.push_str(&paragraphs(&provenance.subtitle));
    if !provenance.profile.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"profile\">Profile <code>{}</code></p>",
            escape(&provenance.profile)
        );
    }
    out.push_str("</header>\n");
}

/// One line per artefact; outside a study there is no paper to compare with, and what finds nothing has no line.
fn summary(out: &mut String, artefacts: &[Artefact]) {
    let compares = artefacts.is_empty() || artefacts.iter().any(|artefact| !artefact.standalone);
    let (class, first, paper) = match compares {
        true => (
            "summary",
            "Artefact",
            "<th scope=\"col\">What the paper says</th>",
        ),
        false => ("summary alone", "Part", ""),
    };
    let _ = write!(
        out,
        "<section id=\"summary\">\n<h2>Summary</h2>\n<table class=\"{class}\">\n<thead><tr><th scope=\"col\">{first}</th>\
         <th scope=\"col\">What we found</th>{paper}</tr></thead>\n<tbody>\n"
    );
    let told = |artefact: &&Artefact| !artefact.standalone || !artefact.headline().is_empty();
    for artefact in artefacts.iter().filter(told) {
        let said = |text: &str| match text {
            "" => "<span class=\"absent\">not stated</span>".to_owned(),
            text => html(text),
        };
        let paper = match compares {
            true => format!(
                "<td data-head=\"The paper\">{}</td>",
                said(artefact.paper_headline())
            ),
            false => String::new(),
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><a href=\"#{0}\"><code>{0}</code></a></th><td data-head=\"We found\">{1}</td>{paper}</tr>",
            escape(&artefact.name),
            said(artefact.headline()),
        );
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

fn section(out: &mut String, artefact: &Artefact) {
    let name = escape(&artefact.name);
    let _ = writeln!(
        out,
        "<section class=\"artefact\" id=\"{name}\">\n<p class=\"name\"><code>{name}</code></p>"
    );
    let _ = writeln!(out, "<h2>{}</h2>", html(&artefact.title));
    let missing = artefact.missing_parts();
    if !missing.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"absent warning\">This artefact does not say: {}.</p>",
            missing.join(", ")
        );
    }
    out.push_str(&paragraphs(&artefact.shows));
    for chart in &artefact.charts {
        figure(out, chart);
    }
    comparison(out, artefact);
    for table in &artefact.tables {
        out.push_str(&table::render(table));
    }
    facts(out, artefact);
    if !artefact.notes.is_empty() {
        out.push_str("<h3>Notes</h3>\n<ul class=\"notes\">\n");
        for note in &artefact.notes {
            let _ = writeln!(out, "<li>{}</li>", html(note));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</section>\n");
}

/// What was found here beside what the paper says.
fn comparison(out: &mut String, artefact: &Artefact) {
    let sides = [
        ("ours", "What we found", &artefact.finding),
        ("paper", "What the paper says", &artefact.paper),
    ];
    let said: Vec<_> = sides
        .into_iter()
        .filter(|(_, _, text)| !text.trim().is_empty())
        .collect();
    if said.is_empty() {
        return;
    }
    out.push_str("<div class=\"compare\">\n");
    for (class, heading, text) in said {
        let _ = writeln!(
            out,
            "<div class=\"{class}\">\n<h3>{heading}</h3>\n{}</div>",
            paragraphs(text)
        );
    }
    out.push_str("</div>\n");
}

fn figure(out: &mut String, chart: &Chart) {
    let name = escape(&chart.name);
    let _ = writeln!(out, "<figure class=\"chart\" id=\"figure-{name}\">");
    for (class, size) in [("wide", Size::Wide), ("narrow", Size::Narrow)] {
        let drawing = svg::draw(chart, Theme::Page, size);
        let scrolls = if size == Size::Narrow && drawing.width > PHONE {
            " scrolls"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<div class=\"{class}{scrolls}\">\n{}</div>",
            drawing.svg
        );
    }
    let _ = writeln!(
        out,
        "<figcaption><strong>{}.</strong> {} <a class=\"file\" href=\"{name}.svg\" download=\"\">SVG</a></figcaption>\n</figure>",
        html(chart.title.trim_end_matches('.')),
        html(&chart.caption)
    );
}

/// Seeds, spread and settings.
fn facts(out: &mut String, artefact: &Artefact) {
    let said = |text: &str| !text.trim().is_empty();
    if artefact.configuration.is_empty() && !said(&artefact.seeds) && !said(&artefact.spread) {
        return;
    }
    out.push_str("<h3>Configuration</h3>\n<dl class=\"facts\">\n");
    for (term, text) in [("Seeds", &artefact.seeds), ("Spread", &artefact.spread)] {
        if !text.trim().is_empty() {
            let _ = writeln!(
                out,
                "<div class=\"whole\"><dt>{term}</dt><dd>{}</dd></div>",
                html(text)
            );
        }
    }
    for (term, text) in &artefact.configuration {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            html(term),
            html(text)
        );
    }
    out.push_str("</dl>\n");
}

fn footer(out: &mut String, provenance: &Provenance) {
    out.push_str(
        "<footer id=\"provenance\">\n<h2>Where the numbers come from</h2>\n<dl class=\"facts\">\n",
    );
    let mut fact = |term: &str, value: &str, code: bool| {
        if !value.is_empty() {
            let value = if code {
                format!("<code>{}</code>", escape(value))
            } else {
                escape(value)
            };
            let _ = writeln!(
                out,
                "<div class=\"whole\"><dt>{}</dt><dd>{value}</dd></div>",
                escape(term)
            );
        }
    };
    fact("Profile", &provenance.profile, true);
    fact(
        "Configuration digest",
        &provenance.configuration_digest,
        true,
    );
    for (name, digest) in &provenance.data {
        fact(&format!("Data: {name}"), digest, true);
    }
    for (name, version) in &provenance.versions {
        fact(name, version, false);
    }
    fact("To produce this report again", &provenance.command, true);
    out.push_str("</dl>\n");
    if !provenance.references.is_empty() {
        out.push_str("<h3>References</h3>\n<ul class=\"notes\">\n");
        for reference in &provenance.references {
            let _ = writeln!(out, "<li>{}</li>", html(reference));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</footer>\n");
}

/// Paragraphs of marked-up text, which an empty line separates.
fn paragraphs(text: &str) -> String {
    let parts = text
        .split("\n\n")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| format!("<p>{}</p>\n", html(part)))
        .collect()
}
