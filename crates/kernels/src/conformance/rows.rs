//! Rows added to rows, their sums, and their softmax.

use super::{Host, Suite, host::central_differences};
use crate::{Backend, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for shape in [[1, 1, 1], [2, 3, 5], [3, 101, 17], [1, 2, 40]] {
        let width = shape[2];
        let (x, x_host) = suite.random(&shape)?;
        let (row, row_host) = suite.random(&[width])?;
        let mut y = x.clone();
        backend.add_row(&mut y, &row)?;
        suite.close(
            "add_row",
            &y,
            &Host::new(&shape, |i| x_host.data[i] + row_host.data[i % width]),
        )?;
        let mut sum = row.clone();
        backend.sum_rows(&x, &mut sum)?;
        let total = Host::new(&[width], |j| {
            row_host.data[j] + x_host.rows().map(|r| r[j]).sum::<f64>()
        });
        suite.close("sum_rows accumulates", &sum, &total)?;
        // Far from zero, where exponentials overflow without care.
        let (x, x_host) = suite.of(&x_host.map(|v| 20.0 * v + 300.0))?;
        suite.close("softmax", &backend.softmax(&x)?, &x_host.map_rows(softmax))?;
    }
    for shape in [[1, 1], [3, 5], [2, 37]] {
        let (x, x_host) = suite.random(&shape)?;
        let (dy, dy_host) = suite.random(&shape)?;
        let y = backend.softmax(&x)?;
        let numeric = central_differences(&[&x_host], 0, |x| x[0].map_rows(softmax).dot(&dy_host));
        suite.gradient(
            "softmax_backward",
            &backend.softmax_backward(&y, &dy)?,
            &numeric,
        )?;
    }
    Ok(())
}

pub(super) fn softmax(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = row.iter().map(|x| (x - largest).exp()).sum();
    row.iter().map(|x| (x - largest).exp() / total).collect()
}
