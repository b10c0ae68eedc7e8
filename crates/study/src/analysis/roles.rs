//! Which column is what: the request over the layout.

use super::{Request, layout::Plan};
use crate::{
    Error, Result,
    report::words::list,
    tables::{RawColumn, RawTable, TableError},
};
use std::collections::BTreeSet;

/// Columns of a table, those that were made from others first.
pub(super) struct View<'a> {
    pub(super) raw: &'a RawTable,
    pub(super) derived: &'a [RawColumn],
}

impl<'a> View<'a> {
    pub(super) fn column(&self, name: &str) -> Result<&'a RawColumn> {
        match self.derived.iter().find(|column| column.name == name) {
            Some(column) => Ok(column),
            None => self.raw.column(name),
        }
    }
}

/// Which column is what.
pub(super) struct Roles {
    pub(super) gap: String,
    pub(super) hyper: Vec<String>,
    /// The measures, and whether somebody named them or they are what is left.
    pub(super) measures: Vec<String>,
    pub(super) named: bool,
}

impl Roles {
    pub(super) fn of(view: &View<'_>, plan: &Plan, request: &Request) -> Result<Self> {
        let or = |asked: &Option<Vec<String>>, known: &Option<Vec<String>>| {
            asked.clone().or_else(|| known.clone()).map(distinct)
        };
        let gap = request.gap.clone().or_else(|| plan.gap.clone());
        let hyper = or(&request.hyper, &plan.hyper);
        let measures = or(&request.measures, &plan.measures);
        for name in gap
            .iter()
            .chain(hyper.iter().flatten())
            .chain(measures.iter().flatten())
        {
            view.column(name)?;
        }
        let flagged = |name: &str| plan.flags.iter().any(|flag| flag.column == name);
        let (gap, hyper, measures, named) = match (gap, hyper, measures) {
            (Some(gap), hyper, Some(measures)) => (gap, hyper.unwrap_or_default(), measures, true),
            (Some(gap), Some(hyper), None) => {
                let free = |name: &&str| {
                    *name != gap && !hyper.iter().any(|h| h == name) && !flagged(name)
                };
                let rest = view.raw.names().filter(free).map(str::to_owned).collect();
                (gap, hyper, rest, false)
            }
            (gap, _, measures) => {
                return Err(unrecognized(view, gap.is_some(), measures.is_some()));
            }
        };
        let roles = Self {
            gap,
            hyper,
            measures,
            named,
        };
        roles.check()?;
        Ok(roles)
    }

    /// No column is two things, and none takes a name that the results need.
    fn check(&self) -> Result<()> {
        let twice = |name: &String, first: &str, second: &str| {
            Err(Error::Table(TableError::TwoRoles {
                name: name.clone(),
                first: first.to_owned(),
                second: second.to_owned(),
            }))
        };
        for name in &self.hyper {
            if *name == self.gap {
                return twice(name, "the gap", "a hyper-parameter");
            }
            if name == "all" {
                return Err(TableError::ReservedName { name: name.clone() }.into());
            }
        }
        for name in &self.measures {
            if *name == self.gap {
                return twice(name, "the gap", "a measure");
            }
            if self.hyper.contains(name) {
                return twice(name, "a hyper-parameter", "a measure");
            }
        }
        Ok(())
    }
}

/// The names, each once.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = |name: &String| seen.insert(name.clone());
    names.into_iter().filter(first).collect()
}

fn unrecognized(view: &View<'_>, gap: bool, measures: bool) -> Error {
    let flags = [
        (gap, "the generalization gap (`--gap COL`)"),
        (measures, "the measures (`--measures COL,…`)"),
    ];
    let missing: Vec<&str> = flags
        .iter()
        .filter(|(known, _)| !known)
        .map(|f| f.1)
        .collect();
    TableError::Unrecognized {
        missing: format!(
            "name {}; hyper-parameters go with `--hyper COL,…`",
            list(&missing)
        ),
        columns: view.raw.names().collect::<Vec<_>>().join(", "),
    }
    .into()
}
