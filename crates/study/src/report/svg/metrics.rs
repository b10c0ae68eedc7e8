//! Widths of text before it is set. Figures name common sans-serif fonts, whose widths differ by a few per cent; the estimate is on the
//! wide side, so that nothing is clipped with any of them.

use crate::report::markup::{Style, spans};

/// Advance widths of Helvetica for the characters from space to tilde, in thousandths of the font size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// Room for fonts wider than Helvetica.
const MARGIN: f64 = 1.12;
/// Size of raised and lowered text relative to the text around it.
pub(super) const SCRIPT: f64 = 0.72;

/// Width of marked-up text at a font size, in the same unit.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let thousandths: f64 = spans(text)
        .into_iter()
        .map(|span| match span.style {
            Style::Plain => span.text.chars().map(advance).sum::<f64>(),
            Style::Raised | Style::Lowered => SCRIPT * span.text.chars().map(advance).sum::<f64>(),
            Style::Code => 610.0 * span.text.chars().count() as f64,
        })
        .sum();
    thousandths / 1000.0 * size * MARGIN
}

fn advance(character: char) -> f64 {
    let index = (character as usize).wrapping_sub(0x20);
    match WIDTHS.get(index) {
        Some(width) => f64::from(*width),
        // Full-width scripts, and everything else at the width of a wide Greek letter.
        None if (0x1100..0xE000).contains(&(character as u32))
            && !(0x2000..0x2E80).contains(&(character as u32)) =>
        {
            1000.0
        }
        None => 620.0,
    }
}

/// Breaks text at spaces into lines of at most a width; a word that is longer has a line of its own. Marked-up spans are not broken.
pub(super) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raised_text_is_narrower_and_its_braces_take_no_room() {
        assert!(width("10^{12}", 10.0) < width("1012", 10.0));
        assert!(width("10^{12}", 10.0) > width("10", 10.0));
    }

    #[test]
    fn lines_keep_to_the_limit_unless_a_word_alone_is_longer() {
        let lines = wrap("cross-entropy of the validation set", 10.0, 80.0);
        assert!(lines.len() > 1);
        assert!(
            lines
                .iter()
                .all(|line| width(line, 10.0) <= 80.0 || !line.contains(' '))
        );
        assert_eq!(lines.join(" "), "cross-entropy of the validation set");
        assert!(wrap("", 10.0, 80.0).is_empty());
    }
}
