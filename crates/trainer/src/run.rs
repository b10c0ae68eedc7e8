//! The training loop.

use crate::{
    EpochRecord, Finite, Objective, Observer, OptimizerState, Quantity, RandomSubspace, Reason,
    Recipe, Result, Scores, Start, Status, StepReport, StopAt,
    resume::{self, Position},
};
use serde_json::Value;
use srr_kernels::Backend;
use srr_layers::{Gradients, Parameters};
use srr_random::Seed;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Where and when a run saves itself, and when it stops. Nothing here changes what a run computes.
#[derive(Clone)]
pub struct FitOptions<'a> {
    /// The folder of the run's checkpoints, which must exist. Without one nothing is saved or resumed.
    pub folder: Option<PathBuf>,
    /// The least time between two checkpoints at ends of epochs. Within an epoch one is written after twelve times as long.
    pub checkpoint_every: Duration,
    /// Asked before every step; `true` ends the run as [`Status::Interrupted`], with a checkpoint.
    pub stop: Option<&'a (dyn Fn() -> bool + Sync)>,
}

impl Default for FitOptions<'_> {
    /// No folder, five seconds, never.
    fn default() -> Self {
        Self {
            folder: None,
            checkpoint_every: Duration::from_secs(5),
            stop: None,
        }
    }
}

impl std::fmt::Debug for FitOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitOptions")
            .field("folder", &self.folder)
            .field("checkpoint_every", &self.checkpoint_every)
            .field("stop", &self.stop.map(|_| "asked"))
            .finish()
    }
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome<B: Backend> {
    /// How it ended.
    pub status: Status,
    /// Number of epochs trained to their end.
    pub epochs: usize,
    /// Number of steps taken.
    pub steps: u64,
    /// The parameters at the start.
    pub initial: Parameters<B>,
    /// The parameters at the end. A diverged run has none worth keeping: these are then the initial ones.
    pub parameters: Parameters<B>,
    /// A record before the first epoch and after each.
    pub history: Vec<EpochRecord>,
    /// What the run went on from, if it did not start from nothing.
    pub resumed: Option<Resumed>,
}

/// What a run went on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Steps taken before.
    pub steps: u64,
    /// Why the last checkpoint could not be read, where the one before it was taken.
    pub passed_over: Option<String>,
}

impl<B: Backend> Outcome<B> {
    /// The training set's scores in evaluation mode at the end; `None` unless the run finished.
    pub fn training_scores(&self) -> Option<Scores> {
        self.last()?.train
    }

    /// The validation set's scores at the end; `None` unless the run finished and there is such a set.
    pub fn validation_scores(&self) -> Option<Scores> {
        self.last()?.validation
    }

    fn last(&self) -> Option<&EpochRecord> {
        matches!(self.status, Status::Finished { .. })
            .then(|| self.history.last())
            .flatten()
    }
}

/// Minimizes an objective from given parameters, or goes on from the checkpoint in the options' folder.
///
/// Two runs with equal arguments give the same bits, whatever the number of threads and however often either was interrupted:
/// everything drawn in step s comes from `seed.purpose("step").index(s)`, and batches are a function of the epoch. `configuration`
/// stands for all that determines the result besides; a checkpoint with another one is refused.
///
/// # Errors
/// [`Error::Configuration`](crate::Error), [`Error::OtherConfiguration`](crate::Error),
/// [`Error::NoReadableCheckpoint`](crate::Error), file errors, and what the objective or
/// an observer refuses. A loss that is not finite is no error but [`Status::Diverged`].
pub fn train<B: Backend, O: Objective<B>>(
    objective: &O,
    initial: Parameters<B>,
    recipe: &Recipe,
    seed: Seed,
    configuration: &Value,
    options: &FitOptions<'_>,
    observers: &mut [&mut dyn Observer<B>],
) -> Result<Outcome<B>> {
    recipe.validate()?;
    let mut run = Run::open(
        objective,
        initial.clone(),
        recipe,
        seed,
        configuration,
        options,
    )?;
    let history = &run.position.history;
    let start = Start {
        history,
        epochs: recipe.epochs,
        steps_per_epoch: objective.batches_per_epoch(),
        steps: run.position.steps,
    };
    observers.iter_mut().try_for_each(|o| o.started(&start))?;
    let status = run.finish(observers)?;
    observers.iter_mut().try_for_each(|o| o.ended(&status))?;
    let diverged = matches!(status, Status::Diverged { .. });
    Ok(Outcome {
        status,
        epochs: run.position.epoch,
        steps: run.position.steps,
        parameters: if diverged {
            initial.clone()
        } else {
            run.parameters
        },
        initial,
        history: run.position.history,
        resumed: run.resumed,
    })
}

