//! Helpers shared by the workspace-wide tests.

pub mod golden;
