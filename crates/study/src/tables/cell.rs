//! One cell of a table, and what it can be read as.

/// Texts that stand for a missing value, those of pandas.
const MISSING: [&str; 19] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "",
];

/// The whole numbers up to here are all `f64`s.
const EXACT: i128 = 1 << 53;

/// One cell as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum RawCell {
    /// Nothing, or `null`.
    Empty,
    /// A number; it may be infinite or not a number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Text, which may spell a number or a truth value.
    Text(String),
}

/// What a cell says where a number is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Nothing: an empty cell, not a number, or a word for it such as `NA`.
    Missing,
    /// A number; it may be infinite.
    Number(f64),
    /// Something else.
    NoNumber,
}

impl RawCell {
    /// The cell as a number. Text is read as a number where it spells one.
    ///
    /// ```
    /// use srr_study::tables::{RawCell, Value};
    ///
    /// let text = |text: &str| RawCell::Text(text.to_owned()).value();
    /// assert_eq!([text(" 1e-3"), text("NA"), text("abc")], [Value::Number(1e-3), Value::Missing, Value::NoNumber]);
    /// assert_eq!(RawCell::Number(f64::NAN).value(), Value::Missing);
    /// ```
    #[must_use]
    pub fn value(&self) -> Value {
        let number = match self {
            Self::Empty => return Value::Missing,
            Self::Flag(_) => return Value::NoNumber,
            Self::Number(number) => Some(*number),
            Self::Text(text) if MISSING.contains(&text.trim()) => return Value::Missing,
            Self::Text(text) => text.trim().parse().ok(),
        };
        match number {
            Some(number) if number.is_nan() => Value::Missing,
            Some(number) => Value::Number(number),
            None => Value::NoNumber,
        }
    }

    /// The cell as a level of a hyper-parameter: `1`, `1.0` and `1e0` are one level, and so are `True` and `true`. `None` for an empty cell
    /// and for what is not a number; the words `None` and `NA` are levels like any other.
    ///
    /// ```
    /// use srr_study::tables::RawCell;
    ///
    /// assert_eq!(RawCell::Text("1e-3".to_owned()).level(), RawCell::Number(0.001).level());
    /// assert_eq!(RawCell::Text("None".to_owned()).level().as_deref(), Some("None"));
    /// assert_eq!(RawCell::Number(f64::NAN).level(), None);
    /// ```
    #[must_use]
    pub fn level(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Number(number) if number.is_nan() => None,
            Self::Number(number) => Some(spelled(*number)),
            Self::Text(text) => match text.trim() {
                "" => None,
                word if is_flag(word) => Some(word.to_ascii_lowercase()),
                word if is_long_integer(word) => Some(word.to_owned()),
                word => match word.parse::<f64>() {
                    Ok(number) if number.is_nan() => None,
                    Ok(number) if number.is_finite() => Some(spelled(number)),
                    _ => Some(text.clone()),
                },
            },
        }
    }

    /// The cell as a truth value: true or false, yes or no, 1 or 0; `None` for anything else.
    ///
    /// ```
    /// use srr_study::tables::RawCell;
    ///
    /// let text = |text: &str| RawCell::Text(text.to_owned()).truth();
    /// assert_eq!([text("True"), text("no"), text("0"), text("perhaps")], [Some(true), Some(false), Some(false), None]);
    /// ```
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        if let Self::Flag(flag) = self {
            return Some(*flag);
        }
        if let Value::Number(number) = self.value() {
            return match number {
                0.0 => Some(false),
                1.0 => Some(true),
                _ => None,
            };
        }
        let Self::Text(text) = self else { return None };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }

    /// The cell as a message shows it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => {
                let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                printable.take(60).collect()
            }
        }
    }

    /// A whole number: as a number where `f64` holds it, else as text, so that no two are taken for one.
    pub(super) fn integer(value: i128) -> Self {
        if value.abs() <= EXACT {
            Self::Number(value as f64)
        } else {
            Self::Text(value.to_string())
        }
    }

    /// The text of a field, or an empty cell.
    pub(crate) fn field(text: &str) -> Self {
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text.to_owned())
        }
    }
}

fn spelled(number: f64) -> String {
    (number + 0.0).to_string()
}

fn is_flag(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

fn is_long_integer(word: &str) -> bool {
    word.parse::<i128>().is_ok_and(|n| n.abs() > EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_has_one_spelling() {
        let level = |text: &str| RawCell::Text(text.to_owned()).level();
        for text in ["0.001", "1e-3", " 1.0E-3 "] {
            assert_eq!(level(text), RawCell::Number(0.001).level(), "{text}");
        }
        assert_eq!(level("-0"), RawCell::Number(0.0).level());
        assert_eq!(level("TRUE"), RawCell::Flag(true).level());
        // Two whole numbers that are one f64.
        assert_ne!(level("9007199254740993"), level("9007199254740992"));
        assert_eq!(
            RawCell::integer(9_007_199_254_740_993).level(),
            level("9007199254740993")
        );
    }

    #[test]
    fn what_is_missing_as_a_number_may_be_a_level() {
        for text in ["NA", "None", "null", "n/a"] {
            let cell = RawCell::Text(text.to_owned());
            assert_eq!(
                (cell.value(), cell.level().as_deref()),
                (Value::Missing, Some(text))
            );
        }
        for text in ["", "  ", "nan", "NaN"] {
            let cell = RawCell::Text(text.to_owned());
            assert_eq!((cell.value(), cell.level()), (Value::Missing, None));
        }
    }

    #[test]
    fn truth_is_read_in_every_spelling() {
        for (cell, truth) in [
            (RawCell::Flag(false), Some(false)),
            (RawCell::Number(1.0), Some(true)),
            (RawCell::Number(0.5), None),
            (RawCell::Text("FALSE".to_owned()), Some(false)),
            (RawCell::Text("Yes".to_owned()), Some(true)),
            (RawCell::Text("1.0".to_owned()), Some(true)),
            (RawCell::Empty, None),
        ] {
            assert_eq!(cell.truth(), truth, "{cell:?}");
        }
    }
}