/// A run between its steps.
struct Run<'a, B: Backend, O> {
    objective: &'a O,
    recipe: &'a Recipe,
    seed: Seed,
    options: &'a FitOptions<'a>,
    saver: Option<resume::Saver>,
    saved: Instant,
    parameters: Parameters<B>,
    gradients: Gradients<B>,
    optimizer: OptimizerState<B>,
    subspace: Option<RandomSubspace>,
    position: Position,
    resumed: Option<Resumed>,
}

impl<'a, B: Backend, O: Objective<B>> Run<'a, B, O> {
    fn open(
        objective: &'a O,
        mut parameters: Parameters<B>,
        recipe: &'a Recipe,
        seed: Seed,
        configuration: &Value,
        options: &'a FitOptions<'a>,
    ) -> Result<Self> {
        let backend = objective.backend();
        let mut optimizer = OptimizerState::new(recipe.optimizer, backend, &parameters)?;
        let subspace = recipe
            .subspace
            .map(|config| RandomSubspace::of(config, &parameters, seed))
            .transpose()?;
        let folder = options.folder.as_deref();
        let saver = folder
            .map(|folder| resume::Saver::new(folder, configuration))
            .transpose()?;
        let found = saver
            .as_ref()
            .map(|s| s.restore(backend, &mut parameters, &mut optimizer))
            .transpose()?;
        let (position, resumed) = match found.flatten() {
            Some((position, passed_over)) => {
                let steps = position.steps;
                (position, Some(Resumed { steps, passed_over }))
            }
            None => (Position::default(), None),
        };
        Ok(Self {
            objective,
            recipe,
            seed,
            options,
            saver,
            saved: Instant::now(),
            gradients: Gradients::zeros(backend, &parameters)?,
            parameters,
            optimizer,
            subspace,
            position,
            resumed,
        })
    }

    fn finish(&mut self, observers: &mut [&mut dyn Observer<B>]) -> Result<Status> {
        if self.position.history.is_empty() {
            let ended = self.record(observers)?;
            self.conclude(ended)?;
        }
        loop {
            if let Some(status) = &self.position.status {
                return Ok(status.clone());
            }
            if let Some(status) = self.epoch(observers)? {
                self.conclude(Some(status.clone()))?;
                return Ok(status);
            }
            let ended = self.record(observers)?;
            self.conclude(ended)?;
        }
    }

