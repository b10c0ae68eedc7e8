//! Parallel loops whose pieces depend on the size of the problem alone, so that their number of threads changes no bit.

use std::ops::Range;

use crate::Result;

/// What a piece of work writes: something that can be divided at a row.
pub(super) trait Rows: Sized + Send {
    /// What belongs to the rows before `row`, and the rest.
    fn split_at_row(self, row: usize) -> (Self, Self);
}

/// Consecutive rows of a row-major matrix.
pub(super) struct RowsMut<'a, T> {
    pub(super) data: &'a mut [T],
    pub(super) width: usize,
}

impl<'a, T> RowsMut<'a, T> {
    pub(super) fn new(data: &'a mut [T], width: usize) -> Self {
        Self { data, width }
    }
}

impl<T: Send> Rows for RowsMut<'_, T> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let width = self.width;
        let (data, rest) = self.data.split_at_mut(row * width);
        (Self { data, width }, Self { data: rest, width })
    }
}

/// One partial result for each block of rows.
pub(super) struct Partials<'a, T> {
    pub(super) data: &'a mut [T],
    width: usize,
    block: usize,
}

impl<'a, T> Partials<'a, T> {
    /// `data` holds `width` elements for each block of `block` rows.
    pub(super) fn new(data: &'a mut [T], width: usize, block: usize) -> Self {
        Self { data, width, block }
    }
}

impl<T: Send> Rows for Partials<'_, T> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let Self { data, width, block } = self;
        let (data, rest) = data.split_at_mut(row / block * width);
        (
            Self { data, width, block },
            Self {
                data: rest,
                width,
                block,
            },
        )
    }
}

impl<A: Rows> Rows for Option<A> {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        match self.map(|part| part.split_at_row(row)) {
            Some((before, after)) => (Some(before), Some(after)),
            None => (None, None),
        }
    }
}

impl<A: Rows, B: Rows> Rows for (A, B) {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let ((a, a_rest), (b, b_rest)) = (self.0.split_at_row(row), self.1.split_at_row(row));
        ((a, b), (a_rest, b_rest))
    }
}

impl<A: Rows, B: Rows, C: Rows> Rows for (A, B, C) {
    fn split_at_row(self, row: usize) -> (Self, Self) {
        let (a, a_rest) = self.0.split_at_row(row);
        let ((b, c), (b_rest, c_rest)) = (self.1, self.2).split_at_row(row);
        ((a, b, c), (a_rest, b_rest, c_rest))
    }
}

/// Calls `body` for each block of `block` rows out of `rows`, with the part of `output` that belongs to it.
pub(super) fn for_blocks<R: Rows>(
    rows: usize,
    block: usize,
    output: R,
    body: impl Fn(Range<usize>, R) -> Result<()> + Sync,
) -> Result<()> {
    if rows == 0 {
        return Ok(());
    }
    let block = block.max(1);
    if rows > block && rayon::current_num_threads() > 1 {
        return halves(0..rows, block, output, &body);
    }
    let mut rest = output;
    let mut start = 0;
    while start + block < rows {
        let (piece, after) = rest.split_at_row(block);
        body(start..start + block, piece)?;
        rest = after;
        start += block;
    }
    body(start..rows, rest)
}

fn halves<R: Rows>(
    rows: Range<usize>,
    block: usize,
    output: R,
    body: &(impl Fn(Range<usize>, R) -> Result<()> + Sync),
) -> Result<()> {
    let blocks = rows.len().div_ceil(block);
    if blocks == 1 {
        return body(rows, output);
    }
    let half = blocks / 2 * block;
    let (before, after) = output.split_at_row(half);
    let middle = rows.start + half;
    let (first, second) = rayon::join(
        || halves(rows.start..middle, block, before, body),
        || halves(middle..rows.end, block, after, body),
    );
    first.and(second)
}

/// The rows of a block such that it takes about `work` operations, at `per_row` of them for a row.
pub(super) fn block_rows(work: usize, per_row: usize) -> usize {
    (work / per_row.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Partials, RowsMut, for_blocks};

    #[test]
    fn blocks_are_the_same_for_any_number_of_threads() {
        for rows in [0, 1, 4, 5, 8, 9, 23] {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let mut out = vec![0; rows * 3];
                let mut partial = vec![0; rows.div_ceil(4) * 2];
                pool.install(|| {
                    for_blocks(
                        rows,
                        4,
                        (RowsMut::new(&mut out, 3), Partials::new(&mut partial, 2, 4)),
                        |range, (out, partial)| {
                            assert_eq!(out.data.len(), range.len() * 3);
                            assert_eq!(partial.data.len(), 2);
                            for (i, v) in out.data.iter_mut().enumerate() {
                                *v += range.start * 3 + i + 1;
                            }
                            partial.data[1] += range.start + 100 * range.len();
                            Ok(())
                        },
                    )
                    .unwrap();
                });
                (out, partial)
            };
            let (out, partial) = run(1);
            assert!(out.iter().enumerate().all(|(i, &v)| v == i + 1));
            assert_eq!((out, partial), run(3));
        }
    }
}
