//! Tables on the page: numbers aligned and rounded to what their spread justifies, reasons for missing values as footnotes.

use std::fmt::Write as _;

use crate::report::markup::{escape, html};
use crate::report::number::{Digits, grouped, why_not_finite};
use crate::report::{Cell, Column, Table};

/// Texts of at most so many characters stand on one line.
const SHORT: usize = 34;

/// How the cells of one column are set.
struct Style {
    digits: Digits,
    /// Class of its cells: numbers stand to the right, short texts are not broken.
    class: &'static str,
    /// Number of repetitions, where all cells of the column have the same.
    repetitions: Option<usize>,
}

/// Footnotes of a table: reasons in order of appearance.
#[derive(Default)]
struct Footnotes(Vec<String>);

impl Footnotes {
    /// The mark of a reason.
    fn mark(&mut self, reason: &str) -> String {
        let known = self.0.iter().position(|r| r == reason);
        let index = known.unwrap_or_else(|| {
            self.0.push(reason.to_owned());
            self.0.len() - 1
        });
        letters(index)
    }
}

/// a, b, …, z, aa, ab, …
fn letters(mut index: usize) -> String {
    let mut out = Vec::new();
    loop {
        out.push(char::from(b'a' + (index % 26) as u8));
        if index < 26 {
            return out.into_iter().rev().collect();
        }
        index = index / 26 - 1;
    }
}

/// The table with its caption, a link to its file, and its footnotes.
pub(super) fn render(table: &Table) -> String {
    let styles: Vec<Style> = (0..table.columns.len()).map(|i| style(table, i)).collect();
    let mut footnotes = Footnotes::default();
    let mut body = String::new();
    for row in &table.rows {
        body.push_str("<tr>");
        for (i, (cell, style)) in row.iter().zip(&styles).enumerate() {
            let content = content(cell, style, &mut footnotes);
            let class = style.class;
            let _ = match i {
                0 => write!(body, "<th scope=\"row\"{class}>{content}</th>"),
                _ => write!(body, "<td{class}>{content}</td>"),
            };
        }
        body.push_str("</tr>\n");
    }
    let (name, caption) = (escape(&table.name), html(&table.caption));
    let mut out = format!("<figure class=\"table\" id=\"table-{name}\">\n");
    let link = format!("<a class=\"file\" href=\"{name}.csv\" download=\"\">CSV</a>");
    let _ = writeln!(out, "<figcaption>{caption} {link}</figcaption>");
    if table.folded {
        let rows = table.rows.len();
        let _ = writeln!(out, "<details><summary>Show {rows} rows</summary>");
    }
    let label = escape(&crate::report::markup::plain(&table.caption));
    let _ = writeln!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table>"
    );
    let _ = writeln!(out, "<thead><tr>{}</tr></thead>", head(table, &styles));
    let _ = writeln!(out, "<tbody>\n{body}</tbody></table></div>");
    if table.rows.is_empty() {
        out.push_str("<p class=\"absent\">The table has no rows.</p>\n");
    }
    if table.folded {
        out.push_str("</details>\n");
    }
    if !footnotes.0.is_empty() {
        out.push_str("<p class=\"footnotes\">");
        for (i, reason) in footnotes.0.iter().enumerate() {
            let _ = write!(
                out,
                "<span><sup>{}</sup> {}</span> ",
                letters(i),
                escape(reason)
            );
        }
        out.push_str("</p>\n");
    }
    out.push_str("</figure>\n");
    out
}

fn head(table: &Table, styles: &[Style]) -> String {
    let cell = |(column, style): (&Column, &Style)| {
        let class = style.class;
        let spread = match style.repetitions {
            Some(1) => "<small>n = 1</small>".to_owned(),
            Some(n) => format!("<small>mean ± sd, n = {n}</small>"),
            None => String::new(),
        };
        format!(
            "<th scope=\"col\"{class}>{}{spread}</th>",
            html(&column.heading)
        )
    };
    table.columns.iter().zip(styles).map(cell).collect()
}