    /// Saves the run if it has ended or if a checkpoint is due. An interruption is saved but not kept as the end.
    fn conclude(&mut self, ended: Option<Status>) -> Result<()> {
        let over = ended.is_some();
        self.position.status = ended.filter(|status| *status != Status::Interrupted);
        if over || self.saved.elapsed() >= self.options.checkpoint_every {
            self.save()?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        if let Some(saver) = &self.saver {
            let backend = self.objective.backend();
            saver.save(
                backend,
                &self.parameters,
                &mut self.optimizer,
                &self.position,
                &self.objective.metadata(),
            )?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// The steps of the current epoch that are left; a status when the run ends within it.
    fn epoch(&mut self, observers: &mut [&mut dyn Observer<B>]) -> Result<Option<Status>> {
        let objective = self.objective;
        let within = self.options.checkpoint_every.saturating_mul(12);
        for batch in objective.batches(self.position.epoch as u64, self.position.batch) {
            if self.options.stop.is_some_and(|stop| stop()) {
                return Ok(Some(Status::Interrupted));
            }
            if self.position.batch > 0 && self.saved.elapsed() >= within {
                self.save()?;
            }
            match self.step(&batch)? {
                Ok(report) => observers.iter_mut().try_for_each(|o| o.stepped(&report))?,
                Err(quantity) => return Ok(Some(self.diverged(quantity))),
            }
        }
        Ok(None)
    }

    fn diverged(&self, quantity: Quantity) -> Status {
        let step = self.position.steps;
        tracing::warn!(step, %quantity, "the run diverged");
        Status::Diverged { step, quantity }
    }

    fn step(&mut self, batch: &O::Batch) -> Result<Finite<StepReport>> {
        let backend = self.objective.backend();
        let step = self.position.steps;
        self.gradients.clear(backend)?;
        let seed = self.seed.purpose("step").index(step);
        let loss =
            self.objective
                .loss_and_gradient(&self.parameters, batch, seed, &mut self.gradients)?;
        let loss = match loss {
            Ok(loss) => loss,
            Err(quantity) => return Ok(Err(quantity)),
        };
        let norm = match self.gradient_norm()? {
            Ok(norm) => norm,
            Err(quantity) => return Ok(Err(quantity)),
        };
        if let Some(limit) = self.recipe.clip_norm {
            crate::clip::scale_to(backend, &mut self.gradients, norm, limit)?;
        }
        let learning_rate = self.learning_rate(step);
        self.optimizer.step(
            backend,
            &mut self.parameters,
            &self.gradients,
            learning_rate,
        )?;
        self.position.sums.add(&loss, norm);
        self.position.batch += 1;
        self.position.steps += 1;
        Ok(Ok(StepReport {
            step,
            epoch: self.position.epoch,
            learning_rate,
            loss,
            gradient_norm: norm,
        }))
    }

    /// The global norm of the gradient, which is first put into the subspace where there is one.
    fn gradient_norm(&mut self) -> Result<Finite<f64>> {
        let backend = self.objective.backend();
        let norm = crate::clip::global_norm(backend, &self.parameters, &self.gradients)?;
        match &self.subspace {
            Some(subspace) if norm.is_ok() => {
                subspace.project(backend, &self.parameters, &mut self.gradients)?;
                crate::clip::global_norm(backend, &self.parameters, &self.gradients)
            }
            _ => Ok(norm),
        }
    }

    /// Closes the epoch, or the time before the first one, with a record, and says whether the run has ended.
    fn record(&mut self, observers: &mut [&mut dyn Observer<B>]) -> Result<Option<Status>> {
        let (record, reason) = match self.assess()? {
            Ok(assessed) => assessed,
            Err(quantity) => return Ok(Some(self.diverged(quantity))),
        };
        observers
            .iter_mut()
            .try_for_each(|o| o.epoch_ended(&record, &self.parameters))?;
        self.position.close(record);
        Ok(reason.map(|reason| Status::Finished { reason }))
    }

    /// Evaluates what is due: the epoch's record, and why the run has ended if it has.
    fn assess(&self) -> Result<Finite<(EpochRecord, Option<Reason>)>> {
        let (recipe, objective, parameters) = (self.recipe, self.objective, &self.parameters);
        let running = self.position.sums.means();
        let epoch = self.position.epoch + usize::from(running.is_some());
        let last = epoch >= recipe.epochs;
        let watched = recipe
            .stop
            .filter(|stop| running.is_some_and(|means| means.loss < stop.running_mean_below));
        let train = if last || watched.is_some() {
            Some(objective.training_scores(parameters)?)
        } else {
            None
        };
        let train = match train.transpose() {
            Ok(train) => train,
            Err(quantity) => return Ok(Err(quantity)),
        };
        let met = |(stop, train): (StopAt, Scores)| train.loss <= stop.cross_entropy;
        let reason = if watched.zip(train).is_some_and(met) {
            Some(Reason::Target)
        } else {
            last.then_some(Reason::Epochs)
        };
        let due = |every: usize| every > 0 && (reason.is_some() || epoch.is_multiple_of(every));
        let validation = if reason.is_some() || due(recipe.evaluate_every) {
            objective.validation_scores(parameters)?
        } else {
            None
        };
        let validation = match validation.transpose() {
            Ok(validation) => validation,
            Err(quantity) => return Ok(Err(quantity)),
        };
        let layers = if due(recipe.probe_every) {
            objective.probe(parameters)?
        } else {
            None
        };
        let record = EpochRecord {
            epoch,
            steps: self.position.steps,
            learning_rate: running.map(|_| self.learning_rate(self.position.steps - 1)),
            running,
            train,
            validation,
            layers,
        };
        Ok(Ok((record, reason)))
    }

    /// The learning rate of a step.
    fn learning_rate(&self, step: u64) -> f64 {
        let steps_per_epoch = self.objective.batches_per_epoch();
        let (recipe, epochs) = (self.recipe, self.recipe.epochs);
        recipe.learning_rate * recipe.schedule.factor(step, epochs, steps_per_epoch)
    }
}
