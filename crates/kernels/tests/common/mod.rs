//! A backend that offers the primitives of the CPU and nothing more, so that every coarse operation runs its default body.

use srr_kernels::{Backend, Dropout, Result, Transpose, Unary};

/// The primitives of the CPU; with `broken`, one of them is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Primitive<B> {
    pub(crate) whole: B,
    pub(crate) broken: bool,
}

impl<B: Backend> Backend for Primitive<B> {
    type Element = B::Element;
    type Tensor = B::Tensor;

    fn upload(&self, values: &[B::Element], shape: &[usize]) -> Result<B::Tensor> {
        self.whole.upload(values, shape)
    }

    fn upload_unchecked(&self, values: &[B::Element], shape: &[usize]) -> Result<B::Tensor> {
        self.whole.upload_unchecked(values, shape)
    }

    fn download(&self, tensor: &B::Tensor) -> Result<Vec<B::Element>> {
        self.whole.download(tensor)
    }

    fn zeros(&self, shape: &[usize]) -> Result<B::Tensor> {
        self.whole.zeros(shape)
    }

    fn reshape(&self, x: &B::Tensor, shape: &[usize]) -> Result<B::Tensor> {
        self.whole.reshape(x, shape)
    }

    fn matmul_into(
        &self,
        alpha: f64,
        a: &B::Tensor,
        transpose_a: Transpose,
        b: &B::Tensor,
        transpose_b: Transpose,
        beta: f64,
        out: &mut B::Tensor,
    ) -> Result<()> {
        self.whole
            .matmul_into(alpha, a, transpose_a, b, transpose_b, beta, out)
    }

    fn add_scaled(&self, y: &mut B::Tensor, alpha: f64, x: &B::Tensor) -> Result<()> {
        self.whole.add_scaled(y, alpha, x)
    }

    fn scale(&self, y: &mut B::Tensor, alpha: f64) -> Result<()> {
        self.whole.scale(y, alpha)
    }

    fn multiply(&self, a: &B::Tensor, b: &B::Tensor) -> Result<B::Tensor> {
        self.whole.multiply(a, b)
    }

    fn unary(&self, function: Unary, x: &B::Tensor) -> Result<B::Tensor> {
        self.whole.unary(function, x)
    }

    fn unary_backward(&self, function: Unary, x: &B::Tensor, dy: &B::Tensor) -> Result<B::Tensor> {
        self.whole.unary_backward(function, x, dy)
    }

    fn dropout(&self, x: &mut B::Tensor, dropout: &Dropout) -> Result<()> {
        self.whole.dropout(x, dropout)
    }

    fn add_row(&self, x: &mut B::Tensor, row: &B::Tensor) -> Result<()> {
        self.whole.add_row(x, row)
    }

    fn sum_rows(&self, x: &B::Tensor, out: &mut B::Tensor) -> Result<()> {
        self.whole.sum_rows(x, out)
    }

    fn softmax(&self, x: &B::Tensor) -> Result<B::Tensor> {
        self.whole.softmax(x)
    }

    fn softmax_backward(&self, y: &B::Tensor, dy: &B::Tensor) -> Result<B::Tensor> {
        let mut dx = self.whole.softmax_backward(y, dy)?;
        if self.broken {
            self.whole.scale(&mut dx, -1.0)?;
        }
        Ok(dx)
    }

    fn permute(&self, x: &B::Tensor, axes: &[usize]) -> Result<B::Tensor> {
        self.whole.permute(x, axes)
    }

    fn slice(&self, x: &B::Tensor, axis: usize, start: usize, length: usize) -> Result<B::Tensor> {
        self.whole.slice(x, axis, start, length)
    }

    fn add_slice(
        &self,
        out: &mut B::Tensor,
        axis: usize,
        start: usize,
        x: &B::Tensor,
    ) -> Result<()> {
        self.whole.add_slice(out, axis, start, x)
    }

    fn gather_rows(&self, table: &B::Tensor, ids: &[u32]) -> Result<B::Tensor> {
        self.whole.gather_rows(table, ids)
    }

    fn scatter_add_rows(&self, out: &mut B::Tensor, ids: &[u32], x: &B::Tensor) -> Result<()> {
        self.whole.scatter_add_rows(out, ids, x)
    }
}
