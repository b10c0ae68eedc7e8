//! The little markup that prose and labels may use, and the escaping of everything else.
//!
//! `^{…}` raises, `_{…}` lowers, and text between backticks is set as code. Nothing else is special: `R^{c}` is R with a raised c.
//!
//! ```
//! use srr_study::report::markup::{html, plain};
//!
//! assert_eq!(html("R^{c} < R & `srr`"), "R<sup>c</sup> &lt; R &amp; <code>srr</code>");
//! assert_eq!(plain("R^{c} at 10^{-3}"), "R^c at 10^-3");
//! ```

/// How a span of text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Raised,
    Lowered,
    Code,
}

/// Text of one style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'a> {
    pub(super) style: Style,
    pub(super) text: &'a str,
}

/// Cuts marked-up text into spans. An opening mark without its end stands for itself.
pub(super) fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut rest = text;
    let mut plain = 0;
    while plain < rest.len() {
        let Some((style, open, close)) = mark_at(&rest[plain..]) else {
            plain += rest[plain..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if plain > 0 {
            spans.push(Span {
                style: Style::Plain,
                text: &rest[..plain],
            });
        }
        let inner = plain + open;
        spans.push(Span {
            style,
            text: &rest[inner..inner + close],
        });
        rest = &rest[inner + close + 1..];
        plain = 0;
    }
    if !rest.is_empty() {
        spans.push(Span {
            style: Style::Plain,
            text: rest,
        });
    }
    spans
}

/// The marked span that begins here: style, length of the opening mark, length of the text up to the closing mark.
fn mark_at(text: &str) -> Option<(Style, usize, usize)> {
    let (style, open, end) = if text.starts_with("^{") {
        (Style::Raised, 2, '}')
    } else if text.starts_with("_{") {
        (Style::Lowered, 2, '}')
    } else if text.starts_with('`') {
        (Style::Code, 1, '`')
    } else {
        return None;
    };
    text[open..].find(end).map(|length| (style, open, length))
}

/// Marked-up text as HTML, everything else escaped.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for span in spans(text) {
        let tag = match span.style {
            Style::Plain => "",
            Style::Raised => "sup",
            Style::Lowered => "sub",
            Style::Code => "code",
        };
        if tag.is_empty() {
            escape_into(&mut out, span.text);
        } else {
            out.push_str(&format!("<{tag}>"));
            escape_into(&mut out, span.text);
            out.push_str(&format!("</{tag}>"));
        }
    }
    out
}

/// Marked-up text as plain text, for the terminal and for screen readers.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for span in spans(text) {
        match span.style {
            Style::Raised => out.push('^'),
            Style::Lowered => out.push('_'),
            Style::Plain | Style::Code => {}
        }
        out.push_str(span.text);
    }
    out
}

/// Escapes text for HTML and XML, in content and in quoted attributes. Control characters, which XML cannot hold, become spaces.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(&mut out, text);
    out
}

pub(super) fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            c if c.is_control() || c == '\u{FFFE}' || c == '\u{FFFF}' => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_without_an_end_stand_for_themselves() {
        for text in ["a ^{b", "log_prod_{", "`", "x^2 and y_i", "é^{"] {
            assert_eq!(
                spans(text),
                [Span {
                    style: Style::Plain,
                    text
                }]
            );
        }
    }

    #[test]
    fn neighboring_marks_are_told_apart() {
        let found: Vec<_> = spans("σ_{min}^{2}`a^{b}`")
            .into_iter()
            .map(|s| (s.style, s.text))
            .collect();
        let expected = [
            (Style::Plain, "σ"),
            (Style::Lowered, "min"),
            (Style::Raised, "2"),
            (Style::Code, "a^{b}"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn everything_that_could_be_markup_is_escaped() {
        let hostile = "<script>alert(\"1\" + '2')</script> & \u{0}^{<b>}";
        let expected = "&lt;script&gt;alert(&quot;1&quot; + &#39;2&#39;)&lt;/script&gt; &amp;  <sup>&lt;b&gt;</sup>";
        assert_eq!(html(hostile), expected);
    }
}
