//! Every measure against the gap: one panel per measure, as many points as a page can carry.

use super::TableAnalysis;
use crate::{
    analysis::{charts::axis_of, words::with_interval},
    report::{Axis, Chart, Mark, Panel, Point, Series, Share},
};
use srr_measures::statistics::Column;

/// Panels of one figure.
const PANELS: usize = 12;

/// Points of all figures together, and of a panel at least.
const POINTS: (usize, usize) = (6000, 100);

impl TableAnalysis {
    /// One panel per measure, by τ, in figures of twelve.
    pub(super) fn scatter(&self) -> Vec<Chart> {
        let order = self.ranked();
        let measures = self.reading.table.measures();
        let most = (POINTS.0 / measures.len().max(1)).max(POINTS.1);
        let models = self.analysis.models;
        let drawn = if models > most {
            format!(
                " Of {models} models one in {} is drawn.",
                models.div_ceil(most)
            )
        } else {
            String::new()
        };
        let groups = order.chunks(PANELS);
        let several = groups.len() > 1;
        groups
            .enumerate()
            .map(|(place, group)| {
                let name = match several {
                    true => format!("scatter-{}", place + 1),
                    false => "scatter".to_owned(),
                };
                let title = match several {
                    true => format!("Measures {} to {} by τ against the gap", PANELS * place + 1, PANELS * place + group.len()),
                    false => "Every measure against the gap".to_owned(),
                };
                let caption = format!("One point per model; τ-a with its interval beside each name, largest first.{drawn}");
                let columns = if group.len() > 6 { 4 } else { 3 };
                let chart = Chart::new(name, title, caption)
                    .columns(columns.min(group.len()))
                    .share(Share::None, Share::All);
                let panels = group.iter().map(|&index| self.panel(&measures[index], index, models.div_ceil(most)));
                panels.fold(chart, Chart::panel)
            })
            .collect()
    }

    fn panel(&self, measure: &Column, index: usize, step: usize) -> Panel {
        let found = &self.analysis.measures[index];
        let gap = self.reading.table.gap();
        let all = measure.values().iter().zip(gap).step_by(step.max(1));
        let points: Vec<Point> = all
            .filter_map(|(value, gap)| Some(Point::at((*value)?, *gap)))
            .collect();
        let values = measure.values().iter().copied().flatten();
        let note = match found.tau_a {
            Some(tau) => format!("τ = {}", with_interval(tau, found.tau_a_interval)),
            None => "no τ".to_owned(),
        };
        let ink = usize::from(found.name == self.baseline);
        Panel::new(
            self.reading.short(&found.name),
            axis_of(values),
            Axis::new(self.reading.gap.clone()),
        )
        .note(note)
        .series(Series::new("", ink, Mark::Points).points(points))
    }
}
