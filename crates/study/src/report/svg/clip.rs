//! Lines cut at the edges of a panel.

/// Pieces of a line inside the unit square. A line to infinity ends on the edge; between two infinite points there is none.
pub(super) fn clipped_runs(shares: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64)>> {
    let finite = |(x, y): (f64, f64)| x.is_finite() && y.is_finite();
    let edge = |share: f64| {
        if share.is_finite() {
            share
        } else {
            share.clamp(0.0, 1.0)
        }
    };
    let onto = |(x, y): (f64, f64)| (edge(x), edge(y));
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in shares.windows(2) {
        let (Some(from), Some(to)) = (pair[0], pair[1]) else {
            continue;
        };
        if !finite(from) && !finite(to) {
            continue;
        }
        let Some((from, to)) = clip(onto(from), onto(to)) else {
            continue;
        };
        match runs.last_mut() {
            Some(run) if run.last() == Some(&from) => run.push(to),
            _ => runs.push(vec![from, to]),
        }
    }
    runs
}

/// The part of a segment inside the unit square (Liang and Barsky).
fn clip(from: (f64, f64), to: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (delta, room) in [
        (-dx, from.0),
        (dx, 1.0 - from.0),
        (-dy, from.1),
        (dy, 1.0 - from.1),
    ] {
        if delta == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if delta < 0.0 {
            enter = enter.max(room / delta);
        } else {
            leave = leave.min(room / delta);
        }
    }
    let at = |t: f64| (from.0 + t * dx, from.1 + t * dy);
    let start = if enter > 0.0 { at(enter) } else { from };
    let end = if leave < 1.0 { at(leave) } else { to };
    (enter <= leave).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_cut_at_the_edges() {
        assert_eq!(clip((0.2, 0.2), (0.8, 0.8)), Some(((0.2, 0.2), (0.8, 0.8))));
        assert_eq!(clip((0.5, 0.5), (0.5, 2.5)), Some(((0.5, 0.5), (0.5, 1.0))));
        assert_eq!(
            clip((-1.0, 0.5), (2.0, 0.5)),
            Some(((0.0, 0.5), (1.0, 0.5)))
        );
        assert_eq!(clip((-1.0, 0.5), (0.5, 2.0)), None);
        assert_eq!(clip((2.0, 0.0), (2.0, 1.0)), None);
    }

    #[test]
    fn lines_break_at_gaps_and_at_the_edge() {
        let shares = [
            Some((0.0, 0.5)),
            Some((0.25, 0.5)),
            None,
            Some((0.5, 0.5)),
            Some((0.75, 1.5)),
            Some((1.0, 0.5)),
        ];
        let runs = clipped_runs(&shares);
        assert_eq!(runs.len(), 3, "{runs:?}");
        assert_eq!(runs[0], [(0.0, 0.5), (0.25, 0.5)]);
        assert_eq!(runs[1], [(0.5, 0.5), (0.625, 1.0)]);
        assert_eq!(runs[2], [(0.875, 1.0), (1.0, 0.5)]);
    }

    #[test]
    fn lines_to_infinity_end_on_the_edge() {
        let shares = [
            (0.0, 0.5),
            (0.25, f64::INFINITY),
            (0.5, f64::INFINITY),
            (0.75, f64::NEG_INFINITY),
            (1.0, 0.5),
        ];
        let runs = clipped_runs(&shares.map(Some));
        assert_eq!(runs, [[(0.0, 0.5), (0.25, 1.0)], [(0.75, 0.0), (1.0, 0.5)]]);
    }
}
