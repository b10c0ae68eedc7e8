//! The K subspace bases of a layer.

use ndarray::{Array2, ArrayView2, ArrayView3, CowArray, Ix2};
use srr_linalg::Scalar;

use crate::{Error, Result};

/// K subspace bases U_k, each [d, p], held stacked as [K·p, d]: row k·p + i is column i of U_k.
///
/// This is the layout of an attention layer's `qkv` weight, so that tokens X [N, d] are projected onto all heads by one product,
/// X Wᵀ [N, K·p]. The bases need be neither orthonormal nor complete, and K·p need not be d.
///
/// ```
/// use ndarray::{Array2, array};
/// use srr_coding_rate::Bases;
/// let weight = Array2::<f64>::eye(6);
/// let bases = Bases::from_stacked(weight.view(), 3)?;
/// assert_eq!((bases.heads(), bases.head_dim(), bases.dim()), (3, 2, 6));
/// # Ok::<(), srr_coding_rate::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bases<'a, T> {
    stacked: CowArray<'a, T, Ix2>,
    heads: usize,
}

impl<'a, T: Scalar> Bases<'a, T> {
    /// From stacked bases [K·p, d], borrowed.
    ///
    /// # Errors
    /// [`Error::Heads`] unless `heads` divides the number of rows and nothing is empty; [`Error::NotFinite`].
    pub fn from_stacked(weight: ArrayView2<'a, T>, heads: usize) -> Result<Self> {
        Self::checked(CowArray::from(weight), heads)
    }

    /// From bases [K, d, p]; they are copied into the stacked layout.
    ///
    /// # Errors
    /// As [`Bases::from_stacked`].
    pub fn new(bases: ArrayView3<'_, T>) -> Result<Bases<'static, T>> {
        let (heads, dim, head_dim) = bases.dim();
        let rows = bases.permuted_axes([0, 2, 1]);
        let stacked =
            Array2::from_shape_vec((heads * head_dim, dim), rows.iter().copied().collect())
                .expect("as many elements as the shape says");
        Bases::checked(CowArray::from(stacked), heads)
    }

    fn checked(stacked: CowArray<'a, T, Ix2>, heads: usize) -> Result<Self> {
        let (rows, dim) = stacked.dim();
        if heads == 0 || rows == 0 || dim == 0 || !rows.is_multiple_of(heads) {
            return Err(Error::Heads {
                shape: vec![rows, dim],
                heads,
            });
        }
        crate::door::finite("bases", stacked.view())?;
        Ok(Self { stacked, heads })
    }

    /// Number of heads K.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Dimension p of each head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.stacked.nrows() / self.heads
    }

    /// Dimension d of the tokens.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.stacked.ncols()
    }

    /// The stacked bases, [K·p, d].
    #[must_use]
    pub fn stacked(&self) -> ArrayView2<'_, T> {
        self.stacked.view()
    }

    /// All heads' projections X U_k of tokens X [N, d], side by side: [N, K·p].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the tokens are not of dimension d.
    pub fn project(&self, tokens: ArrayView2<'_, T>) -> Result<Array2<T>> {
        if tokens.ncols() != self.dim() {
            return Err(Error::ShapeMismatch {
                operation: "projection onto the bases",
                tokens: tokens.shape().to_vec(),
                other: self.stacked.shape().to_vec(),
            });
        }
        Ok(srr_linalg::matmul(tokens, self.stacked.t())?)
    }
}

/// A stacked gradient [K·p, d] seen as one gradient per basis, [K, d, p].
pub(crate) fn per_head<T>(stacked: &Array2<T>, heads: usize) -> ArrayView3<'_, T> {
    let (rows, dim) = stacked.dim();
    stacked
        .view()
        .into_shape_with_order((heads, rows / heads, dim))
        .expect("heads divide the rows of a row-major matrix")
        .permuted_axes([0, 2, 1])
}
