//! Dropout masks, drawn four elements at a time.

use srr_random::Seed;

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, for_blocks},
    vector::vectorized,
};
use crate::{Dropout, Element, Result, Tensor, check};

/// Elements of a block.
const BLOCK: usize = 1 << 12;
/// Random words that are drawn at once.
const WORDS: usize = 64;

impl<T: Element> Cpu<T> {
    pub(super) fn dropout(&self, x: &mut CpuTensor<T>, dropout: &Dropout) -> Result<()> {
        check::dropout("dropout", dropout)?;
        if dropout.probability == 0.0 {
            return Ok(());
        }
        for_blocks(
            x.len(),
            BLOCK,
            RowsMut::new(x.as_mut_slice(), 1),
            |range, x| {
                drop_elements(dropout, range.start as u64, x.data);
                Ok(())
            },
        )
    }
}

/// Applies the mask from element `first` on.
pub(super) fn drop_elements<T: Element>(dropout: &Dropout, first: u64, x: &mut [T]) {
    // uniform_at(i) >= p, in integers: word / 2³² >= p.
    let threshold = (dropout.probability * 4_294_967_296.0).ceil() as u64;
    let scale = T::from_f64(1.0 / (1.0 - dropout.probability));
    draw(dropout.seed, first, threshold, scale, x);
}

vectorized! {
    fn draw<T, S>(simd: S, seed: Seed, first: u64, threshold: u64, scale: T, x: &mut [T]) {
        let _ = simd; // the loops below vectorize by themselves
        let mut words = [0_u32; WORDS];
        let mut next = first;
        let mut rest = x;
        while !rest.is_empty() {
            // The piece up to the next multiple of WORDS.
            let skip = (next % WORDS as u64) as usize;
            let (piece, after) = rest.split_at_mut(rest.len().min(WORDS - skip));
            let block = (next - skip as u64) / 4;
            for (i, four) in words.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *four = seed.block(block + i as u64);
            }
            for (x, &word) in piece.iter_mut().zip(&words[skip..]) {
                *x = if u64::from(word) >= threshold { *x * scale } else { T::zero() };
            }
            next += piece.len() as u64;
            rest = after;
        }
    }
}
