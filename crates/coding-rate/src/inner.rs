//! The one computation under every rate: logdet(I + c VᵀV) and V (I + c VᵀV)⁻¹, by the smaller Gram matrix.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use srr_linalg::{Cholesky, Scalar, gemm, upper_gram};

use crate::{Error, Result, stacked::Stacked};

/// Which function of the spectrum of c VᵀV is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spectrum {
    /// log(1 + x).
    Exact,
    /// x.
    FirstOrder,
    /// x − x²/2.
    SecondOrder,
}

/// Sum over the eigenvalues x of c VᵀV of the chosen function, V being [n, p], and into `solution` [n, p] the derivative with
/// respect to V divided by 2c: V (I + c VᵀV)⁻¹ or its expansion.
pub(crate) fn sum<T: Scalar>(
    what: &'static str,
    spectrum: Spectrum,
    v: ArrayView2<'_, T>,
    scale: T,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    match spectrum {
        Spectrum::Exact => log_determinant(what, v, scale, solution),
        Spectrum::FirstOrder => {
            let trace: T = v.iter().map(|&x| x * x).sum::<T>() * scale;
            if let Some(mut solution) = solution {
                solution.assign(&v);
            }
            finite(what, trace)
        }
        Spectrum::SecondOrder => second_order(what, v, scale, solution),
    }
}

/// How far rounding may move logdet(I + c VᵀV), relative to the greater of it and 1.
fn tolerance<T: Scalar>() -> f64 {
    if T::epsilon().to_f64() > f64::EPSILON {
        1e-4
    } else {
        1e-9
    }
}

/// By Cholesky of the smaller Gram matrix; where its rounding would drown the identity, by [`Stacked`] in `f64`.
fn log_determinant<T: Scalar>(
    what: &'static str,
    v: ArrayView2<'_, T>,
    scale: T,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let (n, p) = v.dim();
    let smaller = if p <= n { v } else { v.reversed_axes() };
    let gram = shifted_gram(smaller, scale)?;
    let largest = gram.diag().iter().fold(T::one(), |m, &x| m.max(x));
    let factored = match Cholesky::from_array(gram) {
        Ok(factored) if factored_well(&factored, largest) => factored,
        Ok(_) | Err(srr_linalg::Error::NotPositiveDefinite { .. }) => {
            return stacked(what, smaller, scale, p <= n, solution);
        }
        Err(srr_linalg::Error::NotFinite { .. }) => return Err(overflow::<T>(what)),
        Err(error) => return Err(error.into()),
    };
    if let Some(mut solution) = solution {
        if p <= n {
            gemm(
                T::one(),
                v,
                factored.inverse().view(),
                T::zero(),
                solution.view_mut(),
            )?;
        } else {
            solution.assign(&factored.solve(v)?);
        }
    }
    Ok(factored.log_determinant())
}

/// I + c VᵀV, [p, p], of which only the upper triangle is filled in.
fn shifted_gram<T: Scalar>(v: ArrayView2<'_, T>, scale: T) -> Result<Array2<T>> {
    let mut gram = Array2::zeros((v.ncols(), v.ncols()));
    upper_gram(scale, v, gram.view_mut())?;
    gram.diag_mut().map_inplace(|x| *x += T::one());
    Ok(gram)
}

/// Whether logdet(I + c VᵀV) by a Cholesky factorization in the element type can be trusted: whether the rounding of a matrix with this largest
/// entry is small beside every pivot of it. For those who factor many matrices at once by themselves; the rates of this crate are found in
/// `f64`, without the Gram matrix, where it cannot.
///
/// ```
/// use srr_coding_rate::is_resolved;
/// assert!(is_resolved::<f32>([2.0, 3.0], 3.0, 6.0_f64.ln()));
/// assert!(!is_resolved::<f32>([1e8, 1.0], 1e8, 1e8_f64.ln())); // the identity drowns beside 10⁸
/// ```
#[must_use]
pub fn is_resolved<T: Scalar>(
    pivots: impl IntoIterator<Item = f64>,
    largest: f64,
    log_determinant: f64,
) -> bool {
    let reciprocals: f64 = pivots.into_iter().map(f64::recip).sum();
    let error = T::epsilon().to_f64() * largest * reciprocals;
    error <= tolerance::<T>() * log_determinant.max(1.0)
}

/// [`is_resolved`] of a factorization.
fn factored_well<T: Scalar>(factored: &Cholesky<T>, largest: T) -> bool {
    let pivots = factored.diagonal().map(|u| u.to_f64() * u.to_f64());
    let log_determinant = factored.log_determinant().to_f64();
    is_resolved::<T>(pivots, largest.to_f64(), log_determinant)
}

