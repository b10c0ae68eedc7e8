//! Functions of each element.

use pulp::Simd;

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, for_blocks},
    vector::{each2, each3, vectorized},
};
use crate::{Element, Result, Tensor, Unary, check, lanes::Lanes};

/// Elements of a block of a loop that only reads and writes.
const BLOCK: usize = 1 << 14;

impl<T: Element> Cpu<T> {
    pub(super) fn add_scaled(
        &self,
        y: &mut CpuTensor<T>,
        alpha: f64,
        x: &CpuTensor<T>,
    ) -> Result<()> {
        check::same("add_scaled", y.shape(), x.shape())?;
        let (alpha, x) = (T::from_f64(alpha), x.as_slice());
        for_blocks(
            x.len(),
            BLOCK,
            RowsMut::new(y.as_mut_slice(), 1),
            |range, y| {
                axpy(alpha, &x[range], y.data);
                Ok(())
            },
        )
    }

    pub(super) fn combine(
        &self,
        a: &CpuTensor<T>,
        alpha: f64,
        b: &CpuTensor<T>,
    ) -> Result<CpuTensor<T>> {
        check::same("combine", a.shape(), b.shape())?;
        let alpha = T::from_f64(alpha);
        self.zip(a, b, |a, b, out| scaled_sum(a, alpha, b, out))
    }

    pub(super) fn multiply(&self, a: &CpuTensor<T>, b: &CpuTensor<T>) -> Result<CpuTensor<T>> {
        check::same("multiply", a.shape(), b.shape())?;
        self.zip(a, b, hadamard)
    }

    pub(super) fn unary(&self, function: Unary, x: &CpuTensor<T>) -> Result<CpuTensor<T>> {
        self.zip(x, x, |x, _, out| apply(function, x, out))
    }

    pub(super) fn unary_backward(
        &self,
        function: Unary,
        x: &CpuTensor<T>,
        dy: &CpuTensor<T>,
    ) -> Result<CpuTensor<T>> {
        check::same("unary_backward", x.shape(), dy.shape())?;
        self.zip(x, dy, |x, dy, out| apply_derivative(function, x, dy, out))
    }

    /// A new tensor from two of one shape, block by block.
    fn zip(
        &self,
        a: &CpuTensor<T>,
        b: &CpuTensor<T>,
        f: impl Fn(&[T], &[T], &mut [T]) + Sync,
    ) -> Result<CpuTensor<T>> {
        let mut out = self.empty(a.shape());
        let (a, b) = (a.as_slice(), b.as_slice());
        for_blocks(
            a.len(),
            BLOCK,
            RowsMut::new(out.as_mut_slice(), 1),
            |range, out| {
                f(&a[range.clone()], &b[range], out.data);
                Ok(())
            },
        )?;
        Ok(out)
    }
}

/// y ← α y; with α = 0 the old values do not matter.
pub(super) fn scale<T: Element>(y: &mut [T], alpha: T) -> Result<()> {
    for_blocks(y.len(), BLOCK, RowsMut::new(y, 1), |_, y| {
        if alpha == T::zero() {
            y.data.fill(alpha);
        } else {
            y.data.iter_mut().for_each(|y| *y *= alpha);
        }
        Ok(())
    })
}

vectorized! {
    /// y ← y + α x.
    fn axpy<T, S>(simd: S, alpha: T, x: &[T], y: &mut [T]) {
        let alpha = Lanes::splat(simd, alpha);
        each2(simd, y, x, #[inline(always)] |y, x| alpha.mul_add(x, y));
    }
}

vectorized! {
    /// out ← a + α b.
    fn scaled_sum<T, S>(simd: S, a: &[T], alpha: T, b: &[T], out: &mut [T]) {
        let alpha = Lanes::splat(simd, alpha);
        each3(simd, out, a, b, #[inline(always)] |_, a, b| alpha.mul_add(b, a));
    }
}

vectorized! {
    /// out ← a ⊙ b.
    fn hadamard<T, S>(simd: S, a: &[T], b: &[T], out: &mut [T]) {
        each3(simd, out, a, b, #[inline(always)] |_, a, b| a * b);
    }
}

fn apply<T: Element>(function: Unary, x: &[T], out: &mut [T]) {
    let zero = T::zero();
    match function {
        // A NaN passes.
        Unary::Relu => map(x, out, |x| if x <= zero { zero } else { x }),
        Unary::Gelu => gelu(x, out),
        Unary::Abs => map(x, out, |x| x.abs()),
        Unary::Sign => map(x, out, sign),
        Unary::Square => map(x, out, |x| x * x),
        Unary::Sqrt => map(x, out, |x| x.sqrt()),
        Unary::Exp => map(x, out, |x| x.exp()),
        Unary::Log => map(x, out, |x| x.ln()),
        Unary::Reciprocal => map(x, out, |x| x.recip()),
    }
}

fn apply_derivative<T: Element>(function: Unary, x: &[T], dy: &[T], out: &mut [T]) {
    let (zero, two) = (T::zero(), T::from_f64(2.0));
    match function {
        Unary::Relu => map2(x, dy, out, |x, dy| if x > zero { dy } else { zero }),
        Unary::Gelu => gelu_backward(x, dy, out),
        Unary::Abs => map2(x, dy, out, |x, dy| dy * sign(x)),
        Unary::Sign => out.fill(zero),
        Unary::Square => map2(x, dy, out, |x, dy| two * x * dy),
        Unary::Sqrt => map2(x, dy, out, |x, dy| dy / (two * x.sqrt())),
        Unary::Exp => map2(x, dy, out, |x, dy| dy * x.exp()),
        Unary::Log => map2(x, dy, out, |x, dy| dy / x),
        Unary::Reciprocal => map2(x, dy, out, |x, dy| -dy / (x * x)),
    }
}

fn map<T: Element>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

fn map2<T: Element>(x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = f(x, y);
    }
}

fn sign<T: Element>(x: T) -> T {
    // Float::signum gives 1 at 0.
    if x > T::zero() {
        T::one()
    } else if x < T::zero() {
        -T::one()
    } else {
        x // 0, or NaN
    }
}

vectorized! {
    /// out ← x Φ(x).
    fn gelu<T, S>(simd: S, x: &[T], out: &mut [T]) {
        each2(simd, out, x, #[inline(always)] |_, x| x * normal_distribution(simd, x));
    }
}

vectorized! {
    /// out ← dy ⊙ (Φ(x) + x φ(x)).
    fn gelu_backward<T, S>(simd: S, x: &[T], dy: &[T], out: &mut [T]) {
        let factor = Lanes::splat(simd, T::from_f64(1.0 / std::f64::consts::TAU.sqrt()));
        let minus_half = Lanes::splat(simd, T::from_f64(-0.5));
        each3(simd, out, x, dy, #[inline(always)] |_, x, dy| {
            let density = factor * (minus_half * x * x).exp_nonpositive();
            dy * x.mul_add(density, normal_distribution(simd, x))
        });
    }
}

/// Φ(x) = (1 + erf(x/√2))/2.
#[inline(always)]
fn normal_distribution<T: Element, S: Simd>(simd: S, x: Lanes<T, S>) -> Lanes<T, S> {
    let half = Lanes::splat(simd, T::from_f64(0.5));
    let scale = Lanes::splat(simd, T::from_f64(std::f64::consts::FRAC_1_SQRT_2));
    half.mul_add((x * scale).erf(), half)
}
