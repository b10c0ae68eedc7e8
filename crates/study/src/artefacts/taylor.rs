//! `taylor`: log(1 + x) and its expansions (Hu, Zou and Xu 2024, Fig. 1b).

use super::{
    Recipe,
    common::{fixed, percent, section},
};
use crate::{
    Result,
    plan::{Context, PlannedRun},
    profile::Profile,
    report::{Artefact, Axis, Chart, Column, Mark, Panel, Rule, Series, Table},
    taylor::{TaylorPoint, taylor_curve},
};

/// The artefact.
pub(super) struct Taylor;

impl Recipe for Taylor {
    fn name(&self) -> &'static str {
        "taylor"
    }

    fn wanted(&self, profile: &Profile) -> bool {
        profile.taylor.is_some()
    }

    fn plan(&self, _: &Context<'_>) -> Result<Vec<PlannedRun>> {
        Ok(Vec::new())
    }

    fn collect(&self, context: &Context<'_>) -> Result<Artefact> {
        let section = section(&context.profile.taylor, self.name())?;
        let curve = taylor_curve(section.end, section.points);
        Ok(Artefact::new("taylor", "The logarithm and its expansions")
            .shows(SHOWS)
            .finding(finding(&curve))
            .paper(PAPER)
            .setting(
                "Points",
                format!("{} from 0 to {}", section.points, section.end),
            )
            .seeds("None: nothing is drawn.")
            .spread("None: exact values.")
            .chart(chart(&curve))
            .table(table(&curve)))
    }
}

const SHOWS: &str = "R^{c} is ½ Σ log(1 + x) over the eigenvalues x of γ V^{T}V. The attention step follows from expanding the \
    logarithm to second order, x − x²/2, and keeping one of its two terms. The figure shows how much of log(1 + x) either expansion \
    keeps.";

const PAPER: &str = "The paper draws the same curves (its Fig. 1b): the expansions hold near zero only.\n\n\
    It is analysis, so there are no numbers to differ.";

fn finding(curve: &[TaylorPoint]) -> String {
    let zero = curve.iter().find(|point| point.second_order_share() <= 0.0);
    let half = curve.iter().find(|point| point.second_order_share() < 0.5);
    let at = |point: Option<&TaylorPoint>| {
        point.map_or("beyond the figure".to_owned(), |point| {
            format!("x = {}", fixed(point.x, 2))
        })
    };
    let one = TaylorPoint::at(1.0);
    format!(
        "The second-order expansion keeps less than half of log(1 + x) from {} on, and nothing or less from {} on.\n\nAt x = 1 the first \
         order gives {} of it, the second {}.",
        at(half),
        at(zero),
        percent(one.first_order_share()),
        percent(one.second_order_share())
    )
}

fn chart(curve: &[TaylorPoint]) -> Chart {
    let series = |name: &str, ink: usize, mark: Mark, of: fn(&TaylorPoint) -> f64| {
        Series::new(name, ink, mark).points(curve.iter().map(|point| (point.x, of(point))))
    };
    let values = Panel::new("values", Axis::new("x"), Axis::new("value"))
        .series(series("log(1 + x)", 0, Mark::Line, |point| point.exact))
        .series(series("first order", 1, Mark::Dashed, |point| {
            point.first_order
        }))
        .series(series("second order", 2, Mark::Line, |point| {
            point.second_order
        }))
        .rule(Rule::horizontal(0.0, ""));
    let shares = Panel::new("share of log(1 + x)", Axis::new("x"), Axis::new("share"))
        .series(series(
            "first order",
            1,
            Mark::Dashed,
            TaylorPoint::first_order_share,
        ))
        .series(series(
            "second order",
            2,
            Mark::Line,
            TaylorPoint::second_order_share,
        ))
        .rule(Rule::horizontal(1.0, ""));
    Chart::new(
        "taylor",
        "log(1 + x) and its expansions",
        "Left: values. Right: the share of the logarithm that each expansion gives.",
    )
    .panel(values)
    .panel(shares)
}

fn table(curve: &[TaylorPoint]) -> Table {
    let mut table = Table::new("taylor", "log(1 + x), its expansions and their shares").columns([
        Column::new("x", "x"),
        Column::new("exact", "log(1 + x)"),
        Column::new("first_order", "first order"),
        Column::new("second_order", "second order"),
        Column::new("first_order_share", "share, first order"),
        Column::new("second_order_share", "share, second order"),
    ]);
    table.folded = true;
    for point in curve {
        table.push(vec![
            point.x.into(),
            point.exact.into(),
            point.first_order.into(),
            point.second_order.into(),
            point.first_order_share().into(),
            point.second_order_share().into(),
        ]);
    }
    table
}
