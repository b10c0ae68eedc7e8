//! Dropout masks, drawn many elements at a time.

use std::ops::Range;

use pulp::{Simd, bytemuck::cast_slice};
use srr_random::{Seed, Word};

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, block_rows, for_blocks},
    vector::{lane_order, vectorized},
};
use crate::{Dropout, Element, Result, Tensor, check, lanes::Vectors};

/// Elements of a block of the loop.
const ELEMENTS: usize = 1 << 12;
/// Lanes of the longest vectors of words.
const LANES: usize = 16;
/// Words of a block.
const WORDS: usize = 4;

impl<T: Element> Cpu<T> {
    pub(super) fn dropout(&self, x: &mut CpuTensor<T>, dropout: &Dropout) -> Result<()> {
        check::dropout("dropout", dropout)?;
        let (rows, width) = check::rows("dropout", x.shape())?;
        if dropout.threshold() == 0 {
            return Ok(());
        }
        for_blocks(
            rows,
            block_rows(ELEMENTS, width),
            RowsMut::new(x.as_mut_slice(), width),
            |range, x| {
                drop_rows(dropout, range.start, width, x.data);
                Ok(())
            },
        )
    }
}

/// Applies the mask to whole rows from row `first` on.
fn drop_rows<T: Element>(dropout: &Dropout, first: usize, width: usize, x: &mut [T]) {
    let (seed, blocks) = (dropout.seed, width.div_ceil(Dropout::BLOCK));
    let (threshold, scale) = (dropout.threshold(), T::from_f64(dropout.scale()));
    let order = lane_order::<f32>();
    // Rows of whole blocks follow each other without a gap.
    let run = if width.is_multiple_of(Dropout::BLOCK) {
        x.len()
    } else {
        width
    };
    for (row, x) in (first..).zip(x.chunks_mut(run.max(1))) {
        draw(seed, (row * blocks) as u64, &order, threshold, scale, x);
    }
}

vectorized! {
    /// Applies the mask that begins with block `first`; `order` is that of the lanes of words.
    fn draw<T, S>(simd: S, seed: Seed, first: u64, order: &[usize], threshold: u16, scale: T, x: &mut [T]) {
        let mut words = [0; LANES * WORDS];
        let words = &mut words[..S::U32_LANES * WORDS];
        for (first, x) in (first..).step_by(S::U32_LANES).zip(x.chunks_mut(words.len() * 2)) {
            let drawn = blocks(simd, seed, #[inline(always)] |lane| first + order[lane] as u64);
            let drawn = drawn.map(#[inline(always)] |drawn| simd.transmute_f32s_u32s(drawn.words));
            let in_order = f32::rows(simd, drawn);
            for (words, drawn) in S::as_mut_simd_u32s(words).0.iter_mut().zip(in_order) {
                *words = simd.transmute_u32s_f32s(drawn);
            }
            if cfg!(target_endian = "big") {
                words.iter_mut().for_each(|word| *word = word.rotate_left(16)); // lower halves come first
            }
            for (x, &half) in x.iter_mut().zip(cast_slice::<u32, u16>(words)) {
                *x = if half >= threshold { *x * scale } else { T::zero() };
            }
        }
    }
}

vectorized! {
    /// Writes the factors of some elements of several rows, as many as a vector has lanes, side by side: `mask` is [elements, lanes], and the
    /// row of each lane begins with a block of `starts`.
    pub(super) fn draw_abreast<T, S>(
        simd: S,
        seed: Seed,
        starts: &[u64],
        elements: Range<usize>,
        threshold: u16,
        scale: T,
        mask: &mut [T],
    ) {
        let width = T::width::<S>();
        let first = elements.start / Dropout::BLOCK;
        for block in (first..elements.end.div_ceil(Dropout::BLOCK)).step_by(S::U32_LANES / width) {
            let drawn = blocks(simd, seed, #[inline(always)] |lane| starts[lane % width] + (block + lane / width) as u64);
            for c in 0..Dropout::BLOCK {
                let mut words = [0; LANES];
                S::as_mut_simd_u32s(&mut words).0[0] = drawn[c / 2].words;
                for (next, words) in words[..S::U32_LANES].chunks_exact(width).enumerate() {
                    let element = (block + next) * Dropout::BLOCK + c;
                    if !elements.contains(&element) {
                        continue;
                    }
                    let factors = &mut mask[(element - elements.start) * width..][..width];
                    for (factor, word) in factors.iter_mut().zip(words) {
                        let half = (word >> (c % 2 * 16)) as u16;
                        *factor = if half >= threshold { scale } else { T::zero() };
                    }
                }
            }
        }
    }
}

/// The block with index `index(lane)` in each lane.
#[inline(always)]
fn blocks<S: Simd>(simd: S, seed: Seed, index: impl Fn(usize) -> u64) -> [Words<S>; WORDS] {
    let (mut low, mut high) = ([0; LANES], [0; LANES]);
    for (lane, (low, high)) in low.iter_mut().zip(&mut high).enumerate().take(S::U32_LANES) {
        let index = index(lane);
        (*low, *high) = (index as u32, (index >> 32) as u32);
    }
    seed.block_abreast([low, high].map(
        #[inline(always)]
        |words| Words {
            simd,
            words: S::as_simd_u32s(&words).0[0],
        },
    ))
}

/// A vector of words.
#[derive(Clone, Copy)]
struct Words<S: Simd> {
    simd: S,
    words: S::u32s,
}

impl<S: Simd> Word for Words<S> {
    #[inline(always)]
    fn like(self, value: u32) -> Self {
        let words = self.simd.splat_u32s(value);
        Self { words, ..self }
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        let words = self.simd.xor_u32s(self.words, other.words);
        Self { words, ..self }
    }
    #[inline(always)]
    fn times(self, other: Self) -> (Self, Self) {
        let (low, high) = self.simd.widening_mul_u32s(self.words, other.words);
        (
            Self { words: low, ..self },
            Self {
                words: high,
                ..self
            },
        )
    }
}
