//! The facade itself: checks at the door, one order of results, and the choice of a provider.

use ndarray::{Array1, Array2, ArrayView2};

use crate::check::ensure_square;
use crate::{Result, Scalar, ensure_finite};

/// Eigenvalues and eigenvectors of a symmetric matrix A = Q diag(λ) Qᵀ of order n.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricEigen<T> {
    /// Eigenvalues in ascending order, n of them.
    pub values: Array1<T>,
    /// Orthonormal eigenvectors in the columns, [n, n], in the order of the values.
    pub vectors: Array2<T>,
}

/// Thin singular value decomposition A = U diag(σ) Vᵀ of an [m, n] matrix, r = min(m, n).
#[derive(Debug, Clone, PartialEq)]
pub struct Svd<T> {
    /// Left singular vectors in orthonormal columns, [m, r].
    pub u: Array2<T>,
    /// Singular values in descending order, r of them.
    pub values: Array1<T>,
    /// Right singular vectors in orthonormal rows, [r, n].
    pub vt: Array2<T>,
}

/// Eigen- and singular value decompositions by one of the libraries that are compiled in.
///
/// All providers give the same order of values and are held to the same tests; which exist depends on the crate's features. The
/// default is the first of faer, nalgebra and LAPACK that is enabled. All run on the calling thread (OpenBLAS may start its own).
///
/// ```
/// # #[cfg(feature = "faer")] {
/// use ndarray::array;
/// use srr_linalg::Factorization;
///
/// let a = array![[2.0_f64, 1.0], [1.0, 2.0]];
/// let eigen = Factorization::faer().symmetric_eigen(a.view())?;
/// assert!((eigen.values[0] - 1.0).abs() < 1e-14 && (eigen.values[1] - 3.0).abs() < 1e-14);
/// # }
/// # Ok::<(), srr_linalg::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Factorization(pub(crate) Provider);

/// The providers compiled in; without any of the features there is no value of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    #[cfg(feature = "faer")]
    Faer,
    #[cfg(feature = "nalgebra")]
    Nalgebra,
    #[cfg(feature = "lapack")]
    Lapack,
}

#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
impl Default for Factorization {
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl Factorization {
    /// Every provider compiled in, the default first.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "faer")]
        Self(Provider::Faer),
        #[cfg(feature = "nalgebra")]
        Self(Provider::Nalgebra),
        #[cfg(feature = "lapack")]
        Self(Provider::Lapack),
    ];

    /// By faer, in pure Rust.
    #[cfg(feature = "faer")]
    #[must_use]
    pub const fn faer() -> Self {
        Self(Provider::Faer)
    }

    /// By nalgebra, in pure Rust.
    #[cfg(feature = "nalgebra")]
    #[must_use]
    pub const fn nalgebra() -> Self {
        Self(Provider::Nalgebra)
    }

    /// By LAPACK: the system's OpenBLAS through ndarray-linalg.
    #[cfg(feature = "lapack")]
    #[must_use]
    pub const fn lapack() -> Self {
        Self(Provider::Lapack)
    }

