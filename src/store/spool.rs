//! What a run sets aside while it loads, in a database of its own: the record of every row for later steps, and the
//! rows that the report will list. Memory does not grow with them.
//!
//! It is written along with the batches: committed after the batch, rolled back with it. A crash ends it, so nothing
//! is synced.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    execution::{Outcome, outcome::Message},
};

/// Why a later step can't use a row, or the record that it can use.
pub type Exposed = std::result::Result<i64, String>;

/// One row as the report's upload sheet shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// The row's number in the scope.
    pub row: u64,
    /// The source line, where known.
    pub line: Option<i64>,
    /// The input table, where known.
    pub table: Option<String>,
    /// The record that it matched or made (the row of the object's table).
    pub record: Option<i64>,
    /// What became of it.
    pub outcome: Outcome,
    /// Errors of a rejected row, the reason of a skipped one.
    pub errors: Vec<Message>,
    /// Warnings.
    pub warnings: Vec<Message>,
    /// The mapped values as text, in the order of the step's mapping rules.
    pub cells: Vec<Option<String>>,
    /// In a dry run, of an updated row: field, old and new value.
    pub changes: Vec<crate::execution::outcome::Change>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    outcome: Outcome,
    errors: Vec<Message>,
    warnings: Vec<Message>,
    cells: Vec<Option<String>>,
    changes: Vec<crate::execution::outcome::Change>,
}

/// The spool of one run.
pub struct Spool {
    connection: Connection,
}

impl Spool {
    /// Makes the spool.
    pub fn create() -> Result<Self> {
        // SQLite makes the file when the page cache is full, where the sorters of scripts are.
        let connection = Connection::open("")?;
        connection.execute_batch(
            "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;
             PRAGMA cache_size=-4096;
             CREATE TABLE exposed (step INTEGER, row INTEGER, record INTEGER, reason TEXT,
                                   PRIMARY KEY (step, row)) WITHOUT ROWID;
             CREATE TABLE upload (step INTEGER, rejected INTEGER, row INTEGER, line INTEGER, source TEXT,
                                  record INTEGER, body TEXT, PRIMARY KEY (step, rejected DESC, row)) WITHOUT ROWID;",
        )?;
        Ok(Self { connection })
    }

    /// Begins what belongs to one batch.
    pub fn begin(&self) -> Result<()> {
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    /// Keeps it: the batch is committed.
    pub fn commit(&self) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Drops it: the batch was rolled back. Nothing to drop is fine.
    pub fn rollback(&self) -> Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    /// Sets aside the record of a row of a step, or why there is none.
    pub fn expose(&self, step: i64, row: u64, exposed: Result<i64, &str>) -> Result<()> {
        let (record, reason) = match exposed {
            Ok(record) => (Some(record), None),
            Err(reason) => (None, Some(reason)),
        };
        self.connection.prepare_cached("INSERT INTO exposed VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            step,
            row.cast_signed(),
            record,
            reason
        ])?;
        Ok(())
    }

    /// The record of a row of an earlier step; `None` when the step did not process the row.
    pub fn exposed(&self, step: i64, row: u64) -> Result<Option<Exposed>> {
        let found = self
            .connection
            .prepare_cached("SELECT record, reason FROM exposed WHERE step = ?1 AND row = ?2")?
            .query_row(params![step, row.cast_signed()], |found| {
                Ok(match found.get(0)? {
                    Some(record) => Ok(record),
                    None => Err(found.get::<_, Option<String>>(1)?.unwrap_or_default()),
                })
            })
            .optional()?;
        Ok(found)
    }

    /// Sets aside a row for the report.
    pub fn keep_upload(&self, step: i64, row: UploadRow) -> Result<()> {
        let rejected = row.outcome == Outcome::Rejected;
        let body = Body {
            outcome: row.outcome,
            errors: row.errors,
            warnings: row.warnings,
            cells: row.cells,
            changes: row.changes,
        };
        let body = serde_json::to_string(&body).map_err(|e| Error::internal(format!("spooled row: {e}")))?;
        self.connection
            .prepare_cached("INSERT INTO upload VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![step, rejected, row.row.cast_signed(), row.line, row.table, row.record, body])?;
        Ok(())
    }

    /// Hands the rows kept of a step to `take`, rejected ones first, at most `limit`.
    pub fn uploads(
        &self,
        step: i64,
        limit: u64,
        mut take: impl FnMut(UploadRow) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, line, record, body, source FROM upload WHERE step = ?1
             ORDER BY rejected DESC, row LIMIT ?2",
        )?;
        let mut rows = statement.query(params![step, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            let body: String = row.get(3)?;
            let body: Body =
                serde_json::from_str(&body).map_err(|e| Error::internal(format!("spooled row: {e}")))?;
            take(UploadRow {
                row: row.get::<_, i64>(0)?.cast_unsigned(),
                line: row.get(1)?,
                table: row.get(4)?,
                record: row.get(2)?,
                outcome: body.outcome,
                errors: body.errors,
                warnings: body.warnings,
                cells: body.cells,
                changes: body.changes,
            })?;
        }
        Ok(())
    }
}
