//! Multi-head attention, and subspace self-attention, one head of one example at a time.
//!
//! No attention matrix is kept: the backward pass computes it again.

use super::{
    Cpu, CpuTensor,
    head::Head,
    parallel::{RowsMut, block_rows, for_blocks},
};
use crate::{AttentionOptions, Element, Result, Tensor, check};

/// Operations that a block of examples should take.
const WORK: usize = 1 << 19;

impl<T: Element> Cpu<T> {
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
        if q.is_empty() {
            return Ok(out);
        }
        let example = sizes.tokens * sizes.heads * sizes.dim;
        let (q, k, v) = (q.as_slice(), k.as_slice(), v.as_slice());
        let block = block_rows(WORK, 4 * example * sizes.tokens);
        for_blocks(
            sizes.batch,
            block,
            RowsMut::new(out.as_mut_slice(), example),
            |range, out| {
                let mut head = Head::new(options, &sizes);
                for (b, out) in range.zip(out.data.chunks_exact_mut(example)) {
                    for h in 0..sizes.heads {
                        let at = b * example + h * sizes.dim;
                        head.forward(
                            b * sizes.heads + h,
                            &q[at..],
                            &k[at..],
                            &v[at..],
                            &mut out[h * sizes.dim..],
                        );
                    }
                }
                Ok(())
            },
        )?;
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
        let (mut dq, mut dk, mut dv) = (
            self.empty(q.shape()),
            self.empty(q.shape()),
            self.empty(q.shape()),
        );
        if q.is_empty() {
            return Ok((dq, dk, dv));
        }
        let example = sizes.tokens * sizes.heads * sizes.dim;
        let (q, k, v, dy) = (q.as_slice(), k.as_slice(), v.as_slice(), dy.as_slice());
        let parts = (
            RowsMut::new(dq.as_mut_slice(), example),
            RowsMut::new(dk.as_mut_slice(), example),
            RowsMut::new(dv.as_mut_slice(), example),
        );
        let block = block_rows(WORK, 10 * example * sizes.tokens);
        for_blocks(sizes.batch, block, parts, |range, (dq, dk, dv)| {
            let mut head = Head::new(options, &sizes);
            for (i, b) in range.enumerate() {
                for h in 0..sizes.heads {
                    let (at, to) = (b * example + h * sizes.dim, i * example + h * sizes.dim);
                    let operands = [&q[at..], &k[at..], &v[at..], &dy[at..]];
                    let gradients = [&mut dq.data[to..], &mut dk.data[to..], &mut dv.data[to..]];
                    head.backward(b * sizes.heads + h, operands, gradients);
                }
            }
            Ok(())
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
        if v.is_empty() {
            return Ok(dv);
        }
        let example = sizes.tokens * sizes.heads * sizes.dim;
        let (v, ds) = (v.as_slice(), ds.as_slice());
        let block = block_rows(WORK, 10 * example * sizes.tokens);
        for_blocks(
            sizes.batch,
            block,
            RowsMut::new(dv.as_mut_slice(), example),
            |range, dv| {
                let mut head = Head::new(options, &sizes);
                for (b, dv) in range.zip(dv.data.chunks_exact_mut(example)) {
                    for h in 0..sizes.heads {
                        let at = b * example + h * sizes.dim;
                        head.mssa_backward(
                            b * sizes.heads + h,
                            &v[at..],
                            &ds[at..],
                            &mut dv[h * sizes.dim..],
                        );
                    }
                }
                Ok(())
            },
        )?;
        Ok(dv)
    }
}
