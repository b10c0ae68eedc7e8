//! Fourth sign of neural collapse: answers by the nearest class mean.

use ndarray::{Array2, ArrayView1};

use super::class_means::{class_means, features};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::all_finite;
use crate::subject::{Split, Subject};

/// The share of images whose answer, the class of the largest logit, is not the class whose mean of *training* features is nearest:
/// $$\frac1n\vert\lbrace j: \arg\max_c f(x_j)_c\ne\arg\min_c\|h_j-\mu_c\|_2\rbrace\vert$$ (Papyan, Han and Donoho 2020). It falls to 0 as
/// features collapse; labels of the split do not come in. Of equal logits and distances the lower class counts. Reported raw.
///
/// A class without training image, a single class and class means that agree leave it undefined. On test images, `nc4-test`, it is a
/// diagnostic: what is computed from them predicts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nc4 {
    /// Whose images are answered.
    pub split: Split,
}

impl Measure for Nc4 {
    fn about(&self) -> About<'_> {
        let (name, assumptions) = match self.split {
            Split::Train => (
                "nc4",
                "every class has a training image; class means differ",
            ),
            Split::Test => (
                "nc4-test",
                "looks at test images: a diagnostic, no predictor; every class has a training image; class means differ",
            ),
        };
        About::new(
            name,
            "Papyan, Han, Donoho 2020",
            r"\frac1n\vert\lbrace j: \arg\max_c f(x_j)_c\ne\arg\min_c\|h_j-\mu_c\|_2\rbrace\vert",
            Cost::ForwardPass,
        )
        .assuming(assumptions)
        .diagnostic(self.split == Split::Test)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let classes = class_means(subject, Split::Train)?;
        let features = features(subject, self.split)?;
        let logits = subject.logits(self.split)?;
        let (images, found, width) = (logits.nrows(), features.values.dim(), classes.means.ncols());
        if found != (images, width) {
            let what =
                format!("features {found:?} for {images} images and means of {width} entries");
            return Err(Undefined::Misfit(what));
        }
        all_finite(logits.iter(), "a logit")?;
        let pairs = logits.rows().into_iter().zip(features.values.rows());
        let differs = |(logits, feature): &(ArrayView1<'_, f64>, ArrayView1<'_, f64>)| {
            let answer = first_smallest(logits.iter().map(|logit| -logit));
            answer != nearest(&classes.means, feature)
        };
        let different = pairs.filter(differs).count();
        Ok(Value::new(different as f64 / images as f64).with_images(images))
    }
}

/// The row that is nearest to a vector.
fn nearest(means: &Array2<f64>, vector: &ArrayView1<'_, f64>) -> Option<usize> {
    let rows = means.rows().into_iter();
    first_smallest(rows.map(|mean| (&mean - vector).mapv(|x| x * x).sum()))
}

/// The position of the smallest value, the first of equal ones.
fn first_smallest(values: impl Iterator<Item = f64>) -> Option<usize> {
    let smallest = values.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    smallest.map(|(position, _)| position)
}
