//! The bisection that both searches share.

use crate::measure::Undefined;

/// What a search looks for, and when it gives up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// By how much the accuracy shall fall.
    pub drop: f64,
    /// How near is near enough.
    pub tolerance: f64,
    /// Most sizes that are tried.
    pub steps: usize,
}

impl Default for Target {
    /// 0.10 ± 0.01 in at most 15 steps (Dziugaite et al. 2020, code).
    fn default() -> Self {
        Self {
            drop: 0.1,
            tolerance: 0.01,
            steps: 15,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            drop,
            tolerance,
            steps,
        } = self;
        write!(f, "accuracy −{drop} ± {tolerance} in {steps} steps")
    }
}

/// The size that a search ended at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The size: σ or α.
    pub size: f64,
    /// By how much the accuracy falls there.
    pub drop: f64,
    /// How many sizes were tried.
    pub steps: usize,
    /// How many images the accuracy was taken on.
    pub images: usize,
}

impl Target {
    /// The size in (`low`, `high`) at which `drop_at` falls into the target, trying the middle by `middle` again and again.
    ///
    /// # Errors
    /// Those of `drop_at`; [`Undefined::Search`] where no size tried is near enough.
    pub(super) fn search(
        &self,
        what: &'static str,
        [mut low, mut high]: [f64; 2],
        images: usize,
        middle: impl Fn(f64, f64) -> f64,
        mut drop_at: impl FnMut(f64) -> Result<f64, Undefined>,
    ) -> Result<Found, Undefined> {
        let (mut size, mut drop) = (f64::NAN, f64::NAN);
        for step in 1..=self.steps {
            size = middle(low, high);
            drop = drop_at(size)?;
            if (drop - self.drop).abs() <= self.tolerance {
                return Ok(Found {
                    size,
                    drop,
                    steps: step,
                    images,
                });
            }
            // A drop that is not a number counts as too far.
            if drop < self.drop {
                low = size;
            } else {
                high = size;
            }
        }
        Err(Undefined::Search {
            what,
            size,
            drop,
            target: self.drop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_ends_where_the_drop_is_right() {
        let target = Target::default();
        let found = target
            .search("σ", [0.0, 2.0], 9, |a, b| (a + b) / 2.0, |s| Ok(s * s))
            .unwrap();
        assert!((found.size * found.size - 0.1).abs() <= 0.01);
        assert_eq!((found.drop, found.images), (found.size * found.size, 9));
        // 1, 0.5, 0.25, 0.375, 0.3125.
        assert_eq!((found.size, found.steps), (0.3125, 5));
    }

    #[test]
    fn a_jump_over_the_target_is_no_result() {
        let jump = |s: f64| Ok(if s > 0.7 { 0.5 } else { 0.0 });
        let target = Target::default();
        let middle = |a: f64, b: f64| (a + b) / 2.0;
        let found = target.search("σ", [0.0, 2.0], 9, middle, jump);
        let Err(Undefined::Search { size, target, .. }) = found else {
            panic!("{found:?}");
        };
        assert!((size - 0.7).abs() < 1e-3);
        assert_eq!(target, 0.1);
        // A model that no perturbation of the range harms.
        let never = Target::default().search("σ", [0.0, 2.0], 9, middle, |_| Ok(0.0));
        assert!(matches!(never, Err(Undefined::Search { drop: 0.0, .. })));
    }
}
