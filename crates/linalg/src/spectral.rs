//! The spectral norm by Lanczos' process, which needs products alone.

use ndarray::{Array1, ArrayView2};
use srr_random::Seed;

use crate::{Error, Result, Scalar, ensure_finite};

/// The spectral norm, the largest singular value.
///
/// Lanczos' process on AᵀA or AAᵀ, whichever is smaller, with full reorthogonalization and a fixed start vector, so that the
/// same matrix gives the same bits. It runs until the residual of the leading Ritz pair is at rounding level; in exact arithmetic
/// it ends after min(m, n) steps, and it is stopped there.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`] should the small tridiagonal eigenproblem fail.
///
/// ```
/// use ndarray::array;
/// let a = array![[3.0_f64, 0.0, 0.0], [0.0, -5.0, 0.0]];
/// assert!((srr_linalg::spectral_norm(a.view())? - 5.0).abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn spectral_norm<T: Scalar>(a: ArrayView2<'_, T>) -> Result<T> {
    Ok(match leading("spectral_norm", a)? {
        Some(Leading { largest, square }) => largest * T::from_f64(square.sqrt()),
        None => T::zero(),
    })
}

/// What the spectral norm is made of; the norm itself may overflow where neither of them does.
pub(crate) struct Leading<T> {
    /// The largest |aᵢⱼ|.
    pub(crate) largest: T,
    /// The squared spectral norm of the matrix divided by it.
    pub(crate) square: f64,
}

/// The parts of the spectral norm; `None` of zeros and of nothing.
pub(crate) fn leading<T: Scalar>(
    operation: &'static str,
    a: ArrayView2<'_, T>,
) -> Result<Option<Leading<T>>> {
    ensure_finite(operation, a)?;
    let largest = largest(a);
    if largest == T::zero() {
        return Ok(None);
    }
    // Scaled, so that squares neither overflow nor vanish; tall, so that the vectors are the shorter ones.
    let scaled = a.mapv(|x| x / largest);
    let tall = if a.nrows() >= a.ncols() {
        scaled.view()
    } else {
        scaled.t()
    };
    let square = largest_eigenvalue_of_gram(tall).ok_or(Error::NoConvergence {
        operation,
        rows: a.nrows(),
        columns: a.ncols(),
    })?;
    Ok(Some(Leading {
        largest,
        square: square.max(0.0),
    }))
}

/// The largest |aᵢⱼ|, 0 of nothing.
pub(crate) fn largest<T: Scalar>(a: ArrayView2<'_, T>) -> T {
    a.iter().fold(T::zero(), |largest, x| largest.max(x.abs()))
}

/// The largest eigenvalue of AᵀA, or `None` if a tridiagonal eigenproblem fails.
fn largest_eigenvalue_of_gram<T: Scalar>(a: ArrayView2<'_, T>) -> Option<f64> {
    let n = a.ncols();
    let tolerance = 64.0 * T::epsilon().to_f64();
    let mut stream = Seed::new(0).purpose("lanczos").stream();
    let mut basis = vec![unit(Array1::from_shape_simple_fn(n, || {
        T::from_f64(stream.normal())
    }))?];
    let (mut diagonal, mut off_diagonal) = (Vec::new(), Vec::new());
    let mut next_check = 4.min(n);
    loop {
        let current = basis.last()?;
        let mut image = times_gram(a, current);
        diagonal.push(current.dot(&image).to_f64());
        for _ in 0..2 {
            for earlier in &basis {
                let along = earlier.dot(&image);
                image.scaled_add(-along, earlier);
            }
        }
        let step = diagonal.len();
        let residual = image.dot(&image).to_f64().sqrt();
        // A start vector without any share of the leading eigenvector has probability zero, so an invariant subspace is the end.
        let scale = diagonal.iter().fold(0.0_f64, |m, &x| m.max(x));
        let exhausted = step == n || residual <= scale * f64::EPSILON * 4.0;
        if exhausted || step >= next_check {
            let (value, last) = leading_ritz_pair(&diagonal, &off_diagonal)?;
            if exhausted || residual * last.abs() <= tolerance * value {
                return Some(value);
            }
            next_check = step + 1 + step / 8;
        }
        off_diagonal.push(residual);
        basis.push(image / T::from_f64(residual));
    }
}

/// AᵀA x in one pass over the rows of A.
fn times_gram<T: Scalar>(a: ArrayView2<'_, T>, x: &Array1<T>) -> Array1<T> {
    let mut image = Array1::zeros(x.len());
    for row in a.rows() {
        image.scaled_add(row.dot(x), &row);
    }
    image
}

fn unit<T: Scalar>(vector: Array1<T>) -> Option<Array1<T>> {
    let length = vector.dot(&vector).sqrt();
    (length > T::zero()).then(|| vector / length)
}

/// Largest eigenvalue of a symmetric tridiagonal matrix, and the last component of its unit eigenvector.
///
/// Implicit QL iterations (Golub and Welsch 1969) that carry along one row of the eigenvectors only.
fn leading_ritz_pair(diagonal: &[f64], off_diagonal: &[f64]) -> Option<(f64, f64)> {
    const ITERATIONS: usize = 60;
    let n = diagonal.len();
    let mut d = diagonal.to_vec();
    let mut e = off_diagonal.to_vec();
    e.push(0.0);
    let mut last = vec![0.0; n];
    last[n - 1] = 1.0;
    for l in 0..n {
        for iteration in 0.. {
            let small = |m: &usize| {
                *m == n - 1 || e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs())
            };
            let m = (l..n).find(small)?;
            if m == l {
                break;
            }
            if iteration == ITERATIONS {
                return None;
            }
            ql_sweep(&mut d, &mut e, &mut last, l, m);
        }
    }
    let leading = (0..n).reduce(|best, i| if d[i] > d[best] { i } else { best })?;
    Some((d[leading], last[leading]))
}

/// One implicit QL sweep with Wilkinson's shift over rows `l..=m`.
fn ql_sweep(d: &mut [f64], e: &mut [f64], last: &mut [f64], l: usize, m: usize) {
    let half = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (half + half.hypot(1.0).copysign(half));
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (sine * e[i], cosine * e[i]);
        let radius = f.hypot(g);
        e[i + 1] = radius;
        if radius == 0.0 {
            d[i + 1] -= shift;
            e[m] = 0.0;
            return;
        }
        (sine, cosine) = (f / radius, g / radius);
        g = d[i + 1] - shift;
        let turn = (d[i] - g) * sine + 2.0 * cosine * b;
        shift = sine * turn;
        d[i + 1] = g + shift;
        g = cosine * turn - b;
        let (low, high) = (last[i], last[i + 1]);
        last[i + 1] = sine * low + cosine * high;
        last[i] = cosine * low - sine * high;
    }
    d[l] -= shift;
    e[l] = g;
    e[m] = 0.0;
}
