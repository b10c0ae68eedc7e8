//! Moving elements.

use super::{Host, Suite};
use crate::{Backend, Result};

pub(super) fn check<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    permutations(suite)?;
    slices(suite)?;
    tables(suite)?;
    patches(suite)?;
    means(suite)
}

fn permutations<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[3, 4], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 3, 4, 5], &[0, 2, 1, 3]),
        (&[2, 1, 3, 2, 2, 3], &[0, 2, 4, 3, 5, 1]),
        (&[70, 30, 9], &[1, 0, 2]),
        (&[4], &[0]),
    ];
    for (shape, axes) in cases {
        let (x, x_host) = suite.random(shape)?;
        suite.equal(
            &format!("permute {shape:?} by {axes:?}"),
            &suite.backend.permute(&x, axes)?,
            &permute(&x_host, axes),
        )?;
    }
    Ok(())
}

fn permute(x: &Host, axes: &[usize]) -> Host {
    let shape: Vec<usize> = axes.iter().map(|&axis| x.shape[axis]).collect();
    Host::new(&shape, |i| {
        let mut index = vec![0; shape.len()];
        let mut rest = i;
        for axis in (0..shape.len()).rev() {
            index[axes[axis]] = rest % shape[axis];
            rest /= shape[axis];
        }
        x.data[index
            .iter()
            .zip(&x.shape)
            .fold(0, |at, (&i, &length)| at * length + i)]
    })
}

fn slices<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let shape = [3, 4, 5];
    let inner = [20, 5, 1];
    for (axis, start, length) in [
        (0, 1, 2),
        (1, 0, 1),
        (1, 3, 1),
        (2, 2, 3),
        (2, 5, 0),
        (0, 0, 3),
    ] {
        let (x, x_host) = suite.random(&shape)?;
        let mut short = shape.to_vec();
        short[axis] = length;
        let place = |i: usize| {
            (i / (length * inner[axis]) * shape[axis] + start) * inner[axis]
                + i % (length * inner[axis])
        };
        let expected = Host::new(&short, |i| x_host.data[place(i)]);
        let what = format!("{start}..{start}+{length} of axis {axis}");
        suite.equal(
            &format!("slice {what}"),
            &backend.slice(&x, axis, start, length)?,
            &expected,
        )?;
        let (part, part_host) = suite.random(&short)?;
        let mut sum = x_host.clone();
        part_host
            .data
            .iter()
            .enumerate()
            .for_each(|(i, v)| sum.data[place(i)] += v);
        let mut out = x.clone();
        backend.add_slice(&mut out, axis, start, &part)?;
        suite.close(&format!("add_slice {what}"), &out, &sum)?;
    }
    for axis in 0..3 {
        let parts: Vec<_> = [1, 3, 2]
            .iter()
            .map(|&length| {
                let mut shape = shape;
                shape[axis] = length;
                suite.random(&shape)
            })
            .collect::<Result<_>>()?;
        let whole = backend.concat(
            &parts.iter().map(|(part, _)| part).collect::<Vec<_>>(),
            axis,
        )?;
        let mut start = 0;
        for (_, part) in &parts {
            let piece = backend.slice(&whole, axis, start, part.shape[axis])?;
            suite.equal(&format!("concat along axis {axis}"), &piece, part)?;
            start += part.shape[axis];
        }
    }
    Ok(())
}

fn tables<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    let (table, table_host) = suite.random(&[5, 3])?;
    let ids = [4, 0, 4, 2];
    let rows = backend.gather_rows(&table, &ids)?;
    suite.equal(
        "gather_rows",
        &rows,
        &Host::new(&[4, 3], |i| {
            table_host.data[ids[i / 3] as usize * 3 + i % 3]
        }),
    )?;
    let (x, x_host) = suite.random(&[4, 3])?;
    let mut out = table.clone();
    backend.scatter_add_rows(&mut out, &ids, &x)?;
    let mut sum = table_host;
    x_host
        .data
        .iter()
        .enumerate()
        .for_each(|(i, v)| sum.data[ids[i / 3] as usize * 3 + i % 3] += v);
    suite.close(
        "scatter_add_rows adds twice where an id stands twice",
        &out,
        &sum,
    )
}

fn patches<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for ([batch, channels, height, width], size) in
        [([2, 3, 4, 6], 2), ([1, 1, 3, 3], 1), ([3, 2, 6, 3], 3)]
    {
        let (images, host) = suite.random(&[batch, channels, height, width])?;
        let (rows, columns) = (height / size, width / size);
        // '(p1 p2 c)': pixel row, pixel column, channel fastest; patches row by row.
        let expected = Host::new(&[batch, rows * columns, size * size * channels], |i| {
            let (c, i) = (i % channels, i / channels);
            let (x, i) = (i % size, i / size);
            let (y, i) = (i % size, i / size);
            let (column, i) = (i % columns, i / columns);
            let (row, b) = (i % rows, i / rows);
            host.data[((b * channels + c) * height + row * size + y) * width + column * size + x]
        });
        let patches = backend.patches(&images, size)?;
        suite.equal("patches", &patches, &expected)?;
        let back = backend.patches_backward(&patches, &[batch, channels, height, width], size)?;
        suite.equal("patches_backward puts them back", &back, &host)?;
    }
    Ok(())
}

fn means<B: Backend>(suite: &mut Suite<'_, B>) -> Result<()> {
    let backend = suite.backend;
    for [batch, tokens, dim] in [[1, 1, 1], [3, 5, 7], [200, 17, 6]] {
        let (x, host) = suite.random(&[batch, tokens, dim])?;
        let mean = |i: usize| {
            (0..tokens)
                .map(|n| host.at(i / dim, n, i % dim))
                .sum::<f64>()
                / tokens as f64
        };
        suite.close(
            "mean_tokens",
            &backend.mean_tokens(&x)?,
            &Host::new(&[batch, dim], mean),
        )?;
        let (dy, dy_host) = suite.random(&[batch, dim])?;
        let spread = |i: usize| dy_host.data[i / (tokens * dim) * dim + i % dim] / tokens as f64;
        let dx = backend.mean_tokens_backward(&dy, tokens)?;
        suite.close(
            "mean_tokens_backward",
            &dx,
            &Host::new(&[batch, tokens, dim], spread),
        )?;
    }
    Ok(())
}
