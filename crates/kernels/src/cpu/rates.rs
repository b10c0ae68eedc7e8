//! The compressed rate, all images projected in one product.

use ndarray::ArrayView3;
use srr_coding_rate::{Coding, batch};

use super::{Cpu, CpuTensor, gemm::Finish, operand::Operand};
use crate::{Element, Error, Rates, Result, Tensor, check, composed::rates::compressed_rate_of};

impl<T: Element> Cpu<T> {
    pub(super) fn compressed_rate(
        &self,
        tokens: &CpuTensor<T>,
        stacked_bases: &CpuTensor<T>,
        heads: usize,
        coding: Coding,
        gradient: bool,
    ) -> Result<Rates<CpuTensor<T>>> {
        match self.rate_of_projections(tokens, stacked_bases, heads, coding, gradient) {
            // What is wrong with the tokens is found among the tokens.
            Err(Error::Rate(srr_coding_rate::Error::NotFinite { .. })) => {
                let rates = compressed_rate_of(
                    tokens.as_slice(),
                    tokens.shape(),
                    stacked_bases.as_slice(),
                    stacked_bases.shape(),
                    heads,
                    coding,
                    gradient,
                )?;
                Ok(self.rates(rates, tokens.shape(), stacked_bases.shape()))
            }
            result => result,
        }
    }

    fn rate_of_projections(
        &self,
        tokens: &CpuTensor<T>,
        stacked_bases: &CpuTensor<T>,
        heads: usize,
        coding: Coding,
        gradient: bool,
    ) -> Result<Rates<CpuTensor<T>>> {
        let [images, n, dim] = check::three_axes("compressed_rate", tokens.shape())?;
        let [inner, width] = check::two_axes("compressed_rate bases", stacked_bases.shape())?;
        if width != dim {
            return Err(check::mismatch(
                "compressed_rate",
                tokens.shape(),
                stacked_bases.shape(),
            ));
        }
        let exact = self.exact();
        let bases = Operand::rows(stacked_bases.as_slice(), dim);
        let mut v = exact.empty(&[images, n, inner]); // V = X U
        let packed = exact.packed(bases.transposed(), dim, inner);
        let x = Operand::rows(tokens.as_slice(), dim);
        exact.product(x, &packed, Finish::scaled(T::one()), v.as_mut_slice())?;
        let view = ArrayView3::from_shape((images, n, inner), v.as_slice())
            .map_err(|_| check::mismatch("compressed_rate", tokens.shape(), v.shape()))?;
        if !gradient {
            let values = batch::compressed_rate_of_projections(view, heads, coding)?;
            return Ok(wide(values));
        }
        let (values, dv) =
            batch::compressed_rate_of_projections_with_gradient(view, heads, coding)?;
        let dv = dv.as_slice().unwrap_or_default(); // fresh and row-major
        let mut d_tokens = exact.empty(tokens.shape());
        let packed = exact.packed(bases, inner, dim);
        let rows = Operand::rows(dv, inner);
        exact.product(
            rows,
            &packed,
            Finish::scaled(T::one()),
            d_tokens.as_mut_slice(),
        )?; // dX = dV Uᵀ
        let mut d_bases = exact.empty(stacked_bases.shape());
        d_bases.as_mut_slice().fill(T::zero());
        exact.add_transposed_product(dv, tokens.as_slice(), inner, &mut d_bases)?; // dUᵀ = dVᵀ X
        Ok(Rates {
            tokens: Some(d_tokens),
            bases: Some(d_bases),
            ..wide(values)
        })
    }
}

fn wide<T: Element>(values: Vec<T>) -> Rates<CpuTensor<T>> {
    Rates {
        values: values.into_iter().map(srr_linalg::Scalar::to_f64).collect(),
        tokens: None,
        bases: None,
    }
}
