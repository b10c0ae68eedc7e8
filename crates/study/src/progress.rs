//! What a study tells about its progress. Libraries print nothing; a program implements [`Observer`].

use crate::clock::Spent;
use std::time::{Duration, Instant};

/// Hears what happens in a study, from several threads.
pub trait Observer: Sync {
    /// Called at each notice.
    fn notice(&self, notice: &Notice<'_>);
}

/// An observer that keeps silent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Notice<'_>) {}
}

/// Something worth telling.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// The runs are known.
    Planned {
        /// Runs the artefacts want, each counted once.
        runs: usize,
        /// Of these, how many are trained and measured already.
        finished: usize,
        /// Of the others, how many belong to this process's shard.
        ours: usize,
    },
    /// A run starts or goes on.
    Started {
        /// Its folder name.
        run: &'a str,
        /// What it is, for people.
        label: &'a str,
    },
    /// An epoch of a run ended.
    Epoch {
        /// The run's folder name.
        run: &'a str,
        /// Epochs done.
        epoch: usize,
        /// Epochs at most.
        of: usize,
        /// Running mean of the training loss over the epoch; none before the first.
        loss: Option<f64>,
        /// Share of the study's work done, in [0, 1].
        share: f64,
        /// Estimate of the time left for all runs.
        left: Option<Duration>,
    },
    /// A run is trained and measured.
    Finished {
        /// Its folder name.
        run: &'a str,
        /// What it is, for people.
        label: &'a str,
        /// How it ended, for people.
        outcome: &'a str,
        /// Share of the study's work done, in [0, 1].
        share: f64,
        /// Estimate of the time left for all runs.
        left: Option<Duration>,
    },
    /// All runs of this process's share are trained and measured, by this process or another one.
    Trained {
        /// How many were left to do when it began.
        runs: usize,
        /// The time since then, waiting for other processes included, and that of all its threads.
        spent: Spent,
        /// Threads it had.
        threads: usize,
    },
    /// All that is left is being trained by other processes.
    Waiting {
        /// Number of such runs.
        runs: usize,
    },
    /// An artefact is being put together.
    Collecting {
        /// Its name.
        artefact: &'a str,
    },
}

/// Work done so far against work to do, in any unit, and the time it took.
#[derive(Debug)]
pub struct Effort {
    start: Instant,
    costs: Vec<f64>,
    done: Vec<f64>,
}

impl Effort {
    /// Work of these costs lies ahead.
    #[must_use]
    pub fn new(costs: Vec<f64>) -> Self {
        Self {
            start: Instant::now(),
            done: vec![0.0; costs.len()],
            costs,
        }
    }

    /// Notes that a share in [0, 1] of one piece is done; it never falls.
    pub fn advance(&mut self, piece: usize, share: f64) {
        let share = share.clamp(0.0, 1.0) * self.costs[piece];
        self.done[piece] = self.done[piece].max(share);
    }

    /// Share of all work that is done.
    #[must_use]
    pub fn share(&self) -> f64 {
        let total: f64 = self.costs.iter().sum();
        if total > 0.0 {
            self.done.iter().sum::<f64>() / total
        } else {
            1.0
        }
    }

    /// Time left at the pace so far; unknown before anything is done.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let share = self.share();
        let left = self.start.elapsed().as_secs_f64() * (1.0 - share).max(0.0) / share;
        Duration::try_from_secs_f64(left).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Effort;

    #[test]
    fn shares_are_weighted_by_cost_and_never_fall() {
        let mut effort = Effort::new(vec![3.0, 1.0]);
        assert_eq!(effort.share(), 0.0);
        assert!(effort.left().is_none());
        effort.advance(0, 0.5);
        assert_eq!(effort.share(), 0.375);
        effort.advance(0, 0.25);
        effort.advance(1, 2.0);
        assert_eq!(effort.share(), 0.625);
        effort.advance(0, 1.0);
        assert_eq!(effort.left().unwrap().as_nanos(), 0);
    }
}
