//! Requests that started an execution and may come again: a key seen within a day starts nothing and has
//! the first answer. A key is noted in the transaction that queues its execution.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{Store, column, time};
use crate::{
    error::Result,
    execution::TriggerType,
    id::{ConnectorId, ExecutionId, MemberId},
};

/// How long a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);
/// Keys that are forgotten in one transaction, at most.
const SWEEP: i64 = 1_000;

/// A request that came with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Of which connector a run is asked for.
    pub connector: ConnectorId,
    /// By which route.
    pub route: TriggerType,
    /// By whom.
    pub member: MemberId,
    /// The key.
    pub key: String,
    /// SHA-256 of what is asked.
    pub hash: [u8; 32],
}

/// What the first request of a key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The execution that it queued.
    pub execution: ExecutionId,
    /// SHA-256 of what it asked.
    pub hash: [u8; 32],
    /// The body of its answer; `None` until somebody was answered.
    pub answer: Option<String>,
}

/// The first request with this one's key.
pub fn find(conn: &Connection, request: &Request, now: DateTime<Utc>) -> Result<Option<Earlier>> {
    let mut statement = conn.prepare_cached(
        "SELECT execution_id, request, answer FROM idempotency_key
         WHERE connector_id = ? AND route = ? AND member_id = ? AND key = ? AND at > ?",
    )?;
    let Request { connector, route, member, key, .. } = request;
    let since = time::to_ms(now - REMEMBERED);
    let found = statement
        .query_row(params![connector.to_string(), route.as_str(), member.to_string(), key, since], |row| {
            Ok(Earlier {
                execution: column::parsed(row, "execution_id")?,
                hash: row.get("request")?,
                answer: row.get("answer")?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Remembers the request, in the place of one that is old enough to be forgotten.
pub fn note(
    tx: &Transaction<'_>,
    request: &Request,
    execution: ExecutionId,
    now: DateTime<Utc>,
) -> Result<()> {
    let Request { connector, route, member, key, hash } = request;
    tx.prepare_cached(
        "DELETE FROM idempotency_key
         WHERE connector_id = ? AND route = ? AND member_id = ? AND key = ? AND at <= ?",
    )?
    .execute(params![
        connector.to_string(),
        route.as_str(),
        member.to_string(),
        key,
        time::to_ms(now - REMEMBERED)
    ])?;
    tx.prepare_cached(
        "INSERT INTO idempotency_key (connector_id, route, member_id, key, request, execution_id, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        connector.to_string(),
        route.as_str(),
        member.to_string(),
        key,
        hash,
        execution.to_string(),
        time::to_ms(now)
    ])?;
    Ok(())
}

/// Keeps the answer that is about to be given, unless there is one: what is answered is what comes back.
pub fn settle(tx: &Transaction<'_>, request: &Request, answer: &str) -> Result<Option<String>> {
    let Request { connector, route, member, key, .. } = request;
    let mut statement = tx.prepare_cached(
        "UPDATE idempotency_key SET answer = coalesce(answer, ?)
         WHERE connector_id = ? AND route = ? AND member_id = ? AND key = ? RETURNING answer",
    )?;
    let kept = statement
        .query_row(params![answer, connector.to_string(), route.as_str(), member.to_string(), key], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(kept)
}

/// Forgets the keys that are old enough.
pub fn sweep(store: &Store) -> Result<()> {
    let until = time::to_ms(store.clock.now() - REMEMBERED);
    // Most of the time there is nothing to write.
    while store.control.read(|conn| {
        Ok(conn.prepare_cached("SELECT 1 FROM idempotency_key WHERE at <= ? LIMIT 1")?.exists([until])?)
    })? {
        store.control.write(|tx| {
            tx.prepare_cached(
                "DELETE FROM idempotency_key WHERE (connector_id, route, member_id, key) IN
                    (SELECT connector_id, route, member_id, key FROM idempotency_key WHERE at <= ? LIMIT ?)",
            )?
            .execute([until, SWEEP])?;
            Ok(())
        })?;
    }
    Ok(())
}
