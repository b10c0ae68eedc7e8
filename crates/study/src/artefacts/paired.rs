//! Two ways of training compared seed by seed: the mean difference and Student's interval for it.

use super::common::{TIE, deviation, fixed, mean};

/// The 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004,
    2.262_157, 2.228_139, 2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905,
    2.109_816, 2.100_922, 2.093_024, 2.085_963, 2.079_614, 2.073_873, 2.068_658, 2.063_899,
    2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
];

/// The difference of paired values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// Mean of second minus first.
    pub(super) difference: f64,
    /// Its 95 % interval (Student's t); `None` with a single pair.
    pub(super) interval: Option<(f64, f64)>,
    /// Number of pairs.
    pub(super) pairs: usize,
}

impl Paired {
    /// Second minus first of every pair; `None` without pairs.
    pub(super) fn new(pairs: &[(f64, f64)]) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| second - first).collect();
        let freedom = differences.len().checked_sub(1)?;
        let difference = mean(&differences);
        let interval = (freedom > 0).then(|| {
            let quantile = STUDENT
                .get(freedom - 1)
                .copied()
                .unwrap_or_else(|| wide(freedom as f64));
            let half = quantile * deviation(&differences) / (differences.len() as f64).sqrt();
            (difference - half, difference + half)
        });
        Some(Self {
            difference,
            interval,
            pairs: differences.len(),
        })
    }

    /// Whether the interval lies above zero (1), below (−1), or neither (0), by more than rounding.
    pub(super) fn sign(&self) -> i8 {
        match self.interval {
            Some((low, _)) if low > TIE => 1,
            Some((_, high)) if high < -TIE => -1,
            _ => 0,
        }
    }

    /// `+0.3 points [−0.1, 0.7]`.
    pub(super) fn say(&self) -> String {
        let plus = if self.difference > 0.0 { "+" } else { "" };
        let interval = match self.interval {
            Some((low, high)) => format!("[{}, {}]", fixed(low, 2), fixed(high, 2)),
            None => "(one pair)".to_owned(),
        };
        format!("{plus}{} points {interval}", fixed(self.difference, 2))
    }
}

/// The 97.5 % quantile beyond the table: the normal one with the first two terms of its expansion in 1/n (Cornish and Fisher).
fn wide(freedom: f64) -> f64 {
    let z: f64 = 1.959_963_985;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / freedom + second / freedom.powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_pairs_give_the_textbook_interval() {
        // Differences 1, 2, 3: mean 2, deviation 1, half-width 4.3027 / √3.
        let paired = Paired::new(&[(0.0, 1.0), (1.0, 3.0), (5.0, 8.0)]).unwrap();
        let (low, high) = paired.interval.unwrap();
        assert!((paired.difference - 2.0).abs() < 1e-12);
        assert!(
            (high - 2.0 - 4.302_653 / 3f64.sqrt()).abs() < 1e-6 && (high + low - 4.0).abs() < 1e-12
        );
        assert_eq!((paired.sign(), paired.pairs), (0, 3));
    }

    #[test]
    fn the_sign_needs_an_interval_off_zero() {
        let up = Paired::new(&[(0.0, 1.0), (0.0, 1.1), (0.0, 0.9)]).unwrap();
        let down = Paired::new(&[(1.0, 0.0), (1.1, 0.0), (0.9, 0.0)]).unwrap();
        assert_eq!((up.sign(), down.sign()), (1, -1));
        let single = Paired::new(&[(0.0, 1.0)]).unwrap();
        assert_eq!((single.sign(), single.interval), (0, None));
        assert_eq!(Paired::new(&[]), None);
    }

    #[test]
    fn the_expansion_meets_the_table() {
        assert!((wide(30.0) - STUDENT[29]).abs() < 2e-4);
        assert!(STUDENT.windows(2).all(|pair| pair[0] > pair[1]));
        // t for 60 degrees of freedom.
        assert!((wide(60.0) - 2.000_298).abs() < 5e-5);
    }
}
