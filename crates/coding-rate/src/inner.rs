//! The one computation under every rate: logdet(I + c VᵀV) and V (I + c VᵀV)⁻¹, by the smaller Gram matrix.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use srr_linalg::{Cholesky, Scalar, gemm, upper_gram};

use crate::{Error, Result};

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

fn log_determinant<T: Scalar>(
    what: &'static str,
    v: ArrayView2<'_, T>,
    scale: T,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    let (n, p) = v.dim();
    let smaller = if p <= n { v } else { v.reversed_axes() };
    let factored = match Cholesky::from_array(shifted_gram(smaller, scale)?) {
        Ok(factored) => factored,
        Err(srr_linalg::Error::NotFinite { .. }) => return Err(overflow::<T>(what)),
        // The identity drowned in the rounding of a singular Gram matrix; twice the digits bring it back.
        Err(srr_linalg::Error::NotPositiveDefinite { .. }) => {
            return in_f64(what, v, scale, solution);
        }
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

/// Where the identity drowned in the rounding of a singular Gram matrix, twice the digits bring it back.
fn in_f64<T: Scalar>(
    what: &'static str,
    v: ArrayView2<'_, T>,
    scale: T,
    solution: Option<ArrayViewMut2<'_, T>>,
) -> Result<T> {
    if T::NAME == "f64" {
        return Err(Error::Resolution {
            what,
            element: T::NAME,
        });
    }
    let wide = v.mapv(Scalar::to_f64);
    let mut wide_solution = solution.as_ref().map(|s| Array2::zeros(s.dim()));
    let value = log_determinant(
        what,
        wide.view(),
        Scalar::to_f64(scale),
        wide_solution.as_mut().map(|s| s.view_mut()),
    )?;
    if let (Some(mut solution), Some(wide)) = (solution, wide_solution) {
        solution.zip_mut_with(&wide, |out, &value| *out = T::from_f64(value));
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
