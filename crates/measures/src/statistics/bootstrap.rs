//! How far a statistic could move if other models of the same kind had been trained.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use srr_random::Seed;

use super::granulated::{Ranks, Repeats, Settings, mean_of_known};
use super::order::Sorted;
use super::quantile::quantile;
use super::table::{Column, Table};
use crate::error::{Error, Result};

/// Percentile bootstrap over models (Efron 1979): models are drawn with replacement, as many as there are.
///
/// All measures of a table see the same draws, so that differences between measures are paired. The numbers depend on the seed
/// only, never on the number of threads.
///
/// A pair of two copies of one model compares nothing. Such pairs are left out of numerator and denominator of every coefficient: as ties
/// they would pull τ-a towards 0 by its n-th part, since a draw of n models has (n − 1)/2 of them among its n(n − 1)/2 pairs on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    draws: usize,
    level: f64,
    seed: Seed,
}

/// The middle part of a bootstrap distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Draws in which the statistic existed; the ends are quantiles of these.
    pub draws: usize,
}

/// Intervals of every τ of one measure; `None` where no draw had a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// Of τ-a.
    pub tau_a: Option<Interval>,
    /// Of τ-b.
    pub tau_b: Option<Interval>,
    /// Of ψ of every axis.
    pub psi: Vec<Option<Interval>>,
    /// Of Ψ.
    pub overall: Option<Interval>,
}

/// Which coefficient a comparison is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Statistic {
    /// Kendall's τ-a.
    TauA,
    /// Kendall's τ-b.
    TauB,
    /// The granulated Ψ.
    Granulated,
}

/// How much better the first measure orders the models than the second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Coefficient of the first minus that of the second.
    pub value: f64,
    /// Its bootstrap interval.
    pub interval: Interval,
    /// Two-sided: twice the smaller share of draws on either side of 0 (a draw at 0 counts on both), one draw added to both counts: never below
    /// 2/(draws + 1).
    pub p_value: f64,
    /// Models for which both measures are defined.
    pub models: usize,
}

