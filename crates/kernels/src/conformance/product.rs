//! Matrix products.

use super::{Host, Suite};
use crate::{Backend, Result, Transpose};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    // (batch, m, k, n); 0 stands for no batch axis.
    for (batch, m, k, n) in [
        (0, 1, 1, 1),
        (0, 3, 5, 7),
        (0, 130, 17, 33),
        (1, 4, 2, 3),
        (3, 5, 1, 4),
        (70, 17, 12, 17),
    ] {
        for ta in [Transpose::No, Transpose::Yes] {
            for tb in [Transpose::No, Transpose::Yes] {
                let shape = |rows: usize, columns: usize, t: Transpose| {
                    let (rows, columns) = if t == Transpose::Yes {
                        (columns, rows)
                    } else {
                        (rows, columns)
                    };
                    if batch == 0 {
                        vec![rows, columns]
                    } else {
                        vec![batch, rows, columns]
                    }
                };
                let (a, a_host) = suite.random(&shape(m, k, ta))?;
                let (b, b_host) = suite.random(&shape(k, n, tb))?;
                let (mut out, out_host) = suite.random(&shape(m, n, Transpose::No))?;
                let product = reference(&a_host, ta, &b_host, tb, (batch.max(1), m, k, n))
                    .reshaped(&out_host.shape);
                let what = format!("{batch} products {m}x{k}x{n}, {ta:?} {tb:?}");
                suite.close(&what, &backend.matmul(&a, ta, &b, tb)?, &product)?;
                backend.matmul_into(0.5, &a, ta, &b, tb, -2.0, &mut out)?;
                let combined = product.zip(&out_host, |p, c| 0.5 * p - 2.0 * c);
                suite.close(&format!("{what}, accumulated"), &out, &combined)?;
            }
        }
    }
    let (a, _) = suite.random(&[2, 3])?;
    let (b, _) = suite.random(&[3, 2])?;
    let nan = [f64::NAN; 4].map(<B::Element as srr_linalg::Scalar>::from_f64);
    let mut out = backend.upload_unchecked(&nan, &[2, 2])?;
    backend.matmul_into(1.0, &a, Transpose::No, &b, Transpose::No, 0.0, &mut out)?;
    suite.that(
        "with beta = 0 a NaN in out does not matter",
        backend.all_finite(&out)?,
    );
    let mut empty_inner = backend.upload_f64(&[1.0; 6], &[2, 3])?;
    backend.matmul_into(
        1.0,
        &backend.zeros(&[2, 0])?,
        Transpose::No,
        &backend.zeros(&[0, 3])?,
        Transpose::No,
        0.5,
        &mut empty_inner,
    )?;
    suite.close(
        "a product without terms leaves beta out",
        &empty_inner,
        &Host::new(&[2, 3], |_| 0.5),
    )
}

fn reference(
    a: &Host,
    ta: Transpose,
    b: &Host,
    tb: Transpose,
    (batch, m, k, n): (usize, usize, usize, usize),
) -> Host {
    let entry = |x: &Host, t: Transpose, index: usize, i: usize, j: usize| match t {
        Transpose::No => x.at(index, i, j),
        Transpose::Yes => x.at(index, j, i),
    };
    Host::new(&[batch, m, n], |at| {
        let (index, i, j) = (at / (m * n), at / n % m, at % n);
        (0..k)
            .map(|l| entry(a, ta, index, i, l) * entry(b, tb, index, l, j))
            .sum()
    })
}
