//! Robustness to pruning.

use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::in_words;
use crate::subject::{Images, Scope, Subject, When};

/// $$\min\lbrace k/\omega: \mathcal L(w_{(k)})\le\mathcal L(w)+\Delta\rbrace$$ with $w_{(k)}$ the weights with all but the k largest
/// magnitudes set to zero (Kuhn et al. 2021, prunability): the smallest share of the weights that carries the loss. Reported raw.
///
/// One threshold holds for all maps; of equal magnitudes the one earlier in the flat vector stays. Tensors out of scope stay as they
/// are, and nothing is trained again. k is found by bisection, so that the share is known up to 2^−`steps`. The loss need not grow at
/// every step towards fewer weights; then the answer is one crossing of the limit, not surely the lowest: its loss is within the
/// limit, and that of the largest k tried below it is not. A loss that is not finite once weights are gone counts as above the limit.
/// Parts: `loss`, and `loss_pruned` at the answer.
///
/// The paper asks for a loss within a factor of that of the whole network, [`LossRise::Relative`]; networks that fit their images to
/// different degrees then get different room, and those that fit them perfectly none, so that the default is a rise of 0.1 nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PruningRobustness {
    /// Which tensors are pruned.
    pub scope: Scope,
    /// On which images the loss is taken.
    pub images: Images,
    /// By how much the loss may rise.
    pub rise: LossRise,
    /// How often the range is halved.
    pub steps: usize,
}

/// By how much pruning may raise the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossRise {
    /// By so many nats.
    Absolute(f64),
    /// By so many times the loss of the whole network.
    Relative(f64),
}

impl Default for PruningRobustness {
    fn default() -> Self {
        Self {
            scope: Scope::Maps,
            images: Images::fixed(512),
            rise: LossRise::Absolute(0.1),
            steps: 10,
        }
    }
}

impl Measure for PruningRobustness {
    fn about(&self) -> About<'_> {
        About::new(
            "pruning-robustness",
            "Kuhn et al. 2021",
            r"\min\lbrace k/\omega: \mathcal L(w_{(k)})\le\mathcal L(w)+\Delta\rbrace",
            Cost::Search,
        )
        .assuming(
            "the loss falls with the share of weights kept, or some crossing of the limit will do",
        )
    }

    fn settings(&self) -> String {
        let rise = match self.rise {
            LossRise::Absolute(rise) => format!("{rise} nats"),
            LossRise::Relative(rise) => format!("{rise} of the loss"),
        };
        let search = format!("{rise}, {} steps, {}", self.steps, self.images);
        in_words(&[&search, self.scope.words()])
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let weights = subject.parameters(When::Now)?;
        let order = by_magnitude(subject, &weights, self.scope)?;
        let whole = subject.evaluate_at(&weights, self.images)?;
        let limit = self.limit(whole.loss)?;
        // `kept` weights are enough; fewer than `fewest` are taken for too few.
        let (mut fewest, mut kept, mut loss) = (0, order.len(), whole.loss);
        for _ in 0..self.steps {
            if fewest == kept {
                break;
            }
            let middle = usize::midpoint(fewest, kept);
            let mut pruned = weights.to_vec();
            order[middle..].iter().for_each(|&i| pruned[i] = 0.0);
            let found = subject.evaluate_at(&pruned, self.images)?.loss;
            if found <= limit {
                (kept, loss) = (middle, found);
            } else {
                fewest = middle + 1;
            }
        }
        Ok(Value::new(kept as f64 / order.len() as f64)
            .with_images(whole.images)
            .with_part("loss", None, whole.loss)
            .with_part("loss_pruned", None, loss))
    }
}

impl PruningRobustness {
    /// The largest loss that is still accepted.
    fn limit(&self, loss: f64) -> Result<f64, Undefined> {
        let (LossRise::Absolute(rise) | LossRise::Relative(rise)) = self.rise;
        if !(rise >= 0.0 && rise.is_finite()) {
            let what = format!("a loss cannot be kept within a rise of {rise}");
            return Err(Undefined::Misfit(what));
        }
        if !loss.is_finite() {
            let what = "the loss of the whole network".to_owned();
            return Err(Undefined::NonFinite { what });
        }
        Ok(match self.rise {
            LossRise::Absolute(rise) => loss + rise,
            LossRise::Relative(rise) => loss * (1.0 + rise),
        })
    }
}

/// Positions of the maps' entries in the flat vector, the largest magnitude first.
fn by_magnitude(
    subject: &dyn Subject,
    weights: &[f64],
    scope: Scope,
) -> Result<Vec<usize>, Undefined> {
    let mut order = Vec::new();
    for map in subject.maps(When::Now, scope)?.iter() {
        let positions = map.offset..map.offset.saturating_add(map.matrix.len());
        let name = &map.name;
        let Some(entries) = weights.get(positions.clone()) else {
            let what = format!("{name} reaches beyond the {} parameters", weights.len());
            return Err(Undefined::Misfit(what));
        };
        if entries.iter().any(|w| !w.is_finite()) {
            let what = format!("a weight of {name}");
            return Err(Undefined::NonFinite { what });
        }
        order.extend(positions);
    }
    if order.is_empty() {
        let what = "the subject has no weight to prune".to_owned();
        return Err(Undefined::Misfit(what));
    }
    order.sort_by(|&i, &j| weights[j].abs().total_cmp(&weights[i].abs()));
    Ok(order)
}
