//! Lanczos' tridiagonalization with full reorthogonalization.

use ndarray::{Array1, Array2};
use srr_linalg::{Factorization, SymmetricEigen};
use srr_random::Seed;

use super::products::HessianProducts;
use crate::gradients::{dot, norm};
use crate::measure::Undefined;

/// An orthonormal basis of the Krylov space and the matrix there.
pub(super) struct Lanczos {
    /// Orthonormal vectors.
    pub(super) basis: Vec<Vec<f64>>,
    /// Diagonal of the tridiagonal matrix.
    diagonal: Vec<f64>,
    /// What stands beside the diagonal; the last one couples to the vector that would come next.
    beside: Vec<f64>,
    /// The vector that would come next, of unit length; `None` once the space is invariant.
    next: Option<Vec<f64>>,
}

/// Couplings below this share of the largest entry are rounding: the space is invariant.
const INVARIANT: f64 = 1e-6;

impl Lanczos {
    /// From a random start.
    pub(super) fn new(hessian: &HessianProducts<'_>, seed: Seed) -> Result<Self, Undefined> {
        let mut stream = seed.stream();
        let mut start: Vec<f64> = (0..hessian.size()).map(|_| stream.normal()).collect();
        hessian.restrict(&mut start);
        let length = norm(&start);
        if length == 0.0 {
            let what = "a block without parameters has no Hessian".to_owned();
            return Err(Undefined::Misfit(what));
        }
        start.iter_mut().for_each(|v| *v /= length);
        Ok(Self {
            basis: Vec::new(),
            diagonal: Vec::new(),
            beside: Vec::new(),
            next: Some(start),
        })
    }

    /// One more vector; `false` if there is none.
    pub(super) fn extend(&mut self, hessian: &HessianProducts<'_>) -> Result<bool, Undefined> {
        if self.basis.len() == hessian.rank_bound() {
            self.next = None;
        }
        let Some(vector) = self.next.take() else {
            return Ok(false);
        };
        let mut product = hessian.product(&vector)?;
        self.diagonal.push(dot(&vector, &product));
        self.basis.push(vector);
        // Twice is enough (Kahan and Parlett).
        for _ in 0..2 {
            for vector in &self.basis {
                let share = dot(vector, &product);
                product
                    .iter_mut()
                    .zip(vector)
                    .for_each(|(p, v)| *p -= share * v);
            }
        }
        let length = norm(&product);
        self.beside.push(length);
        if length > INVARIANT * self.scale() {
            product.iter_mut().for_each(|v| *v /= length);
            self.next = Some(product);
        }
        Ok(true)
    }

    /// The largest entry of the tridiagonal matrix.
    fn scale(&self) -> f64 {
        let entries = self.diagonal.iter().chain(&self.beside);
        entries.fold(f64::MIN_POSITIVE, |largest, entry| largest.max(entry.abs()))
    }

    /// Eigenvalues, ascending, and eigenvectors of the tridiagonal matrix.
    pub(super) fn ritz(&self) -> Result<SymmetricEigen<f64>, Undefined> {
        let n = self.diagonal.len();
        let mut matrix = Array2::from_diag(&Array1::from(self.diagonal.clone()));
        for i in 1..n {
            matrix[[i, i - 1]] = self.beside[i - 1];
            matrix[[i - 1, i]] = self.beside[i - 1];
        }
        Factorization::default()
            .symmetric_eigen(matrix.view())
            .map_err(|error| Undefined::Failed {
                what: "the eigendecomposition of the Lanczos matrix",
                reason: error.to_string(),
            })
    }

    /// Norm of the residual of a Ritz pair whose eigenvector of the tridiagonal matrix ends in `last`.
    pub(super) fn residual(&self, last: f64) -> f64 {
        self.next.as_ref().map_or(0.0, |_| {
            self.beside.last().map_or(0.0, |beside| beside * last.abs())
        })
    }

    /// Whether no vector comes next.
    pub(super) fn is_complete(&self) -> bool {
        self.next.is_none()
    }
}
