//! The functions of a script: SQLite's own that are harmless, and those of ours (`library`).
//!
//! A function call can't be interrupted by SQLite, so a call must either be linear in values that
//! `engine.max_value_mb` bounds, or ask the [`Watch`] itself. SQLite's `instr`, `replace`, `like`, `glob`,
//! `trim`, `unhex` and `json_patch` are neither: here they are replaced by ones that give the same answers.

mod instr;
mod json;
mod library;
mod pattern;
mod replace;
mod search;
mod text;
mod trim;
mod words;

use std::sync::Arc;

use rusqlite::{Connection, Error, ffi, functions::FunctionFlags};

pub use self::library::{Function, functions};
pub(super) use self::{
    library::{Host, spelled},
    words::Words,
};
use super::limits::Watch;

/// The longest pattern of `LIKE` and `GLOB`, in bytes.
pub(super) const MAX_PATTERN: i32 = 1_000;

/// How many cheap steps a loop makes between two looks at the watch.
const STEPS_BETWEEN_POLLS: usize = 64 * 1024;

/// SQLite's functions that scripts may call, by the names that SQLite reports.
const OFFERED: &[&str] = &[
    // text
    "char",
    "concat",
    "concat_ws",
    "format",
    "glob",
    "hex",
    "instr",
    "length",
    "like",
    "lower",
    "ltrim",
    "octet_length",
    "printf",
    "quote",
    "replace",
    "rtrim",
    "soundex",
    "substr",
    "substring",
    "trim",
    "unhex",
    "unicode",
    "unistr",
    "unistr_quote",
    "upper",
    "match",
    "regexp",
    // choice and type
    "coalesce",
    "if",
    "ifnull",
    "iif",
    "likelihood",
    "likely",
    "max",
    "min",
    "nullif",
    "subtype",
    "typeof",
    "unlikely",
    // numbers
    "abs",
    "random",
    "randomblob",
    "round",
    "sign",
    "zeroblob",
    // time
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "julianday",
    "strftime",
    "time",
    "timediff",
    "unixepoch",
    // aggregates and windows
    "avg",
    "count",
    "group_concat",
    "string_agg",
    "sum",
    "total",
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
    // JSON
    "->",
    "->>",
    "json",
    "json_array",
    "json_array_insert",
    "json_array_length",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_array_insert",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_patch",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    // the connection
    "changes",
    "last_insert_rowid",
    "sqlite_version",
    "total_changes",
    // what ALTER TABLE calls; SQLite lets no script call them
    "sqlite_add_constraint",
    "sqlite_drop_column",
    "sqlite_drop_constraint",
    "sqlite_fail",
    "sqlite_find_constraint",
    "sqlite_rename_column",
    "sqlite_rename_quotefix",
    "sqlite_rename_table",
    "sqlite_rename_test",
];

/// Whether scripts may call `name`.
pub(super) fn is_offered(name: &str) -> bool {
    OFFERED.iter().any(|offered| offered.eq_ignore_ascii_case(name)) || library::has(name)
}

/// The names of all functions that scripts may call, in lower case.
pub(super) fn offered() -> impl Iterator<Item = String> {
    OFFERED
        .iter()
        .copied()
        .chain(library::functions().map(|function| function.name))
        .map(str::to_ascii_lowercase)
}

/// Puts those of our functions on a connection that `words` name.
pub(super) fn register(db: &Connection, host: &Arc<Host>, words: &Words) -> Result<(), Error> {
    let watch = &host.watch;
    // Harmless in views and generated columns too, like those that they replace.
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    if words.have("instr") {
        instr::register(db, watch, flags)?;
    }
    if words.have("replace") {
        replace::register(db, watch, flags, watch.limits().max_value())?;
    }
    if words.have_one_of(&["trim", "ltrim", "rtrim", "unhex"]) {
        trim::register(db, watch, flags)?;
    }
    if words.have_one_of(&["json_patch", "jsonb_patch"]) {
        json::register(db, flags)?;
    }
    // The operators are calls of them.
    if words.have_one_of(&["like", "glob"]) {
        pattern::register(db, watch, flags)?;
    }
    library::register(db, host, words)
}

/// What a function of ours answers once the watch stopped it.
fn interrupted() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

/// A refusal in SQLite's own words.
fn refused(sentence: &str) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(sentence.to_owned()))
}

/// A result over the value limit.
fn too_big() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None)
}

fn poll(watch: &Watch) -> Result<(), Error> {
    if watch.must_stop() { Err(interrupted()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
