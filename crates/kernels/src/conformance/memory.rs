//! Memory and the numbers that the host reads.

use super::{Host, Suite};
use crate::{Backend, Error, Result, Tensor};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (x, values) = suite.random(&[3, 1, 5])?;
    suite.equal("download returns what was uploaded", &x, &values)?;
    suite.equal("zeros", &backend.zeros(&[2, 3])?, &Host::zeros(&[2, 3]))?;
    suite.equal(
        "an empty tensor",
        &backend.zeros(&[2, 0, 3])?,
        &Host::zeros(&[2, 0, 3]),
    )?;
    suite.equal(
        "a scalar",
        &backend.upload_f64(&[2.5], &[])?,
        &Host::new(&[], |_| 2.5),
    )?;
    suite.that(
        "len",
        x.len() == 15 && !x.is_empty() && backend.zeros(&[0])?.is_empty(),
    );

    let mut other = backend.reshape(&x, &[5, 3])?;
    suite.equal(
        "reshape keeps the order",
        &other,
        &values.clone().reshaped(&[5, 3]),
    )?;
    let mut copy = x.clone();
    backend.scale(&mut other, 3.0)?;
    backend.scale(&mut copy, 0.0)?;
    suite.equal(
        "changing a clone or a reshaped tensor leaves the original",
        &x,
        &values,
    )?;
    suite.equal("the clone has changed", &copy, &Host::zeros(&[3, 1, 5]))?;

    suite.refused(
        "NaN in upload",
        backend.upload_f64(&[1.0, f64::NAN], &[2]),
        |e| matches!(e, Error::NonFinite { index: 1, .. }),
    );
    suite.refused(
        "infinity in upload",
        backend.upload_f64(&[f64::INFINITY], &[1]),
        |e| matches!(e, Error::NonFinite { .. }),
    );
    suite.refused("too few values", backend.upload_f64(&[1.0], &[2]), |e| {
        matches!(e, Error::Length { values: 1, .. })
    });
    suite.refused(
        "reshape to another length",
        backend.reshape(&x, &[4, 4]),
        |e| matches!(e, Error::Length { values: 15, .. }),
    );

    host_reads(suite)
}

fn host_reads<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (x, values) = suite.random(&[4, 5001])?;
    let tolerance = 1e-12 * values.dot(&values);
    suite.numbers(
        "sum_of_squares",
        &[backend.sum_of_squares(&x)?],
        &[values.dot(&values)],
        tolerance,
    );
    suite.that("finite numbers are finite", backend.all_finite(&x)?);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let row = [1.0, 2.0, bad].map(<B::Element as srr_linalg::Scalar>::from_f64);
        suite.that(
            "NaN and infinities are not finite",
            !backend.all_finite(&backend.upload_unchecked(&row, &[3])?)?,
        );
    }
    let sparse = Host::new(&[3, 2, 2], |i| {
        [
            0.0, 1.0, -0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 1e-30, 3.0, 4.0, 5.0,
        ][i]
    });
    let (sparse, _) = suite.of(&sparse)?;
    suite.that(
        "count_nonzero",
        backend.count_nonzero(&sparse)? == [2, 0, 4],
    );
    Ok(())
}
