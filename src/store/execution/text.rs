//! What a search of executions looks at: the input's file name and the error, in lower case.
//!
//! `execution_text` has a lean row per execution, and `execution_trigram` knows where each three letters stand in
//! them; triggers keep it. The row is written with what it is made of, in the same transaction.

use rusqlite::{OptionalExtension as _, Transaction, params, types::Value};

use super::list::Filter;
use crate::{error::Result, store::folded::fold};

/// Writes the text of an execution anew.
pub(super) fn keep(tx: &Transaction<'_>, id: &str) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, is_dry_run, input_name || char(10) || coalesce(error_details, '') FROM execution WHERE id = ?",
    )?;
    let found: Option<(i64, bool, String)> =
        statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((seq, is_dry_run, text)) = found else { return Ok(()) };
    let text = Some(fold(&text));
    let (live, dry) = if is_dry_run { (None, text) } else { (text, None) };
    tx.prepare_cached(
        "INSERT INTO execution_text (execution, live, dry) VALUES (?1, ?2, ?3)
         ON CONFLICT (execution) DO UPDATE SET live = ?2, dry = ?3",
    )?
    .execute(params![seq, live, dry])?;
    Ok(())
}

/// Where a list's word is looked for.
#[derive(Debug)]
pub(super) enum Search {
    /// In the rows that the rest of the filter leaves, which are few.
    Each(&'static str, Value),
    /// In all: the statement answers the `seq` of those that have it. Dry runs are left out if the filter does so.
    All(&'static str, Value),
}

/// The shortest word that trigrams know.
const TRIGRAM: usize = 3;

/// How the filter's word is looked for; `None`: it has none.
pub(super) fn search(filter: &Filter) -> Option<Search> {
    let word = fold(filter.search.as_deref().filter(|word| !word.is_empty())?);
    if filter.connector.is_some() || filter.ids.is_some() {
        let each = "instr((SELECT coalesce(live, dry) FROM execution_text WHERE execution = seq), ?)";
        return Some(Search::Each(each, word.into()));
    }
    // A query of FTS5 ends at a NUL.
    if word.chars().count() < TRIGRAM || word.contains('\0') {
        let all = if filter.include_dry_run {
            "SELECT execution AS seq FROM execution_text WHERE instr(coalesce(live, dry), ?)"
        } else {
            "SELECT execution AS seq FROM execution_text WHERE instr(live, ?)"
        };
        return Some(Search::All(all, word.into()));
    }
    let phrase = format!("\"{}\"", word.replace('"', "\"\""));
    let phrase = if filter.include_dry_run { phrase } else { format!("live : {phrase}") };
    let all = "SELECT rowid AS seq FROM execution_trigram WHERE execution_trigram MATCH ?";
    Some(Search::All(all, phrase.into()))
}
