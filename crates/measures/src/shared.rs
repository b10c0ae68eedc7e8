//! Passes that several measures need, made once per [`Cached`](crate::Cached) subject.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;
use srr_linalg::{Factorization, frobenius_norm};

use crate::measure::{Undefined, Value};
use crate::subject::{LinearMap, Role, Scope, Split, Subject, When};

/// The result named `key` from the subject's memo, or computed where it has none. Names are prefixed by the measure or file they
/// belong to, so that none is used twice.
///
/// # Errors
/// Those of `compute`.
///
/// ```
/// use srr_measures::{Subject, Undefined, shared};
///
/// fn spread(subject: &dyn Subject) -> Result<f64, Undefined> {
///     let weights = shared(subject, "spread: sorted weights", || {
///         let mut weights = subject.parameters(srr_measures::When::Now)?.to_vec();
///         weights.sort_by(f64::total_cmp);
///         Ok(weights)
///     })?;
///     Ok(weights[weights.len() - 1] - weights[0])
/// }
/// ```
pub fn shared<T: Send + Sync + 'static>(
    subject: &dyn Subject,
    key: &str,
    compute: impl FnOnce() -> Result<T, Undefined>,
) -> Result<Arc<T>, Undefined> {
    match subject.memo() {
        Some(memo) => memo.get_or_compute(key, compute),
        None => compute().map(Arc::new),
    }
}

/// Which matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrices {
    /// W_i.
    Now,
    /// W_i⁰.
    Start,
    /// W_i − W_i⁰.
    Change,
}

/// Name and matrix of every map.
type Named = Vec<(String, Array2<f64>)>;

/// The chosen matrices of all maps, in the subject's order.
///
/// # Errors
/// A missing capability; no map at all; maps now and at the start that do not fit; entries that are not finite.
pub fn matrices(
    subject: &dyn Subject,
    which: Matrices,
    scope: Scope,
) -> Result<Arc<Named>, Undefined> {
    shared(subject, &format!("matrices {which:?} {scope:?}"), || {
        let named = |maps: Arc<Vec<LinearMap>>| -> Named {
            let pair = |map: &LinearMap| (map.name.clone(), map.matrix.clone());
            maps.iter().map(pair).collect()
        };
        let chosen = match which {
            Matrices::Now => named(subject.maps(When::Now, scope)?),
            Matrices::Start => named(subject.maps(When::Start, scope)?),
            Matrices::Change => change(
                &subject.maps(When::Now, scope)?,
                &subject.maps(When::Start, scope)?,
            )?,
        };
        if chosen.is_empty() {
            return Err(Undefined::Misfit(
                "the subject has no linear map".to_owned(),
            ));
        }
        for (name, matrix) in &chosen {
            all_finite(matrix, &format!("a weight of {name}"))?;
        }
        Ok(chosen)
    })
}

fn change(now: &[LinearMap], start: &[LinearMap]) -> Result<Named, Undefined> {
    let misfit = Undefined::Misfit;
    if now.len() != start.len() {
        let what = format!("{} maps now, {} at the start", now.len(), start.len());
        return Err(misfit(what));
    }
    let pairs = now.iter().zip(start);
    pairs
        .map(|(now, start)| {
            if now.name != start.name || now.matrix.dim() != start.matrix.dim() {
                return Err(misfit(format!(
                    "{} {:?} now, {} {:?} at the start",
                    now.name,
                    now.matrix.dim(),
                    start.name,
                    start.matrix.dim()
                )));
            }
            Ok((now.name.clone(), &now.matrix - &start.matrix))
        })
        .collect()
}

/// All entries of the chosen matrices are in `w`; this is ‖w‖₂².
///
/// # Errors
/// As [`matrices`].
pub fn squared_norm(
    subject: &dyn Subject,
    which: Matrices,
    scope: Scope,
) -> Result<f64, Undefined> {
    Ok(squared_frobenius_norms(subject, which, scope)?.iter().sum())
}

/// ‖·‖_F² of every chosen matrix.
///
/// # Errors
/// As [`matrices`].
pub fn squared_frobenius_norms(
    subject: &dyn Subject,
    which: Matrices,
    scope: Scope,
) -> Result<Arc<Vec<f64>>, Undefined> {
    shared(subject, &format!("frobenius {which:?} {scope:?}"), || {
        let norm = |matrix: ArrayView2<'_, f64>| {
            frobenius_norm(matrix).map_err(failed("the Frobenius norm"))
        };
        let matrices = matrices(subject, which, scope)?;
        matrices
            .iter()
            .map(|(_, w)| Ok(norm(w.view())?.powi(2)))
            .collect()
    })
}

