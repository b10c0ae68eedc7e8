//! Writes SVG elements. Coordinates are rounded to hundredths, so that the same chart gives the same bytes everywhere.

use std::fmt::Write as _;

use super::metrics::SCRIPT;
use super::palette::{Color, Theme};
use crate::report::markup::{Style, escape, escape_into, spans};

/// Room around the drawing, in pixels.
pub(super) const ROOM: f64 = 6.0;
/// Fonts of a file that stands alone.
const FONTS: &str = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif";

/// Horizontal alignment of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) color: Color,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    /// Degrees, clockwise, about the text's position.
    pub(super) turn: f64,
}

impl Type {
    pub(super) fn new(size: f64, color: Color, anchor: Anchor) -> Self {
        Self {
            size,
            color,
            anchor,
            bold: false,
            turn: 0.0,
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub(super) color: Color,
    pub(super) width: f64,
    pub(super) dash: &'static str,
}

impl Stroke {
    pub(super) fn new(color: Color, width: f64) -> Self {
        Self {
            color,
            width,
            dash: "",
        }
    }
}

/// An SVG file in the making.
#[derive(Debug)]
pub(super) struct Canvas {
    theme: Theme,
    body: String,
}

impl Canvas {
    pub(super) fn new(theme: Theme) -> Self {
        Self {
            theme,
            body: String::new(),
        }
    }

    /// The finished file, with a little room on all sides.
    pub(super) fn finish(self, width: f64, height: f64, title: &str, description: &str) -> String {
        let (w, h) = (number(width + 2.0 * ROOM), number(height + 2.0 * ROOM));
        let corner = number(-ROOM);
        let (title, description) = (escape(title), escape(description));
        let head = match self.theme {
            Theme::Paper => format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
                 viewBox=\"{corner} {corner} {w} {h}\" role=\"img\" font-family=\"{FONTS}\">\n\
                 <title>{title}</title>\n<desc>{description}</desc>\n\
                 <rect x=\"{corner}\" y=\"{corner}\" width=\"{w}\" height=\"{h}\" fill=\"{}\"/>\n",
                Color::Paper.css(self.theme)
            ),
            // A <title> would show as a tooltip over the whole figure, and hide those of the points.
            Theme::Page => format!(
                "<svg width=\"{w}\" height=\"{h}\" viewBox=\"{corner} {corner} {w} {h}\" role=\"img\" \
                 aria-label=\"{title}\">\n<desc>{description}</desc>\n"
            ),
        };
        format!("{head}{}</svg>\n", self.body)
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(
            &format!(
                "M{} {}L{} {}",
                number(from.0),
                number(from.1),
                number(to.0),
                number(to.1)
            ),
            stroke,
            "",
        );
    }

    /// An open line through points, with a tooltip if `tip` is not empty.
    pub(super) fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke, tip: &str) {
        if points.len() > 1 {
            self.path(&path_through(points), stroke, tip);
        }
    }

    fn path(&mut self, data: &str, stroke: Stroke, tip: &str) {
        let dash = if stroke.dash.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", stroke.dash)
        };
        let (color, width) = (stroke.color.css(self.theme), number(stroke.width));
        let attributes = format!(
            "d=\"{data}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}"
        );
        self.element("path", &attributes, tip);
    }

    /// A closed shape. `edge` is the color of a thin outline.
    pub(super) fn shape(
        &mut self,
        data: &str,
        fill: Color,
        opacity: f64,
        edge: Option<Color>,
        tip: &str,
    ) {
        let mut attributes = format!("d=\"{data}\" fill=\"{}\"", fill.css(self.theme));
        if opacity < 1.0 {
            let _ = write!(attributes, " fill-opacity=\"{}\"", number(opacity));
        }
        if let Some(edge) = edge {
            let _ = write!(
                attributes,
                " stroke=\"{}\" stroke-width=\"0.8\"",
                edge.css(self.theme)
            );
        }
        self.element("path", &attributes, tip);
    }

    pub(super) fn rectangle(
        &mut self,
        corner: (f64, f64),
        size: (f64, f64),
        fill: Color,
        tip: &str,
    ) {
        let attributes = format!(
            "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"",
            number(corner.0),
            number(corner.1),
            number(size.0.max(0.0)),
            number(size.1.max(0.0)),
            fill.css(self.theme)
        );
        self.element("rect", &attributes, tip);
    }

    /// Marked-up text whose baseline begins, is centered or ends at a position.
    pub(super) fn text(&mut self, (x, y): (f64, f64), style: Type, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        let (x, y) = (number(x), number(y));
        let turn = if style.turn == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({} {x} {y})\"", number(style.turn))
        };
        let (size, color) = (number(style.size), style.color.css(self.theme));
        let _ = write!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{anchor}{weight}{turn}>"
        );
        self.spans(style.size, text);
        self.body.push_str("</text>\n");
    }

    fn spans(&mut self, size: f64, text: &str) {
        let mut shift = 0.0;
        for span in spans(text) {
            let wanted = match span.style {
                Style::Raised => -0.36 * size,
                Style::Lowered => 0.2 * size,
                Style::Plain | Style::Code => 0.0,
            };
            let mut attributes = String::new();
            if wanted != shift {
                let _ = write!(attributes, " dy=\"{}\"", number(wanted - shift));
            }
            match span.style {
                Style::Raised | Style::Lowered => {
                    let _ = write!(attributes, " font-size=\"{}\"", number(SCRIPT * size));
                }
                Style::Code => attributes
                    .push_str(" font-family=\"Menlo, Consolas, DejaVu Sans Mono, monospace\""),
                Style::Plain => {}
            }
            shift = wanted;
            if attributes.is_empty() {
                escape_into(&mut self.body, span.text);
            } else {
                let _ = write!(
                    self.body,
                    "<tspan{attributes}>{}</tspan>",
                    escape(span.text)
                );
            }
        }
    }

    fn element(&mut self, name: &str, attributes: &str, tip: &str) {
        let _ = if tip.is_empty() {
            writeln!(self.body, "<{name} {attributes}/>")
        } else {
            writeln!(
                self.body,
                "<{name} {attributes}><title>{}</title></{name}>",
                escape(tip)
            )
        };
    }
}

/// Path data of an open line through points.
pub(super) fn path_through(points: &[(f64, f64)]) -> String {
    let mut data = String::with_capacity(points.len() * 14);
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(
            data,
            "{}{} {}",
            if i == 0 { 'M' } else { 'L' },
            number(*x),
            number(*y)
        );
    }
    data
}

/// A coordinate in hundredths, without trailing zeros and without a negative zero. Positions are finite by construction; should one not
/// be, it becomes zero rather than a word that no renderer knows.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let trimmed = text.trim_end_matches('0').trim_end_matches('.');
    if trimmed == "-0" {
        "0".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_words() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(12.345), "12.35");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(f64::NAN), "0");
    }
}
