//! Parts of a set in which every class keeps its share.

use crate::{Error, ImageSet, Result};
use srr_random::Seed;

impl ImageSet {
    /// A random part of `n` images in which each class has its share of the whole, rounded by largest remainders (of equal
    /// remainders, the lower class first). The images stay in the order of the set.
    ///
    /// ```
    /// use srr_random::Seed;
    /// let digits = srr_datasets::optdigits()?;
    /// let part = digits.train.stratified(1024, Seed::new(0))?;
    /// assert_eq!(part.len(), 1024);
    /// assert!(part.class_counts().iter().all(|&n| (100..=105).contains(&n)));
    /// # Ok::<(), srr_datasets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when `n` is larger than the set.
    pub fn stratified(&self, n: usize, seed: Seed) -> Result<Self> {
        let chosen = self.stratified_choice(n, seed)?;
        self.subset(&indices(&chosen, true))
    }

    /// Splits off a random stratified part: (the rest, `held_out` images). A validation set is such a part of a training set.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `held_out` is larger than the set.
    pub fn split(&self, held_out: usize, seed: Seed) -> Result<(Self, Self)> {
        let chosen = self.stratified_choice(held_out, seed)?;
        Ok((
            self.subset(&indices(&chosen, false))?,
            self.subset(&indices(&chosen, true))?,
        ))
    }

    /// Which images belong to a stratified part of `n` `[len]`.
    fn stratified_choice(&self, n: usize, seed: Seed) -> Result<Vec<bool>> {
        if n > self.len() {
            return Err(Error::invalid(
                "number of images to choose",
                format!("at most {}", self.len()),
                n,
            ));
        }
        let mut members = vec![Vec::new(); self.classes()];
        for (i, &label) in self.labels().iter().enumerate() {
            members[label as usize].push(i);
        }
        let counts: Vec<usize> = members.iter().map(Vec::len).collect();
        let mut chosen = vec![false; self.len()];
        for (class, (mut members, share)) in members.into_iter().zip(shares(&counts, n)).enumerate()
        {
            let seed = seed.purpose("stratified").index(class as u64);
            seed.stream().shuffle(&mut members);
            for &i in &members[..share] {
                chosen[i] = true;
            }
        }
        Ok(chosen)
    }
}

/// `n` dealt out in proportion to `counts`, at most each count; `n` is at most their sum.
fn shares(counts: &[usize], n: usize) -> Vec<usize> {
    let total = counts.iter().map(|&c| c as u128).sum::<u128>().max(1);
    let exact = |class: usize| counts[class] as u128 * n as u128;
    let mut shares: Vec<usize> = (0..counts.len())
        .map(|c| (exact(c) / total) as usize)
        .collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&c| std::cmp::Reverse(exact(c) % total));
    let missing = n - shares.iter().sum::<usize>();
    for &class in &by_remainder[..missing] {
        shares[class] += 1;
    }
    shares
}

/// The places where `chosen` is `value`.
fn indices(chosen: &[bool], value: bool) -> Vec<usize> {
    (0..chosen.len()).filter(|&i| chosen[i] == value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optdigits;

    #[test]
    fn shares_are_proportional_and_complete() {
        assert_eq!(shares(&[10, 10, 10], 10), [4, 3, 3]);
        assert_eq!(shares(&[1, 0, 99], 50), [1, 0, 49]);
        assert_eq!(shares(&[3, 5], 8), [3, 5]);
        assert_eq!(shares(&[3, 5], 0), [0, 0]);
        assert_eq!(shares(&[0], 0), [0]);
        assert_eq!(
            shares(&[usize::MAX / 2, 1], usize::MAX / 2 + 1),
            [usize::MAX / 2, 1]
        );
        for n in 0..=60 {
            let counts = [7, 13, 1, 39];
            let shares = shares(&counts, n);
            assert_eq!(shares.iter().sum::<usize>(), n);
            for (share, count) in shares.iter().zip(counts) {
                let exact = count as f64 * n as f64 / 60.0;
                assert!(*share <= count && (*share as f64 - exact).abs() < 1.0);
            }
        }
    }

    #[test]
    fn a_split_loses_and_doubles_nothing() {
        let train = optdigits().unwrap().train;
        let (rest, held) = train.split(500, Seed::new(3)).unwrap();
        assert_eq!((rest.len(), held.len()), (3323, 500));
        let mut all: Vec<(&[u8], u32)> = [&rest, &held]
            .into_iter()
            .flat_map(|set| (0..set.len()).map(|i| (set.image(i).unwrap(), set.labels()[i])))
            .collect();
        let mut original: Vec<_> = (0..train.len())
            .map(|i| (train.image(i).unwrap(), train.labels()[i]))
            .collect();
        all.sort_unstable();
        original.sort_unstable();
        assert!(all == original);
        for (h, t) in held.class_counts().iter().zip(train.class_counts()) {
            assert!((*h as f64 - t as f64 * 500.0 / 3823.0).abs() < 1.0);
        }
    }

    #[test]
    fn the_seed_decides() {
        let train = optdigits().unwrap().train;
        let part = |seed| train.stratified(100, Seed::new(seed)).unwrap().digest();
        assert_eq!(part(1), part(1));
        assert_ne!(part(1), part(2));
        assert!(train.stratified(3824, Seed::new(1)).is_err());
        assert_eq!(
            train.stratified(3823, Seed::new(1)).unwrap().digest(),
            train.digest()
        );
        assert!(train.split(3824, Seed::new(1)).is_err());
    }
}
