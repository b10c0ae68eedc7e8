//! How numbers are set for readers. Files of comma-separated values do not come here: they keep every digit.

/// How the numbers of one column or axis are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    /// So many digits after the decimal point.
    Fixed(usize),
    /// So many digits from the first non-zero one, as a power of ten where the number is very large or small.
    Significant(usize),
}

impl Digits {
    /// A number in this style, as marked-up text.
    pub(super) fn format(self, value: f64) -> String {
        match self {
            Self::Fixed(decimals) => fixed(value, decimals),
            Self::Significant(digits) => significant(value, digits),
        }
    }

    /// A style for a column of numbers: three significant digits for the largest, aligned on the decimal point, unless the smallest
    /// would lose too much by that.
    pub(super) fn for_numbers(values: &[f64]) -> Self {
        let magnitudes: Vec<f64> = values
            .iter()
            .map(|v| v.abs())
            .filter(|v| *v > 0.0 && v.is_finite())
            .collect();
        let Some(largest) = magnitudes.iter().copied().reduce(f64::max) else {
            return Self::Fixed(if values.is_empty() { 2 } else { 0 });
        };
        let smallest = magnitudes.iter().copied().fold(largest, f64::min);
        let decimals = (2 - exponent(largest)).clamp(0, 5);
        if largest >= 1e7 || smallest < 0.95 * 10f64.powi(1 - decimals) {
            return Self::Significant(3);
        }
        let whole = values.iter().all(|v| v.fract() == 0.0);
        Self::Fixed(if whole { 0 } else { decimals as usize })
    }

    /// A style for estimates whose uncertainties are known: two digits of a typical uncertainty, one if that begins with 3 or more.
    pub(super) fn for_uncertainties(values: &[f64], uncertainties: &[f64]) -> Self {
        let mut known: Vec<f64> = uncertainties
            .iter()
            .copied()
            .filter(|u| *u > 0.0 && u.is_finite())
            .collect();
        if known.is_empty() {
            return Self::for_numbers(values);
        }
        known.sort_by(f64::total_cmp);
        let typical = known[known.len() / 2];
        let order = exponent(typical);
        let leading = typical / 10f64.powi(order);
        let decimals = if leading < 3.0 { 1 - order } else { -order };
        if !(-5..=6).contains(&decimals) {
            Self::Significant(4)
        } else {
            Self::Fixed(decimals.max(0) as usize)
        }
    }
}

/// Exponent of the leading decimal digit of a positive number.
pub(super) fn exponent(value: f64) -> i32 {
    // Through the decimal form: log10 is off by one just below powers of ten.
    let text = format!("{value:e}");
    text.rsplit('e')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// A number with so many digits after the decimal point and a typographic minus. Zero has no sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    match text.strip_prefix('-') {
        Some(rest) if zero => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

/// A number with so many significant digits, as marked-up text: plain from 0.001 to a million, with a power of ten beyond.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let rounded = format!("{:.*e}", digits.saturating_sub(1), value);
    let Some((mantissa, power)) = rounded.split_once('e') else {
        return rounded;
    };
    let power: i32 = power.parse().unwrap_or(0);
    if (-3..6).contains(&power) {
        let decimals = (digits as i32 - 1 - power).max(0) as usize;
        return fixed(value, decimals);
    }
    let mantissa = mantissa.replace('-', "\u{2212}");
    format!(
        "{mantissa}×10^{{{}}}",
        power.to_string().replace('-', "\u{2212}")
    )
}

/// An integer with thin spaces between groups of three digits where it has more than four.
pub(super) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    if value < 0 {
        out.push('\u{2212}');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digits.len() > 4 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202F}');
        }
        out.push(digit);
    }
    out
}

/// Why a number that is not finite is missing.
pub(super) fn why_not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "not a number"
    } else {
        "infinite"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign_and_minus_is_typographic() {
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(-0.0, 0), "0");
        assert_eq!(fixed(-1.25, 1), "\u{2212}1.2");
    }

    #[test]
    fn significant_digits_switch_to_powers_of_ten() {
        assert_eq!(significant(0.012345, 3), "0.0123");
        assert_eq!(significant(99999.9, 3), "100000");
        assert_eq!(significant(1.234e9, 3), "1.23×10^{9}");
        assert_eq!(significant(-1e-7, 2), "\u{2212}1.0×10^{\u{2212}7}");
        assert_eq!(significant(f64::MAX, 2), "1.8×10^{308}");
    }

    #[test]
    fn columns_keep_what_their_spread_justifies() {
        assert_eq!(Digits::for_numbers(&[0.445, -0.31]), Digits::Fixed(3));
        assert_eq!(Digits::for_numbers(&[95.25, 1.0]), Digits::Fixed(1));
        assert_eq!(Digits::for_numbers(&[95.25, 0.001]), Digits::Significant(3));
        assert_eq!(Digits::for_numbers(&[3.0, 12.0]), Digits::Fixed(0));
        assert_eq!(
            Digits::for_uncertainties(&[95.25], &[0.41]),
            Digits::Fixed(1)
        );
        assert_eq!(
            Digits::for_uncertainties(&[95.25], &[0.14]),
            Digits::Fixed(2)
        );
        assert_eq!(
            Digits::for_uncertainties(&[3e9], &[2e8]),
            Digits::Significant(4)
        );
        assert_eq!(
            Digits::for_uncertainties(&[1.5], &[f64::NAN]),
            Digits::for_numbers(&[1.5])
        );
    }

    #[test]
    fn exponents_are_exact_at_powers_of_ten() {
        for power in [-300, -5, -1, 0, 1, 3, 15, 300] {
            assert_eq!(exponent(format!("1e{power}").parse().unwrap()), power);
            assert_eq!(
                exponent(format!("9.999999999999e{power}").parse().unwrap()),
                power
            );
        }
    }

    #[test]
    fn long_integers_are_grouped() {
        assert_eq!(grouped(1234), "1234");
        assert_eq!(grouped(-1234567), "\u{2212}1\u{202F}234\u{202F}567");
        assert_eq!(
            grouped(i64::MIN)
                .chars()
                .filter(|c| c.is_ascii_digit())
                .count(),
            19
        );
    }
}
