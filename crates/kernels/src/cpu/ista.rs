//! One step of ISTA, as one map.
//!
//! x + β (x − x Dᵀ) D = x + x M with M = β (I − Dᵀ) D: one product for each token in place of two, and two in place of four in the
//! backward pass, for three products of d × d matrices. x itself enters no product, so that none can round it.

use super::{Cpu, CpuTensor, gemm::Finish, operand::Operand};
use crate::{Element, IstaOutput, Result, Tensor, Transpose, Unary, check};

/// Whether there are tokens enough to repay the products that make the map.
pub(super) fn is_one_map<T: Element>(x: &CpuTensor<T>, dictionary: &CpuTensor<T>) -> bool {
    x.len() >= dictionary.len()
}

impl<T: Element> Cpu<T> {
    pub(super) fn ista(
        &self,
        x: &CpuTensor<T>,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        threshold: f64,
    ) -> Result<IstaOutput<CpuTensor<T>>> {
        let dim = check::ista("ista", x.shape(), dictionary.shape(), step_size)?;
        check::finite("ista", "threshold", threshold)?;
        let map = self.ista_map(dictionary, step_size)?;
        let mut output = self.empty(x.shape());
        let packed = self.packed(Operand::rows(map.as_slice(), dim), dim, dim);
        let finish = Finish {
            addend: Some(x.as_slice()),
            relu_shift: Some(T::from_f64(step_size * threshold)),
            ..Finish::scaled(T::one())
        };
        let x = Operand::rows(x.as_slice(), dim);
        self.product(x, &packed, finish, output.as_mut_slice())?; // relu(x + x M − β λ)
        Ok(IstaOutput { output, saved: map })
    }

    /// M = β (D − Dᵀ D).
    fn ista_map(&self, dictionary: &CpuTensor<T>, step_size: f64) -> Result<CpuTensor<T>> {
        let mut map = self.empty(dictionary.shape());
        map.as_mut_slice().copy_from_slice(dictionary.as_slice());
        let (d, yes, no) = (dictionary, Transpose::Yes, Transpose::No);
        self.matmul_into(-step_size, d, yes, d, no, step_size, &mut map)?;
        Ok(map)
    }

    pub(super) fn ista_backward(
        &self,
        x: &CpuTensor<T>,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        forward: &IstaOutput<CpuTensor<T>>,
        dy: &CpuTensor<T>,
        d_dictionary: Option<&mut CpuTensor<T>>,
    ) -> Result<CpuTensor<T>> {
        let dim = check::ista("ista_backward", x.shape(), dictionary.shape(), step_size)?;
        check::same("ista_backward", x.shape(), dy.shape())?;
        check::same("ista_backward output", x.shape(), forward.output.shape())?;
        let map = &forward.saved;
        check::same("ista_backward map", dictionary.shape(), map.shape())?;
        check::same_optional(
            "ista_backward dictionary",
            &[dim, dim],
            d_dictionary.as_deref(),
        )?;
        let g = self.unary_backward(Unary::Relu, &forward.output, dy)?; // g = dy where the output is positive
        if let Some(d_dictionary) = d_dictionary {
            let mut d_map = self.empty(dictionary.shape());
            d_map.as_mut_slice().fill(T::zero());
            self.add_transposed_product(x.as_slice(), g.as_slice(), dim, &mut d_map)?; // dM = xᵀ g
            self.ista_map_backward(dictionary, step_size, d_map, d_dictionary)?;
        }
        let mut dx = self.empty(x.shape());
        let transposed = Operand::rows(map.as_slice(), dim).transposed();
        let packed = self.packed(transposed, dim, dim);
        let finish = Finish {
            addend: Some(g.as_slice()),
            ..Finish::scaled(T::one())
        };
        let g = Operand::rows(g.as_slice(), dim);
        self.product(g, &packed, finish, dx.as_mut_slice())?; // dx = g + g Mᵀ
        Ok(dx)
    }

    /// dD += β (dM − D (dM + dMᵀ)).
    fn ista_map_backward(
        &self,
        dictionary: &CpuTensor<T>,
        step_size: f64,
        mut d_map: CpuTensor<T>,
        d_dictionary: &mut CpuTensor<T>,
    ) -> Result<()> {
        self.add_scaled(d_dictionary, step_size, &d_map)?;
        let transposed = self.permute(&d_map, &[1, 0])?;
        self.add_scaled(&mut d_map, 1.0, &transposed)?;
        let no = Transpose::No;
        self.matmul_into(-step_size, dictionary, no, &d_map, no, 1.0, d_dictionary)
    }
}
