//! The functions beyond SQLite's own.
//!
//! One table drives them: a row has the name, what people read about it, an example with its result,
//! and the code. Nothing can be registered without its row, the row is what `query --functions` and
//! `GET /api/sql-functions` show, and a test runs every example. Each file holds the rows of one topic
//! beside their code; [`call`] is how they see their arguments.
//!
//! What holds for all of them:
//!
//! - NULL in gives NULL out, where the row says nothing else.
//! - A REAL counts as the decimal that it leaves SQL with: the shortest that reads back.
//! - A value over 64 KiB is looked at piece by piece, and the watch is asked between the pieces.
//! - Moments are answered as RFC 3339 in UTC, as seeds have them, so that they compare as text. Text
//!   without an offset is a wall clock in the workspace's time zone.
//! - The statement's own time is taken when it starts: `now()` and `today()` are the same in all its
//!   rows, as they are in ClickHouse (and `current_timestamp` in SQLite).

mod array;
mod call;
mod condition;
mod decimal;
mod familiar;
mod familiar_json;
mod familiar_time;
mod fold;
mod kept;
mod maths;
mod other;
mod parse;
mod pick;
mod quantile;
mod re2;
mod regexp;
mod time;
mod words;

use std::{collections::HashSet, sync::LazyLock};

use rusqlite::{Connection, Error, functions::FunctionFlags};
use serde::Serialize;
use utoipa::ToSchema;

pub(in crate::engine) use self::call::Host;
use self::{
    call::{Answer, Call},
    fold::Fold,
};
use super::Words;

/// A function that scripts may call beside SQLite's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Function {
    /// Its name. SQLite does not distinguish upper and lower case.
    #[schema(example = "initcap")]
    pub name: &'static str,
    /// What it is about: `text`, `parse`, `time`, `decimal`, `maths`, `other`, `aggregate`, `clickhouse`.
    pub group: &'static str,
    /// Its name with its arguments; those in brackets may be left out.
    #[schema(example = "initcap(s)")]
    pub signature: &'static str,
    /// What it answers.
    pub meaning: &'static str,
    /// A call, as it stands behind SELECT.
    #[schema(example = "initcap('jean-luc PICARD')")]
    pub example: &'static str,
    /// What the example answers, as text; null for NULL.
    #[schema(example = "Jean-Luc Picard")]
    pub result: Option<&'static str>,
    /// How many arguments it takes; -1: any number.
    #[serde(skip)]
    arguments: &'static [i32],
    #[serde(skip)]
    kind: Kind,
}

/// How SQLite calls it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The same arguments give the same answer.
    Scalar(fn(&Call<'_>) -> Result<Answer, Error>),
    /// As `Scalar`, and it knows JSON from text.
    Json(fn(&Call<'_>) -> Result<Answer, Error>),
    /// The answer depends on more than the arguments.
    Volatile(fn(&Call<'_>) -> Result<Answer, Error>),
    /// Many rows, one answer.
    Aggregate(fn() -> Box<dyn Fold>),
}

/// Rows of the table: `name "(arguments)" [how many] Kind(code): "meaning"; "example" => "result";`.
macro_rules! rows {
    ($group:literal; $($name:tt $signature:literal [$($count:literal),+] $kind:ident($run:expr):
        $meaning:literal; $example:literal => $result:tt;)+) => {
        &[$($crate::engine::functions::library::Function {
            name: stringify!($name),
            group: $group,
            signature: concat!(stringify!($name), $signature),
            meaning: $meaning,
            example: $example,
            result: $crate::engine::functions::library::rows!(@result $result),
            arguments: &[$($count),+],
            kind: $crate::engine::functions::library::Kind::$kind($run),
        }),+]
    };
    (@result NULL) => { None };
    (@result $text:literal) => { Some($text) };
}
use rows;

const TABLE: [&[Function]; 14] = [
    words::FUNCTIONS,
    regexp::FUNCTIONS,
    parse::FUNCTIONS,
    time::FUNCTIONS,
    decimal::FUNCTIONS,
    maths::FUNCTIONS,
    other::FUNCTIONS,
    quantile::FUNCTIONS,
    pick::FUNCTIONS,
    array::FUNCTIONS,
    familiar::FUNCTIONS,
    condition::FUNCTIONS,
    familiar_time::FUNCTIONS,
    familiar_json::FUNCTIONS,
];

static NAMES: LazyLock<HashSet<String>> =
    LazyLock::new(|| functions().map(|function| function.name.to_ascii_lowercase()).collect());

/// Every function beyond SQLite's own, by topic.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    TABLE.into_iter().flatten()
}

/// Whether there is a function of this name.
pub(in crate::engine) fn has(name: &str) -> bool {
    NAMES.contains(name) || NAMES.contains(&name.to_ascii_lowercase())
}

/// A function's name as it is written here: SQLite itself only knows it in lower case.
pub(in crate::engine) fn spelled(name: String) -> String {
    let known = functions().find(|function| function.name.eq_ignore_ascii_case(&name));
    known.map_or(name, |function| function.name.to_owned())
}

/// Puts those on a connection that `words` name.
pub(in crate::engine) fn register(
    db: &Connection,
    host: &std::sync::Arc<Host>,
    words: &Words,
) -> Result<(), Error> {
    // Harmless in views and generated columns too.
    let always = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let same = always | FunctionFlags::SQLITE_DETERMINISTIC;
    let json = same | FunctionFlags::SQLITE_SUBTYPE | FunctionFlags::SQLITE_RESULT_SUBTYPE;
    for function in functions().filter(|function| words.have(function.name)) {
        for count in function.arguments {
            match function.kind {
                Kind::Scalar(run) => call::register(db, host, function.name, *count, same, run)?,
                Kind::Json(run) => call::register(db, host, function.name, *count, json, run)?,
                Kind::Volatile(run) => call::register(db, host, function.name, *count, always, run)?,
                Kind::Aggregate(new) => fold::register(db, host, function.name, *count, json, new)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
