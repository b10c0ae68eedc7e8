//! Paired comparisons of one measure with every other: "A beats B".

use super::{
    LEVEL, Star,
    coefficients::{cell, number},
};
use crate::{
    Result,
    report::{Cell, Column, Table},
};
use srr_measures::statistics::{
    self, Analysis, Bootstrap, Difference, Interval, Repeats, Statistic, holm,
};

/// The measure that stands out against another one.
#[derive(Clone, Debug)]
pub(crate) struct Rival {
    /// The other measure.
    pub(crate) name: String,
    /// τ minus its τ; `None` where either has none.
    pub(crate) difference: Option<Difference>,
    /// The p-value of the difference after Holm's correction over all rivals.
    pub(crate) p_holm: Option<f64>,
}

impl Rival {
    /// The same under another name.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// τ of the other measure minus that of the one that stands out, with its interval; no difference is 0 and not −0.
    pub(crate) fn change(&self) -> Option<(f64, Interval)> {
        let Difference {
            value, interval, ..
        } = self.difference?;
        let Interval { low, high, draws } = interval;
        let turned = Interval {
            low: 0.0 - high,
            high: 0.0 - low,
            draws,
        };
        Some((0.0 - value, turned))
    }

    /// Whether the other measure's τ is smaller (1), larger (−1), or not told apart (0) at [`LEVEL`].
    pub(crate) fn sign(&self) -> i8 {
        match (&self.difference, self.p_holm) {
            (Some(difference), Some(p)) if p <= 1.0 - LEVEL => {
                i8::from(difference.value > 0.0) - i8::from(difference.value < 0.0)
            }
            _ => 0,
        }
    }
}

/// The measure `star` against every other one, on the same bootstrap draws; none where it is no measure of the table.
pub(crate) fn all(
    table: &statistics::Table,
    analysis: &Analysis,
    star: &str,
    bootstrap: &Bootstrap,
) -> Result<Vec<Rival>> {
    if !analysis.measures.iter().any(|measure| measure.name == star) {
        return Ok(Vec::new());
    }
    let names = analysis.measures.iter().map(|m| m.name.as_str());
    let others: Vec<&str> = names.filter(|name| *name != star).collect();
    of(table, star, &others, bootstrap)
}

/// One measure of the table against these others, on the same bootstrap draws.
pub(crate) fn of(
    table: &statistics::Table,
    star: &str,
    others: &[&str],
    bootstrap: &Bootstrap,
) -> Result<Vec<Rival>> {
    let (statistic, repeats) = (Statistic::TauA, Repeats::default());
    let bootstrap = enough(bootstrap, table, others.len());
    let found = bootstrap.differences(table, star, others, statistic, repeats)?;
    let others = others.iter().map(|&other| other.to_owned());
    Ok(corrected(others.zip(found).collect()))
}

/// The bootstrap with draws enough to tell one of so many comparisons apart.
///
/// No p-value of B draws is below 2/(B + 1), nor below `comparisons` times that after Holm's correction: a hundred draws for each bring this
/// down to 0.02. Tables too large for so many keep what they have, and [`floor`] says what that means.
pub(crate) fn enough(
    bootstrap: &Bootstrap,
    table: &statistics::Table,
    comparisons: usize,
) -> Bootstrap {
    const VALUES: usize = 100_000_000;
    let most = VALUES / (table.models() * (comparisons + 1)).max(1);
    let wanted = (100 * comparisons).min(most);
    bootstrap.with_draws(wanted.max(bootstrap.draws()))
}

/// The smallest p-value that a comparison can have after the correction; `None` where nothing is compared.
pub(crate) fn floor(rivals: &[Rival]) -> Option<f64> {
    let compared = rivals.iter().filter_map(|rival| rival.difference);
    let draws: Vec<usize> = compared.map(|found| found.interval.draws).collect();
    let most = draws.iter().max()?;
    Some((2.0 * draws.len() as f64 / (*most as f64 + 1.0)).min(1.0))
}

/// The comparisons with Holm's correction over all of them.
pub(crate) fn corrected(found: Vec<(String, Option<Difference>)>) -> Vec<Rival> {
    let p_values: Vec<Option<f64>> = found
        .iter()
        .map(|(_, difference)| Some(difference.as_ref()?.p_value))
        .collect();
    let rival = |((name, difference), p_holm)| Rival {
        name,
        difference,
        p_holm,
    };
    found.into_iter().zip(holm(&p_values)).map(rival).collect()
}

