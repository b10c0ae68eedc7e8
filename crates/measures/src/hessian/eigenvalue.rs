//! The largest eigenvalue.

use ndarray::ArrayView1;
use srr_random::Seed;

use super::lanczos::Lanczos;
use super::products::HessianProducts;
use crate::gradients::{Mean, dot, norm};
use crate::measure::Undefined;

/// Rounding of a product beside the eigenvalue.
const ROUNDING: f64 = 1e-6;

/// When Lanczos' iteration ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosOptions {
    /// Most products.
    pub iterations: usize,
    /// Largest norm of the residual, beside the eigenvalue.
    pub tolerance: f64,
}

impl Default for LanczosOptions {
    /// 60 products, 10⁻³.
    fn default() -> Self {
        Self {
            iterations: 60,
            tolerance: 1e-3,
        }
    }
}

/// The largest eigenvalue of a Hessian.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenvalue {
    /// The eigenvalue on all of the images, and how it varies between them: the standard error is that of vᵀHv over parts of the images,
    /// with v the eigenvector on all of them, which is how the eigenvalue changes to first order.
    pub value: Mean,
    /// Norm of Hv − λv for the unit vector v.
    pub residual: f64,
    /// Number of products.
    pub iterations: usize,
    /// The eigenvector, of unit length.
    pub vector: Vec<f64>,
}

/// The largest (not the largest absolute) eigenvalue by Lanczos' iteration with full reorthogonalization, from a random start.
///
/// # Errors
/// A missing capability; a gradient that is not finite; no convergence within the products allowed.
pub fn largest_eigenvalue(
    hessian: &HessianProducts<'_>,
    options: &LanczosOptions,
    seed: Seed,
) -> Result<Eigenvalue, Undefined> {
    let mut lanczos = Lanczos::new(hessian, seed)?;
    let mut last = f64::NAN;
    for _ in 0..options.iterations {
        lanczos.extend(hessian)?;
        let ritz = lanczos.ritz()?;
        let top = ritz.values.len() - 1;
        let coordinates = ritz.vectors.column(top);
        let residual = lanczos.residual(coordinates[top]);
        last = residual / ritz.values[top].abs();
        if lanczos.is_complete() || residual <= options.tolerance * ritz.values[top].abs() {
            let found = measured(hessian, &lanczos, coordinates)?;
            return linear(found, options);
        }
    }
    Err(Undefined::Failed {
        what: "Lanczos' iteration",
        reason: format!(
            "the residual is {last:.1e} of the eigenvalue after {} products, above {:.0e}",
            options.iterations, options.tolerance
        ),
    })
}

/// An eigenvalue whose vector the products agree on. They are differences, and no linear map where the network has a kink within the step.
fn linear(found: Eigenvalue, options: &LanczosOptions) -> Result<Eigenvalue, Undefined> {
    let size = found.value.value.abs();
    if found.residual <= 10.0 * options.tolerance.max(ROUNDING) * size {
        return Ok(found);
    }
    let share = found.residual / size;
    Err(Undefined::Failed {
        what: "Lanczos' iteration",
        reason: format!(
            "the product with its vector is off by {share:.1e} of the eigenvalue: the network has kinks there"
        ),
    })
}

/// One more product, with the eigenvector, measures eigenvalue, residual and spread.
fn measured(
    hessian: &HessianProducts<'_>,
    lanczos: &Lanczos,
    coordinates: ArrayView1<'_, f64>,
) -> Result<Eigenvalue, Undefined> {
    let mut vector = vec![0.0; hessian.size()];
    for (basis, &share) in lanczos.basis.iter().zip(coordinates) {
        vector
            .iter_mut()
            .zip(basis)
            .for_each(|(v, b)| *v += share * b);
    }
    let parts = hessian.parts(&vector)?;
    let quotients = parts.products.iter().map(|product| dot(&vector, product));
    let of_parts: Vec<(f64, usize)> = quotients.zip(parts.images.iter().copied()).collect();
    let value = Mean::of_parts(&of_parts);
    let product = parts.mean();
    let rest: Vec<f64> = product
        .iter()
        .zip(&vector)
        .map(|(p, v)| p - value.value * v)
        .collect();
    Ok(Eigenvalue {
        value,
        residual: norm(&rest),
        iterations: lanczos.basis.len(),
        vector,
    })
}
