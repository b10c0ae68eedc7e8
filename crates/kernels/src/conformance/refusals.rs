//! Operands that do not fit, and options outside their range.

use super::Suite;
use crate::{AttentionOptions, Backend, Dropout, Error, Result, Transpose};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    primitives(suite)?;
    indices(suite)?;
    layers(suite)?;
    options(suite)?;
    divergence(suite)
}

/// A NaN is no error of an operation, but must not get lost in it either.
fn divergence<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let values = [1.0, f64::NAN, -1.0, 2.0].map(<B::Element as srr_linalg::Scalar>::from_f64);
    let x = backend.upload_unchecked(&values, &[1, 2, 2])?;
    let (weight, row) = (
        backend.upload_f64(&[1.0; 4], &[2, 2])?,
        backend.upload_f64(&[1.0; 2], &[2])?,
    );
    let options = AttentionOptions {
        heads: 1,
        scale: 1.0,
        causal: false,
        dropout: None,
    };
    for (name, y) in [
        ("softmax", backend.softmax(&x)?),
        ("linear", backend.linear(&x, &weight, Some(&row))?),
        (
            "layer_norm",
            backend.layer_norm(&x, &row, &row, 1e-5)?.output,
        ),
        ("mssa", backend.mssa(&x, &options)?),
        ("mssa_backward", backend.mssa_backward(&x, &options, &x)?),
        ("ista", backend.ista(&x, &weight, 0.1, 0.1)?.output),
        ("gelu", backend.unary(crate::Unary::Gelu, &x)?),
        ("relu", backend.unary(crate::Unary::Relu, &x)?),
    ] {
        suite.that(&format!("{name} passes a NaN on"), !backend.all_finite(&y)?);
    }
    Ok(())
}

fn shape(error: &Error) -> bool {
    matches!(error, Error::ShapeMismatch { .. } | Error::Rank { .. })
}

fn range(error: &Error) -> bool {
    matches!(error, Error::OutOfRange { .. })
}

fn option(error: &Error) -> bool {
    matches!(error, Error::InvalidOption { .. })
}

fn primitives<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let (backend, no) = (suite.backend, Transpose::No);
    let zeros = |shape: &[usize]| backend.zeros(shape);
    let (mut x, other) = (zeros(&[2, 3])?, zeros(&[3, 2])?);
    suite.refused("matmul 2x3 by 2x3", backend.matmul(&x, no, &x, no), shape);
    suite.refused(
        "matmul of ranks 2 and 3",
        backend.matmul(&x, no, &zeros(&[1, 3, 2])?, no),
        shape,
    );
    suite.refused(
        "matmul of rank 1",
        backend.matmul(&zeros(&[3])?, no, &other, no),
        shape,
    );
    let result = backend.matmul_into(1.0, &x.clone(), no, &other, no, 0.0, &mut x);
    suite.refused("matmul_into another shape", result, shape);
    suite.refused("add_scaled", backend.add_scaled(&mut x, 1.0, &other), shape);
    suite.refused("combine", backend.combine(&x, 1.0, &other), shape);
    suite.refused("multiply", backend.multiply(&x, &other), shape);
    suite.refused(
        "unary_backward",
        backend.unary_backward(crate::Unary::Exp, &x, &other),
        shape,
    );
    suite.refused("add_row", backend.add_row(&mut x, &zeros(&[2])?), shape);
    suite.refused("sum_rows", backend.sum_rows(&other, &mut x), shape);
    suite.refused("softmax of a scalar", backend.softmax(&zeros(&[])?), shape);
    suite.refused(
        "softmax_backward",
        backend.softmax_backward(&x, &other),
        shape,
    );
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
        suite.refused("permute", backend.permute(&x, axes), |e| {
            matches!(e, Error::Permutation { .. })
        });
    }
    suite.refused("concat of nothing", backend.concat(&[], 0), option);
    suite.refused(
        "concat of different widths",
        backend.concat(&[&x, &other], 0),
        shape,
    );
    suite.refused(
        "count_nonzero of a scalar",
        backend.count_nonzero(&zeros(&[])?),
        shape,
    );
    Ok(())
}

fn indices<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let mut x = backend.zeros(&[2, 3])?;
    suite.refused("slice past the end", backend.slice(&x, 1, 2, 2), range);
    suite.refused(
        "slice with an overflow",
        backend.slice(&x, 1, usize::MAX, 2),
        range,
    );
    suite.refused("slice along axis 2 of 2", backend.slice(&x, 2, 0, 1), range);
    let result = backend.add_slice(&mut x, 0, 1, &backend.zeros(&[2, 3])?);
    suite.refused("add_slice past the end", result, range);
    let result = backend.add_slice(&mut x, 0, 1, &backend.zeros(&[1, 2])?);
    suite.refused("add_slice of another width", result, shape);
    suite.refused("concat along axis 2 of 2", backend.concat(&[&x], 2), range);
    suite.refused("gather row 2 of 2", backend.gather_rows(&x, &[0, 2]), range);
    let rows = backend.zeros(&[2, 3])?;
    suite.refused(
        "scatter to row 2 of 2",
        backend.scatter_add_rows(&mut x, &[0, 2], &rows),
        range,
    );
    suite.refused(
        "scatter 2 rows to 1 id",
        backend.scatter_add_rows(&mut x, &[0], &rows),
        shape,
    );
    let result = backend.cross_entropy(&x, &[0, 3], 0.0);
    suite.refused("label 3 of 3", result, |e| {
        matches!(
            e,
            Error::Label {
                example: 1,
                label: 3,
                classes: 3
            }
        )
    });
    suite.refused(
        "1 label for 2 examples",
        backend.cross_entropy(&x, &[0], 0.0),
        shape,
    );
    Ok(())
}