/// Singular values of every chosen matrix, descending.
///
/// # Errors
/// As [`matrices`], and a decomposition that fails.
pub fn singular_values(
    subject: &dyn Subject,
    which: Matrices,
    scope: Scope,
) -> Result<Arc<Vec<Array1<f64>>>, Undefined> {
    shared(
        subject,
        &format!("singular values {which:?} {scope:?}"),
        || {
            let matrices = matrices(subject, which, scope)?;
            let decompose = |(name, matrix): &(String, Array2<f64>)| {
                let values = Factorization::default().singular_values(matrix.view());
                values.map_err(|error| Undefined::Failed {
                    what: "the singular value decomposition",
                    reason: format!("{name}: {error}"),
                })
            };
            let all: Vec<Result<Array1<f64>, Undefined>> =
                matrices.par_iter().map(decompose).collect();
            all.into_iter().collect()
        },
    )
}

/// ‖·‖₂² of every chosen matrix.
///
/// # Errors
/// As [`singular_values`].
pub fn squared_spectral_norms(
    subject: &dyn Subject,
    which: Matrices,
    scope: Scope,
) -> Result<Vec<f64>, Undefined> {
    let values = singular_values(subject, which, scope)?;
    let largest = |values: &Array1<f64>| values.iter().copied().fold(0.0, f64::max);
    Ok(values
        .iter()
        .map(|values| largest(values).powi(2))
        .collect())
}

/// Which norm of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixNorm {
    /// The largest singular value.
    Spectral,
    /// The root of the sum of squares.
    Frobenius,
}

/// The logarithm of the product of all squared norms of the maps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogProduct {
    /// Σ ln‖W_i‖².
    pub value: f64,
    /// Number L of maps.
    pub maps: usize,
}

impl LogProduct {
    /// Of the maps as they are now.
    ///
    /// # Errors
    /// As [`singular_values`] and [`sum_of_logarithms`].
    pub fn new(subject: &dyn Subject, norm: MatrixNorm, scope: Scope) -> Result<Self, Undefined> {
        let norms = match norm {
            MatrixNorm::Spectral => squared_spectral_norms(subject, Matrices::Now, scope)?,
            MatrixNorm::Frobenius => {
                squared_frobenius_norms(subject, Matrices::Now, scope)?.to_vec()
            }
        };
        Ok(Self {
            value: sum_of_logarithms(&norms)?,
            maps: norms.len(),
        })
    }

    /// The same of all norms divided by the margin once: Σ ln‖W_i‖² − 2 ln g.
    #[must_use]
    pub fn over_margin(self, margin: f64) -> Self {
        let value = self.value - 2.0 * margin.ln();
        Self { value, ..self }
    }

    /// ln(L · exp(value / L)): of L times the geometric mean of the factors.
    #[must_use]
    pub fn log_sum(self) -> f64 {
        let maps = self.maps as f64;
        maps.ln() + self.value / maps
    }
}

/// Σ a_i / ‖W_i‖₂² for squared norms `a` of the same maps.
///
/// # Errors
/// As [`singular_values`]; a map of zeros.
pub fn over_squared_spectral_norms(
    subject: &dyn Subject,
    numerators: &[f64],
    scope: Scope,
) -> Result<f64, Undefined> {
    let spectral = squared_spectral_norms(subject, Matrices::Now, scope)?;
    let ratio = |(&numerator, &norm): (&f64, &f64)| {
        if norm > 0.0 {
            return Ok(numerator / norm);
        }
        let what = "the spectral norm of a weight matrix".to_owned();
        Err(Undefined::NotPositive { what, value: norm })
    };
    numerators.iter().zip(&spectral).map(ratio).sum()
}

/// Σ ln x over squared norms.
///
/// # Errors
/// A norm of zero, whose logarithm does not exist.
pub fn sum_of_logarithms(squared_norms: &[f64]) -> Result<f64, Undefined> {
    let logarithm = |&norm: &f64| {
        if norm > 0.0 {
            return Ok(norm.ln());
        }
        let what = "the norm of a weight matrix".to_owned();
        Err(Undefined::NotPositive { what, value: norm })
    };
    squared_norms.iter().map(logarithm).sum()
}

