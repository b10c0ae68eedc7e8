//! Third sign of neural collapse: a head that agrees with the class means.

use srr_linalg::matmul;

use super::class_means::{class_means, distance_to_simplex};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::shared::{failed, head};
use crate::subject::{Scope, Split, Subject, When};

/// $$\Big\|\frac{WM^\top}{\|WM^\top\|_F}-\frac{I-\mathbf 1\mathbf 1^\top/C}{\sqrt{C-1}}\Big\|_F$$ with W [C, d] the head and M [C, d]
/// the class means of the features about their own mean: 0 where the rows of the head are the class means but for their scale, and
/// these a simplex. Reported raw.
///
/// The sign is that of Papyan, Han and Donoho 2020, the form that of Zhu et al. 2021. Papyan et al. print
/// ‖W/‖W‖_F − M/‖M‖_F‖_F, which does not ask for a simplex. The bias of the head is left out. A head that is no single trainable
/// linear map of d to C, and what leaves `nc2` undefined, leave it undefined. On test images, `nc3-test`, it is a diagnostic: what is
/// computed from them predicts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nc3 {
    /// Whose features.
    pub split: Split,
}

impl Measure for Nc3 {
    fn about(&self) -> About<'_> {
        let (name, assumptions) = match self.split {
            Split::Train => (
                "nc3",
                "the head is one linear map; every class has a training image; class means differ",
            ),
            Split::Test => (
                "nc3-test",
                "looks at test images: a diagnostic, no predictor; one linear head; every class has an image; class means differ",
            ),
        };
        About::new(
            name,
            "Papyan, Han, Donoho 2020; form of Zhu et al. 2021",
            r"\|WM^\top/\|WM^\top\|_F-(I-\mathbf 1\mathbf 1^\top/C)/\sqrt{C-1}\|_F",
            Cost::ForwardPass,
        )
        .assuming(assumptions)
        .diagnostic(self.split == Split::Test)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let classes = class_means(subject, self.split)?;
        let maps = subject.maps(When::Now, Scope::Maps)?;
        let head = head(&maps, classes.means.dim())?;
        let products = matmul(head.matrix.view(), classes.centered.t());
        let products = products.map_err(failed("the product of head and class means"))?;
        let distance = distance_to_simplex(products, "the product of head and class means")?;
        let images = subject.features(self.split)?.labels.len();
        Ok(Value::new(distance).with_images(images))
    }
}
