//! What a measure may ask of a trained model.

mod cached;
mod memo;
mod types;

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

pub use cached::Cached;
pub use memo::Memo;
pub use types::{
    Evaluation, Features, Fold, Images, LayerBatch, LinearMap, Output, ProbeInput, Role, Scope,
    Split, SubspaceBases, TokenPass, Unavailable, When,
};

/// The answer of a subject.
pub type Answer<T> = Result<T, Unavailable>;

/// A trained model as measures see it: numbers on the host in double precision, and nothing of how the model is built.
///
/// Every capability is optional. A default body says that it is missing, and a measure that needs it is then undefined for this
/// subject, with that reason; nobody guesses. Values that are shared come as [`Arc`], so that [`Cached`] can hand them out again;
/// large ones go to a visitor piece by piece, which stops the pass by [`ControlFlow::Break`].
///
/// **Flat vectors** hold all trainable parameters one after another in an order of the subject's choice: weights now, weights at the
/// start, perturbed weights, gradients and Hessian-vector products are all in that order, and [`LinearMap::offset`] finds a map in it.
///
/// **Network as trained.** Logits, margins, losses, gradients, Jacobians and features are those of the network as trained, in
/// evaluation mode. Only [`layer_tokens`](Self::layer_tokens) and [`mapped_forward`](Self::mapped_forward) may remove norms.
///
/// ```
/// use std::sync::Arc;
/// use ndarray::array;
/// use srr_measures::{Answer, LinearMap, Registry, Role, Scope, Subject, When};
///
/// /// One linear map and nothing else.
/// struct Line;
/// impl Subject for Line {
///     fn training_examples(&self) -> Answer<usize> {
///         Ok(4)
///     }
///     fn maps(&self, _: When, _: Scope) -> Answer<Arc<Vec<LinearMap>>> {
///         let matrix = array![[3.0, 0.0], [0.0, 4.0]];
///         let (name, role, offset) = ("head".to_owned(), Role::Head, 0);
///         Ok(Arc::new(vec![LinearMap { name, role, offset, matrix }]))
///     }
/// }
///
/// let registry = Registry::built_in();
/// let norm = srr_measures::evaluate(registry.get("param-norm")?, &Line).unwrap();
/// assert_eq!(norm.value.raw, 25.0);
/// assert_eq!(norm.reported, 2.5); // √(25/4)
/// let margin = srr_measures::evaluate(registry.get("inverse-margin")?, &Line).unwrap_err();
/// assert_eq!(margin.to_string(), "the subject has no logits");
/// # Ok::<(), srr_measures::Error>(())
/// ```
pub trait Subject: Sync {
    /// Number m of training examples.
    fn training_examples(&self) -> Answer<usize> {
        Err(Unavailable::capability("number of training examples"))
    }

    /// The trainable linear maps W_i, each shared one once; with [`Scope::AllTrainable`] also every other trainable tensor, as a map
    /// of one row.
    fn maps(&self, when: When, scope: Scope) -> Answer<Arc<Vec<LinearMap>>> {
        let _ = (when, scope);
        Err(Unavailable::capability("named weights"))
    }

    /// All trainable parameters as a flat vector.
    fn parameters(&self, when: When) -> Answer<Arc<Vec<f64>>> {
        let _ = when;
        Err(Unavailable::capability("flat parameters"))
    }

    /// Logits [n, classes] on all images of a split.
    fn logits(&self, split: Split) -> Answer<Arc<Array2<f64>>> {
        let _ = split;
        Err(Unavailable::capability("logits"))
    }

    /// Labels of all images of a split.
    fn labels(&self, split: Split) -> Answer<Arc<Vec<usize>>> {
        let _ = split;
        Err(Unavailable::capability("labels"))
    }

    /// Labels of a choice of images, in its order.
    fn labels_of(&self, images: Images) -> Answer<Arc<Vec<usize>>> {
        match images {
            Images {
                split,
                limit: None,
                fold: None,
            } => self.labels(split),
            _ => Err(Unavailable::capability("labels of a choice of images")),
        }
    }

    /// Correct logit minus the best other logit of every image of a split.
    fn margins(&self, split: Split) -> Answer<Arc<Vec<f64>>> {
        let (logits, labels) = (self.logits(split)?, self.labels(split)?);
        types::margins(&logits, &labels).map(Arc::new)
    }

    /// What enters the last linear map, [n, d], on all images of a split.
    fn features(&self, split: Split) -> Answer<Arc<Features>> {
        let _ = split;
        Err(Unavailable::capability("class features"))
    }

    /// Loss and accuracy with other parameters, given as a flat vector.
    fn evaluate_at(&self, parameters: &[f64], images: Images) -> Answer<Evaluation> {
        let _ = (parameters, images);
        Err(Unavailable::capability("loss at perturbed weights"))
    }

    /// Loss, accuracy and the flat gradient of the mean loss with other parameters.
    fn gradient_at(&self, parameters: &[f64], images: Images) -> Answer<(Evaluation, Vec<f64>)> {
        let _ = (parameters, images);
        Err(Unavailable::capability("gradient at perturbed weights"))
    }

    /// Visits the flat gradient of `output` of every image, with the image's position in the choice of images.
    fn example_gradients(
        &self,
        output: Output,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView1<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let _ = (output, images, visit);
        Err(Unavailable::capability("per-example gradients"))
    }

    /// Visits the Jacobian [classes, inputs] of the logits with respect to the input of every image.
    fn input_jacobians(
        &self,
        images: Images,
        visit: &mut dyn FnMut(usize, ArrayView2<'_, f64>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let _ = (images, visit);
        Err(Unavailable::capability("input Jacobians"))
    }

    /// Logits `[classes]` of one input with `map` applied to every scalar of every parameter, trained or not, and every norm replaced by
    /// the identity.
    fn mapped_forward(
        &self,
        map: &(dyn Fn(f64) -> f64 + Sync),
        input: ProbeInput<'_>,
    ) -> Answer<Array1<f64>> {
        let _ = (map, input);
        Err(Unavailable::capability("forward with mapped parameters"))
    }

    /// Visits the tokens of every layer and image, batch by batch: for each batch of images, ascending, all layers, ascending.
    fn layer_tokens(
        &self,
        pass: &TokenPass,
        visit: &mut dyn FnMut(&LayerBatch<'_>) -> ControlFlow<()>,
    ) -> Answer<()> {
        let _ = (pass, visit);
        Err(Unavailable::capability("tokens and bases per layer"))
    }

    /// Learning rate η at the end of training.
    fn learning_rate(&self) -> Answer<f64> {
        Err(Unavailable::capability("learning rate"))
    }

    /// Number of images in a training batch.
    fn batch_size(&self) -> Answer<usize> {
        Err(Unavailable::capability("batch size"))
    }

    /// The seed of the run, from which a measure draws what it needs (split by the measure's name).
    fn seed(&self) -> Answer<srr_random::Seed> {
        Err(Unavailable::capability("seed"))
    }

    /// Other runs of the same configuration with other seeds.
    fn siblings(&self) -> Answer<Vec<&dyn Subject>> {
        Err(Unavailable::capability("sibling runs"))
    }

    /// Where passes that several measures share are kept; [`Cached`] has such a place.
    fn memo(&self) -> Option<&Memo> {
        None
    }
}