/// The margin g: the ⌊m/10⌋-th smallest (the smallest for m < 10) over the training images of correct logit − best other logit.
/// It may be negative; see [`positive_margin`].
///
/// # Errors
/// A missing capability, no images, or logits that are not finite.
pub fn margin(subject: &dyn Subject) -> Result<f64, Undefined> {
    let margins = shared(subject, "margins sorted", || {
        let mut margins = subject.margins(Split::Train)?.to_vec();
        if margins.is_empty() || margins.iter().any(|m| !m.is_finite()) {
            let what = "a margin on the training images".to_owned();
            return Err(Undefined::NonFinite { what });
        }
        margins.sort_unstable_by(f64::total_cmp);
        Ok(margins)
    })?;
    Ok(margins[(margins.len() / 10).max(1) - 1])
}

/// What to do with a margin that is not positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NegativeMargin {
    /// The measure is undefined.
    #[default]
    Undefined,
    /// Take |g|, as the public code of Dziugaite et al. 2020 does (`reference_quirk`).
    AbsoluteValue,
}

impl NegativeMargin {
    /// In words, for reports; nothing for the default.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Undefined => "",
            Self::AbsoluteValue => "|g| for a margin below zero",
        }
    }
}

/// Settings one after another, without those that say nothing.
pub(crate) fn in_words(settings: &[&str]) -> String {
    let said = settings.iter().copied().filter(|words| !words.is_empty());
    said.collect::<Vec<_>>().join(", ")
}

/// The margin g for measures that divide by it.
///
/// # Errors
/// As [`margin`]; [`Undefined::Margin`] where it is zero, or negative and not to be flipped.
pub fn positive_margin(subject: &dyn Subject, negative: NegativeMargin) -> Result<f64, Undefined> {
    let margin = margin(subject)?;
    match negative {
        NegativeMargin::AbsoluteValue if margin != 0.0 => Ok(margin.abs()),
        _ if margin > 0.0 => Ok(margin),
        _ => Err(Undefined::Margin { margin }),
    }
}

/// The value that `of` makes of one number per map, and, as its part `name`, what it makes of the numbers of each layer's maps.
///
/// # Errors
/// A missing capability; numbers that are not one per map.
pub fn over_maps(
    subject: &dyn Subject,
    scope: Scope,
    name: &str,
    numbers: &[f64],
    of: fn(&[f64]) -> f64,
) -> Result<Value, Undefined> {
    let maps = subject.maps(When::Now, scope)?;
    if maps.is_empty() || maps.len() != numbers.len() {
        let what = format!("{} numbers for {} maps", numbers.len(), maps.len());
        return Err(Undefined::Misfit(what));
    }
    let mut layers: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (map, &number) in maps.iter().zip(numbers) {
        if let Role::Layer(layer) = map.role {
            layers.entry(layer).or_default().push(number);
        }
    }
    let with_layer = |value: Value, (&layer, numbers): (&usize, &Vec<f64>)| {
        value.with_part(name, Some(layer), of(numbers))
    };
    Ok(layers.iter().fold(Value::new(of(numbers)), with_layer))
}

/// The map from features to logits: the only head there is, [classes, features] as `shape` says, and finite.
///
/// # Errors
/// No head or several, another shape, a weight that is not finite.
pub(crate) fn head(maps: &[LinearMap], shape: (usize, usize)) -> Result<&LinearMap, Undefined> {
    let mut heads = maps.iter().filter(|map| map.role == Role::Head);
    let (Some(head), None) = (heads.next(), heads.next()) else {
        let what = "the head is not a single linear map".to_owned();
        return Err(Undefined::Misfit(what));
    };
    let (name, found) = (&head.name, head.matrix.dim());
    if found != shape {
        let what = format!("{name} is {found:?}, classes and features are {shape:?}");
        return Err(Undefined::Misfit(what));
    }
    all_finite(head.matrix.iter(), &format!("a weight of {name}"))?;
    Ok(head)
}

/// That all numbers are finite; `what` names one of them.
pub(crate) fn all_finite<'a>(
    numbers: impl IntoIterator<Item = &'a f64>,
    what: &str,
) -> Result<(), Undefined> {
    match numbers.into_iter().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err(Undefined::NonFinite {
            what: what.to_owned(),
        }),
    }
}

/// The mean of at least one number.
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Says which computation of `srr-linalg` failed.
pub(crate) fn failed(what: &'static str) -> impl Fn(srr_linalg::Error) -> Undefined {
    move |error| Undefined::Failed {
        what,
        reason: error.to_string(),
    }
}
