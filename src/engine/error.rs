//! What can go wrong while a script is prepared, run and read, as facts; the sentences are made here.

use std::{fmt, time::Duration};

use super::statement::Position;
use crate::error::{Code, Error};

/// Why the engine stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineError {
    /// The execution's token was set.
    Cancelled,
    /// A statement of the script is wrong or not allowed.
    Script(ScriptError),
    /// The script used more than it may.
    Limit {
        /// Which limit.
        limit: Limit,
        /// The statement that ran, when one did.
        at: Option<Place>,
    },
    /// A cell of an input is larger than one value may be.
    LargeCell {
        /// Where its row starts.
        line: i64,
        /// `engine.max_value_mb`.
        max_value_mb: u32,
    },
    /// The script left no table in `output`.
    NoOutput,
    /// An output table's name can't be a scope.
    ScopeName {
        /// The table as the script named it.
        table: String,
    },
    /// A script without statements needs exactly one input table.
    NothingToPassThrough {
        /// The input tables that there are.
        tables: Vec<String>,
    },
    /// A table or column that the caller asked for is not there.
    Missing {
        /// `table` or `column`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is there instead.
        found: Vec<String>,
    },
    /// A write to the scratch databases found no space on the disk.
    DiskFull {
        /// What was being done.
        doing: &'static str,
    },
    /// The scratch databases failed: a lost folder, a broken disk, a defect of ours.
    Scratch {
        /// What was being done.
        doing: &'static str,
        /// What SQLite or the system said.
        cause: String,
    },
}

/// A statement of the script that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Where in the script.
    pub place: Place,
    /// What was found, in SQLite's words where they are its.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A statement and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which statement; counts from 1.
    pub statement: usize,
    /// Where, in the whole script.
    pub position: Position,
}

/// A limit that a script ran into.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Time for the whole script.
    Time(Duration),
    /// The same, where the connector allows less than the server.
    OwnTime(Duration),
    /// Rows in all output tables.
    Rows(u64),
    /// Megabytes of the script's own tables.
    Scratch(u64),
    /// Megabytes of the tables that the script reads.
    Input(u64),
    /// The disk has less than `engine.min_free_mb` left, or nothing. Told as every full disk is, whether this finds
    /// it first or a write of records.
    Space(u64),
    /// Megabytes of one value.
    Value(u32),
    /// Megabytes that one aggregate keeps.
    Aggregate(u32),
}

impl Limit {
    /// The key of the configuration that sets it.
    #[must_use]
    pub const fn config_key(self) -> &'static str {
        match self {
            Self::Time(_) => "engine.timeout_s",
            Self::OwnTime(_) => "timeout_s of the connector",
            Self::Rows(_) => "engine.max_rows",
            Self::Scratch(_) | Self::Input(_) => "engine.max_scratch_mb",
            Self::Space(_) => "engine.min_free_mb",
            Self::Value(_) => "engine.max_value_mb",
            Self::Aggregate(_) => "engine.max_aggregate_mb",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) | Self::OwnTime(time) => {
                write!(f, "Query execution time limit exceeded ({} s).", time.as_secs_f64())
            }
            Self::Rows(rows) => write!(f, "Row limit exceeded ({rows} rows)."),
            Self::Scratch(mb) => write!(f, "Scratch space limit exceeded ({mb} MB)."),
            Self::Input(mb) => write!(f, "The input tables and seeds take more than {mb} MB together."),
            Self::Space(mb) => write!(f, "Less than {mb} MB are free on the disk."),
            Self::Value(mb) => write!(f, "Value size limit exceeded ({mb} MB)."),
            Self::Aggregate(mb) => write!(f, "Aggregate size limit exceeded ({mb} MB)."),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.position.line, self.position.column)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error running connector SQL script: {}: {}", self.place, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("Cancelled."),
            Self::Script(error) => error.fmt(f),
            Self::Limit { limit, at: None } => write!(f, "{limit} The limit is {}.", limit.config_key()),
            Self::Limit { limit, at: Some(place) } => write!(
                f,
                "{limit} Stopped in statement {} ({place}); the limit is {}.",
                place.statement,
                limit.config_key()
            ),
            Self::LargeCell { line, max_value_mb } => write!(
                f,
                "Value size limit exceeded ({max_value_mb} MB) by a cell of the row in line {line}; the limit is \
                 engine.max_value_mb."
            ),
            Self::NoOutput => f.write_str(
                "No output tables found in output database, create at least one: \
                 CREATE TABLE output.<name> AS SELECT …",
            ),
            Self::ScopeName { table } => write!(
                f,
                "The output table \"{table}\" can't be a scope: its name must match ^[a-z_][a-z0-9_]{{0,62}}$."
            ),
            Self::NothingToPassThrough { tables } => write!(
                f,
                "The script is empty, which passes the only input table through, but there are {} input \
                 tables{}. Write a script.",
                tables.len(),
                listed(tables)
            ),
            Self::Missing { what, name, found } => {
                write!(f, "There is no {what} \"{name}\" among {} {what}s{}.", found.len(), listed(found))
            }
            Self::DiskFull { doing } => write!(f, "No space was left on the disk while {doing}."),
            Self::Scratch { doing, cause } => write!(f, "The scratch database failed while {doing}: {cause}"),
        }
    }
}

impl std::error::Error for EngineError {}

impl EngineError {
    /// Whether it is for lack of space on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Limit { limit: Limit::Space(_), .. })
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::DiskFull { .. } | EngineError::Limit { limit: Limit::Space(_), .. } => {
                Self::new(Code::DiskFull, error.to_string())
            }
            EngineError::Scratch { .. } | EngineError::Missing { .. } => Self::internal(error),
            EngineError::Limit { .. } | EngineError::LargeCell { .. } => {
                Self::new(Code::TooLarge, error.to_string())
            }
            EngineError::Cancelled => Self::conflict(error.to_string()),
            EngineError::Script(_)
            | EngineError::NoOutput
            | EngineError::ScopeName { .. }
            | EngineError::NothingToPassThrough { .. } => Self::invalid(error.to_string()),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}