impl Bootstrap {
    /// `draws` resamplings; intervals hold the middle `level` (such as 0.95) of them.
    ///
    /// # Errors
    /// No draw, or a level outside (0, 1).
    pub fn new(draws: usize, level: f64, seed: Seed) -> Result<Self> {
        if draws == 0 {
            return Err(Error::Setting {
                setting: "the number of bootstrap draws",
                value: 0.0,
                expected: "at least 1",
            });
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::Setting {
                setting: "the level of a bootstrap interval",
                value: level,
                expected: "between 0 and 1",
            });
        }
        let seed = seed.purpose("bootstrap");
        Ok(Self { draws, level, seed })
    }

    /// The same with another number of draws, at least one: the first ones are the same draws.
    #[must_use]
    pub fn with_draws(self, draws: usize) -> Self {
        let draws = draws.max(1);
        Self { draws, ..self }
    }

    /// Number of draws.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// Share of the draws that an interval holds.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Intervals of τ-a, τ-b, ψ and Ψ of one measure.
    pub fn intervals(&self, table: &Table, measure: &Column, repeats: Repeats) -> Intervals {
        let (models, values) = measure.defined();
        let prepared = Prepared::new(table, &models, &values, repeats);
        let draws = self.map_draws(table.models(), |draw, scratch| {
            prepared.coefficients(Some(draw), scratch)
        });
        let interval = |pick: &dyn Fn(&Coefficients) -> Option<f64>| {
            self.interval(draws.iter().filter_map(pick).collect())
        };
        Intervals {
            tau_a: interval(&|c| c.tau_a),
            tau_b: interval(&|c| c.tau_b),
            psi: (0..table.axes().len())
                .map(|axis| interval(&|c| c.psi[axis]))
                .collect(),
            overall: interval(&|c| c.granulated),
        }
    }

    /// Whether measure `a` beats measure `b`, on the models for which both are defined and the same draws for both.
    ///
    /// `None` where the coefficient does not exist (a constant measure has no τ-b).
    ///
    /// # Errors
    /// Unknown measures.
    pub fn difference(
        &self,
        table: &Table,
        a: &str,
        b: &str,
        statistic: Statistic,
        repeats: Repeats,
    ) -> Result<Option<Difference>> {
        let found = self.differences(table, a, &[b], statistic, repeats)?;
        Ok(found.into_iter().next().flatten())
    }

    /// Whether measure `a` beats each of the others, as [`difference`](Self::difference) one by one: what the comparisons share is computed
    /// once, which for measures that are defined for the same models is half of everything.
    ///
    /// # Errors
    /// Unknown measures.
    pub fn differences(
        &self,
        table: &Table,
        a: &str,
        others: &[&str],
        statistic: Statistic,
        repeats: Repeats,
    ) -> Result<Vec<Option<Difference>>> {
        let a = table.measure(a)?.values();
        let mut known: BTreeMap<Vec<usize>, Resampled> = BTreeMap::new();
        let mut differences = Vec::new();
        for other in others {
            let b = table.measure(other)?.values();
            let both = |&i: &usize| a[i].is_some() && b[i].is_some();
            let models: Vec<usize> = (0..table.models()).filter(both).collect();
            let resample = |values: &[Option<f64>]| {
                let values: Vec<f64> = models.iter().filter_map(|&i| values[i]).collect();
                self.resample(table, &models, &values, statistic, repeats)
            };
            let theirs = resample(b);
            let ours = known.entry(models.clone()).or_insert_with(|| resample(a));
            differences.push(self.compare(ours, &theirs, models.len()));
        }
        Ok(differences)
    }

    /// A coefficient of one measure, and of every draw.
    fn resample(
        &self,
        table: &Table,
        models: &[usize],
        values: &[f64],
        statistic: Statistic,
        repeats: Repeats,
    ) -> Resampled {
        let prepared = match statistic {
            Statistic::Granulated => Prepared::new(table, models, values, repeats),
            _ => Prepared::without_axes(table, models, values),
        };
        let of = |draw: Option<&[u32]>, scratch: &mut Vec<i64>| {
            prepared.coefficients(draw, scratch).get(statistic)
        };
        Resampled {
            whole: of(None, &mut Vec::new()),
            draws: self.map_draws(table.models(), |draw, scratch| of(Some(draw), scratch)),
        }
    }

    fn compare(&self, a: &Resampled, b: &Resampled, models: usize) -> Option<Difference> {
        let pairs = a.draws.iter().zip(&b.draws);
        let draws: Vec<f64> = pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
        let value = a.whole? - b.whole?;
        let p_value = two_sided(&draws);
        self.interval(draws).map(|interval| Difference {
            value,
            interval,
            p_value,
            models,
        })
    }

    /// `f` of the multiplicities of every draw, in the order of draws.
    fn map_draws<R: Send>(
        &self,
        models: usize,
        f: impl Fn(&[u32], &mut Vec<i64>) -> R + Sync,
    ) -> Vec<R> {
        (0..self.draws as u64)
            .into_par_iter()
            .map_init(
                || (vec![0_u32; models], Vec::new()),
                |(multiplicity, scratch), draw| {
                    multiplicity.fill(0);
                    let mut stream = self.seed.index(draw).stream();
                    for _ in 0..models {
                        multiplicity[stream.below(models as u64) as usize] += 1;
                    }
                    f(multiplicity, scratch)
                },
            )
            .collect()
    }

    fn interval(&self, mut values: Vec<f64>) -> Option<Interval> {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Interval {
            low: quantile(&values, tail)?,
            high: quantile(&values, 1.0 - tail)?,
            draws: values.len(),
        })
    }
}

/// A coefficient of a measure on a table and on every draw of its models.
struct Resampled {
    whole: Option<f64>,
    draws: Vec<Option<f64>>,
}

fn two_sided(differences: &[f64]) -> f64 {
    let count = |side: fn(&&f64) -> bool| differences.iter().filter(side).count();
    let fewer = count(|d| **d <= 0.0).min(count(|d| **d >= 0.0));
    (2.0 * (fewer + 1) as f64 / (differences.len() + 1) as f64).min(1.0)
}

/// One measure on one set of models, ready to be counted under any multiplicities.
struct Prepared {
    all: Sorted,
    settings: Vec<Settings>,
}

struct Coefficients {
    tau_a: Option<f64>,
    tau_b: Option<f64>,
    psi: Vec<Option<f64>>,
    granulated: Option<f64>,
}

