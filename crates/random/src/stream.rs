//! Numbers drawn one after another.

use crate::Seed;

/// A sequence of random numbers from one [`Seed`].
#[derive(Clone, Debug)]
pub struct Stream {
    seed: Seed,
    block: u64,
    words: [u32; 4],
    used: usize,
    spare: Option<f64>,
}

impl Stream {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            block: 0,
            words: [0; 4],
            used: 4,
            spare: None,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.words = self.seed.block(self.block);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [`low`, `high`).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..`n`, without bias (Lemire 2019). Zero when `n` is zero.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// A random order of `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// A random order of 0..`n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

#[cfg(test)]
mod tests {
    use crate::Seed;

    #[test]
    fn normal_moments() {
        let mut stream = Seed::new(5).stream();
        let n = 200_000;
        let x: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let moment = |k: i32| x.iter().map(|v| v.powi(k)).sum::<f64>() / f64::from(n);
        // Five standard errors of each sample moment of N(0, 1).
        let bound = |variance: f64| 5.0 * (variance / f64::from(n)).sqrt();
        assert!(moment(1).abs() < bound(1.0));
        assert!((moment(2) - 1.0).abs() < bound(2.0));
        assert!(moment(3).abs() < bound(15.0));
        assert!((moment(4) - 3.0).abs() < bound(96.0));
    }

    #[test]
    fn below_is_uniform() {
        let mut stream = Seed::new(6).stream();
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        let chi_squared: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi_squared < 22.5, "{chi_squared}"); // 0.1 % point of chi-squared with 6 degrees of freedom
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn shuffles_are_permutations_and_all_are_reached() {
        let seed = Seed::new(8);
        let mut seen = std::collections::HashSet::new();
        for i in 0..600 {
            let mut order = seed.index(i).stream().permutation(4);
            seen.insert(order.clone());
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3]);
        }
        assert_eq!(seen.len(), 24);
    }
}
