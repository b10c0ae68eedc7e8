//! A progress bar with the time left.

use crate::{EpochRecord, Observer, Result, Start, Status, StepReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use srr_kernels::Backend;
use srr_layers::Parameters;

/// Shows steps taken, time left, the running loss and the last validation accuracy on a bar that the caller provides.
///
/// The time left is that to the last epoch; a stopping criterion ends the run before it.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    epochs: usize,
    loss: Option<f64>,
    accuracy: Option<f64>,
}

impl Progress {
    /// Draws on `bar`, which may be hidden or one of several.
    pub fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            epochs: 0,
            loss: None,
            accuracy: None,
        }
    }

    /// Draws on standard error, if that is a terminal.
    pub fn on_stderr() -> Self {
        Self::new(ProgressBar::with_draw_target(
            Some(0),
            ProgressDrawTarget::stderr(),
        ))
    }

    fn message(&self, epoch: usize) -> String {
        let loss = self.loss.map(|loss| format!(", loss {loss:.4}"));
        let share = |a: f64| format!(", accuracy {:.2} %", 100.0 * a);
        let parts = [loss, self.accuracy.map(share)].into_iter().flatten();
        format!("epoch {epoch}/{}{}", self.epochs, parts.collect::<String>())
    }
}

impl<B: Backend> Observer<B> for Progress {
    fn started(&mut self, start: &Start<'_>) -> Result<()> {
        self.epochs = start.epochs;
        // A style that does not parse would leave indicatif's own, which will do as well.
        if let Ok(style) =
            ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} ({eta} left) {msg}")
        {
            self.bar.set_style(style);
        }
        self.bar
            .set_length(start.epochs.saturating_mul(start.steps_per_epoch) as u64);
        self.bar.set_position(start.steps);
        // The steps of an earlier session took none of this one's time.
        self.bar.reset_eta();
        Ok(())
    }

    fn stepped(&mut self, report: &StepReport) -> Result<()> {
        let now = report.loss.loss;
        self.loss = Some(self.loss.map_or(now, |loss| 0.95 * loss + 0.05 * now));
        self.bar.set_position(report.step + 1);
        self.bar.set_message(self.message(report.epoch + 1));
        Ok(())
    }

    fn epoch_ended(&mut self, record: &EpochRecord, _parameters: &Parameters<B>) -> Result<()> {
        if let Some(validation) = record.validation {
            self.accuracy = validation.accuracy;
        }
        Ok(())
    }

    fn ended(&mut self, status: &Status) -> Result<()> {
        self.bar.abandon_with_message(status.to_string());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchLoss;
    use srr_kernels::Cpu;

    #[test]
    fn the_bar_follows_the_run() {
        let bar = ProgressBar::hidden();
        let mut progress = Progress::new(bar.clone());
        let observer: &mut dyn Observer<Cpu<f64>> = &mut progress;
        let start = Start {
            history: &[],
            epochs: 3,
            steps_per_epoch: 5,
            steps: 6,
        };
        observer.started(&start).unwrap();
        assert_eq!((bar.length(), bar.position()), (Some(15), 6));
        let loss = BatchLoss {
            examples: 4,
            loss: 0.5,
            penalty: 0.0,
            correct: Some(3),
        };
        let report = StepReport {
            step: 6,
            epoch: 1,
            learning_rate: 0.1,
            loss,
            gradient_norm: 1.0,
        };
        observer.stepped(&report).unwrap();
        assert_eq!(bar.position(), 7);
        assert_eq!(bar.message(), "epoch 2/3, loss 0.5000");
        observer.ended(&Status::Interrupted).unwrap();
        assert!(bar.is_finished());
    }
}
