//! logdet(I + VᵀV) and V (I + VᵀV)⁻¹ without the product VᵀV, whose rounding drowns the identity where V is large.

use ndarray::{Array2, ArrayView1, s};

/// The QR factorization of I [p, p] stacked on V [n, p]: with (I; V) = (Q₁; Q₂) R it is I + VᵀV = RᵀR and R⁻¹ = Q₁, hence
/// V (I + VᵀV)⁻¹ = Q₂ R⁻ᵀ.
pub(crate) struct Stacked {
    /// R [p, p], its diagonal at least 1 but for rounding.
    triangle: Array2<f64>,
    /// V, its columns replaced by the lower parts vⱼ of the vectors (1 + rⱼⱼ; vⱼ) of the Householder reflections.
    reflectors: Array2<f64>,
    /// The largest norm of a column of (I; V).
    largest: f64,
}

impl Stacked {
    /// Reflects one column after the other. Above vⱼ stands 1 while column j waits, and the reflection that turns (1; vⱼ) into
    /// −rⱼⱼ has 1/(rⱼⱼ (1 + rⱼⱼ)) as its factor, so nothing is ever subtracted from 1.
    pub(crate) fn new(mut v: Array2<f64>) -> Self {
        let p = v.ncols();
        let largest = v.columns().into_iter().map(length).fold(1.0, f64::max);
        let mut triangle = Array2::zeros((p, p));
        for j in 0..p {
            let (done, mut rest) = v.multi_slice_mut((s![.., j], s![.., j + 1..]));
            let r = length(done.view());
            triangle[[j, j]] = r;
            for (k, mut column) in rest.columns_mut().into_iter().enumerate() {
                let along = done.dot(&column);
                column.scaled_add(-along / (r * (1.0 + r)), &done);
                triangle[[j, j + 1 + k]] = along / r;
            }
        }
        Self {
            triangle,
            reflectors: v,
            largest,
        }
    }

    /// logdet(I + VᵀV).
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * self.triangle.diag().iter().map(|r| r.ln()).sum::<f64>()
    }

    /// To first order in the rounding, a bound on the error of [`log_determinant`](Self::log_determinant).
    pub(crate) fn error(&self) -> f64 {
        let relative = self.triangle.diag().mapv(|r| self.largest / r);
        2.0 * f64::EPSILON * relative.sum()
    }

    /// V (I + VᵀV)⁻¹, [n, p].
    pub(crate) fn solution(&self) -> Array2<f64> {
        let mut x = self.lower_frame();
        for j in (0..x.ncols()).rev() {
            let (mut column, solved) = x.multi_slice_mut((s![.., j], s![.., j + 1..]));
            let row = self.triangle.slice(s![j, j + 1..]);
            column -= &solved.dot(&row);
            column /= self.triangle[[j, j]];
        }
        x
    }

    /// Q₂ [n, p]: the reflections, from the last to the first, of the columns of −(I; 0).
    fn lower_frame(&self) -> Array2<f64> {
        let mut frame = Array2::<f64>::zeros(self.reflectors.dim());
        for j in (0..frame.ncols()).rev() {
            let (r, reflector) = (self.triangle[[j, j]], self.reflectors.column(j));
            for k in j..frame.ncols() {
                let mut column = frame.column_mut(k);
                let above = if k == j { -(1.0 + r) } else { 0.0 };
                let along = above + reflector.dot(&column);
                column.scaled_add(-along / (r * (1.0 + r)), &reflector);
            }
        }
        frame
    }
}

/// The norm of (1; column).
fn length(column: ArrayView1<'_, f64>) -> f64 {
    column.dot(&column).sqrt().hypot(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn one_column_of_any_size_is_solved_exactly() {
        // v (1 + ‖v‖²)⁻¹ and log(1 + ‖v‖²) with ‖v‖ = 5·10ᵏ.
        for exponent in [-150, -8, 0, 8, 150] {
            let size = 10.0_f64.powi(exponent);
            let v = array![[3.0 * size], [4.0 * size]];
            let stacked = Stacked::new(v.clone());
            let square = 25.0 * size * size;
            let expected = square.ln_1p();
            assert!((stacked.log_determinant() - expected).abs() <= 1e-14 * expected.max(1.0));
            let solution = stacked.solution();
            for (found, entry) in solution.iter().zip(&v) {
                let expected = entry / (1.0 + square);
                assert!(
                    (found - expected).abs() <= 1e-14 * expected,
                    "{found} {expected}"
                );
            }
        }
    }
}
