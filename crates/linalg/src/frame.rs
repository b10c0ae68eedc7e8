//! Random matrices: Gaussian, and frames of orthonormal columns.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};
use srr_random::Stream;

use crate::{Error, Result, Scalar};

/// A matrix of independent standard normal numbers, [rows, columns], drawn row by row.
#[must_use]
pub fn random_matrix<T: Scalar>(rows: usize, columns: usize, stream: &mut Stream) -> Array2<T> {
    Array2::from_shape_simple_fn((rows, columns), || T::from_f64(stream.normal()))
}

/// A frame of orthonormal columns, [rows, columns], uniform (Haar) over all such frames.
///
/// The columns of a Gaussian matrix are orthogonalized in order by Gram and Schmidt's process, each twice, in `f64`.
///
/// # Errors
/// [`Error::FrameTooWide`] if `columns > rows`.
///
/// ```
/// use srr_linalg::{gram, random_orthonormal};
/// let u = random_orthonormal::<f64>(6, 2, &mut srr_random::Seed::new(1).stream())?;
/// let g = gram(u.view());
/// assert!((g[[0, 0]] - 1.0).abs() < 1e-14 && g[[0, 1]].abs() < 1e-14);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn random_orthonormal<T: Scalar>(
    rows: usize,
    columns: usize,
    stream: &mut Stream,
) -> Result<Array2<T>> {
    if columns > rows {
        return Err(Error::FrameTooWide { rows, columns });
    }
    let frame = orthonormal_rows(columns, rows, stream);
    Ok(Array2::from_shape_fn((rows, columns), |(i, j)| {
        T::from_f64(frame[[j, i]])
    }))
}

/// The frame's columns as rows. Not generic, so that it is compiled (and optimized) here.
fn orthonormal_rows(count: usize, dim: usize, stream: &mut Stream) -> Array2<f64> {
    let mut frame = Array2::<f64>::zeros((count, dim));
    for j in 0..count {
        let (earlier, mut rest) = frame.view_mut().split_at(Axis(0), j);
        let mut vector = rest.row_mut(0);
        // A draw that is numerically inside the span of the earlier ones is drawn again.
        loop {
            vector.map_inplace(|x| *x = stream.normal());
            let before = norm(vector.view());
            for _ in 0..2 {
                subtract_projections(earlier.view(), &mut vector);
            }
            let after = norm(vector.view());
            if after > 1e-8 * before {
                vector.map_inplace(|x| *x /= after);
                break;
            }
        }
    }
    frame
}

fn norm(vector: ArrayView1<'_, f64>) -> f64 {
    vector.dot(&vector).sqrt()
}

fn subtract_projections(orthonormal: ArrayView2<'_, f64>, vector: &mut ArrayViewMut1<'_, f64>) {
    let coefficients = orthonormal.dot(&vector.view());
    for (row, &coefficient) in orthonormal.rows().into_iter().zip(&coefficients) {
        vector.scaled_add(-coefficient, &row);
    }
}
