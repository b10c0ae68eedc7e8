//! What the measures of features share: features that are checked, class means, and the distance to a simplex.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use srr_linalg::frobenius_norm;

use crate::measure::Undefined;
use crate::shared::{failed, shared};
use crate::subject::{Features, Split, Subject};

/// Differences from a mean that are smaller than this share of the vectors themselves are rounding.
const ROUNDING: f64 = 1e-12;

/// The means of the features of every class of a split.
pub(super) struct ClassMeans {
    /// One row per class, [C, d].
    pub(super) means: Array2<f64>,
    /// M: the same without their mean, [C, d].
    pub(super) centered: Array2<f64>,
}

/// The features of a split: finite, one label each, at least one image and one dimension.
pub(super) fn features(subject: &dyn Subject, split: Split) -> Result<Arc<Features>, Undefined> {
    let checked = shared(subject, &format!("features: checked {split:?}"), || {
        let features = subject.features(split)?;
        let (values, labels) = (&features.values, features.labels.len());
        if values.is_empty() || values.nrows() != labels {
            let what = format!("features {:?} for {labels} labels", values.dim());
            return Err(Undefined::Misfit(what));
        }
        if values.iter().any(|h| !h.is_finite()) {
            let what = "a feature".to_owned();
            return Err(Undefined::NonFinite { what });
        }
        Ok(features)
    })?;
    Ok(Arc::clone(&checked))
}

/// The class means of a split. There are as many classes as labels of the split and of the training images say; every one has an
/// image, there are two at least, and their means differ by more than rounding.
pub(super) fn class_means(
    subject: &dyn Subject,
    split: Split,
) -> Result<Arc<ClassMeans>, Undefined> {
    shared(subject, &format!("features: class means {split:?}"), || {
        let features = features(subject, split)?;
        let trained = subject.labels(Split::Train)?;
        let largest = trained.iter().chain(&features.labels).max();
        let classes = largest.map_or(0, |largest| largest.saturating_add(1));
        let means = means(&features, classes)?;
        let global = means.sum_axis(Axis(0)) / classes as f64;
        let centered = &means - &global;
        if is_rounding(&centered, &means) {
            let what = "the scatter between classes".to_owned();
            return Err(Undefined::NotPositive { what, value: 0.0 });
        }
        Ok(ClassMeans { means, centered })
    })
}

/// The mean of the features of every class.
fn means(features: &Features, classes: usize) -> Result<Array2<f64>, Undefined> {
    let images = features.labels.len();
    if classes < 2 {
        return Err(Undefined::Misfit("there is a single class".to_owned()));
    }
    if classes > images {
        let what = format!("{images} images cannot show {classes} classes");
        return Err(Undefined::Misfit(what));
    }
    let mut means = Array2::zeros((classes, features.values.ncols()));
    let mut counts = vec![0_usize; classes];
    for (row, &label) in features.values.rows().into_iter().zip(&features.labels) {
        means.row_mut(label).scaled_add(1.0, &row);
        counts[label] += 1;
    }
    if let Some(class) = counts.iter().position(|&count| count == 0) {
        return Err(Undefined::Misfit(format!("class {class} has no image")));
    }
    for (mut mean, &count) in means.rows_mut().into_iter().zip(&counts) {
        mean /= count as f64;
    }
    Ok(means)
}

/// Whether vectors without their mean are nothing but rounding of the vectors `whole`.
pub(super) fn is_rounding(centered: &Array2<f64>, whole: &Array2<f64>) -> bool {
    let largest = |a: &Array2<f64>| a.fold(0.0_f64, |largest, x| largest.max(x.abs()));
    largest(centered) <= ROUNDING * largest(whole)
}

/// ‖P/‖P‖_F − (I − 11ᵀ/C)/√(C−1)‖_F of a C×C matrix P: how far products of C vectors are from those of a simplex, whose centre is 0
/// and whose C corners are equally far from it and from each other.
pub(super) fn distance_to_simplex(mut products: Array2<f64>, what: &str) -> Result<f64, Undefined> {
    let norm = || failed("the Frobenius norm");
    let length = frobenius_norm(products.view()).map_err(norm())?;
    if length <= 0.0 {
        let (what, value) = (what.to_owned(), length);
        return Err(Undefined::NotPositive { what, value });
    }
    let classes = products.nrows() as f64;
    products.indexed_iter_mut().for_each(|((i, j), x)| {
        let identity = if i == j { 1.0 } else { 0.0 };
        *x = *x / length - (identity - 1.0 / classes) / (classes - 1.0).sqrt();
    });
    frobenius_norm(products.view()).map_err(norm())
}
