//! Loading at the library's level: rows into a real store, looked at with plain SQL.
#![expect(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod support;

mod batches;
mod conflicts;
mod count;
mod diff_check;
mod dry_run;
mod identity;
mod indexes;
mod late_index;
mod ledger;
mod matching;
mod model;
mod options;
mod relations;
mod rules;
