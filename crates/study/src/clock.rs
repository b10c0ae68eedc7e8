//! Wall and processor time of a run; the only place of the study that looks at a clock.

use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Seconds spent on something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Seconds on the wall clock.
    pub wall: f64,
    /// Seconds of processor time, where the system tells (Linux).
    pub processor: Option<f64>,
}

impl Default for Spent {
    fn default() -> Self {
        Self::zero()
    }
}

impl Spent {
    /// No time at all.
    #[must_use]
    pub const fn zero() -> Self {
        Self {
            wall: 0.0,
            processor: Some(0.0),
        }
    }

    /// Both summed; processor time is known where both know it.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            wall: self.wall + other.wall,
            processor: self.processor.zip(other.processor).map(|(a, b)| a + b),
        }
    }
}

/// Whose processor time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The calling thread's, for work that stays on it.
    Thread,
    /// That of all threads of the process, for work that has the process for itself; to a hundredth of a second.
    Process,
}

/// A running stop watch.
#[derive(Debug)]
pub struct Watch {
    start: Instant,
    of: Of,
    processor: Option<f64>,
}

impl Watch {
    /// Starts one.
    #[must_use]
    pub fn start(of: Of) -> Self {
        Self {
            start: Instant::now(),
            of,
            processor: processor_seconds(of),
        }
    }

    /// Time spent since the start; to be asked on the thread that started it.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let now = processor_seconds(self.of);
        Spent {
            wall: self.start.elapsed().as_secs_f64(),
            processor: now
                .zip(self.processor)
                .map(|(now, then)| (now - then).max(0.0)),
        }
    }
}

#[cfg(target_os = "linux")]
fn processor_seconds(of: Of) -> Option<f64> {
    match of {
        Of::Thread => nanoseconds("/proc/thread-self/schedstat".as_ref()).map(|time| time * 1e-9),
        Of::Process => {
            let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
            ticks(&stat).map(|ticks| ticks / 100.0)
        }
    }
}

/// The first number of a `schedstat` file: nanoseconds spent on a processor.
#[cfg(target_os = "linux")]
fn nanoseconds(path: &std::path::Path) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Numbers 14 and 15 of a `stat` file: hundredths of a second that a process and its threads, ended ones too, spent in programs and in the
/// kernel.
#[cfg(target_os = "linux")]
fn ticks(text: &str) -> Option<f64> {
    // The second field, a name in parentheses, may hold anything.
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds(_: Of) -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn ticks_are_those_of_programs_and_of_the_kernel() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 31 12 13 20 0 2 0 99";
        assert_eq!(ticks(stat), Some(281.0));
        assert_eq!(ticks("7 (a) S 1 2"), None);
    }

    #[test]
    fn unknown_processor_time_stays_unknown() {
        let known = Spent {
            wall: 1.0,
            processor: Some(2.0),
        };
        let unknown = Spent {
            wall: 3.0,
            processor: None,
        };
        assert_eq!(
            known.plus(known),
            Spent {
                wall: 2.0,
                processor: Some(4.0)
            }
        );
        assert_eq!(
            known.plus(unknown),
            Spent {
                wall: 4.0,
                processor: None
            }
        );
    }
}
