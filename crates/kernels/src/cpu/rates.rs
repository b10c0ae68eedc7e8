//! Rates of a batch: all images projected in one product, the log-determinants of many heads abreast.

use ndarray::{Array3, ArrayView3, Axis};
use srr_coding_rate::{Coding, batch};
use srr_linalg::Scalar;

use super::{
    Cpu, CpuTensor,
    abreast::{LogDeterminants, whole_examples},
    gemm::Finish,
    operand::Operand,
    parallel::{RowsMut, block_rows, for_blocks},
    vector::width,
};
use crate::{
    Element, Error, Rates, Result, Tensor,
    check::{self, Heads},
    composed::rates::{coding_rate_of, compressed_rate_of},
};

/// Operations that a block of images should take.
const WORK: usize = 1 << 19;
/// Bytes of a workspace beyond which matrices are factored one by one: no cache would hold it.
const LARGEST: usize = 1 << 23;

/// A rate for each image, and its gradient if asked for.
type Found<T> = srr_coding_rate::Result<(Vec<T>, Option<Array3<T>>)>;

impl<T: Element> Cpu<T> {
    pub(super) fn coding_rate(
        &self,
        tokens: &CpuTensor<T>,
        coding: Coding,
        head_dim: usize,
        gradient: bool,
    ) -> Result<Rates<CpuTensor<T>>> {
        let [batch, n, dim] = check::three_axes("coding_rate", tokens.shape())?;
        let sizes = Heads {
            batch,
            tokens: n,
            heads: 1,
            dim,
        };
        let one_by_one = |x: ArrayView3<'_, T>| -> Found<T> {
            if gradient {
                let (values, gradient) = batch::coding_rate_with_gradient(x, coding, head_dim)?;
                return Ok((values, Some(gradient)));
            }
            Ok((batch::coding_rate(x, coding, head_dim)?, None))
        };
        let alpha = coding.precision.alpha(dim, n, head_dim);
        let scale = (!coding.unit_tokens).then_some(alpha);
        match self.rates_of(tokens, &sizes, scale, gradient, one_by_one) {
            // Only all images together say which of them it is.
            Err(Error::Rate(srr_coding_rate::Error::NotFinite { .. })) => {
                let (x, shape) = (tokens.as_slice(), tokens.shape());
                let rates = coding_rate_of(x, shape, coding, head_dim, gradient)?;
                Ok(self.rates(rates, tokens.shape(), &[]))
            }
            result => result,
        }
    }

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
        let found = self.rates_of_heads(&v, heads, coding, gradient)?;
        let Some(dv) = found.tokens else {
            return Ok(found);
        };
        let mut d_tokens = exact.empty(tokens.shape());
        let packed = exact.packed(bases, inner, dim);
        let (rows, out) = (Operand::rows(dv.as_slice(), inner), d_tokens.as_mut_slice());
        exact.product(rows, &packed, Finish::scaled(T::one()), out)?; // dX = dV Uᵀ
        let mut d_bases = exact.empty(stacked_bases.shape());
        d_bases.as_mut_slice().fill(T::zero());
        exact.add_transposed_product(dv.as_slice(), tokens.as_slice(), inner, &mut d_bases)?; // dUᵀ = dVᵀ X
        Ok(Rates {
            values: found.values,
            tokens: Some(d_tokens),
            bases: Some(d_bases),
        })
    }

    /// R^c of projections V [B, N, K·p], with the gradient with respect to them in the place of the tokens'.
    fn rates_of_heads(
        &self,
        v: &CpuTensor<T>,
        heads: usize,
        coding: Coding,
        gradient: bool,
    ) -> Result<Rates<CpuTensor<T>>> {
        let one_by_one = |v: ArrayView3<'_, T>| -> Found<T> {
            if gradient {
                let (values, gradient) =
                    batch::compressed_rate_of_projections_with_gradient(v, heads, coding)?;
                return Ok((values, Some(gradient)));
            }
            Ok((
                batch::compressed_rate_of_projections(v, heads, coding)?,
                None,
            ))
        };
        let [batch, tokens, inner] = check::three_axes("compressed_rate", v.shape())?;
        let divides = heads > 0 && inner.is_multiple_of(heads);
        let sizes = Heads {
            batch,
            tokens,
            heads: heads.max(1),
            dim: inner / heads.max(1),
        };
        let gamma = coding.precision.gamma(sizes.dim, tokens);
        let scale = (divides && !coding.unit_tokens).then_some(gamma);
        self.rates_of(v, &sizes, scale, gradient, one_by_one)
    }

    /// ½ Σ logdet(I + c V_kᵀV_k) over the heads of each image, with its gradient by V; c is `scale`. Images with a head for which the element
    /// type does not suffice are left to `one_by_one`, and all of them where c is not enough to say what is wanted.
    fn rates_of(
        &self,
        v: &CpuTensor<T>,
        sizes: &Heads,
        scale: Option<f64>,
        gradient: bool,
        one_by_one: impl Fn(ArrayView3<'_, T>) -> Found<T> + Sync,
    ) -> Result<Rates<CpuTensor<T>>> {
        let shape = check::three_axes("rates", v.shape())?;
        let view = ArrayView3::from_shape(shape, v.as_slice())
            .map_err(|_| check::mismatch("rates", v.shape(), &[v.len()]))?;
        let (Some(scale), true) = (scale, pays::<T>(sizes)) else {
            let (values, gradient) = one_by_one(view)?;
            let own = |found: Array3<T>| self.pool.adopt(found.into_iter().collect());
            return Ok(Rates {
                values: values.into_iter().map(Scalar::to_f64).collect(),
                tokens: gradient.map(|found| CpuTensor::new(own(found), v.shape())),
                bases: None,
            });
        };
        let mut log_determinants = vec![0.0; sizes.batch * sizes.heads];
        let mut gradient = gradient.then(|| self.empty(v.shape()));
        let parts = (
            RowsMut::new(&mut log_determinants, sizes.heads),
            gradient
                .as_mut()
                .map(|gradient| RowsMut::new(gradient.as_mut_slice(), sizes.example())),
        );
        let order = sizes.tokens.min(sizes.dim);
        let block = block_rows(WORK, 2 * sizes.example() * order)
            .next_multiple_of(whole_examples(sizes.heads, width::<T>()));
        for_blocks(sizes.batch, block, parts, |images, (values, gradient)| {
            let mut gradient = gradient.map(|part| part.data);
            let mut abreast = LogDeterminants::new(sizes, scale, &self.pool);
            let pairs = images.start * sizes.heads..images.end * sizes.heads;
            abreast.evaluate(pairs, v.as_slice(), values.data, gradient.as_deref_mut());
            for (index, values) in values.data.chunks_exact_mut(sizes.heads).enumerate() {
                if values.iter().any(|value| value.is_nan()) {
                    let image = images.start + index;
                    let v = view.slice_axis(Axis(0), (image..image + 1).into());
                    let example = index * sizes.example()..(index + 1) * sizes.example();
                    let gradient = gradient.as_deref_mut().map(|part| &mut part[example]);
                    replace(one_by_one(v)?, values, gradient);
                }
            }
            Ok(())
        })?;
        let halves = |heads: &[f64]| 0.5 * heads.iter().sum::<f64>();
        Ok(Rates {
            values: log_determinants
                .chunks_exact(sizes.heads)
                .map(halves)
                .collect(),
            tokens: gradient,
            bases: None,
        })
    }
}

/// Puts the rate of one image, and its gradient, in the place of what stands there.
fn replace<T: Element>(
    (rates, found): (Vec<T>, Option<Array3<T>>),
    log_determinants: &mut [f64],
    gradient: Option<&mut [T]>,
) {
    log_determinants.fill(0.0);
    log_determinants[0] = rates.iter().map(|&rate| 2.0 * Scalar::to_f64(rate)).sum();
    for (out, x) in gradient
        .into_iter()
        .flatten()
        .zip(found.into_iter().flatten())
    {
        *out = x;
    }
}

/// Whether matrices abreast are faster than one by one: enough to fill a good part of a vector, and small enough for the caches.
fn pays<T: Element>(sizes: &Heads) -> bool {
    sizes.example() > 0
        && 2 * sizes.batch * sizes.heads >= width::<T>()
        && LogDeterminants::<T>::bytes(sizes) <= LARGEST
}