    /// Name of the provider.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(feature = "faer")]
            Provider::Faer => "faer",
            #[cfg(feature = "nalgebra")]
            Provider::Nalgebra => "nalgebra",
            #[cfg(feature = "lapack")]
            Provider::Lapack => "lapack",
        }
    }

    /// Eigenvalues and eigenvectors of a symmetric matrix, of which only the upper triangle counts.
    ///
    /// # Errors
    /// [`Error::NotSquare`](crate::Error::NotSquare), [`Error::NotFinite`](crate::Error::NotFinite) (anywhere in `a`),
    /// [`Error::Provider`](crate::Error::Provider) if the library does not converge.
    pub fn symmetric_eigen<T: Scalar>(self, a: ArrayView2<'_, T>) -> Result<SymmetricEigen<T>> {
        let n = ensure_square("symmetric_eigen", &a)?;
        ensure_finite("symmetric_eigen", a)?;
        if n == 0 {
            return Ok(SymmetricEigen {
                values: Array1::zeros(0),
                vectors: Array2::zeros((0, 0)),
            });
        }
        let symmetric =
            Array2::from_shape_fn((n, n), |(i, j)| if i <= j { a[[i, j]] } else { a[[j, i]] });
        let found = T::provide_symmetric_eigen(self.0, symmetric.view())?;
        let order = order_by(&found.values, |left, right| left < right);
        Ok(SymmetricEigen {
            values: found.values.select(ndarray::Axis(0), &order),
            vectors: found.vectors.select(ndarray::Axis(1), &order),
        })
    }

    /// The thin singular value decomposition.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Provider`](crate::Error::Provider) if the library does not converge.
    pub fn svd<T: Scalar>(self, a: ArrayView2<'_, T>) -> Result<Svd<T>> {
        ensure_finite("svd", a)?;
        let (m, n) = a.dim();
        if a.is_empty() {
            return Ok(Svd {
                u: Array2::zeros((m, 0)),
                values: Array1::zeros(0),
                vt: Array2::zeros((0, n)),
            });
        }
        let found = T::provide_svd(self.0, a)?;
        let order = order_by(&found.values, |left, right| left > right);
        Ok(Svd {
            u: found.u.select(ndarray::Axis(1), &order),
            values: found.values.select(ndarray::Axis(0), &order),
            vt: found.vt.select(ndarray::Axis(0), &order),
        })
    }

    /// The singular values alone, in descending order, [min(m, n)].
    ///
    /// # Errors
    /// As [`Factorization::svd`].
    pub fn singular_values<T: Scalar>(self, a: ArrayView2<'_, T>) -> Result<Array1<T>> {
        ensure_finite("singular_values", a)?;
        if a.is_empty() {
            return Ok(Array1::zeros(0));
        }
        let found = T::provide_singular_values(self.0, a)?;
        let order = order_by(&found, |left, right| left > right);
        Ok(found.select(ndarray::Axis(0), &order))
    }
}

/// The permutation that sorts `values`; equal values keep their places.
fn order_by<T: Scalar>(values: &Array1<T>, before: impl Fn(T, T) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(
        |&i, &j| match (before(values[i], values[j]), before(values[j], values[i])) {
            (true, _) => std::cmp::Ordering::Less,
            (_, true) => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        },
    );
    order
}

/// What each element type brings to the facade. The libraries' own bounds stay behind it, so that their methods do not
/// compete with [`Scalar`]'s in generic code.
pub trait Provide: Sized {
    fn provide_symmetric_eigen(
        provider: Provider,
        a: ArrayView2<'_, Self>,
    ) -> Result<SymmetricEigen<Self>>;
    fn provide_svd(provider: Provider, a: ArrayView2<'_, Self>) -> Result<Svd<Self>>;
    fn provide_singular_values(provider: Provider, a: ArrayView2<'_, Self>)
    -> Result<Array1<Self>>;
}

macro_rules! dispatch {
    ($function:ident, $provider:expr, $a:expr) => {{
        // Without any provider there is no value to match, and nothing to call it on.
        let _ = &$a;
        match $provider {
            #[cfg(feature = "faer")]
            Provider::Faer => super::faer::$function($a),
            #[cfg(feature = "nalgebra")]
            Provider::Nalgebra => super::nalgebra::$function($a),
            #[cfg(feature = "lapack")]
            Provider::Lapack => super::lapack::$function($a),
        }
    }};
}

macro_rules! provide {
    ($($scalar:ty),*) => {$(
        impl Provide for $scalar {
            fn provide_symmetric_eigen(provider: Provider, a: ArrayView2<'_, Self>) -> Result<SymmetricEigen<Self>> {
                dispatch!(symmetric_eigen, provider, a)
            }

            fn provide_svd(provider: Provider, a: ArrayView2<'_, Self>) -> Result<Svd<Self>> {
                dispatch!(svd, provider, a)
            }

            fn provide_singular_values(provider: Provider, a: ArrayView2<'_, Self>) -> Result<Array1<Self>> {
                dispatch!(singular_values, provider, a)
            }
        }
    )*};
}

provide!(f32, f64);
