//! Angle between the weights and their start.

use ndarray::Array2;
use srr_linalg::frobenius_norm;

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{Matrices, failed, in_words, matrices, mean, over_maps};
use crate::subject::{Scope, Subject};

/// $$\frac1L\sum_i 1-\cos(W_i,W_i^0),\quad \cos(A,B)=\frac{\langle A,B\rangle_F}{\|A\|_F\|B\|_F}$$ (Carbonnelle and De Vleeschouwer
/// 2019): 0 where no map has turned, 1 where all are orthogonal to their start, at most 2. Reported raw.
///
/// The paper looks at the whole course of training and at each layer by itself; this is the end of it, with the mean over each
/// layer's maps as part `rotation`. A map of zeros, now or at the start, leaves it undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LayerRotation {
    /// Which tensors count as weights.
    pub scope: Scope,
}

impl Measure for LayerRotation {
    fn about(&self) -> About<'_> {
        About::new(
            "layer-rotation",
            "Carbonnelle, De Vleeschouwer 2019",
            r"\frac1L\sum_i 1-\cos(W_i,W_i^0)",
            Cost::Weights,
        )
        .assuming("the weights at the start are known; no linear map is zero, now or at the start")
        .higher_is_better()
    }

    fn settings(&self) -> String {
        in_words(&[self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        // Asked for its check alone: maps now and at the start fit.
        matrices(subject, Matrices::Change, self.scope)?;
        let now = matrices(subject, Matrices::Now, self.scope)?;
        let start = matrices(subject, Matrices::Start, self.scope)?;
        let pairs = now.iter().zip(start.iter());
        let rotations: Vec<f64> = pairs
            .map(|((name, now), (_, start))| {
                // ½‖a − b‖² of unit vectors is 1 − cos(a, b) without its cancellation at small angles.
                let now = unit(now, || format!("the norm of {name}"))?;
                let start = unit(start, || format!("the norm of {name} at the start"))?;
                Ok((now - start).mapv(|x| x * x).sum() / 2.0)
            })
            .collect::<Result<_, Undefined>>()?;
        over_maps(subject, self.scope, "rotation", &rotations, mean)
    }
}

/// The matrix divided by its Frobenius norm.
fn unit(matrix: &Array2<f64>, what: impl Fn() -> String) -> Result<Array2<f64>, Undefined> {
    let norm = frobenius_norm(matrix.view()).map_err(failed("the Frobenius norm"))?;
    if norm > 0.0 {
        return Ok(matrix / norm);
    }
    let (what, value) = (what(), norm);
    Err(Undefined::NotPositive { what, value })
}
