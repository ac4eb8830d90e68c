//! Rows of a scope into records of an object.
//!
//! A run's [`Load`] goes through the steps in order. A step takes rows in batches; **each batch is one
//! transaction** in which the records, the run's ledger and the row outcomes are written, so that what
//! the ledger says is what is in the database, whatever happens next. Between batches the writer is free
//! for others. Rows of a step, and later steps, see what earlier ones wrote.
//!
//! | file | says |
//! |---|---|
//! | [`plan`] | a step with its ids resolved |
//! | `convert`, `mapping`, `choice` | variables' values → field values |
//! | [`matching`], `look` | which record a row is about |
//! | [`conflict`] | what an update does to a field that holds something |
//! | `write`, `fate` | one row, start to end, and what became of it |
//! | `index` | what look-ups need before the first batch |
//! | `run`, `rows`, `keep`, `end` | batches, what is kept of their rows, the ledger |
//! | [`diff`] | which rows need no loading, and what the next run may compare with |
//!
//! A dry run is the same code on a scratch database ([`crate::store::scratch`]).

mod choice;
pub mod conflict;
mod convert;
pub mod diff;
mod end;
mod fate;
mod index;
mod keep;
mod look;
mod mapping;
pub mod matching;
pub mod plan;
mod rows;
mod run;
mod write;

use std::sync::Arc;

pub use index::{LateIndexes, MissingIndex, make_late};
pub use plan::{Members, StepPlan};
pub use run::{Load, Settings, Stop};

use crate::{execution::outcome::Message, variable::Value};

/// A variable's value in one row, or why it has none.
pub type Cell = std::result::Result<Value, Box<Message>>;

/// One row of a scope, with the values of the variables that a step uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number in the scope, from 1.
    pub row: u64,
    /// The source line, where the script selected `_line`.
    pub line: Option<i64>,
    /// The input table, where the script selected `_table`.
    pub source: Option<Arc<str>>,
    /// In the order of [`StepPlan::variables`].
    pub values: Vec<Cell>,
    /// What is odd about values that were taken.
    pub warnings: Vec<Message>,
}