fn layers<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let zeros = |shape: &[usize]| backend.zeros(shape);
    let (x, long, square) = (zeros(&[1, 2, 3])?, zeros(&[4])?, zeros(&[3, 3])?);
    suite.refused(
        "linear with another input",
        backend.linear(&x, &zeros(&[2, 4])?, None),
        shape,
    );
    suite.refused(
        "linear with another bias",
        backend.linear(&x, &square, Some(&long)),
        shape,
    );
    let result = backend.linear_backward(&x, &square, &zeros(&[1, 2, 4])?, None, None, true);
    suite.refused("linear_backward with another dy", result, shape);
    let result = backend.linear_backward(&x, &square, &x, Some(&mut zeros(&[3, 4])?), None, true);
    suite.refused("linear_backward with another d_weight", result, shape);
    let result = backend.linear_backward(&x, &square, &x, None, Some(&mut zeros(&[4])?), true);
    suite.refused("linear_backward with another d_bias", result, shape);

    let row = zeros(&[3])?;
    suite.refused(
        "layer_norm with another gain",
        backend.layer_norm(&x, &long, &row, 1e-5),
        shape,
    );
    let forward = backend.layer_norm(&x, &row, &row, 1e-5)?;
    let result = backend.layer_norm_backward(&x, &row, &forward, &zeros(&[2, 3])?, None, None);
    suite.refused("layer_norm_backward with another dy", result, shape);
    let result = backend.layer_norm_backward(&x, &row, &forward, &x, Some(&mut zeros(&[4])?), None);
    suite.refused("layer_norm_backward with another d_gain", result, shape);

    suite.refused(
        "ista with another dictionary",
        backend.ista(&x, &zeros(&[3, 2])?, 0.1, 0.1),
        shape,
    );
    let forward = backend.ista(&x, &square, 0.1, 0.1)?;
    let result = backend.ista_backward(&x, &square, 0.1, &forward, &zeros(&[2, 3])?, None);
    suite.refused("ista_backward with another dy", result, shape);
    let result = backend.ista_backward(&x, &square, 0.1, &forward, &x, Some(&mut zeros(&[2, 3])?));
    suite.refused("ista_backward with another d_dictionary", result, shape);

    let one_head = AttentionOptions {
        heads: 1,
        scale: 1.0,
        causal: false,
        dropout: None,
    };
    let other = zeros(&[1, 2, 4])?;
    suite.refused(
        "attention with another k",
        backend.attention(&x, &other, &x, &one_head),
        shape,
    );
    suite.refused(
        "attention with another v",
        backend.attention(&x, &x, &other, &one_head),
        shape,
    );
    suite.refused(
        "attention of rank 2",
        backend.mssa(&zeros(&[2, 3])?, &one_head),
        shape,
    );
    suite.refused(
        "mssa_backward with another ds",
        backend.mssa_backward(&x, &one_head, &other),
        shape,
    );
    suite.refused(
        "attention_backward",
        backend.attention_backward(&x, &x, &x, &one_head, &other),
        shape,
    );
    suite.refused("mean_tokens of rank 2", backend.mean_tokens(&square), shape);
    Ok(())
}

fn options<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (x, row, square) = (
        backend.zeros(&[1, 2, 3])?,
        backend.zeros(&[3])?,
        backend.zeros(&[3, 3])?,
    );
    let good = AttentionOptions {
        heads: 1,
        scale: 1.0,
        causal: false,
        dropout: None,
    };
    let certain = Dropout {
        probability: 1.0,
        seed: srr_random::Seed::new(0),
    };
    for bad in [
        AttentionOptions { heads: 0, ..good },
        AttentionOptions { heads: 2, ..good },
        AttentionOptions {
            scale: f64::NAN,
            ..good
        },
        AttentionOptions {
            dropout: Some(certain),
            ..good
        },
    ] {
        suite.refused("attention's options", backend.mssa(&x, &bad), option);
        suite.refused(
            "attention's options, backward",
            backend.mssa_backward(&x, &bad, &x),
            option,
        );
    }
    for bad in [f64::NAN, -1e-5] {
        suite.refused(
            "layer_norm's epsilon",
            backend.layer_norm(&x, &row, &row, bad),
            option,
        );
    }
    suite.refused(
        "ista's step size",
        backend.ista(&x, &square, f64::NAN, 0.1),
        option,
    );
    suite.refused(
        "ista's threshold",
        backend.ista(&x, &square, 0.1, f64::INFINITY),
        option,
    );
    for bad in [-0.1, 1.1, f64::NAN] {
        suite.refused(
            "smoothing",
            backend.cross_entropy(&square, &[0, 1, 2], bad),
            option,
        );
    }
    let images = backend.zeros(&[1, 1, 4, 6])?;
    for size in [0, 3, 4] {
        suite.refused("patch size", backend.patches(&images, size), option);
    }
    suite.refused("patches of rank 3", backend.patches(&x, 1), shape);
    suite.refused(
        "patches that do not fill the images",
        backend.patches_backward(&x, &[1, 1, 4, 6], 2),
        shape,
    );
    let result = backend.mean_tokens(&backend.zeros(&[2, 0, 3])?);
    suite.refused("the mean of no tokens", result, option);
    Ok(())
}
