//! A seed and how it is split.

use crate::{
    philox::{Word, philox},
    stream::Stream,
};

/// The key of a family of random numbers.
///
/// A seed is split by name ([`purpose`](Self::purpose)) and by number ([`index`](Self::index)); the parts are independent of each
/// other and of the whole, whatever is drawn from each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(u64);

/// Counter words that no stream reaches: they keep splitting apart from drawing.
const SPLIT_BY_NAME: u32 = u32::MAX;
const SPLIT_BY_INDEX: u32 = u32::MAX - 1;

impl Seed {
    /// The seed of a whole run.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The 64 bits of the seed.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The part of the seed for one purpose, such as `"weights"` or `"dropout"`.
    #[must_use]
    pub fn purpose(self, name: &str) -> Self {
        // FNV-1a, then a Philox round, which mixes what FNV leaves correlated.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| {
            (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        self.split(hash, SPLIT_BY_NAME)
    }

    /// The i-th part of the seed, such as an epoch, a step or a layer.
    #[must_use]
    pub fn index(self, i: u64) -> Self {
        self.split(i, SPLIT_BY_INDEX)
    }

    /// A stream of numbers that starts at the first.
    pub fn stream(self) -> Stream {
        Stream::new(self)
    }

    /// The `i`-th uniform number in [0, 1), with 32 random bits; drawn without those before it.
    #[inline]
    pub fn uniform_at(self, i: u64) -> f64 {
        let block = self.block(i / 4);
        f64::from(block[(i % 4) as usize]) / 4_294_967_296.0
    }

    /// The `i`-th block of four random words; `uniform_at(4 i + j)` is word `j` divided by 2³².
    #[inline]
    pub fn block(self, i: u64) -> [u32; 4] {
        self.block_abreast([i as u32, (i >> 32) as u32])
    }

    /// [`block`](Self::block) of an index in two halves, the lower first, or of as many indices as a [`Word`] has lanes.
    #[inline(always)]
    #[must_use]
    pub fn block_abreast<W: Word>(self, [low, high]: [W; 2]) -> [W; 4] {
        philox([low, high, low.like(0), low.like(0)], self.key())
    }

    fn split(self, by: u64, domain: u32) -> Self {
        let words = philox([by as u32, (by >> 32) as u32, 0, domain], self.key());
        Self(u64::from(words[0]) | u64::from(words[1]) << 32)
    }

    fn key(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }
}

#[cfg(test)]
mod tests {
    use super::{Seed, Word};
    use std::collections::HashSet;

    #[test]
    fn parts_differ() {
        let seed = Seed::new(7);
        let mut seen: HashSet<u64> = (0..1000).map(|i| seed.index(i).bits()).collect();
        for name in ["", "a", "b", "ab", "ba", "weights", "dropout"] {
            seen.insert(seed.purpose(name).bits());
        }
        seen.insert(seed.bits());
        assert_eq!(seen.len(), 1008);
    }

    impl Word for [u32; 3] {
        fn like(self, value: u32) -> Self {
            [value; 3]
        }
        fn xor(self, other: Self) -> Self {
            std::array::from_fn(|lane| self[lane] ^ other[lane])
        }
        fn times(self, other: Self) -> (Self, Self) {
            let products: [(u32, u32); 3] =
                std::array::from_fn(|lane| self[lane].times(other[lane]));
            (products.map(|(low, _)| low), products.map(|(_, high)| high))
        }
    }

    #[test]
    fn blocks_abreast_are_those_of_their_indices() {
        let seed = Seed::new(u64::MAX - 5).purpose("mask");
        let indices = [77, u64::MAX, (3 << 32) + 1];
        let halves = [
            indices.map(|i: u64| i as u32),
            indices.map(|i: u64| (i >> 32) as u32),
        ];
        let words = seed.block_abreast(halves);
        for (lane, &i) in indices.iter().enumerate() {
            assert_eq!(words.map(|word| word[lane]), seed.block(i));
        }
        assert_ne!(seed.block(1), seed.block((3 << 32) + 1));
    }

    #[test]
    fn random_access_equals_the_stream() {
        let seed = Seed::new(99).purpose("x");
        let mut stream = seed.stream();
        for i in 0..23 {
            let word = f64::from(stream.next_u32()) / 4_294_967_296.0;
            assert_eq!(seed.uniform_at(i), word);
        }
    }
}
