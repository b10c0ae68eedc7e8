//! How raw values are reported, in one place.

use crate::measure::{Measure, Undefined};
use crate::subject::Subject;

/// What stands between a raw value and a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Nothing.
    #[default]
    Raw,
    /// The form of a generalization bound on m training examples (Dziugaite et al. 2020): (raw − ln m)/2 where the measure's name starts
    /// with `log-`, else √(raw/m).
    Bound,
}

pub(crate) fn reported(
    measure: &dyn Measure,
    raw: f64,
    subject: &dyn Subject,
) -> Result<f64, Undefined> {
    if measure.about().transform == Transform::Raw {
        return Ok(raw);
    }
    let m = subject.training_examples()? as f64;
    if m < 1.0 {
        return Err(Undefined::NotPositive {
            what: "the number of training examples".to_owned(),
            value: m,
        });
    }
    if measure.name().starts_with("log-") {
        return Ok((raw - m.ln()) / 2.0);
    }
    if raw < 0.0 {
        return Err(Undefined::NotPositive {
            what: format!("the raw value of {}", measure.name()),
            value: raw,
        });
    }
    Ok((raw / m).sqrt())
}
