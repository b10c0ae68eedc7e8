//! The element types of tensors.

use srr_linalg::Scalar;

/// A type that tensors hold: `f32` or `f64`.
pub trait Element: Scalar {
    /// eˣ as the CPU's softmax takes it, for x ≤ 0; `FUSED` says whether the processor multiplies and adds in one instruction.
    ///
    /// Within 2 ulp for results that are normal numbers. In `f32` it has no branch, so that loops over it vectorize.
    #[doc(hidden)]
    fn exp_nonpositive<const FUSED: bool>(self) -> Self;
}

/// a b + c, with one rounding where the processor has an instruction for it.
#[inline(always)]
pub(crate) fn multiply_add<T: Scalar, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

impl Element for f32 {
    #[inline(always)]
    #[allow(clippy::excessive_precision)] // the published digits
    fn exp_nonpositive<const FUSED: bool>(self) -> Self {
        /// The coefficients of r², r³, … in Cephes' `expf`.
        const COEFFICIENTS: [f32; 6] = [
            1.987_569_150_0e-4,
            1.398_199_950_7e-3,
            8.333_451_907_3e-3,
            4.166_579_589_4e-2,
            1.666_666_545_9e-1,
            5.000_000_120_1e-1,
        ];
        /// 1.5 · 2²³: adding it leaves the nearest integer in the low bits.
        const ROUND: f32 = 12_582_912.0;
        /// Below this the result is no longer a normal number.
        const LOWEST: f32 = -87.336_54;
        let fma = multiply_add::<f32, FUSED>;
        let x = if self < LOWEST { LOWEST } else { self };
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, so that n times the first is exact.
        let shifted = fma(x, std::f32::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = fma(n, 2.121_944_40e-4, fma(n, -0.693_359_375, x));
        let mut polynomial = COEFFICIENTS[0];
        for c in &COEFFICIENTS[1..] {
            polynomial = fma(polynomial, r, *c);
        }
        let power = fma(polynomial, r * r, r) + 1.0;
        f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23)) // · 2ⁿ
    }
}

impl Element for f64 {
    #[inline(always)]
    fn exp_nonpositive<const FUSED: bool>(self) -> Self {
        self.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    fn worst_ulp<const FUSED: bool>() -> f64 {
        (0..=870_000)
            .map(|i| {
                let x = -(i as f32) * 1e-4;
                let exact = f64::from(x).exp();
                let ulp = f64::from((exact as f32).next_up() - exact as f32);
                (f64::from(x.exp_nonpositive::<FUSED>()) - exact).abs() / ulp
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_exponential_is_within_two_ulp() {
        let (fused, plain) = (worst_ulp::<true>(), worst_ulp::<false>());
        assert!(fused < 2.0 && plain < 2.0, "{fused} {plain}");
        assert_eq!(0.0_f32.exp_nonpositive::<true>(), 1.0);
        assert!(f32::NEG_INFINITY.exp_nonpositive::<true>() < 1.2e-38);
        assert!(f32::NAN.exp_nonpositive::<true>().is_nan());
    }
}
