//! How many bytes a second the memory moves, with all operands far from the caches.

use rayon::prelude::*;
use std::{hint::black_box, time::Instant};

/// Numbers of one array: 128 MiB, several times what a shared cache holds.
const LENGTH: usize = 32 << 20;
/// Numbers that a thread takes at a time.
const PIECE: usize = 1 << 16;

/// GB/s of the current pool, all its threads together, a value a round: the triad a = b + s c of STREAM (McCalpin 1995), which counts the
/// two arrays read and the one written, not what a processor reads before it writes.
pub(super) fn measure(rounds: usize) -> Vec<f64> {
    let [mut a, b, c] = [0.5, 1.0, 2.0].map(|value: f32| vec![value; LENGTH]);
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            triad(&mut a, &b, &c, black_box(3.0));
            black_box(&mut a);
            let bytes = 3 * LENGTH * size_of::<f32>();
            bytes as f64 / start.elapsed().as_secs_f64() / 1e9
        })
        .collect()
}

fn triad(a: &mut [f32], b: &[f32], c: &[f32], scale: f32) {
    let operands = b.par_chunks(PIECE).zip(c.par_chunks(PIECE));
    a.par_chunks_mut(PIECE)
        .zip(operands)
        .for_each(|(a, (b, c))| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = b + scale * c;
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_triad_is_written() {
        let length = 2 * PIECE + 3;
        let b: Vec<f32> = (0..length).map(|i| i as f32).collect();
        let (mut a, c) = (vec![0.0; length], vec![2.0; length]);
        triad(&mut a, &b, &c, 3.0);
        assert!(a.iter().zip(&b).all(|(a, b)| *a == b + 6.0));
    }
}
