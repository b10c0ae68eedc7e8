//! Learning-rate schedules, as multiples of the base learning rate.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the learning rate moves over a run. The rate of a step is the base rate times [`factor`](Self::factor).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Schedule {
    /// The base rate throughout.
    #[default]
    Constant,
    /// The rate is multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs between two drops.
        every: usize,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// A linear rise over the first `warmup` epochs, then half a cosine down to `floor` at the end of the last epoch.
    WarmupCosine {
        /// Epochs of the rise; may be zero or a fraction. A file may leave it out for zero.
        warmup: f64,
        /// The last factor, in [0, 1]. A file may leave it out for zero.
        floor: f64,
    },
}

impl Schedule {
    /// The factor of step `step` (from 0) in a run of `epochs` epochs of `steps_per_epoch` steps.
    ///
    /// With `W` steps of warm-up and `T` in all, `WarmupCosine` is `(step + 1) / W` below `W`, then
    /// `floor + (1 − floor) (1 + cos(π (step − W) / (T − W))) / 2`.
    ///
    /// ```
    /// use srr_trainer::Schedule;
    /// let cosine = Schedule::WarmupCosine { warmup: 0.0, floor: 0.0 };
    /// assert_eq!(cosine.factor(0, 10, 4), 1.0);
    /// assert!((cosine.factor(20, 10, 4) - 0.5).abs() < 1e-12);
    /// ```
    pub fn factor(&self, step: u64, epochs: usize, steps_per_epoch: usize) -> f64 {
        match *self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => {
                let epoch = step / steps_per_epoch.max(1) as u64;
                factor.powi((epoch / every.max(1) as u64) as i32)
            }
            Self::WarmupCosine { warmup, floor } => {
                let rise = (warmup * steps_per_epoch as f64).round();
                let step = step as f64;
                if step < rise {
                    return (step + 1.0) / rise;
                }
                let rest = (epochs as f64 * steps_per_epoch as f64 - rise).max(1.0);
                let position = ((step - rise) / rest).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * position).cos())
            }
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the value out of range.
    pub fn validate(&self) -> Result<()> {
        let refuse = |field, value: String, expected| {
            Err(Error::Configuration {
                field,
                value,
                expected,
            })
        };
        match *self {
            Self::Constant => Ok(()),
            Self::Step { every: 0, .. } => {
                refuse("schedule.every", "0".into(), "at least one epoch")
            }
            Self::Step { factor, .. } if !(factor > 0.0 && factor <= 1.0) => {
                refuse("schedule.factor", factor.to_string(), "in (0, 1]")
            }
            Self::WarmupCosine { warmup, .. } if !(warmup >= 0.0 && warmup.is_finite()) => refuse(
                "schedule.warmup",
                warmup.to_string(),
                "a number of epochs, not negative",
            ),
            Self::WarmupCosine { floor, .. } if !(0.0..=1.0).contains(&floor) => {
                refuse("schedule.floor", floor.to_string(), "in [0, 1]")
            }
            _ => Ok(()),
        }
    }
}

/// The written form. Its `Constant` has braces, without which serde lets unknown keys pass.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Written {
    Constant {},
    Step {
        every: usize,
        factor: f64,
    },
    WarmupCosine {
        #[serde(default)]
        warmup: f64,
        #[serde(default)]
        floor: f64,
    },
}

impl From<Written> for Schedule {
    fn from(written: Written) -> Self {
        match written {
            Written::Constant {} => Self::Constant,
            Written::Step { every, factor } => Self::Step { every, factor },
            Written::WarmupCosine { warmup, floor } => Self::WarmupCosine { warmup, floor },
        }
    }
}

impl From<Schedule> for Written {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Constant => Self::Constant {},
            Schedule::Step { every, factor } => Self::Step { every, factor },
            Schedule::WarmupCosine { warmup, floor } => Self::WarmupCosine { warmup, floor },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn known_values() {
        assert_eq!(Schedule::Constant.factor(12_345, 3, 7), 1.0);
        let step = Schedule::Step {
            every: 2,
            factor: 0.1,
        };
        for (at, expected) in [(0, 1.0), (7, 1.0), (8, 0.1), (15, 0.1), (16, 0.01)] {
            assert!((step.factor(at, 9, 4) - expected).abs() < 1e-15, "{at}");
        }
        let cosine = Schedule::WarmupCosine {
            warmup: 2.0,
            floor: 0.1,
        };
        // 8 steps of warm-up, then 32: 0.1 + 0.45 (1 + cos(π t / 32)).
        let quarter = 0.1 + 0.45 * (1.0 + std::f64::consts::FRAC_1_SQRT_2);
        for (at, expected) in [
            (0, 0.125),
            (7, 1.0),
            (8, 1.0),
            (16, quarter),
            (24, 0.55),
            (40, 0.1),
        ] {
            let factor = cosine.factor(at, 10, 4);
            assert!((factor - expected).abs() < 1e-12, "{at}: {factor}");
        }
    }

    #[test]
    fn a_warmup_longer_than_the_run_rises_to_its_end() {
        let schedule = Schedule::WarmupCosine {
            warmup: 10.0,
            floor: 0.0,
        };
        assert_eq!(schedule.factor(7, 2, 4), 0.2);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for schedule in [
            Schedule::Step {
                every: 0,
                factor: 0.5,
            },
            Schedule::Step {
                every: 1,
                factor: f64::NAN,
            },
            Schedule::WarmupCosine {
                warmup: -1.0,
                floor: 0.0,
            },
            Schedule::WarmupCosine {
                warmup: 0.0,
                floor: 1.5,
            },
        ] {
            assert!(schedule.validate().is_err(), "{schedule:?}");
        }
    }
}
