//! Orders of pairs between cells of models, counted 64 pairs at a time.

use std::ops::Range;

/// Ordered pairs (i, j) by the signs of x_i − x_j and y_i − y_j: `counts[a][b]`, where 0 is positive, 1 equal, 2 negative.
pub(crate) type SignCounts = [[u64; 3]; 3];

/// Rows that are counted together; bounds the memory.
const ROWS: usize = 256;

/// Models in cells, each cell on whole words of a bitset.
struct Layout {
    words: Vec<Range<usize>>,
    /// Bit of every model.
    bit: Vec<u32>,
    total: usize,
}

impl Layout {
    fn new(cells: &[Vec<u32>], models: usize) -> Self {
        let mut bit = vec![0; models];
        let mut total = 0;
        let words = cells
            .iter()
            .map(|cell| {
                for (&model, position) in cell.iter().zip(total * 64..) {
                    bit[model as usize] = position as u32;
                }
                let start = total;
                total += cell.len().div_ceil(64);
                start..total
            })
            .collect();
        Self { words, bit, total }
    }
}

/// The set of models below a rising rank, as bits.
struct Below<'a> {
    /// (rank, bit) of all models, ascending.
    ascending: &'a [(u32, u32)],
    entered: [usize; 2],
    /// Models of smaller rank; models of smaller or equal rank.
    sets: [Vec<u64>; 2],
}

impl<'a> Below<'a> {
    fn new(ascending: &'a [(u32, u32)], words: usize) -> Self {
        Self {
            ascending,
            entered: [0; 2],
            sets: [vec![0; words], vec![0; words]],
        }
    }

    /// Raises the rank. Ranks must not fall.
    fn rise_to(&mut self, rank: u32) {
        for (set, bound) in [(0, rank), (1, rank + 1)] {
            while let Some(&(r, bit)) = self.ascending.get(self.entered[set]) {
                if r >= bound {
                    break;
                }
                self.sets[set][bit as usize / 64] |= 1 << (bit % 64);
                self.entered[set] += 1;
            }
        }
    }
}

/// Visits every unordered pair of cells that holds a pair of models, with the number of ordered pairs of cells it stands for (1
/// within a cell, 2 between cells) and the [`SignCounts`] of its models, i in the first cell and j ≠ i in the second.
///
/// `cells` partition the models 0..n of ranks `x` and `y`. Pairs of cells of one model each are skipped if they differ: one
/// pair of models has no distribution. O(n · max(n/64, cells)).
pub(crate) fn visit_cell_pairs(
    cells: &[Vec<u32>],
    x: &[u32],
    y: &[u32],
    mut visit: impl FnMut(u64, &SignCounts),
) {
    let mut cells = cells.to_vec();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.len()));
    let layout = Layout::new(&cells, x.len());
    let ascending = |ranks: &[u32]| {
        let mut pairs: Vec<(u32, u32)> = ranks
            .iter()
            .copied()
            .zip(layout.bit.iter().copied())
            .collect();
        pairs.sort_unstable();
        pairs
    };
    let (by_x, by_y) = (ascending(x), ascending(y));
    for (first, cell) in cells.iter().enumerate() {
        if cell.len() < 2 {
            break; // all that follow hold one model too
        }
        let mut cumulated = vec![[0_u64; 8]; cells.len() - first];
        for rows in cell.chunks(ROWS) {
            count_rows(rows, first, (x, &by_x), (y, &by_y), &layout, &mut cumulated);
        }
        for (second, sums) in cumulated.iter().enumerate() {
            let other = cells[first + second].len() as u64;
            let mut counts = sign_counts(sums, cell.len() as u64 * other);
            if second == 0 {
                counts[1][1] -= cell.len() as u64; // a model with itself
            }
            visit(if second == 0 { 1 } else { 2 }, &counts);
        }
    }
}

