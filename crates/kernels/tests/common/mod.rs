//! A backend that offers the primitives of the CPU and nothing more, so that every coarse operation runs its default body.

use srr_kernels::{Backend, Cpu, CpuTensor, Dropout, Element, Result, Transpose, Unary};

/// The primitives of the CPU; with `broken`, one of them is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Primitive<T> {
    pub(crate) cpu: Cpu<T>,
    pub(crate) broken: bool,
}

type Array<T> = CpuTensor<T>;

impl<T: Element> Backend for Primitive<T> {
    type Element = T;
    type Tensor = Array<T>;

    fn upload(&self, values: &[T], shape: &[usize]) -> Result<Array<T>> {
        self.cpu.upload(values, shape)
    }

    fn upload_unchecked(&self, values: &[T], shape: &[usize]) -> Result<Array<T>> {
        self.cpu.upload_unchecked(values, shape)
    }

    fn download(&self, tensor: &Array<T>) -> Result<Vec<T>> {
        self.cpu.download(tensor)
    }

    fn zeros(&self, shape: &[usize]) -> Result<Array<T>> {
        self.cpu.zeros(shape)
    }

    fn reshape(&self, x: &Array<T>, shape: &[usize]) -> Result<Array<T>> {
        self.cpu.reshape(x, shape)
    }

    fn matmul_into(
        &self,
        alpha: f64,
        a: &Array<T>,
        transpose_a: Transpose,
        b: &Array<T>,
        transpose_b: Transpose,
        beta: f64,
        out: &mut Array<T>,
    ) -> Result<()> {
        Backend::matmul_into(&self.cpu, alpha, a, transpose_a, b, transpose_b, beta, out)
    }

    fn add_scaled(&self, y: &mut Array<T>, alpha: f64, x: &Array<T>) -> Result<()> {
        Backend::add_scaled(&self.cpu, y, alpha, x)
    }

    fn scale(&self, y: &mut Array<T>, alpha: f64) -> Result<()> {
        self.cpu.scale(y, alpha)
    }

    fn multiply(&self, a: &Array<T>, b: &Array<T>) -> Result<Array<T>> {
        Backend::multiply(&self.cpu, a, b)
    }

    fn unary(&self, function: Unary, x: &Array<T>) -> Result<Array<T>> {
        Backend::unary(&self.cpu, function, x)
    }

    fn unary_backward(&self, function: Unary, x: &Array<T>, dy: &Array<T>) -> Result<Array<T>> {
        Backend::unary_backward(&self.cpu, function, x, dy)
    }

    fn dropout(&self, x: &mut Array<T>, dropout: &Dropout) -> Result<()> {
        Backend::dropout(&self.cpu, x, dropout)
    }

    fn add_row(&self, x: &mut Array<T>, row: &Array<T>) -> Result<()> {
        Backend::add_row(&self.cpu, x, row)
    }

    fn sum_rows(&self, x: &Array<T>, out: &mut Array<T>) -> Result<()> {
        Backend::sum_rows(&self.cpu, x, out)
    }

    fn softmax(&self, x: &Array<T>) -> Result<Array<T>> {
        Backend::softmax(&self.cpu, x)
    }

    fn softmax_backward(&self, y: &Array<T>, dy: &Array<T>) -> Result<Array<T>> {
        let mut dx = Backend::softmax_backward(&self.cpu, y, dy)?;
        if self.broken {
            self.cpu.scale(&mut dx, -1.0)?;
        }
        Ok(dx)
    }

    fn permute(&self, x: &Array<T>, axes: &[usize]) -> Result<Array<T>> {
        Backend::permute(&self.cpu, x, axes)
    }

    fn slice(&self, x: &Array<T>, axis: usize, start: usize, length: usize) -> Result<Array<T>> {
        Backend::slice(&self.cpu, x, axis, start, length)
    }

    fn add_slice(&self, out: &mut Array<T>, axis: usize, start: usize, x: &Array<T>) -> Result<()> {
        Backend::add_slice(&self.cpu, out, axis, start, x)
    }

    fn gather_rows(&self, table: &Array<T>, ids: &[u32]) -> Result<Array<T>> {
        Backend::gather_rows(&self.cpu, table, ids)
    }

    fn scatter_add_rows(&self, out: &mut Array<T>, ids: &[u32], x: &Array<T>) -> Result<()> {
        Backend::scatter_add_rows(&self.cpu, out, ids, x)
    }
}
