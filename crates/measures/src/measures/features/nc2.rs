//! Second sign of neural collapse: class means that form a simplex.

use srr_linalg::gram;

use super::class_means::{class_means, distance_to_simplex};
use crate::measure::{About, Cost, Measure, Undefined, Value};
use crate::subject::{Split, Subject};

/// $$\Big\|\frac{MM^\top}{\|MM^\top\|_F}-\frac{I-\mathbf 1\mathbf 1^\top/C}{\sqrt{C-1}}\Big\|_F$$ with M [C, d] the class means of the
/// features about their own mean: 0 where they are a simplex, equally long and equally far apart. Reported raw.
///
/// The sign is that of Papyan, Han and Donoho 2020, the form that of Zhu et al. 2021, who take it of the rows of the head; here it is
/// taken of the class means, as the sign is stated. A class without image, a single class and class means that agree leave it
/// undefined. On test images, `nc2-test`, it is a diagnostic: what is computed from them predicts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nc2 {
    /// Whose features.
    pub split: Split,
}

impl Measure for Nc2 {
    fn about(&self) -> About<'_> {
        let (name, assumptions) = match self.split {
            Split::Train => (
                "nc2",
                "every class has a training image; class means differ",
            ),
            Split::Test => (
                "nc2-test",
                "looks at test images: a diagnostic, no predictor; every class has one; class means differ",
            ),
        };
        About::new(
            name,
            "Papyan, Han, Donoho 2020; form of Zhu et al. 2021",
            r"\|MM^\top/\|MM^\top\|_F-(I-\mathbf 1\mathbf 1^\top/C)/\sqrt{C-1}\|_F",
            Cost::ForwardPass,
        )
        .assuming(assumptions)
        .diagnostic(self.split == Split::Test)
    }

    fn evaluate(&self, subject: &dyn Subject) -> Result<Value, Undefined> {
        let classes = class_means(subject, self.split)?;
        let products = gram(classes.centered.t());
        let distance = distance_to_simplex(products, "the scatter between classes")?;
        let images = subject.features(self.split)?.labels.len();
        Ok(Value::new(distance).with_images(images))
    }
}
