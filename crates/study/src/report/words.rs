//! Numbers and lists in running text.

use super::number;

/// Two results that differ by less are the same: what is left is rounding.
pub(crate) const TIE: f64 = 1e-9;

/// A number in running text, with so many digits that count.
pub(crate) fn say(value: f64, digits: usize) -> String {
    number::significant(value, digits)
}

/// A number in running text, with so many digits after the point.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    number::fixed(value, decimals)
}

/// A share as a percentage with one digit after the point.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", fixed(100.0 * share, 1))
}

/// `a, b and c`.
pub(crate) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `1 run`, `2 runs`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_counts_read_as_english() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            (count(1, "run"), count(2, "run")),
            ("1 run".to_owned(), "2 runs".to_owned())
        );
    }
}
