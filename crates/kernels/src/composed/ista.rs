//! One step of ISTA.

use super::{as_matrix, constant};
use crate::{Backend, IstaOutput, Result, Tensor, Transpose, Unary, check};

pub(crate) fn ista<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    dictionary: &B::Tensor,
    step_size: f64,
    threshold: f64,
) -> Result<IstaOutput<B::Tensor>> {
    let dim = check::ista("ista", x.shape(), dictionary.shape(), step_size)?;
    check::finite("ista", "threshold", threshold)?;
    let matrix = as_matrix(backend, x, dim)?;
    let mut residual = matrix.clone();
    backend.matmul_into(
        -1.0,
        &matrix,
        Transpose::No,
        dictionary,
        Transpose::Yes,
        1.0,
        &mut residual,
    )?; // r = x − x Dᵀ
    let mut inside = matrix;
    backend.matmul_into(
        step_size,
        &residual,
        Transpose::No,
        dictionary,
        Transpose::No,
        1.0,
        &mut inside,
    )?; // x + β r D
    backend.add_row(
        &mut inside,
        &constant(backend, -step_size * threshold, &[dim])?,
    )?; // − β λ
    let output = backend.unary(Unary::Relu, &inside)?;
    Ok(IstaOutput {
        output: backend.reshape(&output, x.shape())?,
        saved: backend.reshape(&residual, x.shape())?,
    })
}

pub(crate) fn ista_backward<B: Backend>(
    backend: &B,
    x: &B::Tensor,
    dictionary: &B::Tensor,
    step_size: f64,
    forward: &IstaOutput<B::Tensor>,
    dy: &B::Tensor,
    d_dictionary: Option<&mut B::Tensor>,
) -> Result<B::Tensor> {
    let dim = check::ista("ista_backward", x.shape(), dictionary.shape(), step_size)?;
    check::same("ista_backward", x.shape(), dy.shape())?;
    check::same("ista_backward output", x.shape(), forward.output.shape())?;
    check::same("ista_backward residual", x.shape(), forward.saved.shape())?;
    let rows = |t: &B::Tensor| as_matrix(backend, t, dim);
    let (x_rows, residual) = (rows(x)?, rows(&forward.saved)?);
    let g = rows(&backend.unary_backward(Unary::Relu, &forward.output, dy)?)?; // g = dy where the output is positive
    let mut d_residual = backend.zeros(g.shape())?;
    backend.matmul_into(
        step_size,
        &g,
        Transpose::No,
        dictionary,
        Transpose::Yes,
        0.0,
        &mut d_residual,
    )?; // dr = β g Dᵀ
    if let Some(d_dictionary) = d_dictionary {
        backend.matmul_into(
            step_size,
            &residual,
            Transpose::Yes,
            &g,
            Transpose::No,
            1.0,
            d_dictionary,
        )?; // dD += β rᵀ g
        backend.matmul_into(
            -1.0,
            &d_residual,
            Transpose::Yes,
            &x_rows,
            Transpose::No,
            1.0,
            d_dictionary,
        )?; // dD −= drᵀ x
    }
    let mut dx = g;
    backend.add_scaled(&mut dx, 1.0, &d_residual)?;
    backend.matmul_into(
        -1.0,
        &d_residual,
        Transpose::No,
        dictionary,
        Transpose::No,
        1.0,
        &mut dx,
    )?; // dx = g + dr − dr D
    backend.reshape(&dx, x.shape())
}
