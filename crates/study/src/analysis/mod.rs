//! Statistics on anybody's table: which measures order models by their generalization gap, and in which environments they fail.
//!
//! A [`RawTable`](crate::tables::RawTable) and a [`Request`] make a [`Reading`]: which column is what, and which rows count. A reading
//! makes a [`TableAnalysis`]: τ, ψ, 𝒦 and robust sign errors with intervals and comparisons, as JSON, as tables and as a page. What the
//! `correlation` artefact of a study shows as well stands here once: `coefficients`, `charts`, `rivals`, `sign_errors`, `words`.
//!
//! ```
//! use srr_study::{analysis::{Request, analyse_table}, tables::{RawCell, RawColumn, RawTable}};
//!
//! let column = |name: &str, cells: [f64; 4]| RawColumn {
//!     name: name.to_owned(),
//!     cells: cells.map(RawCell::Number).into(),
//! };
//! let table = RawTable::new(vec![
//!     column("width", [1.0, 1.0, 2.0, 2.0]),
//!     column("gap", [0.1, 0.2, 0.3, 0.4]),
//!     column("mine", [1.0, 2.0, 4.0, 3.0]),
//! ])?;
//! let request = Request {
//!     gap: Some("gap".to_owned()),
//!     hyper: Some(vec!["width".to_owned()]),
//!     measures: Some(vec!["mine".to_owned()]),
//!     ..Request::default()
//! };
//! let found = analyse_table(&table, &request)?;
//! assert_eq!(found.statistics().measures[0].tau_a, Some(4.0 / 6.0));
//! assert!(found.json()?.contains("\"tau_a\": 0.6666666666666666"));
//! # Ok::<(), srr_study::Error>(())
//! ```

pub(crate) mod charts;
pub(crate) mod coefficients;
mod json;
mod layout;
mod page;
mod publish;
mod reading;
mod remarks;
mod request;
pub(crate) mod rivals;
mod roles;
mod rows;
mod scatter;
mod sections;
pub(crate) mod sign_errors;
mod table_analysis;
pub(crate) mod words;

pub use layout::Layout;
pub use publish::FILE;
pub use reading::Reading;
pub use request::{Request, default_draws};
pub use rows::Rows;
pub use table_analysis::{TableAnalysis, analyse_table};

/// Level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// The measure that stands out in figures and is compared with every other one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Star<'a> {
    /// Its name in the table.
    pub(crate) name: &'a str,
    /// As a sentence speaks of it, in small letters.
    pub(crate) title: &'a str,
}
