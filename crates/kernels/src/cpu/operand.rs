//! Matrices as they lie in memory.

/// A matrix whose element (i, j) stands at `i * row + j * column`.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a, T> {
    pub(super) data: &'a [T],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'a, T: Copy> Operand<'a, T> {
    /// A row-major matrix with rows of `width` elements.
    pub(super) fn rows(data: &'a [T], width: usize) -> Self {
        Self {
            data,
            row: width,
            column: 1,
        }
    }

    /// The matrix from element (i, j) on.
    pub(super) fn from(self, i: usize, j: usize) -> Self {
        let first = i * self.row + j * self.column;
        Self {
            data: &self.data[first.min(self.data.len())..],
            ..self
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// The first elements of the first row.
    #[inline(always)]
    pub(super) fn read_row(self, out: &mut [T]) {
        if self.column == 1 {
            out.copy_from_slice(&self.data[..out.len()]);
            return;
        }
        for (out, &x) in out
            .iter_mut()
            .zip(self.data.iter().step_by(self.column.max(1)))
        {
            *out = x;
        }
    }
}
