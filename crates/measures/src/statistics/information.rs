//! Conditional mutual information between a measure and the generalization gap.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::bitset::{SignCounts, visit_cell_pairs};
use super::order::dense_ranks;
use super::table::{Axis, Column, Table};

/// What is left of the information once some hyper-parameters are known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conditioning {
    /// Names of the hyper-parameters in S.
    pub axes: Vec<String>,
    /// I(V_μ; V_g | U_S), in nats.
    pub information: f64,
    /// H(V_g | U_S), in nats.
    pub entropy: f64,
    /// Their ratio; `None` where the entropy is 0, that is where S alone orders the models.
    pub ratio: Option<f64>,
}

/// 𝒦 of one measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Information {
    /// The smallest ratio over all S; `None` if no S leaves the order of the gaps open.
    pub value: Option<f64>,
    /// Every conditioning set, from the empty one on.
    pub conditionings: Vec<Conditioning>,
}

/// Conditional mutual information (Jiang et al. 2019, eq. 8 to 12):
/// $$\mathcal K(\mu)=\min_{|S|\le s}\frac{I(V_\mu;V_g\mid U_S)}{H(V_g\mid U_S)}.$$
///
/// V_μ and V_g are the signs (−, 0, +) of the differences of measure and gap over ordered pairs of different models; U_S holds the
/// values of the hyper-parameters in S of both. It is 0 where the measure says nothing about the order of the gaps beyond
/// some one or two hyper-parameters, and 1 where it gives the order. `largest` is the largest size of S; the paper takes 2.
///
/// A set S under which H(V_g | U_S) = 0 has no ratio and is passed over.
pub fn conditional_information(table: &Table, measure: &Column, largest: usize) -> Information {
    let (models, values) = measure.defined();
    let gap: Vec<f64> = models.iter().map(|&i| table.gap()[i]).collect();
    let (x, y) = (dense_ranks(&values), dense_ranks(&gap));
    let conditionings: Vec<Conditioning> = subsets(table.axes().len(), largest)
        .into_par_iter()
        .map(|subset| {
            let axes: Vec<&Axis> = subset.iter().map(|&a| &table.axes()[a]).collect();
            condition(&axes, &models, &x, &y)
        })
        .collect();
    let ratios = conditionings.iter().filter_map(|c| c.ratio);
    Information {
        value: ratios.reduce(f64::min),
        conditionings,
    }
}

/// All sets of at most `largest` of the numbers 0..n, smaller sets first.
fn subsets(n: usize, largest: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..largest.min(n) {
        last = last
            .iter()
            .flat_map(|set: &Vec<usize>| {
                let next = set.last().map_or(0, |&top| top + 1);
                (next..n).map(|a| [set.as_slice(), &[a]].concat())
            })
            .collect();
        all.extend_from_slice(&last);
    }
    all
}

fn condition(axes: &[&Axis], models: &[usize], x: &[u32], y: &[u32]) -> Conditioning {
    let mut cells: BTreeMap<Vec<usize>, Vec<u32>> = BTreeMap::new();
    for (local, &model) in models.iter().enumerate() {
        let key = axes.iter().map(|axis| axis.codes()[model]).collect();
        cells.entry(key).or_default().push(local as u32);
    }
    let cells: Vec<Vec<u32>> = cells.into_values().collect();
    let (mut information, mut entropy) = (0.0, 0.0);
    visit_cell_pairs(&cells, x, y, |multiplicity, counts| {
        let (i, h) = unnormalized(counts);
        information += multiplicity as f64 * i;
        entropy += multiplicity as f64 * h;
    });
    let pairs = (models.len() * models.len().saturating_sub(1)).max(1) as f64;
    let (information, entropy) = (information.max(0.0) / pairs, entropy.max(0.0) / pairs);
    Conditioning {
        axes: axes.iter().map(|axis| axis.name().to_owned()).collect(),
        information,
        entropy,
        ratio: (entropy > 0.0).then(|| (information / entropy).min(1.0)),
    }
}

/// N·I(V_μ; V_g) and N·H(V_g) of N pairs with these signs.
fn unnormalized(counts: &SignCounts) -> (f64, f64) {
    let x_ln_x = |n: u64| {
        if n > 1 {
            n as f64 * (n as f64).ln()
        } else {
            0.0
        }
    };
    let rows = counts.map(|row| row.iter().sum::<u64>());
    let columns = [0, 1, 2].map(|b| counts.iter().map(|row| row[b]).sum::<u64>());
    let joint: f64 = counts.iter().flatten().map(|&n| x_ln_x(n)).sum();
    let of_gap: f64 = columns.iter().map(|&n| x_ln_x(n)).sum();
    let of_measure: f64 = rows.iter().map(|&n| x_ln_x(n)).sum();
    let all = x_ln_x(rows.iter().sum());
    (joint - of_gap - of_measure + all, all - of_gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_come_in_order_of_size() {
        assert_eq!(
            subsets(3, 2),
            [
                vec![],
                vec![0],
                vec![1],
                vec![2],
                vec![0, 1],
                vec![0, 2],
                vec![1, 2]
            ]
        );
        assert_eq!(subsets(1, 2), [vec![], vec![0]]);
        assert_eq!(subsets(0, 2), [Vec::<usize>::new()]);
    }

    /// 8 pairs: V_μ = V_g in 6, opposite in 2, each sign in half. I = ln 2 − H(1/4), H = ln 2.
    #[test]
    fn a_binary_symmetric_channel() {
        let counts = [[3, 0, 1], [0, 0, 0], [1, 0, 3]];
        let (information, entropy) = unnormalized(&counts);
        let noise = -(0.25_f64 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln());
        assert!((information / 8.0 - (2.0_f64.ln() - noise)).abs() < 1e-15);
        assert!((entropy / 8.0 - 2.0_f64.ln()).abs() < 1e-15);
    }
}
