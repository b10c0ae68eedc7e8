//! The little markup that prose and labels may use, and the escaping of everything else.
//!
//! `^{…}` raises, `_{…}` lowers, and text between backticks is set as code. Nothing else is special; `R^{c}` is R with a raised c.
