//! One run as a task: claim its folder, train it, measure it.

use crate::{
    Result, StopFlag,
    clock::{Of, Watch},
    measuring::measure_run,
    plan::PlannedRun,
    progress::{Effort, Notice, Observer},
    scheduler::{Attempt, Task},
    store::{RunFolder, Timings},
    training::train_run,
};
use srr_measures::Registry;
use srr_trainer::{EpochRecord, has_checkpoints, remove_checkpoints, temporaries};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Whether a run is trained, everything asked of it is measured, and no checkpoint or half-written file is left.
pub(crate) fn is_done(run: &PlannedRun, folder: &RunFolder) -> Result<bool> {
    if folder.result(&run.config)?.is_none() || has_checkpoints(folder.path()) {
        return Ok(false);
    }
    let measures = folder.measures()?;
    for request in &run.measures {
        if !measures.contains_key(&request.digest()?) {
            return Ok(false);
        }
    }
    Ok(temporaries(folder.path())?.is_empty())
}

/// What the tasks of a study share.
pub(crate) struct Desk<'a> {
    observer: &'a dyn Observer,
    of: Of,
    checkpoint_every: Duration,
    registry: &'a Registry,
    effort: Mutex<Effort>,
}

impl<'a> Desk<'a> {
    /// For runs of these costs, measured by `registry`; `of` says whose processor time is a run's.
    pub(crate) fn new(
        observer: &'a dyn Observer,
        of: Of,
        checkpoint_every: Duration,
        registry: &'a Registry,
        costs: Vec<f64>,
    ) -> Self {
        Self {
            observer,
            of,
            checkpoint_every,
            registry,
            effort: Mutex::new(Effort::new(costs)),
        }
    }

    /// Notes progress of a run; the share of all work done and the time left.
    fn advance(&self, place: usize, share: f64) -> (f64, Option<Duration>) {
        let mut effort = self.effort.lock().unwrap_or_else(PoisonError::into_inner);
        effort.advance(place, share);
        (effort.share(), effort.left())
    }
}

/// A run to be trained and measured.
pub(crate) struct RunTask<'a> {
    place: usize,
    run: &'a PlannedRun,
    folder: RunFolder,
    desk: &'a Desk<'a>,
}

impl<'a> RunTask<'a> {
    pub(crate) fn new(
        place: usize,
        run: &'a PlannedRun,
        folder: RunFolder,
        desk: &'a Desk<'a>,
    ) -> Self {
        Self {
            place,
            run,
            folder,
            desk,
        }
    }

    fn hear(&self, record: &EpochRecord) {
        let of = self.run.config.training.epochs;
        let (share, left) = self
            .desk
            .advance(self.place, record.epoch as f64 / of.max(1) as f64);
        self.desk.observer.notice(&Notice::Epoch {
            run: &self.run.id,
            epoch: record.epoch,
            of,
            loss: record.running.map(|means| means.loss),
            share,
            left,
        });
    }

    /// Trains and measures; the caller holds the lock.
    fn work(&self, stop: &StopFlag) -> Result<Attempt> {
        self.desk.observer.notice(&Notice::Started {
            run: &self.run.id,
            label: &self.run.config.label(),
        });
        let watch = Watch::start(self.desk.of);
        let result = match self.folder.result(&self.run.config)? {
            Some(result) => {
                // A process that was killed after writing the result may have left them.
                remove_checkpoints(self.folder.path())?;
                Some(result)
            }
            None => {
                let result = train_run(
                    self.run,
                    &self.folder,
                    self.desk.checkpoint_every,
                    stop,
                    &|record| self.hear(record),
                );
                let training = watch.spent();
                self.folder.add_timings(Timings {
                    training,
                    sessions: 1,
                    ..Timings::default()
                })?;
                result?
            }
        };
        let Some(result) = result else {
            return Ok(Attempt::Stopped);
        };
        let watch = Watch::start(self.desk.of);
        let registry = self.desk.registry;
        let measured = measure_run(self.run, &self.folder, &result, registry, stop)?;
        if !measured.taken.is_empty() {
            self.folder.add_timings(Timings {
                measuring: watch.spent(),
                measures: measured.taken,
                ..Timings::default()
            })?;
        }
        if !measured.complete {
            return Ok(Attempt::Stopped);
        }
        let (share, left) = self.desk.advance(self.place, 1.0);
        let outcome = format!("{}, {} epochs", result.status, result.epochs);
        self.desk.observer.notice(&Notice::Finished {
            run: &self.run.id,
            label: &self.run.config.label(),
            outcome: &outcome,
            share,
            left,
        });
        Ok(Attempt::Done)
    }
}

impl Task for RunTask<'_> {
    fn cost(&self) -> f64 {
        self.run.config.cost()
    }

    fn attempt(&self, stop: &StopFlag) -> Result<Attempt> {
        if is_done(self.run, &self.folder)? {
            self.desk.advance(self.place, 1.0);
            return Ok(Attempt::Done);
        }
        match self.folder.claim(&self.run.config)? {
            Some(_lock) => self.work(stop),
            None => Ok(Attempt::Busy),
        }
    }
}
