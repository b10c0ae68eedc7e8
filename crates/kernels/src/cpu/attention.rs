//! Multi-head attention, and subspace self-attention, as many heads at a time as a vector has lanes.
//!
//! No attention matrix is kept: the backward pass computes it again.

use std::ops::Range;

use super::{
    Cpu, CpuTensor,
    abreast::{Attention, whole_examples},
    parallel::{Rows, RowsMut, block_rows, for_blocks},
    vector::width,
    words::Words,
};
use crate::{
    AttentionOptions, Element, Result, Tensor,
    check::{self, Heads},
};

/// Operations that a block of examples should take.
const WORK: usize = 1 << 19;

impl<T: Element> Cpu<T> {
    pub(super) fn mssa(
        &self,
        v: &CpuTensor<T>,
        options: &AttentionOptions,
    ) -> Result<CpuTensor<T>> {
        let sizes = check::attention("mssa", v.shape(), options)?;
        let mut out = self.empty(v.shape());
        let parts = RowsMut::new(out.as_mut_slice(), sizes.example());
        self.for_pairs(options, &sizes, 2, parts, |abreast, pairs, out| {
            abreast.mssa(pairs, v.as_slice(), out.data);
        })?;
        Ok(out)
    }

    pub(super) fn attention(
        &self,
        q: &CpuTensor<T>,
        k: &CpuTensor<T>,
        v: &CpuTensor<T>,
        options: &AttentionOptions,
    ) -> Result<CpuTensor<T>> {
        let sizes = check::attention("attention", q.shape(), options)?;
        check::same("attention k", q.shape(), k.shape())?;
        check::same("attention v", q.shape(), v.shape())?;
        let mut out = self.empty(q.shape());
        let operands = [q, k, v].map(CpuTensor::as_slice);
        let parts = RowsMut::new(out.as_mut_slice(), sizes.example());
        self.for_pairs(options, &sizes, 2, parts, |abreast, pairs, out| {
            abreast.forward(pairs, operands, out.data);
        })?;
        Ok(out)
    }

    pub(super) fn attention_backward(
        &self,
        q: &CpuTensor<T>,
        k: &CpuTensor<T>,
        v: &CpuTensor<T>,
        options: &AttentionOptions,
        dy: &CpuTensor<T>,
    ) -> Result<(CpuTensor<T>, CpuTensor<T>, CpuTensor<T>)> {
        let sizes = check::attention("attention_backward", q.shape(), options)?;
        for (name, t) in [
            ("attention_backward k", k),
            ("attention_backward v", v),
            ("attention_backward", dy),
        ] {
            check::same(name, q.shape(), t.shape())?;
        }
        let [mut dq, mut dk, mut dv] = std::array::from_fn(|_| self.empty(q.shape()));
        let operands = [q, k, v, dy].map(CpuTensor::as_slice);
        let rows = |x| RowsMut::new(CpuTensor::as_mut_slice(x), sizes.example());
        let parts = (rows(&mut dq), rows(&mut dk), rows(&mut dv));
        self.for_pairs(options, &sizes, 5, parts, |abreast, pairs, (dq, dk, dv)| {
            abreast.backward(pairs, operands, [dq.data, dk.data, dv.data]);
        })?;
        Ok((dq, dk, dv))
    }

    pub(super) fn mssa_backward(
        &self,
        v: &CpuTensor<T>,
        options: &AttentionOptions,
        ds: &CpuTensor<T>,
    ) -> Result<CpuTensor<T>> {
        let sizes = check::attention("mssa_backward", v.shape(), options)?;
        check::same("mssa_backward", v.shape(), ds.shape())?;
        let mut dv = self.empty(v.shape());
        let (v, ds) = (v.as_slice(), ds.as_slice());
        let parts = RowsMut::new(dv.as_mut_slice(), sizes.example());
        self.for_pairs(options, &sizes, 5, parts, |abreast, pairs, dv| {
            abreast.mssa_backward(pairs, v, ds, dv.data);
        })?;
        Ok(dv)
    }

    /// Calls `body` for the pairs of example and head of each block of examples, whose attention takes so many products.
    fn for_pairs<R: Rows>(
        &self,
        options: &AttentionOptions,
        sizes: &Heads,
        products: usize,
        output: R,
        body: impl Fn(&mut Attention<T>, Range<usize>, R) + Sync,
    ) -> Result<()> {
        if sizes.example() == 0 {
            return Ok(());
        }
        let operations = 2 * products * sizes.example() * sizes.tokens;
        let examples = whole_examples(sizes.heads, width::<T>());
        let block = block_rows(WORK, operations).next_multiple_of(examples);
        for_blocks(sizes.batch, block, output, |range, output| {
            let words = Words::of::<T>(self.precision).lane_by_lane();
            let mut abreast = Attention::new(options, sizes, words, &self.pool);
            body(
                &mut abreast,
                range.start * sizes.heads..range.end * sizes.heads,
                output,
            );
            Ok(())
        })
    }
}