/// As [`log_determinant`], for V as `smaller` or transposed.
fn stacked<T: Scalar>(
    what: &'static str,
    smaller: ArrayView2<'_, T>,
    scale: T,
    upright: bool,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let root = scale.to_f64().sqrt();
    let stacked = Stacked::new(smaller.mapv(|x| root * x.to_f64()));
    let (value, error) = (stacked.log_determinant(), stacked.error());
    if !value.is_finite() {
        return Err(overflow::<T>(what));
    }
    if error > tolerance::<T>() * value.max(1.0) {
        return Err(Error::Resolution {
            what,
            element: T::NAME,
        });
    }
    if let Some(mut solution) = solution {
        let found = stacked.solution();
        let found = if upright { found.view() } else { found.t() };
        solution.zip_mut_with(&found, |out, &x| *out = T::from_f64(x / root));
    }
    Ok(T::from_f64(value))
}

/// tr(x) − tr(x²)/2 with x = c VᵀV, and V − c V VᵀV.
fn second_order<T: Scalar>(
    what: &'static str,
    v: ArrayView2<'_, T>,
    scale: T,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let (n, p) = v.dim();
    let gram = if p <= n {
        srr_linalg::gram(v)
    } else {
        srr_linalg::gram(v.reversed_axes())
    };
    let trace = gram.diag().sum() * scale;
    let squares = gram.iter().map(|&x| (scale * x) * (scale * x)).sum::<T>();
    if let Some(mut solution) = solution {
        solution.assign(&v);
        let (left, right) = if p <= n {
            (v, gram.view())
        } else {
            (gram.view(), v)
        };
        gemm(-scale, left, right, T::one(), solution.view_mut())?;
        if !solution.iter().all(|x| x.is_finite()) {
            return Err(overflow::<T>(what));
        }
    }
    finite(what, trace - squares / T::from_f64(2.0))
}

fn finite<T: Scalar>(what: &'static str, value: T) -> Result<T> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(overflow::<T>(what))
    }
}

fn overflow<T: Scalar>(what: &'static str) -> Error {
    Error::Overflow {
        what,
        element: T::NAME,
    }
}

/// Rows scaled to unit length, with the lengths they had: what the gradient needs to go back through the scaling.
pub(crate) struct UnitRows<T> {
    /// The rows, each of length 1 within every group of `group` columns.
    pub(crate) values: Array2<T>,
    lengths: Array2<T>,
    group: usize,
}

/// A shorter vector is divided by this instead of its length.
const SHORTEST: f64 = 1e-12;

impl<T: Scalar> UnitRows<T> {
    /// Scales each row of each group of `group` columns of `v`.
    pub(crate) fn new(mut v: Array2<T>, group: usize) -> Self {
        let mut lengths = Array2::zeros((v.nrows(), v.ncols() / group));
        for (mut row, mut lengths) in v.rows_mut().into_iter().zip(lengths.rows_mut()) {
            for (mut part, length) in row.exact_chunks_mut(group).into_iter().zip(&mut lengths) {
                let largest = part.iter().fold(T::zero(), |m, x| m.max(x.abs()));
                if largest > T::zero() {
                    *length = largest
                        * part
                            .iter()
                            .map(|&x| (x / largest) * (x / largest))
                            .sum::<T>()
                            .sqrt();
                }
                let divisor = length.max(T::from_f64(SHORTEST));
                part.map_inplace(|x| *x /= divisor);
            }
        }
        Self {
            values: v,
            lengths,
            group,
        }
    }

    /// Turns the gradient with respect to the unit rows into the one with respect to the rows as they were, in place:
    /// (g − v̂ ⟨v̂, g⟩) / ‖v‖.
    pub(crate) fn backward(&self, mut gradient: ArrayViewMut2<'_, T>) {
        for ((mut g, v), lengths) in gradient
            .rows_mut()
            .into_iter()
            .zip(self.values.rows())
            .zip(self.lengths.rows())
        {
            let parts = g
                .exact_chunks_mut(self.group)
                .into_iter()
                .zip(v.exact_chunks(self.group));
            for ((mut g, v), &length) in parts.zip(&lengths) {
                if length > T::from_f64(SHORTEST) {
                    let along = v.dot(&g);
                    g.zip_mut_with(&v, |g, &v| *g = (*g - v * along) / length);
                } else {
                    g.map_inplace(|g| *g /= T::from_f64(SHORTEST));
                }
            }
        }
    }
}
