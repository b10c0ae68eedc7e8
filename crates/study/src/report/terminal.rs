//! The summary of a report for the terminal.

use super::Artefact;
use super::markup::plain;

/// Columns of the terminal that the summary fits into.
const WIDTH: usize = 100;
/// Spaces between columns.
const GAP: usize = 2;

/// The summary as text: one row per artefact with what was found and what the paper says, at most 100 columns wide.
///
/// # Examples
/// ```
/// use srr_study::report::{Artefact, terminal};
///
/// let artefact = Artefact::new("taylor", "Expansions").finding("Second order keeps 93 %.").paper("Similar shares.");
/// let text = terminal::summary(&[artefact]);
/// assert!(text.lines().nth(2).unwrap().starts_with("taylor    Second order keeps 93 %."));
/// ```
pub fn summary(artefacts: &[Artefact]) -> String {
    let head = ["artefact", "what we found", "what the paper says"].map(str::to_owned);
    let rows: Vec<[String; 3]> = (artefacts.iter())
        .map(|a| [clean(&a.name), said(a.headline()), said(a.paper_headline())])
        .collect();
    let names = rows
        .iter()
        .map(|r| r[0].chars().count())
        .chain([head[0].len()])
        .max()
        .unwrap_or(0)
        .min(24);
    let widths = widths(&rows, &head, names);
    let mut out = String::new();
    push_row(&mut out, &head, &widths);
    out.push_str(&"─".repeat(widths.iter().sum::<usize>() + 2 * GAP));
    out.push('\n');
    let airy = rows.iter().any(|row| height(row, &widths) > 1);
    for (i, row) in rows.iter().enumerate() {
        if airy && i > 0 {
            out.push('\n');
        }
        push_row(&mut out, row, &widths);
    }
    out
}

/// Widths of the columns: as wide as their texts where that fits, else the division with the fewest lines.
fn widths(rows: &[[String; 3]], head: &[String; 3], names: usize) -> [usize; 3] {
    let rest = WIDTH - names - 2 * GAP;
    let longest = |column: usize| {
        rows.iter()
            .chain([head])
            .map(|r| r[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (found, paper) = (longest(1), longest(2));
    if found + paper <= rest {
        return [names, found, paper];
    }
    let lines = |paper: usize| {
        rows.iter()
            .map(|row| height(row, &[names, rest - paper, paper]))
            .sum::<usize>()
    };
    let least = head[2].len();
    // Of divisions with equally few lines, the one nearest to the middle.
    let paper = (least..=rest - least)
        .min_by_key(|paper| (lines(*paper), paper.abs_diff(rest / 2)))
        .unwrap_or(rest / 2);
    [names, rest - paper, paper]
}

fn height(row: &[String; 3], widths: &[usize; 3]) -> usize {
    row.iter()
        .zip(widths)
        .map(|(text, width)| wrap(text, *width).len())
        .max()
        .unwrap_or(0)
}

fn said(text: &str) -> String {
    if text.is_empty() {
        "not stated".to_owned()
    } else {
        clean(&plain(text))
    }
}

/// Text on one line, without control characters (which a terminal would obey).
fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn push_row(out: &mut String, row: &[String; 3], widths: &[usize; 3]) {
    let columns: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(text, width)| wrap(text, *width))
        .collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let mut text = String::new();
        for (column, width) in columns.iter().zip(widths) {
            let part = column.get(line).map_or("", String::as_str);
            text.push_str(part);
            text.push_str(&" ".repeat(width - part.chars().count() + GAP));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

/// Breaks text at spaces, and within words that are longer than a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => {
                let letters: Vec<char> = word.chars().collect();
                lines.extend(
                    letters
                        .chunks(width.max(1))
                        .map(|piece| piece.iter().collect::<String>()),
                );
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_aligned_and_fits() {
        let long =
            "Rank correlation of the sparse rate reduction with the gap is τ = 0.45 [0.21, 0.63]. "
                .repeat(3);
        let artefacts = [
            Artefact::new("correlation", "")
                .finding(format!("{long}\n\nMore."))
                .paper(long.clone()),
            Artefact::new("an-artefact-with-a-very-long-name-indeed", "").finding("x".repeat(300)),
            Artefact::new("choices", "").finding("\u{1b}[31mR^{c}\nfalls"),
        ];
        let text = summary(&artefacts);
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(
            text.contains("not stated")
                && text.contains("[31mR^c falls")
                && !text.contains('\u{1b}')
        );
        assert!(!text.contains("More."));
        let starts: Vec<usize> = text
            .lines()
            .filter_map(|l| l.find("Rank correlation").map(|b| l[..b].chars().count()))
            .collect();
        assert!(
            !starts.is_empty()
                && starts[0] == text.lines().next().unwrap().find("what we").unwrap()
        );
    }

    #[test]
    fn a_summary_of_nothing_is_a_heading() {
        assert_eq!(summary(&[]).lines().count(), 2);
    }
}
