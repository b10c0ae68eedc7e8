//! The Philox4x32-10 bijection: 128 bits of counter and 64 bits of key to 128 random bits.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// A word of 32 bits, or a vector of such words that go the same way side by side.
pub trait Word: Copy {
    /// `value`, in every lane.
    fn like(self, value: u32) -> Self;
    /// The bitwise exclusive or.
    fn xor(self, other: Self) -> Self;
    /// The lower and the upper half of the product.
    fn times(self, other: Self) -> (Self, Self);
}

impl Word for u32 {
    #[inline]
    fn like(self, value: u32) -> Self {
        value
    }
    #[inline]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline]
    fn times(self, other: Self) -> (Self, Self) {
        let product = u64::from(self) * u64::from(other);
        (product as u32, (product >> 32) as u32)
    }
}

/// Ten rounds, as in Random123. Inlined, so that vectors are those of the caller's instructions.
#[inline(always)]
pub(crate) fn philox<W: Word>([mut a, mut b, mut c, mut d]: [W; 4], mut key: [u32; 2]) -> [W; 4] {
    let factors = MULTIPLIERS.map(|factor| a.like(factor));
    for _ in 0..10 {
        let (first_low, first_high) = a.times(factors[0]);
        let (second_low, second_high) = c.times(factors[1]);
        (a, c) = (
            second_high.xor(b).xor(a.like(key[0])),
            first_high.xor(d).xor(a.like(key[1])),
        );
        (b, d) = (second_low, first_low);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::philox;

    /// The known answers distributed with Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
