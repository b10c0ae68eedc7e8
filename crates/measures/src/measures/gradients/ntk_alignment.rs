//! Alignment of the tangent kernel with the labels.

use std::ops::ControlFlow;

use ndarray::{Array2, Axis};
use srr_linalg::gram;

use crate::gradients::{folds, jackknife_error};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Images, Output, Subject};

/// $$\frac{\langle K_c,Y_c\rangle_F}{\|K_c\|_F\,\|Y_c\|_F}$$ of the tangent kernel $K_{ij}=\sum_c\langle\nabla f_c(x_i),\nabla f_c(x_j)\rangle$ and the
/// kernel of the labels (1 for images of one class, else 0), both centered (Cortes et al. 2012; Baratin et al. 2021). Reported raw,
/// between −1 and 1, with a standard error by leaving out parts of the images in turn (Efron's jackknife).
///
/// One gradient per image and class; those of one class are held at once, images × parameters numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtkAlignment {
    /// Between which images.
    pub images: Images,
}

impl Default for NtkAlignment {
    /// 64 fixed training images.
    fn default() -> Self {
        let images = Images::fixed(64);
        Self { images }
    }
}

impl Measure for NtkAlignment {
    fn about(&self) -> About<'_> {
        About::new(
            "ntk-alignment",
            "Baratin et al. 2021",
            r"\langle K_c,Y_c\rangle_F/(\|K_c\|_F\|Y_c\|_F),\quad K_{ij}=\sum_c\langle\nabla f_c(x_i),\nabla f_c(x_j)\rangle",
            Cost::ExampleGradients,
        )
        .assuming("images of two classes at least")
        .higher_is_better()
    }

    fn settings(&self) -> String {
        self.images.to_string()
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let classes = subject.logits(self.images.split)?.ncols();
        let mut kernel: Option<Array2<f64>> = None;
        for class in 0..classes {
            let gradients = gradients_of(subject, Output::Logit(class), self.images)?;
            let of_class = gram(gradients.t());
            kernel = Some(match kernel {
                None => of_class,
                Some(sum) => sum + of_class,
            });
        }
        let Some(kernel) = kernel else {
            return Err(Undefined::Misfit("the subject has no class".to_owned()));
        };
        let labels = same_class(&subject.labels_of(self.images)?);
        let value = Value::new(alignment(&kernel, &labels)?).with_images(kernel.nrows());
        let count = folds(subject, self.images)?;
        let without = (0..count).map(|fold| {
            let kept: Vec<usize> = (0..kernel.nrows()).filter(|i| i % count != fold).collect();
            let of = |kernel: &Array2<f64>| kernel.select(Axis(0), &kept).select(Axis(1), &kept);
            alignment(&of(&kernel), &of(&labels)).ok()
        });
        let without: Option<Vec<f64>> = without.collect();
        Ok(match without.and_then(|values| jackknife_error(&values)) {
            Some(error) => value.with_standard_error(error),
            None => value,
        })
    }
}

/// The cosine between two kernels once both are centered.
fn alignment(kernel: &Array2<f64>, labels: &Array2<f64>) -> Result<f64, Undefined> {
    let (kernel, labels) = (centered(kernel), centered(labels));
    let size = |kernel: &Array2<f64>| kernel.iter().map(|k| k * k).sum::<f64>().sqrt();
    let sizes = size(&kernel) * size(&labels);
    if sizes > 0.0 {
        return Ok((&kernel * &labels).sum() / sizes);
    }
    let what = "the size of a centered kernel".to_owned();
    Err(Undefined::NotPositive { what, value: sizes })
}

/// One gradient per row.
fn gradients_of(
    subject: &dyn Subject,
    output: Output,
    images: Images,
) -> Result<Array2<f64>, Undefined> {
    let (mut values, mut rows) = (Vec::new(), 0);
    subject.example_gradients(output, images, &mut |_, gradient| {
        values.extend(gradient);
        rows += 1;
        ControlFlow::Continue(())
    })?;
    if rows == 0 {
        return Err(Undefined::Misfit("there are no images".to_owned()));
    }
    let columns = values.len() / rows;
    Array2::from_shape_vec((rows, columns), values)
        .map_err(|error| Undefined::Misfit(format!("gradients of different lengths: {error}")))
}

/// 1 where two images are of one class, else 0.
fn same_class(labels: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), labels.len()), |(i, j)| {
        f64::from(u8::from(labels[i] == labels[j]))
    })
}

/// HKH with H = I − 11ᵀ/n.
fn centered(kernel: &Array2<f64>) -> Array2<f64> {
    let n = kernel.nrows() as f64;
    let rows = kernel.sum_axis(Axis(1)) / n;
    let columns = kernel.sum_axis(Axis(0)) / n;
    let all = rows.sum() / n;
    Array2::from_shape_fn(kernel.dim(), |(i, j)| {
        kernel[[i, j]] - rows[i] - columns[j] + all
    })
}
