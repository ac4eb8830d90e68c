//! API keys and the sessions that the page makes of them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use uuid::Uuid;

use super::{column, member, time};
use crate::{
    auth::{ApiKey, Member, Role},
    error::Result,
    id::{ConnectorId, KeyId},
};

fn from_row(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let connectors: Option<String> = row.get("connectors")?;
    let connectors: Option<Vec<Uuid>> = connectors
        .map(|text| serde_json::from_str(&text).map_err(|e| time::corrupt("connectors", &e.to_string())))
        .transpose()?;
    Ok(ApiKey {
        id: column::parsed(row, "id")?,
        member: column::parsed(row, "member_id")?,
        name: row.get("name")?,
        role: column::word(row, "role", Role::parse)?,
        connectors: connectors.map(|ids| ids.into_iter().map(ConnectorId).collect()),
        created: time::get(row, "created")?,
        last_used_at: time::get_optional(row, "last_used_at")?,
        expires_at: time::get_optional(row, "expires_at")?,
        revoked_at: time::get_optional(row, "revoked_at")?,
    })
}

/// Adds a key; only the hash of its secret is kept.
pub fn insert(tx: &Transaction<'_>, key: &ApiKey, secret_hash: &[u8; 32]) -> Result<()> {
    let connectors = key.connectors.as_ref().map(column::to_json).transpose()?;
    tx.execute(
        "INSERT INTO api_key (id, member_id, name, secret_hash, role, connectors, created, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            key.id.to_string(),
            key.member.to_string(),
            key.name,
            secret_hash,
            key.role.as_str(),
            connectors,
            time::to_ms(key.created),
            key.expires_at.map(time::to_ms)
        ],
    )?;
    Ok(())
}

/// The key whose secret has this hash and its member, when neither was revoked, removed or expired.
/// The look-up is by the hash of a random secret: what an index look-up leaks about a hash tells
/// nothing about the secret.
pub fn by_secret(
    conn: &Connection,
    secret_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, Member)>> {
    valid(conn, "secret_hash = ?1", secret_hash, now)
}

/// The key behind a session, likewise.
pub fn by_session(
    conn: &Connection,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, Member)>> {
    valid(conn, "id = (SELECT key_id FROM session WHERE token_hash = ?1 AND expires > ?2)", token_hash, now)
}

fn valid(
    conn: &Connection,
    filter: &str,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, Member)>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT * FROM api_key WHERE {filter} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)"
    ))?;
    let key = statement.query_row(params![hash, time::to_ms(now)], from_row).optional()?;
    let Some(key) = key else { return Ok(None) };
    let member = member::find(conn, key.member)?.filter(|member| member.deleted.is_none());
    Ok(member.map(|member| (key, member)))
}

/// Every key that was not revoked, oldest first.
pub fn all(conn: &Connection) -> Result<Vec<ApiKey>> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM api_key WHERE revoked_at IS NULL ORDER BY created, id")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Revokes a key and ends its sessions. Answers whether there was such a key.
pub fn revoke(tx: &Transaction<'_>, id: KeyId, now: DateTime<Utc>) -> Result<bool> {
    tx.execute("DELETE FROM session WHERE key_id = ?", [id.to_string()])?;
    let changed = tx.execute(
        "UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        params![time::to_ms(now), id.to_string()],
    )?;
    Ok(changed == 1)
}

/// Notes that a key was used.
pub fn touch(tx: &Transaction<'_>, id: KeyId, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "UPDATE api_key SET last_used_at = ? WHERE id = ?",
        params![time::to_ms(now), id.to_string()],
    )?;
    Ok(())
}

/// Starts a session, and forgets those that have expired.
pub fn start_session(
    tx: &Transaction<'_>,
    token_hash: &[u8; 32],
    key: KeyId,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<()> {
    tx.execute("DELETE FROM session WHERE expires <= ?", [time::to_ms(now)])?;
    tx.execute(
        "INSERT INTO session (token_hash, key_id, created, expires) VALUES (?, ?, ?, ?)",
        params![token_hash, key.to_string(), time::to_ms(now), time::to_ms(expires)],
    )?;
    Ok(())
}

/// Ends a session.
pub fn end_session(tx: &Transaction<'_>, token_hash: &[u8; 32]) -> Result<()> {
    tx.execute("DELETE FROM session WHERE token_hash = ?", [token_hash])?;
    Ok(())
}
