//! Path-norm.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::shared;
use crate::subject::{ProbeInput, Subject};

/// $$P=\sum_c f_{w^2}(\mathbf 1)_c$$: the sum of the logits on the input of ones, with every parameter squared and every norm the
/// identity (Jiang et al. 2019, eq. 44). Reported as √(P/m).
///
/// For a network of linear maps and rectifiers this is the sum, over all paths from input to output, of the product of squared
/// weights along the path. Softmax and soft thresholds have no such paths; there the same formula is taken, and where P is not
/// positive the measure is undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathNorm;

impl Measure for PathNorm {
    fn about(&self) -> About<'_> {
        About::new(
            "path-norm",
            "Jiang et al. 2019, eq. 44",
            r"\sum_c f_{w^2}(\mathbf 1)_c",
            Cost::ForwardPass,
        )
        .assuming("the network's output on squared weights is positive")
        .as_bound()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        path_norm(subject).map(Value::new)
    }
}

/// P, once per subject.
pub(crate) fn path_norm(subject: &dyn Subject) -> Result<f64, Undefined> {
    let norm = shared(subject, "path-norm", || {
        let logits = subject.mapped_forward(&|w| w * w, ProbeInput::Constant(1.0))?;
        let raw = logits.sum();
        if raw <= 0.0 {
            let what = "the path-norm".to_owned();
            return Err(Undefined::NotPositive { what, value: raw });
        }
        Ok(raw)
    })?;
    Ok(*norm)
}
