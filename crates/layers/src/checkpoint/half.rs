//! Sixteen-bit numbers, as checkpoints of large models hold them.

/// The value of a bfloat16: the upper half of an f32.
pub(super) fn bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// The value of an IEEE 754 binary16: sign, five bits of exponent, ten of fraction.
pub(super) fn f16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::{bf16, f16};

    #[test]
    fn known_values() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(f16(bits), value, "{bits:#x}");
        }
        assert!(f16(0x7e00).is_nan());
        assert_eq!(bf16(0x3f80), 1.0);
        assert_eq!(bf16(0xc049), -3.140_625);
        assert!(bf16(0x7fc0).is_nan());
    }
}