fn style(table: &Table, index: usize) -> Style {
    let mut values = Vec::new();
    let mut uncertainties = Vec::new();
    let mut repetitions = Vec::new();
    let mut longest = None;
    for cell in table.rows.iter().filter_map(|row| row.get(index)) {
        match cell {
            // Where a number has nothing to say.
            Cell::Text(text) if text.is_empty() => {}
            Cell::Text(text) => longest = longest.max(Some(text.chars().count())),
            Cell::Number(value) => values.push(*value),
            Cell::Interval { value, low, high } => {
                values.push(*value);
                uncertainties.push((high - low) / 2.0);
            }
            Cell::Spread { mean, deviation, n } => {
                values.push(*mean);
                uncertainties.push(*deviation);
                repetitions.push(*n);
            }
            Cell::Integer(_) | Cell::Missing(_) => {}
        }
    }
    values.retain(|v| v.is_finite());
    let chosen = match table.columns[index].decimals {
        Some(decimals) => Digits::Fixed(decimals),
        None => Digits::for_uncertainties(&values, &uncertainties),
    };
    let same = repetitions.windows(2).all(|pair| pair[0] == pair[1]);
    let repetitions = repetitions.first().copied().filter(|_| same);
    let class = match longest {
        None => " class=\"n\"",
        Some(0..=SHORT) => " class=\"s\"",
        Some(_) => "",
    };
    Style {
        digits: chosen,
        class,
        repetitions,
    }
}

fn content(cell: &Cell, style: &Style, footnotes: &mut Footnotes) -> String {
    let number = |value: f64| html(&style.digits.format(value));
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Integer(count) => grouped(*count),
        Cell::Missing(why) => absent(why, footnotes),
        Cell::Number(value) | Cell::Interval { value, .. } | Cell::Spread { mean: value, .. }
            if !value.is_finite() =>
        {
            absent(why_not_finite(*value), footnotes)
        }
        Cell::Number(value) => number(*value),
        Cell::Interval { value, low, high } if low.is_finite() && high.is_finite() => {
            format!(
                "{} <span class=\"u\">[{}, {}]</span>",
                number(*value),
                number(*low),
                number(*high)
            )
        }
        Cell::Interval { value, .. } => {
            format!(
                "{} <span class=\"u\">{}</span>",
                number(*value),
                absent("no finite interval", footnotes)
            )
        }
        Cell::Spread { mean, deviation, n } => {
            let spread = match deviation.is_finite() {
                true => format!(" <span class=\"u\">± {}</span>", number(*deviation)),
                false if *n > 1 => format!(
                    " <span class=\"u\">± {}</span>",
                    absent(why_not_finite(*deviation), footnotes)
                ),
                false => String::new(),
            };
            let count = if style.repetitions.is_some() {
                String::new()
            } else {
                format!(" <small>(n = {n})</small>")
            };
            format!("{}{spread}{count}", number(*mean))
        }
    }
}

fn absent(why: &str, footnotes: &mut Footnotes) -> String {
    format!(
        "<span class=\"absent\">—<sup>{}</sup></span>",
        footnotes.mark(why)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_footnote() {
        let mut table = Table::new("t", "A < B").columns(["measure", "value"]);
        for value in [f64::NAN, 1.5, f64::NEG_INFINITY, f64::NAN] {
            table.push(vec!["<b>".into(), value.into()]);
        }
        table.push(vec!["x".into(), Cell::missing("margin ≤ 0 & so on")]);
        let page = render(&table);
        assert!(page.contains("A &lt; B") && page.contains("&lt;b&gt;") && !page.contains("<b>"));
        assert_eq!(page.matches("—<sup>a</sup>").count(), 2);
        for footnote in [
            "<sup>a</sup> not a number",
            "<sup>b</sup> infinite",
            "<sup>c</sup> margin ≤ 0 &amp; so on",
        ] {
            assert_eq!(page.matches(footnote).count(), 1, "{footnote}");
        }
        assert!(!page.contains("NaN") && !page.contains("inf<"));
    }

    #[test]
    fn spread_and_intervals_are_rounded_together() {
        let mut table = Table::new("t", "").columns(["a", "top-1", "τ"]);
        let tau = Cell::Interval {
            value: 0.4453,
            low: 0.2111,
            high: 0.6312,
        };
        table.push(vec!["x".into(), Cell::spread(&[95.21, 96.02, 94.77]), tau]);
        let page = render(&table);
        assert!(
            page.contains("95.3 <span class=\"u\">± 0.6</span>"),
            "{page}"
        );
        assert!(
            page.contains("0.45 <span class=\"u\">[0.21, 0.63]</span>"),
            "{page}"
        );
        assert!(page.contains("mean ± sd, n = 3"));
    }

    #[test]
    fn unequal_repetitions_are_stated_in_each_cell() {
        let mut table = Table::new("t", "").columns(["a"]);
        table.push(vec![Cell::spread(&[1.0, 2.0])]);
        table.push(vec![Cell::spread(&[1.0])]);
        let page = render(&table);
        assert!(
            page.contains("(n = 2)") && page.contains("(n = 1)") && !page.contains("mean ± sd")
        );
    }

    #[test]
    fn footnote_marks_do_not_run_out() {
        assert_eq!(
            [0, 25, 26, 27, 51, 52, 702].map(letters),
            ["a", "z", "aa", "ab", "az", "ba", "aaa"]
        );
    }
}
