//! Multi-head attention, and subspace self-attention, whose three operands are one.

use crate::{AttentionOptions, Backend, Result, Tensor, Transpose, check};

/// What a masked score gets added: exp of it is zero in every element type.
const MASKED: f64 = -1e30;

pub(crate) fn attention<B: Backend>(
    backend: &B,
    q: &B::Tensor,
    k: &B::Tensor,
    v: &B::Tensor,
    options: &AttentionOptions,
) -> Result<B::Tensor> {
    let sizes = check::attention("attention", q.shape(), options)?;
    check::same("attention k", q.shape(), k.shape())?;
    check::same("attention v", q.shape(), v.shape())?;
    let (q, k, v) = (
        split(backend, q, &sizes)?,
        split(backend, k, &sizes)?,
        split(backend, v, &sizes)?,
    );
    let weights = weights(backend, &q, &k, options, &sizes)?; // A [B·K, N, N]
    let weights = dropped(backend, weights, options, &sizes)?;
    let y = backend.matmul(&weights, Transpose::No, &v, Transpose::No)?; // Y = A V
    merge(backend, &y, &sizes)
}

pub(crate) fn attention_backward<B: Backend>(
    backend: &B,
    q: &B::Tensor,
    k: &B::Tensor,
    v: &B::Tensor,
    options: &AttentionOptions,
    dy: &B::Tensor,
) -> Result<(B::Tensor, B::Tensor, B::Tensor)> {
    let sizes = check::attention("attention_backward", q.shape(), options)?;
    check::same("attention_backward k", q.shape(), k.shape())?;
    check::same("attention_backward v", q.shape(), v.shape())?;
    check::same("attention_backward", q.shape(), dy.shape())?;
    let (q, k, v) = (
        split(backend, q, &sizes)?,
        split(backend, k, &sizes)?,
        split(backend, v, &sizes)?,
    );
    let dy = split(backend, dy, &sizes)?;
    let weights = weights(backend, &q, &k, options, &sizes)?; // A
    let kept = dropped(backend, weights.clone(), options, &sizes)?; // M ⊙ A
    let dv = backend.matmul(&kept, Transpose::Yes, &dy, Transpose::No)?; // dV = (M ⊙ A)ᵀ dY
    let d_kept = backend.matmul(&dy, Transpose::No, &v, Transpose::Yes)?; // dY Vᵀ
    let d_weights = dropped(backend, d_kept, options, &sizes)?; // dA = M ⊙ (dY Vᵀ)
    let mut d_scores = backend.softmax_backward(&weights, &d_weights)?; // dP = A ⊙ (dA − row sums of A ⊙ dA)
    backend.scale(&mut d_scores, options.scale)?;
    let dq = backend.matmul(&d_scores, Transpose::No, &k, Transpose::No)?; // dQ = scale dP K
    let dk = backend.matmul(&d_scores, Transpose::Yes, &q, Transpose::No)?; // dK = scale dPᵀ Q
    Ok((
        merge(backend, &dq, &sizes)?,
        merge(backend, &dk, &sizes)?,
        merge(backend, &dv, &sizes)?,
    ))
}

/// The three gradients fall on the one operand.
pub(crate) fn mssa_backward<B: Backend>(
    backend: &B,
    v: &B::Tensor,
    options: &AttentionOptions,
    ds: &B::Tensor,
) -> Result<B::Tensor> {
    let (mut total, dk, dv) = backend.attention_backward(v, v, v, options, ds)?;
    backend.add_scaled(&mut total, 1.0, &dk)?;
    backend.add_scaled(&mut total, 1.0, &dv)?;
    Ok(total)
}

/// softmax(scale Q Kᵀ), `[B·K, N, N]`.
fn weights<B: Backend>(
    backend: &B,
    q: &B::Tensor,
    k: &B::Tensor,
    options: &AttentionOptions,
    sizes: &check::Heads,
) -> Result<B::Tensor> {
    let (pairs, tokens) = (sizes.batch * sizes.heads, sizes.tokens);
    let mut scores = backend.zeros(&[pairs, tokens, tokens])?;
    backend.matmul_into(
        options.scale,
        q,
        Transpose::No,
        k,
        Transpose::Yes,
        0.0,
        &mut scores,
    )?;
    if options.causal {
        let mask: Vec<f64> = (0..tokens * tokens)
            .map(|i| if i % tokens > i / tokens { MASKED } else { 0.0 })
            .collect();
        let mut flat = backend.reshape(&scores, &[pairs, tokens * tokens])?;
        backend.add_row(&mut flat, &backend.upload_f64(&mask, &[tokens * tokens])?)?;
        scores = backend.reshape(&flat, &[pairs, tokens, tokens])?;
    }
    backend.softmax(&scores)
}

/// M ⊙ x for weights or their gradient; a row of the mask is that of a pair.
fn dropped<B: Backend>(
    backend: &B,
    x: B::Tensor,
    options: &AttentionOptions,
    sizes: &check::Heads,
) -> Result<B::Tensor> {
    let Some(dropout) = &options.dropout else {
        return Ok(x);
    };
    let pairs = sizes.batch * sizes.heads;
    let mut flat = backend.reshape(&x, &[pairs, sizes.tokens * sizes.tokens])?;
    drop(x); // or its elements would be copied
    backend.dropout(&mut flat, dropout)?;
    backend.reshape(&flat, &[pairs, sizes.tokens, sizes.tokens])
}

/// `[B, N, K·p]` to `[B·K, N, p]`.
fn split<B: Backend>(backend: &B, x: &B::Tensor, sizes: &check::Heads) -> Result<B::Tensor> {
    let x = backend.reshape(x, &[sizes.batch, sizes.tokens, sizes.heads, sizes.dim])?;
    let x = backend.permute(&x, &[0, 2, 1, 3])?;
    backend.reshape(&x, &[sizes.batch * sizes.heads, sizes.tokens, sizes.dim])
}

/// `[B·K, N, p]` to `[B, N, K·p]`.
fn merge<B: Backend>(backend: &B, x: &B::Tensor, sizes: &check::Heads) -> Result<B::Tensor> {
    let x = backend.reshape(x, &[sizes.batch, sizes.heads, sizes.tokens, sizes.dim])?;
    let x = backend.permute(&x, &[0, 2, 1, 3])?;
    backend.reshape(&x, &[sizes.batch, sizes.tokens, sizes.heads * sizes.dim])
}
