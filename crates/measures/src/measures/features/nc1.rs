//! First sign of neural collapse: variability within classes.

use ndarray::Array2;
use srr_linalg::{Factorization, gram};

use super::class_means::{class_means, features};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::failed;
use crate::subject::{Split, Subject};

/// Eigenvalues of Σ_B below this share of the largest count as zero in its pseudo-inverse.
const CUTOFF: f64 = 1e-12;

/// $$\frac1C\operatorname{tr}(\Sigma_W\Sigma_B^\dagger)$$ (Papyan, Han and Donoho 2020): the scatter of the features about their
/// class means, in units of the scatter of the class means. It falls to 0 as features collapse. Reported raw.
///
/// Σ_W is the covariance of all images about the mean of their class, Σ_B that of the class means about their own mean; eigenvalues
/// of Σ_B below 10⁻¹² of the largest count as zero. Where classes have different numbers of images, sources that take the mean of all
/// images for the centre differ. A class without image, a single class, class means that agree and as many classes as images leave it
/// undefined. On test images, `nc1-test`, it is a diagnostic: what is computed from them predicts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nc1 {
    /// Whose features.
    pub split: Split,
}

impl Measure for Nc1 {
    fn about(&self) -> About<'_> {
        let (name, assumptions) = match self.split {
            Split::Train => (
                "nc1",
                "every class has a training image, one of them two; class means differ",
            ),
            Split::Test => (
                "nc1-test",
                "looks at test images: a diagnostic, no predictor; every class has one, one of them two; class means differ",
            ),
        };
        About::new(
            name,
            "Papyan, Han, Donoho 2020",
            r"\frac1C\operatorname{tr}(\Sigma_W\Sigma_B^\dagger)",
            Cost::ForwardPass,
        )
        .assuming(assumptions)
        .diagnostic(self.split == Split::Test)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let classes = class_means(subject, self.split)?;
        let features = features(subject, self.split)?;
        let (images, count) = (features.values.nrows(), classes.means.nrows());
        if images <= count {
            let what = format!("{images} images of {count} classes have no scatter within them");
            return Err(Undefined::Misfit(what));
        }
        let root = root_of_inverse(&classes.centered)?;
        let rows = features.values.rows().into_iter().zip(&features.labels);
        let within: f64 = rows
            .map(|(row, &label)| {
                let deviation = &row - &classes.means.row(label);
                root.dot(&deviation).mapv(|x| x * x).sum()
            })
            .sum();
        Ok(Value::new(within / (images * count) as f64).with_images(images))
    }
}

/// R [r, d] with RᵀR = Σ_B^†, from Σ_B = MᵀM/C.
///
/// With the eigenpairs (λ, u) of MMᵀ/C, the eigenvectors of Σ_B are Mᵀu/√(Cλ): an eigenproblem of order C in place of d.
fn root_of_inverse(centered: &Array2<f64>) -> Result<Array2<f64>, Undefined> {
    let classes = centered.nrows() as f64;
    let products = gram(centered.t()) / classes;
    let eigen = Factorization::default().symmetric_eigen(products.view());
    let eigen = eigen.map_err(failed(
        "the eigendecomposition of the scatter between classes",
    ))?;
    let largest = eigen.values.fold(0.0_f64, |largest, &x| largest.max(x));
    let kept: Vec<usize> = (0..eigen.values.len())
        .filter(|&i| eigen.values[i] > CUTOFF * largest)
        .collect();
    let mut root = Array2::zeros((kept.len(), centered.ncols()));
    for (mut row, &i) in root.rows_mut().into_iter().zip(&kept) {
        let along = centered.t().dot(&eigen.vectors.column(i));
        row.assign(&(along / (classes.sqrt() * eigen.values[i])));
    }
    Ok(root)
}
