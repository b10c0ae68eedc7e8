//! Flatness of the last layer relative to its weights.

use ndarray::{Array1, ArrayView1, Axis};

use crate::gradients::Mean;
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{all_finite, head};
use crate::subject::{Scope, Split, Subject, When};

/// $$\kappa=\sum_{s,s'}\langle w_s,w_{s'}\rangle\operatorname{tr}H_{s,s'}$$ of the head, w_s its rows and H_{s,s'} the blocks of the Hessian of the
/// mean cross-entropy with respect to rows s and s' (Petzka et al. 2021, "Relative Flatness and Generalization"). Reported raw.
///
/// For the head no Hessian-vector product is needed. With features φ and answers p = softmax(Wφ + b) of an image,
/// H_{s,s'} is the mean of (p_s δ_{ss'} − p_s p_{s'}) φφᵀ, hence
/// $$\kappa=\operatorname{mean}\;\|\varphi\|_2^2\Bigl(\sum_s p_s\|w_s\|_2^2-\bigl\|\textstyle\sum_s p_sw_s\bigr\|_2^2\Bigr),$$
/// over all training images, exactly. Scaling the features by c and the head by 1/c leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RelativeFlatness;

impl Measure for RelativeFlatness {
    fn about(&self) -> About<'_> {
        About::new(
            "relative-flatness",
            "Petzka et al. 2021",
            r"\sum_{s,s'}\langle w_s,w_{s'}\rangle\operatorname{tr}H_{s,s'}",
            Cost::ForwardPass,
        )
        .assuming(
            "the last map takes the features to the logits, and the loss is the cross-entropy",
        )
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let maps = subject.maps(When::Now, Scope::Maps)?;
        let (features, logits) = (
            subject.features(Split::Train)?,
            subject.logits(Split::Train)?,
        );
        let head = head(&maps, (logits.ncols(), features.values.ncols()))?;
        if features.values.nrows() != logits.nrows() {
            return Err(Undefined::Misfit(format!(
                "{} features for {} logits",
                features.values.nrows(),
                logits.nrows()
            )));
        }
        all_finite(features.values.iter(), "a feature")?;
        all_finite(logits.iter(), "a logit")?;
        let squares: Array1<f64> = head.matrix.map_axis(Axis(1), |row| row.dot(&row));
        let images = features.values.rows().into_iter().zip(logits.rows());
        let terms: Vec<(f64, usize)> = images
            .map(|(features, logits)| {
                let p = softmax(logits);
                let center = p.dot(&head.matrix);
                let spread = (p.dot(&squares) - center.dot(&center)).max(0.0);
                (features.dot(&features) * spread, 1)
            })
            .collect();
        if terms.is_empty() {
            return Err(Undefined::Misfit("there are no images".to_owned()));
        }
        Ok(Value::from(Mean::of_parts(&terms)))
    }
}

fn softmax(logits: ArrayView1<'_, f64>) -> Array1<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers = logits.mapv(|logit| (logit - highest).exp());
    let total = powers.sum();
    powers / total
}
