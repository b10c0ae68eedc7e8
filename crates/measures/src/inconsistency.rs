//! How far models of one setting and different seeds disagree on images without labels.

use crate::{Unavailable, Undefined};
use ndarray::{Array2, ArrayView1};

/// The inconsistency of some models, [`inconsistency`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inconsistency {
    /// The mean over ordered pairs of models and over images, in nats; 0 when all models agree, and not bounded above.
    pub value: f64,
    /// Standard error of the mean over images, with two of them at least. The models are taken as given: their own spread is not in it.
    pub standard_error: Option<f64>,
    /// Number of models.
    pub models: usize,
    /// Number of images.
    pub images: usize,
}

/// Inconsistency of models trained alike but for what is random in training (Johnson and Zhang 2023, [Inconsistency, Instability, and
/// Generalization Gap of Deep Neural Network Training](https://arxiv.org/abs/2306.00169), §2): the mean over ordered pairs of different
/// models and over images $x$ of
///
/// $$\mathrm{KL}(f_\theta(x) \,\|\, f_{\theta'}(x)) = \sum_c f_\theta(x)_c \log \frac{f_\theta(x)_c}{f_{\theta'}(x)_c},$$
///
/// where $f_\theta$ is the softmax of the logits `[images, classes]`. It needs no labels.
///
/// ```
/// use ndarray::array;
///
/// // One image: probabilities (¾, ¼) and (¼, ¾), whose divergence is ½ ln 3 both ways.
/// let (a, b) = (array![[3.0_f64.ln(), 0.0]], array![[0.0, 3.0_f64.ln()]]);
/// let found = srr_measures::inconsistency(&[a, b])?;
/// assert!((found.value - 0.5 * 3.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), srr_measures::Undefined>(())
/// ```
///
/// # Errors
/// [`Undefined::Unavailable`] for fewer than two models or no images, [`Undefined::Misfit`] when shapes differ,
/// [`Undefined::NonFinite`] when a logit is.
pub fn inconsistency(logits: &[Array2<f64>]) -> Result<Inconsistency, Undefined> {
    let [first, _, ..] = logits else {
        return Err(Unavailable::capability("a second model of the same setting").into());
    };
    let (images, classes) = first.dim();
    if images == 0 || classes == 0 {
        return Err(Unavailable::capability("images to compare predictions on").into());
    }
    if let Some(other) = logits.iter().find(|other| other.dim() != first.dim()) {
        return Err(Undefined::Misfit(format!(
            "logits {:?} and {:?} of models of one setting",
            first.dim(),
            other.dim()
        )));
    }
    if !logits.iter().flatten().all(|logit| logit.is_finite()) {
        let what = "a logit".to_owned();
        return Err(Undefined::NonFinite { what });
    }
    let of_image = |image: usize| {
        let all: Vec<Vec<f64>> = logits
            .iter()
            .map(|model| log_softmax(model.row(image)))
            .collect();
        mean_divergence(&all)
    };
    let values: Vec<f64> = (0..images).map(of_image).collect();
    let n = images as f64;
    let value = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|one| (one - value).powi(2)).sum();
    Ok(Inconsistency {
        value,
        standard_error: (images > 1).then(|| (squares / (n - 1.0) / n).sqrt()),
        models: logits.len(),
        images,
    })
}

/// Logarithms of the softmax.
fn log_softmax(logits: ArrayView1<'_, f64>) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let shift = largest + sum.ln();
    logits.iter().map(|logit| logit - shift).collect()
}

/// Mean divergence over ordered pairs of different models, of logarithms of their probabilities.
fn mean_divergence(models: &[Vec<f64>]) -> f64 {
    let mut sum = 0.0;
    for (place, one) in models.iter().enumerate() {
        for other in &models[..place] {
            // Both directions at once: (p − q)(log p − log q) has no negative term.
            let terms = one
                .iter()
                .zip(other)
                .map(|(p, q)| (p.exp() - q.exp()) * (p - q));
            sum += terms.sum::<f64>();
        }
    }
    let pairs = models.len() * (models.len() - 1);
    sum / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Divergences by their definition, in both directions of every pair.
    fn by_definition(logits: &[Array2<f64>]) -> f64 {
        let (images, classes) = logits[0].dim();
        let probability = |model: usize, image: usize, class: usize| {
            let row = logits[model].row(image);
            row[class].exp() / row.iter().map(|logit| logit.exp()).sum::<f64>()
        };
        let (mut sum, mut count) = (0.0, 0.0);
        for a in 0..logits.len() {
            for b in (0..logits.len()).filter(|b| *b != a) {
                for image in 0..images {
                    for class in 0..classes {
                        let (p, q) = (probability(a, image, class), probability(b, image, class));
                        sum += p * (p / q).ln();
                    }
                    count += 1.0;
                }
            }
        }
        sum / count
    }

    #[test]
    fn it_is_the_mean_divergence_over_ordered_pairs() {
        let mut stream = srr_random::Seed::new(5).stream();
        for (models, images, classes) in [(2, 1, 2), (3, 5, 4), (5, 7, 3)] {
            let logits: Vec<Array2<f64>> = (0..models)
                .map(|_| Array2::from_shape_simple_fn((images, classes), || 2.0 * stream.normal()))
                .collect();
            let found = inconsistency(&logits).unwrap();
            let expected = by_definition(&logits);
            assert!(
                (found.value - expected).abs() < 1e-12,
                "{found:?} {expected}"
            );
            assert_eq!((found.models, found.images), (models, images));
        }
    }

    #[test]
    fn models_that_agree_have_none_and_a_shift_of_logits_changes_nothing() {
        let one = array![[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]];
        let other = array![[0.0, 0.0, 0.5], [1.0, 3.0, -1.0]];
        assert_eq!(
            inconsistency(&[one.clone(), one.clone()]).unwrap().value,
            0.0
        );
        let plain = inconsistency(&[one.clone(), other.clone()]).unwrap();
        let shifted = inconsistency(&[&one + 700.0, &other - 700.0]).unwrap();
        assert!((plain.value - shifted.value).abs() < 1e-12 && plain.value > 0.0);
    }

    #[test]
    fn logits_far_apart_give_a_finite_value() {
        // Probabilities that underflow: KL ≈ 2000 both ways.
        let found = inconsistency(&[array![[2000.0, 0.0]], array![[0.0, 2000.0]]]).unwrap();
        assert_eq!(found.value, 2000.0);
        assert_eq!(found.standard_error, None);
    }

    #[test]
    fn the_standard_error_is_that_of_the_mean_over_images() {
        // Divergences 0 and d: their standard error is d / 2, as is their mean.
        let agreed = [0.0, 0.0];
        let one = Array2::from_shape_vec((2, 2), [agreed, [1.0, 0.0]].concat()).unwrap();
        let other = Array2::from_shape_vec((2, 2), [agreed, [0.0, 1.0]].concat()).unwrap();
        let found = inconsistency(&[one, other]).unwrap();
        assert!((found.standard_error.unwrap() - found.value).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let one = array![[1.0, 2.0]];
        let said = |logits: &[Array2<f64>]| inconsistency(logits).unwrap_err().to_string();
        assert!(said(std::slice::from_ref(&one)).contains("second model"));
        assert!(said(&[one.clone(), array![[1.0, 2.0], [0.0, 0.0]]]).contains("(2, 2)"));
        assert!(said(&[one.clone(), array![[f64::NAN, 2.0]]]).contains("a logit is not finite"));
        let none = Array2::zeros((0, 2));
        assert!(said(&[none.clone(), none]).contains("images"));
    }
}
