//! Matrix products: on ndarray views, and on plain slices with strides for kernels.

use gemm::Parallelism;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use crate::{Error, Result, Scalar};

/// Sizes of a product C ← α A B + β C with A m×k, B k×n and C m×n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GemmShape {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
}

/// A matrix laid out in a slice: element (i, j) stands at `i * row_stride + j * column_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Strided<S> {
    /// The elements, `&[T]` or `&mut [T]`.
    pub data: S,
    /// Distance between rows, in elements.
    pub row_stride: usize,
    /// Distance between columns, in elements.
    pub column_stride: usize,
}

impl<S> Strided<S> {
    /// A row-major matrix whose rows start `row_stride` elements apart.
    pub fn rows(data: S, row_stride: usize) -> Self {
        Self {
            data,
            row_stride,
            column_stride: 1,
        }
    }

    /// The transpose of a row-major matrix whose rows start `row_stride` elements apart.
    pub fn transposed(data: S, row_stride: usize) -> Self {
        Self {
            data,
            row_stride: 1,
            column_stride: row_stride,
        }
    }

    /// The transpose of this matrix; nothing is moved.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn check(
        &self,
        operand: &'static str,
        length: usize,
        rows: usize,
        columns: usize,
    ) -> Result<()> {
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let last = (rows - 1)
            .checked_mul(self.row_stride)
            .zip((columns - 1).checked_mul(self.column_stride))
            .and_then(|(r, c)| r.checked_add(c))
            .and_then(|last| last.checked_add(1));
        match last {
            Some(needed) if needed <= length => Ok(()),
            needed => Err(Error::OutOfBounds {
                operation: "gemm_slices",
                operand,
                needed: needed.unwrap_or(usize::MAX),
                length,
            }),
        }
    }
}

/// C ← α A B + β C on slices, on the calling thread.
///
/// With β = 0 the old contents of C are not read, so that C may hold anything. The result depends on the arguments alone.
///
/// # Errors
/// [`Error::OutOfBounds`] if an operand's shape and strides reach beyond its slice.
///
/// ```
/// use srr_linalg::{GemmShape, Strided, gemm_slices};
///
/// let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3, row-major
/// let mut gram = [0.0; 4]; // A Aᵀ
/// let shape = GemmShape { m: 2, n: 2, k: 3 };
/// gemm_slices(shape, 1.0, Strided::rows(&a, 3), Strided::transposed(&a, 3), 0.0, Strided::rows(&mut gram, 2))?;
/// assert_eq!(gram, [14.0, 32.0, 32.0, 77.0]);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn gemm_slices<T: Scalar, A: AsRef<[T]>, B: AsRef<[T]>, C: AsMut<[T]>>(
    shape: GemmShape,
    alpha: T,
    a: Strided<A>,
    b: Strided<B>,
    beta: T,
    mut c: Strided<C>,
) -> Result<()> {
    let (a_data, b_data) = (a.data.as_ref(), b.data.as_ref());
    let (c_rows, c_columns) = (c.row_stride, c.column_stride);
    a.check("A", a_data.len(), shape.m, shape.k)?;
    b.check("B", b_data.len(), shape.k, shape.n)?;
    let length = c.data.as_mut().len();
    c.check("C", length, shape.m, shape.n)?;
    // SAFETY: the three checks above bound every address that the shape and strides produce; C is borrowed exclusively.
    unsafe {
        raw(
            shape,
            alpha,
            Pointer::new(
                a_data.as_ptr(),
                a.row_stride as isize,
                a.column_stride as isize,
            ),
            Pointer::new(
                b_data.as_ptr(),
                b.row_stride as isize,
                b.column_stride as isize,
            ),
            beta,
            Pointer::new(
                c.data.as_mut().as_mut_ptr(),
                c_rows as isize,
                c_columns as isize,
            ),
        );
    }
    Ok(())
}

