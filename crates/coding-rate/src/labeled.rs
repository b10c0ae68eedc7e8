//! R^c(Z; Π), the rate of tokens coded class by class, and the rate reduction of MCR².

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use srr_linalg::Scalar;

use crate::inner::{Spectrum, UnitRows, sum};
use crate::{Coding, Error, Precision, Result, coding_rate, coding_rate_with_gradient, door};

/// The rate of labeled tokens, Σ_j N_j/(2N) logdet(I + d/(N_j ε²) Z_j Z_jᵀ), in nats (Yu et al. 2020, MCR², eq. 3).
///
/// `tokens` is [N, d], one token a row; `labels` has one class a token, and Z_j are the N_j tokens of class j. Classes may be named by
/// any numbers. Under [`Precision::unit_gamma`] the one head is the whole space: ε² = d/N.
///
/// # Errors
/// As [`coding_rate`](fn@crate::coding_rate), and [`Error::ShapeMismatch`] unless there is one label a token.
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, labeled_rate};
/// let tokens = array![[1.0_f64, 0.0], [0.0, 1.0], [2.0, 0.0]];
/// let rate = labeled_rate(tokens.view(), &[7, 3, 7], Precision::from_epsilon(1.0)?)?;
/// let expected = 2.0 / 6.0 * (1.0_f64 + 1.0 * 5.0).ln() + 1.0 / 6.0 * 3.0_f64.ln();
/// assert!((rate - expected).abs() < 1e-15);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn labeled_rate<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    coding: impl Into<Coding>,
) -> Result<T> {
    evaluate(tokens, labels, coding.into(), None)
}

/// The labeled rate with its gradient with respect to the tokens, [N, d]; a token's row depends on its own class alone.
///
/// # Errors
/// As [`labeled_rate`].
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, labeled_rate_with_gradient};
/// let tokens = array![[2.0_f64], [1.0]]; // two classes of one token: ¼ ln(1 + z²) each
/// let (_, gradient) = labeled_rate_with_gradient(tokens.view(), &[0, 1], Precision::from_epsilon(1.0)?)?;
/// assert!((gradient[[0, 0]] - 0.5 * 2.0 / 5.0).abs() < 1e-15);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn labeled_rate_with_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    coding: impl Into<Coding>,
) -> Result<(T, Array2<T>)> {
    let mut gradient = Array2::zeros(tokens.dim());
    let value = evaluate(tokens, labels, coding.into(), Some(gradient.view_mut()))?;
    Ok((value, gradient))
}

/// The rate reduction of MCR², ΔR(Z; Π) = R(Z) − R^c(Z; Π) (Yu et al. 2020, eq. 4).
///
/// # Errors
/// As [`labeled_rate`].
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, labeled_rate_reduction};
/// let tokens = array![[1.0_f64, 0.0], [0.0, 1.0]];
/// let reduction = |labels: &[u32]| labeled_rate_reduction(tokens.view(), labels, Precision::from_epsilon(0.5)?);
/// assert!(reduction(&[0, 0])?.abs() < 1e-15); // one class is the whole
/// assert!(reduction(&[0, 1])? > 0.5);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn labeled_rate_reduction<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    coding: impl Into<Coding>,
) -> Result<T> {
    let coding = coding.into();
    Ok(coding_rate(tokens, coding, tokens.ncols())? - labeled_rate(tokens, labels, coding)?)
}

/// The rate reduction of MCR² with its gradient with respect to the tokens, [N, d].
///
/// # Errors
/// As [`labeled_rate`].
///
/// ```
/// use ndarray::array;
/// use srr_coding_rate::{Precision, labeled_rate_reduction, labeled_rate_reduction_with_gradient};
/// let (tokens, precision) = (array![[1.0_f64, 0.2], [0.1, 1.0]], Precision::from_epsilon(0.5)?);
/// let (value, gradient) = labeled_rate_reduction_with_gradient(tokens.view(), &[0, 1], precision)?;
/// let climbed = &tokens + &gradient * 0.01; // along the gradient the reduction grows
/// assert!(labeled_rate_reduction(climbed.view(), &[0, 1], precision)? > value);
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
pub fn labeled_rate_reduction_with_gradient<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    coding: impl Into<Coding>,
) -> Result<(T, Array2<T>)> {
    let coding = coding.into();
    let (compressed, part) = labeled_rate_with_gradient(tokens, labels, coding)?;
    let (rate, gradient) = coding_rate_with_gradient(tokens, coding, tokens.ncols())?;
    Ok((rate - compressed, gradient - part))
}

/// The labeled rate, and into `gradient` [N, d] the gradient with respect to the tokens.
fn evaluate<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    coding: Coding,
    mut gradient: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let classes = classes(tokens, labels, coding.precision)?;
    let unit = coding
        .unit_tokens
        .then(|| UnitRows::new(tokens.to_owned(), tokens.ncols()));
    let coded = unit.as_ref().map_or(tokens, |unit| unit.values.view());
    let mut total = T::zero();
    for class in &classes {
        let chosen = coded.select(Axis(0), &class.members);
        let mut part = gradient.is_some().then(|| Array2::zeros(chosen.dim()));
        let out = part.as_mut().map(|part| part.view_mut());
        let scale = T::from_f64(class.scale);
        let value = sum("tokens", Spectrum::Exact, chosen.view(), scale, out)?;
        total += T::from_f64(class.weight) * value;
        if let (Some(gradient), Some(part)) = (&mut gradient, part) {
            let factor = T::from_f64(2.0 * class.weight * class.scale);
            for (&row, part) in class.members.iter().zip(part.rows()) {
                gradient
                    .row_mut(row)
                    .zip_mut_with(&part, |g, &p| *g = factor * p);
            }
        }
    }
    if let (Some(unit), Some(gradient)) = (unit, gradient) {
        unit.backward(gradient);
    }
    Ok(total)
}

struct Class {
    members: Vec<usize>,
    /// N_j/(2N).
    weight: f64,
    /// d/(N_j ε²).
    scale: f64,
}

/// The classes that have tokens, in the order of their numbers.
fn classes<T: Scalar>(
    tokens: ArrayView2<'_, T>,
    labels: &[u32],
    precision: Precision,
) -> Result<Vec<Class>> {
    door::tokens(tokens)?;
    let (n, d) = tokens.dim();
    if labels.len() != n {
        let (tokens, other) = (tokens.shape().to_vec(), vec![labels.len()]);
        return Err(Error::ShapeMismatch {
            operation: "labeled_rate",
            tokens,
            other,
        });
    }
    let mut members = std::collections::BTreeMap::<u32, Vec<usize>>::new();
    for (row, &label) in labels.iter().enumerate() {
        members.entry(label).or_default().push(row);
    }
    let epsilon_squared = precision.epsilon_squared(d, n);
    let class = |members: Vec<usize>| {
        let count = members.len() as f64;
        Class {
            weight: count / (2.0 * n as f64),
            scale: d as f64 / (count * epsilon_squared),
            members,
        }
    };
    Ok(members.into_values().map(class).collect())
}
