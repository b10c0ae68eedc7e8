//! Whole numbers on the command line.

use std::{num::NonZeroUsize, str::FromStr};

/// A number of a type without zero.
pub(crate) fn at_least_one<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse()
        .map_err(|_| "expected a whole number of at least 1")
}

/// How many of something, at least one.
pub(crate) fn some(text: &str) -> Result<usize, &'static str> {
    at_least_one::<NonZeroUsize>(text).map(NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_count_is_told_what_is_expected() {
        for text in ["0", "-1", "1.5", "two", ""] {
            assert_eq!(some(text), Err("expected a whole number of at least 1"));
        }
        assert_eq!(some("12"), Ok(12));
    }
}
