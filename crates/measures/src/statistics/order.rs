//! Ranks, and the count of ordered pairs that everything else is made of.

/// Ranks from 0 without holes: equal values (0 and −0 too) share a rank. Values must be finite.
pub(crate) fn dense_ranks(values: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let at = |i: u32| values[i as usize] + 0.0;
    order.sort_unstable_by(|&a, &b| at(a).total_cmp(&at(b)));
    ranks_in_order(values.len(), &order, |a, b| at(a) == at(b))
}

/// Dense ranks of ranks: closes the holes that a selection leaves.
fn compress(ranks: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..ranks.len() as u32).collect();
    order.sort_unstable_by_key(|&i| ranks[i as usize]);
    ranks_in_order(ranks.len(), &order, |a, b| {
        ranks[a as usize] == ranks[b as usize]
    })
}

fn ranks_in_order(n: usize, order: &[u32], equal: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut ranks = vec![0; n];
    let mut rank = 0;
    for (position, &i) in order.iter().enumerate() {
        if position > 0 && !equal(order[position - 1], i) {
            rank += 1;
        }
        ranks[i as usize] = rank;
    }
    ranks
}

/// How the pairs of a set of models are ordered by two quantities x and y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PairCounts {
    /// Concordant minus discordant pairs.
    pub(crate) difference: i64,
    /// All pairs of different models: n(n − 1)/2 without multiplicities.
    pub(crate) pairs: i64,
    /// Pairs with equal x.
    pub(crate) x_ties: i64,
    /// Pairs with equal y.
    pub(crate) y_ties: i64,
}

impl PairCounts {
    /// τ-a; zero where there is no pair.
    pub(crate) fn tau_a(self) -> f64 {
        if self.pairs == 0 {
            return 0.0;
        }
        self.difference as f64 / self.pairs as f64
    }

    /// τ-b; `None` where x or y is constant.
    pub(crate) fn tau_b(self) -> Option<f64> {
        let (x, y) = (self.pairs - self.x_ties, self.pairs - self.y_ties);
        if x == 0 || y == 0 {
            return None;
        }
        let tau = self.difference as f64 / (x as f64).sqrt() / (y as f64).sqrt();
        Some(tau.clamp(-1.0, 1.0))
    }
}

/// Models sorted by x, ready for counting their pairs under any multiplicities.
#[derive(Clone, Debug)]
pub(crate) struct Sorted {
    /// Which model stands here: the index into the multiplicities.
    model: Vec<u32>,
    x: Vec<u32>,
    y: Vec<u32>,
    y_levels: usize,
}

/// Below this size, comparing all pairs is faster than a tree.
const SMALL: usize = 24;

impl Sorted {
    /// The `models` with their ranks `x[i]` and `y[i]`, where `i` runs over all models.
    pub(crate) fn new(mut models: Vec<u32>, x: &[u32], y: &[u32]) -> Self {
        models.sort_by_key(|&i| x[i as usize]);
        let pick = |ranks: &[u32]| -> Vec<u32> {
            let picked: Vec<u32> = models.iter().map(|&i| ranks[i as usize]).collect();
            compress(&picked)
        };
        let (x, y) = (pick(x), pick(y));
        let y_levels = y.iter().max().map_or(0, |&top| top as usize + 1);
        Self {
            model: models,
            x,
            y,
            y_levels,
        }
    }

    /// Counts pairs where model `i` stands `multiplicity[i]` times (once, without multiplicities).
    ///
    /// Two copies of one model are no pair: they would tie in both and pull every coefficient of a resampled set towards 0. O(n log n): models enter a tree over y in the order of x (Knight 1966 sorts instead;
    /// the tree takes multiplicities without a change).
    pub(crate) fn count(&self, multiplicity: Option<&[u32]>, scratch: &mut Vec<i64>) -> PairCounts {
        let weight = |position: usize| match multiplicity {
            None => 1,
            Some(all) => i64::from(all[self.model[position] as usize]),
        };
        let mut counts = PairCounts::default();
        self.count_ties(&weight, &mut counts, scratch);
        counts.difference = if self.model.len() <= SMALL {
            self.compare_all(&weight)
        } else {
            self.sweep(&weight, scratch)
        };
        counts
    }

    fn count_ties(
        &self,
        weight: &impl Fn(usize) -> i64,
        counts: &mut PairCounts,
        scratch: &mut Vec<i64>,
    ) {
        let choose_two = |t: i64| t * (t - 1) / 2;
        scratch.clear();
        scratch.resize(self.y_levels, 0);
        let (mut total, mut run, mut copies) = (0, 0, 0);
        for position in 0..self.model.len() {
            if position > 0 && self.x[position] != self.x[position - 1] {
                counts.x_ties += choose_two(run);
                run = 0;
            }
            let w = weight(position);
            run += w;
            total += w;
            copies += choose_two(w);
            scratch[self.y[position] as usize] += w;
        }
        counts.x_ties += choose_two(run) - copies;
        counts.y_ties = scratch.iter().map(|&t| choose_two(t)).sum::<i64>() - copies;
        counts.pairs = choose_two(total) - copies;
    }

    fn compare_all(&self, weight: &impl Fn(usize) -> i64) -> i64 {
        let mut difference = 0;
        for i in 1..self.model.len() {
            let mut sum = 0;
            for j in 0..i {
                if self.x[j] != self.x[i] {
                    let sign = i64::from(self.y[j] < self.y[i]) - i64::from(self.y[j] > self.y[i]);
                    sum += weight(j) * sign;
                }
            }
            difference += weight(i) * sum;
        }
        difference
    }

    fn sweep(&self, weight: &impl Fn(usize) -> i64, tree: &mut Vec<i64>) -> i64 {
        tree.clear();
        tree.resize(self.y_levels + 1, 0);
        let (mut difference, mut entered, mut start) = (0, 0, 0);
        while start < self.model.len() {
            let mut end = start + 1;
            while end < self.model.len() && self.x[end] == self.x[start] {
                end += 1;
            }
            for position in start..end {
                let w = weight(position);
                if w != 0 {
                    let y = self.y[position] as usize;
                    let below = prefix(tree, y);
                    let above = entered - prefix(tree, y + 1);
                    difference += w * (below - above);
                }
            }
            for position in start..end {
                let w = weight(position);
                if w != 0 {
                    add(tree, self.y[position] as usize, w);
                    entered += w;
                }
            }
            start = end;
        }
        difference
    }

    /// Sizes of the groups of equal x and of equal y, each larger than one.
    pub(crate) fn tie_groups(&self) -> (Vec<u64>, Vec<u64>) {
        let groups = |ranks: &[u32]| -> Vec<u64> {
            let levels = ranks.iter().max().map_or(0, |&top| top as usize + 1);
            let mut sizes = vec![0; levels];
            ranks.iter().for_each(|&rank| sizes[rank as usize] += 1);
            sizes.retain(|&size| size > 1);
            sizes
        };
        (groups(&self.x), groups(&self.y))
    }
}

/// Sum of the first `n` entries of a Fenwick tree.
fn prefix(tree: &[i64], mut n: usize) -> i64 {
    let mut sum = 0;
    while n > 0 {
        sum += tree[n];
        n &= n - 1;
    }
    sum
}

fn add(tree: &mut [i64], entry: usize, value: i64) {
    let mut n = entry + 1;
    while n < tree.len() {
        tree[n] += value;
        n += n & n.wrapping_neg();
    }
}