/// Adds, for every cell from `first` on, how many models lie below the rows in x, in y and in both.
fn count_rows(
    rows: &[u32],
    first: usize,
    (x, by_x): (&[u32], &[(u32, u32)]),
    (y, by_y): (&[u32], &[(u32, u32)]),
    layout: &Layout,
    cumulated: &mut [[u64; 8]],
) {
    let start = layout.words[first].start;
    let width = layout.total - start;
    // The sets of every row in y, by its position among the rows.
    let mut below_y = vec![0_u64; rows.len() * 2 * width];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| y[rows[row] as usize]);
    let mut below = Below::new(by_y, layout.total);
    for &row in &order {
        below.rise_to(y[rows[row] as usize]);
        let kept = &mut below_y[row * 2 * width..][..2 * width];
        kept[..width].copy_from_slice(&below.sets[0][start..]);
        kept[width..].copy_from_slice(&below.sets[1][start..]);
    }
    order.sort_by_key(|&row| x[rows[row] as usize]);
    let mut below = Below::new(by_x, layout.total);
    for &row in &order {
        below.rise_to(x[rows[row] as usize]);
        let kept = &below_y[row * 2 * width..][..2 * width];
        for (sums, words) in cumulated.iter_mut().zip(&layout.words[first..]) {
            let y_words = words.start - start..words.end - start;
            add_counts(
                sums,
                [&below.sets[0][words.clone()], &below.sets[1][words.clone()]],
                [&kept[..width][y_words.clone()], &kept[width..][y_words]],
            );
        }
    }
}

/// Adds |x< ∩ y<|, |x< ∩ y≤|, |x≤ ∩ y<|, |x≤ ∩ y≤|, |x<|, |x≤|, |y<|, |y≤|.
fn add_counts(sums: &mut [u64; 8], x: [&[u64]; 2], y: [&[u64]; 2]) {
    let mut found = [0_u32; 8];
    for (((&xl, &xe), &yl), &ye) in x[0].iter().zip(x[1]).zip(y[0]).zip(y[1]) {
        found[0] += (xl & yl).count_ones();
        found[1] += (xl & ye).count_ones();
        found[2] += (xe & yl).count_ones();
        found[3] += (xe & ye).count_ones();
        found[4] += xl.count_ones();
        found[5] += xe.count_ones();
        found[6] += yl.count_ones();
        found[7] += ye.count_ones();
    }
    for (sum, found) in sums.iter_mut().zip(found) {
        *sum += u64::from(found);
    }
}

/// From "below" and "below or equal" to positive, equal and negative differences.
fn sign_counts(sums: &[u64; 8], pairs: u64) -> SignCounts {
    let cumulated = [
        [sums[0], sums[1], sums[4]],
        [sums[2], sums[3], sums[5]],
        [sums[6], sums[7], pairs],
    ];
    let mut counts = cumulated;
    for a in 0..3 {
        for b in 0..3 {
            let mut value = cumulated[a][b];
            // Inclusion and exclusion; the sums are ordered, so the first difference cannot fall below zero.
            if a > 0 {
                value -= cumulated[a - 1][b];
            }
            if b > 0 {
                let left = cumulated[a][b - 1];
                let corner = if a > 0 { cumulated[a - 1][b - 1] } else { 0 };
                value -= left - corner;
            }
            counts[a][b] = value;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_random::Seed;

    fn brute(a: &[u32], b: &[u32], x: &[u32], y: &[u32]) -> SignCounts {
        let mut counts = SignCounts::default();
        let class = |i: u32, j: u32| match i.cmp(&j) {
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Less => 2,
        };
        for &i in a {
            for &j in b {
                if i != j {
                    let (i, j) = (i as usize, j as usize);
                    counts[class(x[i], x[j])][class(y[i], y[j])] += 1;
                }
            }
        }
        counts
    }

    #[test]
    fn counts_equal_those_of_all_pairs_with_ties() {
        let mut stream = Seed::new(5).stream();
        let n = 700;
        let draw = |stream: &mut srr_random::Stream, top: u64| -> Vec<u32> {
            (0..n).map(|_| stream.below(top) as u32).collect()
        };
        let (x, y, cell) = (
            draw(&mut stream, 40),
            draw(&mut stream, 300),
            draw(&mut stream, 4),
        );
        // Unequal cells: one larger than a word and than a block of rows, one of a single model.
        let mut cells: Vec<Vec<u32>> = vec![Vec::new(); 3];
        for i in 0..n - 1 {
            cells[[0, 0, 1, 2][cell[i] as usize]].push(i as u32);
        }
        cells.push(vec![n as u32 - 1]);
        let mut sorted = cells.clone();
        sorted.sort_by_key(|cell| std::cmp::Reverse(cell.len()));
        let mut expected = Vec::new();
        for (a, first) in sorted.iter().enumerate().filter(|(_, c)| c.len() > 1) {
            for (b, second) in sorted.iter().enumerate().skip(a) {
                let multiplicity = if a == b { 1 } else { 2 };
                expected.push((multiplicity, brute(first, second, &x, &y)));
            }
        }
        let mut found = Vec::new();
        visit_cell_pairs(&cells, &x, &y, |multiplicity, counts| {
            found.push((multiplicity, *counts));
        });
        assert_eq!(found, expected);
    }
}