/// τ of the measure that stands out minus that of every other one.
pub(crate) fn table(rivals: &[Rival], star: &Star<'_>) -> Table {
    let mut table = Table::new(
        "correlation-differences",
        format!(
            "τ of {} minus τ of another measure, paired bootstrap{}; Holm's correction over these comparisons",
            star.title,
            draws(rivals)
        ),
    )
    .columns([
        Column::new("measure", "Other measure"),
        Column::new("models", "Models"),
        Column::new("difference", "Difference of τ")
            .interval()
            .decimals(3),
        Column::new("p", "p"),
        Column::new("p_holm", "p (Holm)"),
    ]);
    for rival in rivals {
        let found = rival.difference.as_ref();
        table.push(vec![
            rival.name.as_str().into(),
            found.map_or_else(|| Cell::missing("undefined"), |found| found.models.into()),
            cell(
                found.map(|found| found.value),
                found.map(|found| found.interval),
            ),
            number(found.map(|found| found.p_value)),
            number(rival.p_holm),
        ]);
    }
    table
}

/// ` (B = 5500)`, where something is compared.
fn draws(rivals: &[Rival]) -> String {
    let found = rivals.iter().filter_map(|rival| rival.difference);
    let most = found.map(|found| found.interval.draws).max();
    most.map_or_else(String::new, |draws| format!(" (B = {draws})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::words::against;

    fn difference(value: f64, p_value: f64) -> Option<Difference> {
        let interval = Interval {
            low: value - 0.1,
            high: value + 0.1,
            draws: 2000,
        };
        Some(Difference {
            value,
            interval,
            p_value,
            models: 32,
        })
    }

    /// A measure that orders the models as the gap does is ahead of sixty that do not, which 2,000 draws could not tell.
    #[test]
    fn there_are_draws_enough_for_the_comparisons() {
        let gap: Vec<f64> = (0..30).map(f64::from).collect();
        let column = |f: &dyn Fn(usize) -> f64| (0..30).map(|i| Some(f(i))).collect::<Vec<_>>();
        let mut table = statistics::Table::new(&gap).unwrap();
        table = table.with_measure("star", &column(&|i| i as f64)).unwrap();
        let names: Vec<String> = (1..=60).map(|k| format!("m{k}")).collect();
        for (k, name) in names.iter().enumerate() {
            let mixed = column(&|i| ((i * (2 * k + 3) + k) % 31) as f64);
            table = table.with_measure(name, &mixed).unwrap();
        }
        let others: Vec<&str> = names.iter().map(String::as_str).collect();
        let bootstrap = Bootstrap::new(2000, LEVEL, srr_random::Seed::new(1)).unwrap();
        let rivals = of(&table, "star", &others, &bootstrap).unwrap();
        assert!(floor(&rivals).unwrap() < 0.021);
        assert!(rivals.iter().filter(|rival| rival.sign() == 1).count() > 30);
    }

    #[test]
    fn comparisons_are_corrected_and_the_sentence_goes_by_the_corrected_values() {
        let rivals = corrected(vec![
            ("far".to_owned(), difference(0.5, 0.001)),
            ("near".to_owned(), difference(0.2, 0.03)),
            ("above".to_owned(), difference(-0.4, 0.01)),
            ("constant".to_owned(), None),
        ]);
        let holm: Vec<Option<f64>> = rivals.iter().map(|rival| rival.p_holm).collect();
        assert_eq!(holm, [Some(0.003), Some(0.03), Some(0.02), None]);
        let said = against(&rivals);
        assert!(
            said.contains("ahead of far and near, behind above, and not told apart from constant"),
            "{said}"
        );

        // An interval off zero is not enough once there are as many comparisons.
        let rivals = corrected(
            (0..9)
                .map(|i| (format!("m{i}"), difference(0.2, 0.02)))
                .collect(),
        );
        assert!(rivals.iter().all(|rival| rival.p_holm == Some(0.18)));
        let said = against(&rivals);
        assert!(
            said.contains("ahead of none, behind none") && said.contains("over 9 comparisons"),
            "{said}"
        );
        // Nine comparisons over 200 draws: no p below 18/201.
        let few = (0..9).map(|i| {
            let mut found = difference(0.2, 0.02).unwrap();
            found.interval.draws = 200;
            (format!("m{i}"), Some(found))
        });
        let few = corrected(few.collect());
        assert_eq!(floor(&few), Some(18.0 / 201.0));
        assert!(
            against(&few).contains("no p is below 0.09"),
            "{}",
            against(&few)
        );
        assert!(!against(&rivals).contains("So few draws"));
        let table = table(
            &rivals,
            &Star {
                name: "srr",
                title: "it",
            },
        );
        let keys: Vec<&str> = table.columns.iter().map(|c| c.key.as_str()).collect();
        assert_eq!(keys, ["measure", "models", "difference", "p", "p_holm"]);
        assert_eq!(table.rows[0][3..], [Cell::Number(0.02), Cell::Number(0.18)]);
    }
}