impl Coefficients {
    fn get(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::TauA => self.tau_a,
            Statistic::TauB => self.tau_b,
            Statistic::Granulated => self.granulated,
        }
    }
}

impl Prepared {
    fn new(table: &Table, models: &[usize], values: &[f64], repeats: Repeats) -> Self {
        let (ranks, models) = Self::ranks(table, models, values);
        Self {
            settings: Settings::all_axes(table, &models, &ranks, repeats),
            all: Sorted::new(models, &ranks.measure, &ranks.gap),
        }
    }

    fn without_axes(table: &Table, models: &[usize], values: &[f64]) -> Self {
        let (ranks, models) = Self::ranks(table, models, values);
        Self {
            settings: Vec::new(),
            all: Sorted::new(models, &ranks.measure, &ranks.gap),
        }
    }

    fn ranks(table: &Table, models: &[usize], values: &[f64]) -> (Ranks, Vec<u32>) {
        let gap: Vec<f64> = models.iter().map(|&i| table.gap()[i]).collect();
        let models: Vec<u32> = models.iter().map(|&i| i as u32).collect();
        let ranks = Ranks::new(table.models(), &models, values, &gap);
        (ranks, models)
    }

    fn coefficients(&self, draw: Option<&[u32]>, scratch: &mut Vec<i64>) -> Coefficients {
        let counts = self.all.count(draw, scratch);
        let psi: Vec<_> = self.settings.iter().map(|s| s.psi(draw, scratch)).collect();
        Coefficients {
            tau_a: (counts.pairs > 0).then(|| counts.tau_a()),
            tau_b: counts.tau_b(),
            granulated: mean_of_known(&psi),
            psi,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without ties, the coefficient of a draw is Σ m_i m_j s_ij / Σ m_i m_j over i < j, with m the multiplicities and s = ±1. As E[m_i m_j]
    /// is the same for all pairs, the ratio of expectations is τ. The mean of the ratios differs from it, to first order and by Cauchy and
    /// Schwarz, by no more than their deviation times the relative deviation of the denominator, √2/n^1.5 (copy pairs: √(n/2) of n²/2);
    /// the mean over B draws has a standard error of their deviation over √B. The n-th part that counted copies would take is more than
    /// three times what is allowed.
    #[test]
    fn draws_center_on_the_coefficient_of_a_table_without_ties() {
        let n = 24;
        let gap: Vec<f64> = (0..n).map(f64::from).collect();
        // Neighbors in pairs swapped: 12 of 276 pairs are discordant.
        let values: Vec<Option<f64>> = (0..n).map(|i| Some(f64::from(i ^ 1))).collect();
        let tau = (264.0 - 12.0) / 276.0;
        let table = Table::new(&gap)
            .unwrap()
            .with_measure("m", &values)
            .unwrap();
        let (models, values) = table.measure("m").unwrap().defined();
        let prepared = Prepared::without_axes(&table, &models, &values);
        let whole = prepared.coefficients(None, &mut Vec::new());
        assert_eq!(whole.tau_a, Some(tau));

        let bootstrap = Bootstrap::new(4000, 0.95, Seed::new(3)).unwrap();
        let drawn = bootstrap.map_draws(table.models(), |draw, scratch| {
            prepared.coefficients(Some(draw), scratch).tau_a.unwrap()
        });
        let count = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / count;
        let variance = drawn.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let ratio = (2.0 / f64::from(n).powi(3)).sqrt();
        let allowed = variance.sqrt() * (4.0 / count.sqrt() + ratio);
        assert!((mean - tau).abs() < allowed, "{mean} {tau} {allowed}");
        assert!(tau / f64::from(n) > 3.0 * allowed, "{allowed}");
    }

    #[test]
    fn a_draw_of_one_model_alone_has_no_coefficient() {
        let table = Table::new(&[1.0, 2.0]).unwrap();
        let prepared = Prepared::without_axes(&table, &[0, 1], &[1.0, 2.0]);
        let coefficients = |draw: &[u32]| prepared.coefficients(Some(draw), &mut Vec::new());
        assert_eq!(coefficients(&[2, 0]).tau_a, None);
        assert_eq!(coefficients(&[2, 1]).tau_a, Some(1.0));
        assert!((coefficients(&[2, 1]).tau_b.unwrap() - 1.0).abs() < 1e-15);
    }
}