/// C ← α A B + β C on views of any strides, on the calling thread. Shapes: A [m, k], B [k, n], C [m, n].
///
/// Transposed operands cost nothing: pass `a.t()`. With β = 0 the old contents of C are not read.
///
/// # Errors
/// [`Error::ShapeMismatch`].
pub fn gemm<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    beta: T,
    mut c: ArrayViewMut2<'_, T>,
) -> Result<()> {
    let ((m, k), (k_b, n)) = (a.dim(), b.dim());
    if k != k_b {
        return Err(mismatch("gemm", a.shape(), b.shape()));
    }
    if c.dim() != (m, n) {
        return Err(mismatch("gemm (destination)", &[m, n], c.shape()));
    }
    let pointer = |view: &ArrayView2<'_, T>| {
        Pointer::new(view.as_ptr(), view.strides()[0], view.strides()[1])
    };
    let (c_rows, c_columns) = (c.strides()[0], c.strides()[1]);
    // SAFETY: a view's pointer and strides address exactly its elements, the shapes fit, and C is borrowed exclusively.
    unsafe {
        raw(
            GemmShape { m, n, k },
            alpha,
            pointer(&a),
            pointer(&b),
            beta,
            Pointer::new(c.as_mut_ptr(), c_rows, c_columns),
        );
    }
    Ok(())
}

/// The product A B of an [m, k] and a [k, n] matrix, as a new row-major [m, n] matrix.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless A has as many columns as B has rows.
///
/// ```
/// use ndarray::array;
/// let a = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let product = srr_linalg::matmul(a.t(), a.view())?;
/// assert_eq!(product, array![[35.0, 44.0], [44.0, 56.0]]);
/// # Ok::<(), srr_linalg::Error>(())
/// ```
pub fn matmul<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Result<Array2<T>> {
    if a.ncols() != b.nrows() {
        return Err(mismatch("matmul", a.shape(), b.shape()));
    }
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    gemm(T::one(), a, b, T::zero(), c.view_mut())?;
    Ok(c)
}

/// The Gram matrix AᵀA, [n, n], of an [m, n] matrix; exactly symmetric. For AAᵀ pass `a.t()`.
#[must_use]
pub fn gram<T: Scalar>(a: ArrayView2<'_, T>) -> Array2<T> {
    let n = a.ncols();
    let mut c = Array2::zeros((n, n));
    upper_gram(T::one(), a, c.view_mut()).expect("c has the order of the columns");
    for i in 1..n {
        for j in 0..i {
            c[[i, j]] = c[[j, i]];
        }
    }
    c
}

/// Writes α AᵀA into the upper triangle of `c` ([n, n]); below the diagonal `c` then holds unspecified values.
///
/// This is all that [`Cholesky`](crate::Cholesky) reads, at little more than half the cost of the whole product.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `c` is square of the order of A's columns.
pub fn upper_gram<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    mut c: ArrayViewMut2<'_, T>,
) -> Result<()> {
    const BLOCK: usize = 96;
    let n = a.ncols();
    if c.dim() != (n, n) {
        return Err(mismatch("upper_gram", a.shape(), c.shape()));
    }
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let target = c.slice_mut(s![start..end, start..]);
        gemm(
            alpha,
            a.slice(s![.., start..end]).t(),
            a.slice(s![.., start..]),
            T::zero(),
            target,
        )?;
    }
    Ok(())
}

pub(crate) fn mismatch(operation: &'static str, left: &[usize], right: &[usize]) -> Error {
    Error::ShapeMismatch {
        operation,
        left: left.to_vec(),
        right: right.to_vec(),
    }
}

/// Address of a matrix: pointer to element (0, 0), row and column stride.
struct Pointer<P> {
    data: P,
    row_stride: isize,
    column_stride: isize,
}

impl<P> Pointer<P> {
    fn new(data: P, row_stride: isize, column_stride: isize) -> Self {
        Self {
            data,
            row_stride,
            column_stride,
        }
    }
}

/// C ← α A B + β C.
///
/// # Safety
/// Every (i, j) within the shape must be a valid address of its operand, and C must not overlap A or B.
unsafe fn raw<T: Scalar>(
    GemmShape { m, n, k }: GemmShape,
    alpha: T,
    a: Pointer<*const T>,
    b: Pointer<*const T>,
    beta: T,
    c: Pointer<*mut T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    // SAFETY: the caller's promise. The crate's α scales the destination and its β the product.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.data,
            c.column_stride,
            c.row_stride,
            beta != T::zero(),
            a.data,
            a.column_stride,
            a.row_stride,
            b.data,
            b.column_stride,
            b.row_stride,
            beta,
            alpha,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
